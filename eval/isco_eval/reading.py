"""The records of a gold sample read again by their coder: what it retrieved, what the fusion put first, what came out.

Each record is embedded once; the analysis of mistakes and the doubts about gold codes look at what is kept of it here.
"""

import copy
from collections.abc import Callable, Sequence

import numpy as np
from msgspec import Struct

from isco_eval.gold import Gold
from isco_rag.classify import CHUNK, Classifier, Scored, Texts
from isco_rag.fuse import Doubles, fuse
from isco_rag.ports import Floats, Ints
from isco_rag.types import Job

NOTHING = -1


class Reading(Struct, frozen=True):
    """Records whose gold is a unit group, in the order of the gold; classes are leaf numbers, -1 for none.

    `rows` are their numbers in the gold, `truth` their gold classes, `probabilities` [n, classes] what came out (zeros where a record can't be coded),
    `fused` the class that the fusion put first. `cosines`, `entries` and `labels` [n, k] are the neighbours, the nearest first, and their classes.
    """

    rows: Ints
    truth: Ints
    probabilities: Doubles
    fused: Ints
    cosines: Floats
    entries: Ints
    labels: Ints

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def best(self) -> Ints:
        """The likeliest class of each record, -1 where it can't be coded."""
        found: Ints = np.where(self.probabilities.any(axis=1), self.probabilities.argmax(axis=1), NOTHING)
        return found

    @property
    def p_gold(self) -> Doubles:
        """The probability of each gold class."""
        found: Doubles = self.probabilities[np.arange(len(self)), self.truth]
        return found


def read_again(classifier: Classifier, gold: Gold, progress: Callable[[int], None] = lambda n: None) -> Reading:
    """The reading of a gold sample; records with a gold code above the unit group are left out."""
    number, labels = classifier.taxonomy.leaf_number, classifier.labels
    rows = [i for i, code in enumerate(gold.codes) if code in number]
    truth = np.array([number[gold.codes[i]] for i in rows], dtype=np.int64)
    scored: list[Scored] = []
    fused: list[Ints] = []
    for start in range(0, len(rows), CHUNK):
        part, first = _scored(classifier, [gold.jobs[i] for i in rows[start : start + CHUNK]])
        scored.append(part)
        fused.append(first)
        progress(len(first))
    if not rows:
        nothing = np.empty((0, classifier.settings.neighbours), dtype=np.float32)
        return Reading(truth, truth, np.empty((0, len(number))), truth, nothing, nothing.astype(np.int64), nothing.astype(np.int64))
    entries, cosines = np.concatenate([s.entries for s in scored]), np.concatenate([s.cosines for s in scored])
    order = np.lexsort((entries, -cosines, entries < 0))
    entries, cosines = np.take_along_axis(entries, order, axis=1), np.take_along_axis(cosines, order, axis=1)
    return Reading(
        np.array(rows, dtype=np.int64), truth, np.concatenate([s.probabilities for s in scored]), np.concatenate(fused), cosines, entries,
        np.where(entries >= 0, labels[entries], NOTHING),
    )  # fmt: skip


def _scored(classifier: Classifier, jobs: Sequence[Job]) -> tuple[Scored, Ints]:
    """The scores of at most CHUNK jobs, and the class that the fusion put first in each, from evidence that is looked up once."""
    first: list[Ints] = []

    def evidence(texts: Sequence[Texts]) -> tuple[Floats, Floats, Ints]:
        heard = classifier.evidence(texts)
        first.append(fuse(heard[0], np.array([t.regime for t in texts]), classifier.parts.fusion).argmax(axis=1))
        return heard

    listening = copy.copy(classifier)
    listening.__dict__["evidence"] = evidence
    scored = listening.score(jobs)
    fused = np.full(len(jobs), NOTHING, dtype=np.int64)
    able = [i for i, texts in enumerate(scored.texts) if not texts.reason]
    if able:
        fused[able] = first[0]
    return scored, fused
