"""A run's parts opened again: the bundle and the gold that it was made with, and nothing else in their place."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from isco_eval.doubts import Doubt
from isco_eval.gold import Gold, guessed_slices, read_suite, read_titles
from isco_eval.run import without_own
from isco_eval.store import Store
from isco_eval.suite import Suite, find_suite, load_suite
from isco_rag.bundle import MANIFEST, file_hash
from isco_rag.classify import Classifier
from isco_rag.errors import EvaluationError, UsageError
from isco_rag.formula import guarded
from isco_rag.settings import Settings
from isco_rag.taxonomy import Taxonomy
from isco_rag.wiring import open_classifier, with_entries


def reopen(store: Store, run: int, index_also: Path | None = None) -> tuple[Classifier, Gold]:
    """The classifier and the gold of a run; EvaluationError where either is not what it was."""
    about = store.rows("SELECT * FROM runs JOIN samples USING (sample) WHERE run = ?", run)[0]
    suite = msgspec.structs.replace(_suite(about), limit=about["row_limit"])
    found = file_hash(suite.path) if suite.path.is_file() else "nothing"
    if found != about["gold_hash"]:
        raise EvaluationError(
            f"{suite.path}: is not the gold of run {run} (the run was made on {about['gold_hash']}, there is {found}); restore the file or make a new run"
        )
    if suite.digest != about["suite_hash"]:
        raise EvaluationError(
            f"the suite '{suite.name}' is read another way than in run {run} (the run names {about['suite_hash']}, it has {suite.digest}); "
            "restore the suite or make a new run"
        )
    bundle = Path(about["bundle_path"])
    there = file_hash(bundle / MANIFEST) if (bundle / MANIFEST).is_file() else "nothing"
    if there != about["bundle_hash"]:
        raise EvaluationError(
            f"{bundle}: is not the bundle of run {run} ({about['bundle']} with {about['bundle_hash']}, there is {there}); "
            "restore the bundle or make a new run"
        )
    classifier = open_classifier(bundle, msgspec.json.decode(about["settings"], type=Settings))
    gold = read_suite(suite, classifier.taxonomy)
    if index_also:
        classifier = with_entries(classifier, read_titles(index_also, classifier.taxonomy, [gold]))
    classifier = without_own(classifier, suite, gold)
    if len(classifier.parts.index.entries) != about["entries"]:
        raise EvaluationError(f"run {run} had {about['entries']:,} entries in its index, now there are {len(classifier.parts.index.entries):,}; "
                              "give --index-also as it was given to the run")  # fmt: skip
    return classifier, gold


def _suite(about: dict[str, Any]) -> Suite:
    """The suite of a run: from the folder that it stood in, or the gold file alone; by its name where an older run does not say."""
    name, folder = about["suite"], about["suite_folder"]
    if folder is None:
        try:
            return find_suite(name)
        except UsageError:
            folder = ""
    if folder:
        return load_suite(Path(folder) / f"{name}.toml")
    found = find_suite(about["gold_path"])
    return msgspec.structs.replace(found, name=name, slices=guessed_slices(found.path))


def write_doubts(path: Path, doubts: Sequence[Doubt], gold: Gold, taxonomy: Taxonomy) -> None:
    """Writes the doubted gold codes as CSV with their texts, ready for a person who decides: an empty column `decision` is theirs."""
    names = ("id", "title", "duties", "gold", "gold_title", "suggested", "suggested_title", "wrong", "gold_probability", "suggested_probability",
             "why", "decision")  # fmt: skip
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for d in doubts:
            job = gold.jobs[d.row]
            writer.writerow([
                guarded(d.id), guarded(job.title), guarded(job.duties), d.gold, taxonomy.group(d.gold).title, d.suggested,
                taxonomy.group(d.suggested).title, d.wrong, d.gold_probability, d.suggested_probability, d.why, "",
            ])  # fmt: skip
