"""A run's parts opened again: the bundle and the gold that it was made with, and nothing else in their place."""

import csv
from pathlib import Path

from isco_eval.gold import Gold, read_suite, read_titles
from isco_eval.mistakes import Analysis
from isco_eval.run import without_own
from isco_eval.store import Store
from isco_eval.suite import Suite, find_suite
from isco_rag.bundle import MANIFEST, file_hash
from isco_rag.classify import Classifier
from isco_rag.errors import EvaluationError, UsageError
from isco_rag.settings import Settings
from isco_rag.taxonomy import Taxonomy
from isco_rag.wiring import open_classifier, with_entries


def reopen(store: Store, run: int, index_also: Path | None = None) -> tuple[Classifier, Gold]:
    """The classifier and the gold of a run; EvaluationError where either is not what it was."""
    import msgspec

    about = store.rows("SELECT * FROM runs JOIN samples USING (sample) WHERE run = ?", run)[0]
    suite = _suite(about["suite"], about["gold_path"])
    suite = msgspec.structs.replace(suite, limit=about["row_limit"])
    found = file_hash(suite.path) if suite.path.is_file() else "nothing"
    if found != about["gold_hash"]:
        raise EvaluationError(
            f"{suite.path}: is not the gold of run {run} (the run was made on {about['gold_hash']}, there is {found}); restore the file or make a new run"
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


def _suite(name: str, gold_path: str) -> Suite:
    try:
        return find_suite(name)
    except UsageError:
        return find_suite(gold_path)


def write_doubts(path: Path, analysis: Analysis, gold: Gold, taxonomy: Taxonomy) -> None:
    """Writes the doubted gold codes as CSV with their texts, ready for a person who decides: an empty column `decision` is theirs."""
    names = ("id", "title", "duties", "gold", "gold_title", "suggested", "suggested_title", "gold_probability", "suggested_probability",
             "usual_probability", "decision")  # fmt: skip
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for d in analysis.doubts:
            job = gold.jobs[d.row]
            writer.writerow([
                d.id, _harmless(job.title), _harmless(job.duties), d.gold, taxonomy.group(d.gold).title, d.suggested, taxonomy.group(d.suggested).title,
                d.gold_probability, d.suggested_probability, d.usual_probability, "",
            ])  # fmt: skip


def _harmless(text: str) -> str:
    """The text with an apostrophe before it where a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
