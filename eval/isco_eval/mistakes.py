"""Error analysis: the wrong records of a run in clusters, where each lost the right code, and what would mend it.

A record is wrong when its best unit group is not its gold code. Its bundle reads it again, step by step: whether an example of the gold group was
among the neighbours, whether the fusion or the cross-encoder set another group before it.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Literal

import numpy as np
from msgspec import Struct

from isco_eval.doubts import Doubt, Doubted
from isco_eval.gold import Gold
from isco_eval.reading import NOTHING, Reading
from isco_rag.classify import Classifier
from isco_rag.types import Metric

Stage = Literal["not codable", "not retrieved", "others nearer", "fused away", "reranked away"]
Fix = Literal["label doubt", "contradicting example", "missing example", "close call", "weighing"]

STAGES: dict[Stage, str] = {
    "not codable": "the record names no occupation, so nothing was looked up",
    "not retrieved": "no example of the right group was among the neighbours",
    "others nearer": "examples of the right group were found, but one of another group was nearer",
    "fused away": "the nearest example had the right code, but all evidence together spoke for another",
    "reranked away": "the fusion had the right code first, the cross-encoder or the calibration put another before it",
}
FIXES: dict[Fix, str] = {
    "label doubt": "look at the gold code: it is doubted, for the reasons given with it",
    "contradicting example": "look at the example: it says nearly the same and has another code",
    "missing example": "code this record by hand into the index: it holds nothing like it under the right code",
    "close call": "nothing simple: the right code is second or third by little; duties or industry would help",
    "weighing": "the evidence was there: a matter of the weights, to be learned from more such records",
}
# From this cosine on, an example says nearly the same as the record.
SAYS_THE_SAME = 0.85
# Below this cosine, the nearest example of the right group says something else.
SAYS_ELSE = 0.6
CLOSE = 0.15


class Mistake(Struct, frozen=True):
    """A wrong record (its number in the gold), where it lost the right code, what would mend it, and the example that drew it away."""

    row: int
    id: str
    text: str
    gold: str
    best: str
    confidence: float
    gold_probability: float
    stage: Stage
    fix: Fix
    drawn_by: str


class Cluster(Struct, frozen=True):
    """Wrong records between one pair of groups above the unit groups; `drawn_by` are the examples that drew most of them away."""

    gold: str
    coded: str
    mistakes: tuple[Mistake, ...]
    stages: dict[str, int]
    fixes: dict[str, int]
    drawn_by: dict[str, int]


class Analysis(Struct, frozen=True):
    """The wrong records of a gold sample in clusters, the largest first, and what is doubted of its gold codes."""

    records: int
    wrong: int
    clusters: tuple[Cluster, ...]
    doubts: tuple[Doubt, ...]
    wrong_codes: Metric

    def counted(self, what: Literal["stages", "fixes"]) -> dict[str, int]:
        """How many wrong records have each stage or each fix, the most frequent first."""
        total: Counter[str] = Counter()
        for cluster in self.clusters:
            total.update(getattr(cluster, what))
        return dict(total.most_common())


def analyse(classifier: Classifier, gold: Gold, reading: Reading, found: Doubted) -> Analysis:
    """The error analysis of a gold sample from its reading; where the gold code is doubted, that is what would mend the record."""
    doubted = {doubt.row for doubt in found.doubts}
    wrong = np.flatnonzero(reading.best != reading.truth)
    mistakes = [_mistake(classifier, gold, reading, int(n), doubted) for n in wrong]
    return Analysis(len(reading), len(mistakes), tuple(_clusters(classifier, mistakes)), found.doubts, found.wrong_codes)


def _mistake(classifier: Classifier, gold: Gold, reading: Reading, n: int, doubted: set[int]) -> Mistake:
    row, right, best, p = int(reading.rows[n]), int(reading.truth[n]), int(reading.best[n]), reading.probabilities[n]
    job, code = gold.jobs[row], ""
    stage: Stage = "not codable"
    fix: Fix = "close call"
    drawn = ""
    if best != NOTHING:
        code = classifier.taxonomy.leaves[best]
        stage, fix, drawn = _diagnosis(classifier, reading, n)
    if row in doubted:
        fix = "label doubt"
    text = " - ".join(part for part in (job.title, job.duties) if part)
    sure = round(float(p[max(best, 0)]), 4), round(float(p[right]), 4)
    return Mistake(row, job.id, text, gold.codes[row], code, *sure, stage, fix, drawn)


def _diagnosis(classifier: Classifier, reading: Reading, n: int) -> tuple[Stage, Fix, str]:
    """Where a record lost its right code, what would mend it, and the id of the nearest example of the group it went to."""
    right, best, p = int(reading.truth[n]), int(reading.best[n]), reading.probabilities[n]
    closeness, labels = reading.cosines[n], reading.labels[n]
    mine, other = np.flatnonzero(labels == right), np.flatnonzero(labels == best)
    drawn = classifier.parts.index.entries[int(reading.entries[n, other[0]])].id if len(other) else ""
    if reading.fused[n] == right:
        stage: Stage = "reranked away"
    elif not len(mine):
        stage = "not retrieved"
    else:
        stage = "fused away" if labels[0] == right else "others nearer"
    if len(other) and closeness[other[0]] >= SAYS_THE_SAME and (not len(mine) or closeness[mine[0]] < closeness[other[0]]):
        return stage, "contradicting example", drawn
    if not len(mine) or closeness[mine[0]] < SAYS_ELSE:
        return stage, "missing example", drawn
    return stage, "close call" if p[best] - p[right] <= CLOSE else "weighing", drawn


def _clusters(classifier: Classifier, mistakes: Sequence[Mistake]) -> list[Cluster]:
    taxonomy = classifier.taxonomy
    above = max(taxonomy.depth - 1, 1)
    pairs: dict[tuple[str, str], list[Mistake]] = defaultdict(list)
    for m in mistakes:
        pairs[taxonomy.ancestor(m.gold, above), taxonomy.ancestor(m.best, above) if m.best else ""].append(m)
    found = []
    for (gold, coded), members in pairs.items():
        # Records that one example drew away stand together.
        drawn = Counter(m.drawn_by for m in members if m.drawn_by)
        members.sort(key=lambda m: (-drawn[m.drawn_by], m.drawn_by, -m.confidence, m.row))
        stages, fixes = Counter(m.stage for m in members), Counter(m.fix for m in members)
        found.append(
            Cluster(gold, coded, tuple(members), dict(stages.most_common()), dict(fixes.most_common()), dict(drawn.most_common(3)))
        )
    return sorted(found, key=lambda c: (-len(c.mistakes), c.gold, c.coded))
