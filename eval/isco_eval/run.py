"""A run: a bundle on a suite, from the leakage check to the figures, kept in the evaluation database."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

import msgspec
import numpy as np
from msgspec import Struct

from isco_eval.answers import Columns, code_gold, repeat
from isco_eval.conformal import FOLDED, OWN
from isco_eval.figures import keep_figures
from isco_eval.gold import Gold, read_suite
from isco_eval.leakage import Leak, Texts
from isco_eval.machine import machine
from isco_eval.store import Store
from isco_eval.suite import PART, Suite
from isco_eval.training import Training
from isco_rag.bundle import MANIFEST, file_hash
from isco_rag.classify import Classifier
from isco_rag.taxonomy import Taxonomy
from isco_rag.types import Entry
from isco_rag.wiring import without_entries


class Bench(Struct, frozen=True):
    """A classifier to be measured: its bundle on disk, the texts that it knows, and where the figures go."""

    store: Store
    classifier: Classifier
    bundle: Path
    index: Texts
    training: Training = Training(None, "not looked at")
    keep_texts: bool = False

    @property
    def entries(self) -> Sequence[Entry]:
        """The entries of the index."""
        return self.classifier.parts.index.entries


def run_suite(bench: Bench, suite: Suite, progress: Callable[[int], None] = lambda n: None) -> int:
    """The number of a new run of the bench's bundle on a suite; nothing is kept where anything fails."""
    gold_hash = suite.check()
    gold = read_suite(suite, bench.classifier.taxonomy)
    classifier = without_own(bench.classifier, suite, gold)
    if classifier is not bench.classifier:
        bench = msgspec.structs.replace(bench, classifier=classifier, index=Texts(classifier.parts.index.entries))
    return run_gold(bench, suite, gold, gold_hash, progress)


def without_own(classifier: Classifier, suite: Suite, gold: Gold) -> Classifier:
    """The classifier without the index entries that are the gold's own records, where the suite asks for it."""
    return without_entries(classifier, {job.id.split(PART)[0] for job in gold.jobs}) if suite.leave_out else classifier


def run_gold(bench: Bench, suite: Suite, gold: Gold, gold_hash: str = "", progress: Callable[[int], None] = lambda n: None) -> int:
    """Like `run_suite`, for gold that is at hand."""
    store, leaks = bench.store, [(place, texts, texts.leaks(gold.jobs)) for place, texts in _known(bench)]
    began, started = perf_counter(), datetime.now(UTC).replace(tzinfo=None)
    columns = code_gold(bench.classifier, gold, bench.index, suite.seed, progress)
    seconds = perf_counter() - began
    again = repeat(bench.classifier, gold, columns, suite.seed)
    with store.transaction():
        sample = _sample(store, bench.classifier.taxonomy, suite, gold, gold_hash)
        if bench.keep_texts:
            _keep_texts(store, sample, gold)
        run = int(store.rows("SELECT nextval('run_numbers') AS n")[0]["n"])
        manifest = bench.bundle / MANIFEST
        store.insert("runs", {
            "run": [run], "sample": [sample], "bundle": [bench.classifier.parts.name],
            "bundle_hash": [file_hash(manifest) if manifest.is_file() else ""], "bundle_path": [str(bench.bundle)],
            "started": [started], "seconds": [seconds], "settings": [msgspec.json.encode(bench.classifier.settings).decode()],
            "machine": [msgspec.json.encode(machine()).decode()], "program": [version("isco-rag")], "entries": [len(bench.entries)],
            "repeated": [again[0]], "repeated_same": [again[1]], "training_checked": [bench.training.said],
            "sets": [OWN if bench.classifier.parts.conformal else FOLDED],
            "suite_folder": [suite.folder], "title": [suite.title], "trust": [suite.trust], "gates": [msgspec.json.encode(suite.gates).decode()],
            "manual_minutes": [suite.cost.manual_minutes], "review_minutes": [suite.cost.review_minutes],
        })  # fmt: skip
        _keep_answers(bench, run, columns)
        _keep_leaks(store, run, leaks)
        keep_figures(store, run)
    return run


def _sample(store: Store, taxonomy: Taxonomy, suite: Suite, gold: Gold, gold_hash: str) -> int:
    """The number of the sample, which is kept when it is first seen."""
    known = store.rows(
        "SELECT sample FROM samples WHERE suite_hash = ? AND gold_hash = ? AND rows = ? AND suite = ?", suite.digest, gold_hash, len(gold.jobs), suite.name
    )  # fmt: skip
    if known:
        return int(known[0]["sample"])
    _keep_taxonomy(store, taxonomy)
    sample = int(store.rows("SELECT nextval('sample_numbers') AS n")[0]["n"])
    store.insert("samples", {
        "sample": [sample], "suite": [suite.name], "suite_hash": [suite.digest], "gold_hash": [gold_hash], "gold_path": [suite.gold],
        "row_limit": [suite.limit], "rows": [len(gold.jobs)],
        "classification": [taxonomy.heading.name], "depth": [taxonomy.depth], "seed": [suite.seed], "resamples": [suite.resamples],
    })  # fmt: skip
    rows, same = list(range(len(gold.jobs))), [sample] * len(gold.jobs)
    store.insert("records", {
        "sample": same, "row": rows, "id": [j.id for j in gold.jobs], "gold": list(gold.codes),
        "gold_level": [taxonomy.group(c).level for c in gold.codes], "language": [j.language for j in gold.jobs],
        "words": [min(len(f"{j.title} {j.duties}".split()), 65535) for j in gold.jobs], "has_duties": [bool(j.duties.strip()) for j in gold.jobs],
    })  # fmt: skip
    for name, values in gold.slices.items():
        store.insert("slices", {"sample": same, "row": rows, "slice": [name] * len(rows), "value": list(values)})
    for coder, codes in gold.coders.items():
        given = [(row, code) for row, code in enumerate(codes) if code]
        if given:
            numbers, said = zip(*given, strict=True)
            store.insert(
                "coders", {"sample": [sample] * len(given), "row": list(numbers), "coder": [coder] * len(given), "code": list(said)}
            )
    return sample


def _keep_taxonomy(store: Store, taxonomy: Taxonomy) -> None:
    name = taxonomy.heading.name
    if store.rows("SELECT 1 FROM groups WHERE classification = ? LIMIT 1", name):
        return
    pairs = [(g.code, above.level, above.code) for g in taxonomy.groups for above in taxonomy.path(g.code)]
    codes, levels, above = zip(*pairs, strict=True)
    store.insert("groups", {
        "classification": [name] * len(taxonomy.groups), "code": [g.code for g in taxonomy.groups],
        "level": [g.level for g in taxonomy.groups], "title": [g.title for g in taxonomy.groups],
    })  # fmt: skip
    store.insert("ancestors", {"classification": [name] * len(pairs), "code": list(codes), "level": list(levels), "ancestor": list(above)})


def _keep_texts(store: Store, sample: int, gold: Gold) -> None:
    if not store.rows("SELECT 1 FROM texts WHERE sample = ? LIMIT 1", sample):
        store.insert("texts", {
            "sample": [sample] * len(gold.jobs), "row": list(range(len(gold.jobs))), "title": [j.title for j in gold.jobs],
            "duties": [j.duties for j in gold.jobs], "industry": [j.industry for j in gold.jobs],
        })  # fmt: skip


def _keep_answers(bench: Bench, run: int, columns: Columns) -> None:
    used = np.unique(np.array([columns[f"evidence_{i}"] for i in (1, 2, 3)], dtype=np.int64))
    numbers = _entry_numbers(bench.store, [bench.entries[int(e)] for e in used if e >= 0])
    for i in (1, 2, 3):
        columns[f"evidence_{i}"] = [numbers[bench.entries[e].id] if e >= 0 else None for e in columns[f"evidence_{i}"]]
    bench.store.insert("answers", {"run": [run] * len(columns["row"]), **columns})


def _entry_numbers(store: Store, entries: Sequence[Entry]) -> dict[str, int]:
    """The database's numbers of index entries, by id; those that are new get one."""
    known = {(row["id"], row["code"]): row["entry"] for row in store.rows("SELECT entry, id, code FROM entries")}
    fresh = [e for e in entries if (e.id, e.code) not in known]
    first = max(known.values(), default=0) + 1
    known.update({(e.id, e.code): first + i for i, e in enumerate(fresh)})
    store.insert("entries", {"entry": [known[e.id, e.code] for e in fresh], "id": [e.id for e in fresh], "code": [e.code for e in fresh]})
    return {e.id: known[e.id, e.code] for e in entries}


def _known(bench: Bench) -> Iterator[tuple[str, Texts]]:
    """The texts that gold may repeat, by where they are."""
    yield "index", bench.index
    if bench.training.texts is not None:
        yield "training", bench.training.texts


def _keep_leaks(store: Store, run: int, leaks: Sequence[tuple[str, Texts, Sequence[Leak]]]) -> None:
    for place, texts, found in leaks:
        entries = [texts.texts[leak.text] for leak in found]
        store.insert("leaks", {
            "run": [run] * len(found), "row": [leak.row for leak in found], "place": [place] * len(found), "kind": [leak.kind for leak in found],
            "text_id": [e.id for e in entries], "text_code": [e.code for e in entries], "score": [leak.score for leak in found],
        })  # fmt: skip
