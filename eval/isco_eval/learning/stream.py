"""The stream: rows that an expert corrects one after the other, and the untouched rest on which is measured.

Titles of the stream are taken out of the rest, so that nothing measured was ever corrected; titles near them stay, since to help with those is what
a correction is for.
"""

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from isco_eval.gold import Gold, hash_of
from isco_eval.leakage import title_key
from isco_rag.classify import CHUNK, Classifier
from isco_rag.store.records import Correction
from isco_rag.store.teaching import entry_of
from isco_rag.types import Job, Prediction
from isco_rag.wiring import with_entries

SEED = 8
AT = "2026-01-01T00:00:00.000Z"
Right = NDArray[np.bool_]


class Split(Struct, frozen=True):
    """Gold cut in two: rows of the stream in their order, and those to be measured; `same` more had a title of the stream and are in neither."""

    stream: Gold
    rest: Gold
    same: int


def split(gold: Gold, rows: int, limit: int = 0, seed: int = SEED) -> Split:
    """The first `rows` of a shuffle as the stream, at most `limit` of the others (0: all) as the rest."""
    order = list(range(len(gold.jobs)))
    random.Random(seed).shuffle(order)
    first, others = order[:rows], order[rows:]
    titles = {title_key(gold.jobs[i].title) for i in first}
    fresh = [i for i in others if title_key(gold.jobs[i].title) not in titles]
    kept = sorted(fresh, key=lambda i: hash_of(gold.jobs[i].id))[: limit or None]
    return Split(_taken(gold, first), _taken(gold, kept), len(others) - len(fresh))


def _taken(gold: Gold, rows: Sequence[int]) -> Gold:
    return Gold(gold.name, tuple(gold.jobs[i] for i in rows), tuple(gold.codes[i] for i in rows))


def answers(classifier: Classifier, jobs: Sequence[Job], step: Callable[[int], None]) -> list[Prediction]:
    """The predictions for jobs, with progress."""
    found: list[Prediction] = []
    for start in range(0, len(jobs), CHUNK):
        found += classifier.classify(jobs[start : start + CHUNK])
        step(len(found) - start)
    return found


def right(classifier: Classifier, gold: Gold, step: Callable[[int], None]) -> Right:
    """For each record whether the likeliest unit group is right, as far as the gold code reaches."""
    taxonomy = classifier.taxonomy
    found = []
    for code, p in zip(gold.codes, answers(classifier, gold.jobs, step), strict=True):
        found.append(bool(p.top) and taxonomy.ancestor(p.top[0].code, taxonomy.group(code).level) == code)
    return np.array(found, dtype=np.bool_)


def corrected(gold: Gold, first: int, answered: Sequence[Prediction]) -> list[Correction]:
    """What the expert makes of rows of the stream from number `first` on: the gold code, beside what the champion had answered."""
    return [
        Correction(
            first + i + 1, AT, "expert", "benchmark", job, code, "", None, answer, answer.bundle, "active"
        )
        for i, (job, code, answer) in enumerate(zip(gold.jobs[first:], gold.codes[first:], answered, strict=False))
    ]  # fmt: skip


def knowing(classifier: Classifier, taught: Sequence[Correction]) -> Classifier:
    """The classifier with corrections appended to its index, as a service serves it."""
    return with_entries(classifier, [entry_of(correction) for correction in taught]) if taught else classifier


def kept(path: Path, work: Callable[[], Right]) -> Right:
    """What `work` finds, done once: a benchmark that was cut off goes on behind it."""
    if not path.exists():
        found = work()
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_suffix(".part").open("wb") as file:
            np.save(file, found)
        path.with_suffix(".part").replace(path)
    return np.asarray(np.load(path), dtype=np.bool_)


def kept_answers(path: Path, work: Callable[[], list[Prediction]]) -> list[Prediction]:
    """Predictions, done once."""
    if not path.exists():
        found = work()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".part").write_bytes(msgspec.msgpack.encode(found))
        path.with_suffix(".part").replace(path)
    return msgspec.msgpack.decode(path.read_bytes(), type=list[Prediction])
