"""Error analysis: the wrong records of a run in clusters, where each lost the right code, and what would mend it.

A record is wrong when its best unit group is not its gold code. Its bundle reads it again, step by step: whether an example of the gold group was
among the neighbours, whether the fusion or the cross-encoder set another group before it.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Literal

import numpy as np
from msgspec import Struct

from isco_eval.gold import Gold
from isco_rag.classify import CHUNK, Classifier
from isco_rag.fuse import Doubles, fuse
from isco_rag.ports import Ints

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
    "label doubt": "look at the gold code: the coder is surer of another than it usually is where that one is right",
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

# How many gold records the mean of all is worth where a class's usual probability is worked out.
WORTH = 20


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


class Doubt(Struct, frozen=True):
    """A gold code that confident learning doubts, and the code that it suggests."""

    row: int
    id: str
    gold: str
    suggested: str
    gold_probability: float
    suggested_probability: float
    usual_probability: float


class Analysis(Struct, frozen=True):
    """The wrong records of a gold sample in clusters, the largest first, and the gold codes that are doubted, the most doubtful first."""

    records: int
    wrong: int
    clusters: tuple[Cluster, ...]
    doubts: tuple[Doubt, ...]

    def counted(self, what: Literal["stages", "fixes"]) -> dict[str, int]:
        """How many wrong records have each stage or each fix, the most frequent first."""
        total: Counter[str] = Counter()
        for cluster in self.clusters:
            total.update(getattr(cluster, what))
        return dict(total.most_common())


def analyse(classifier: Classifier, gold: Gold) -> Analysis:
    """The error analysis of a gold sample; records with a gold code above the unit group are left out."""
    rows = [i for i, code in enumerate(gold.codes) if code in classifier.taxonomy.leaf_number]
    truth = np.array([classifier.taxonomy.leaf_number[gold.codes[i]] for i in rows], dtype=np.int64)
    scored = [classifier.score([gold.jobs[i] for i in rows[s : s + CHUNK]]).probabilities for s in range(0, len(rows), CHUNK)]
    probabilities = np.concatenate(scored) if scored else np.zeros((0, len(classifier.taxonomy.leaves)))
    doubts = label_doubts(classifier, gold, rows, truth, probabilities)
    doubted = {d.row for d in doubts}
    wrong = [n for n in range(len(rows)) if probabilities[n].argmax() != truth[n] or not probabilities[n].any()]
    mistakes = [
        m
        for s in range(0, len(wrong), CHUNK)
        for m in _mistakes(classifier, gold, rows, truth, probabilities, wrong[s : s + CHUNK], doubted)
    ]
    return Analysis(len(rows), len(mistakes), tuple(_clusters(classifier, mistakes)), tuple(doubts))


def label_doubts(classifier: Classifier, gold: Gold, rows: Sequence[int], truth: Ints, probabilities: Doubles) -> list[Doubt]:
    """Gold codes that confident learning doubts (Northcutt, Jiang and Chuang 2021), the widest gap in probability first.

    A class's usual probability is its mean over the records that have it as gold, drawn towards the mean of all records as if WORTH of them were
    of this class: a class has a handful of gold records, and one low probability among three must not make everything else look usual.
    A code is doubted where another class reaches its own usual probability while the gold class falls short of its own. Probabilities
    must come from a model that never saw these records.
    """
    mine_of = probabilities[np.arange(len(truth)), truth]
    count = np.bincount(truth, minlength=probabilities.shape[1])
    overall = mine_of.mean() if len(truth) else 0.0
    usual = (np.bincount(truth, mine_of, minlength=probabilities.shape[1]) + WORTH * overall) / (count + WORTH)
    leaves, found = classifier.taxonomy.leaves, []
    for n, i in enumerate(rows):
        reached = np.where(probabilities[n] >= usual, probabilities[n], 0.0)
        other = int(reached.argmax())
        mine = mine_of[n]
        if reached[other] > 0 and other != truth[n] and mine < usual[truth[n]]:
            p = (round(float(x), 4) for x in (mine, reached[other], usual[other]))
            found.append(Doubt(i, gold.jobs[i].id, gold.codes[i], leaves[other], *p))
    return sorted(found, key=lambda d: (d.gold_probability - d.suggested_probability, d.row))


def _mistakes(
    classifier: Classifier, gold: Gold, rows: Sequence[int], truth: Ints, probabilities: Doubles, wrong: Sequence[int], doubted: set[int]
) -> list[Mistake]:
    texts = [classifier.prepare(gold.jobs[rows[n]]) for n in wrong]
    able = [k for k, t in enumerate(texts) if not t.reason]
    found: list[Mistake] = []
    if able:
        features, cosines, entries = classifier.evidence([texts[k] for k in able])
        fused = fuse(features, np.array([texts[k].regime for k in able]), classifier.parts.fusion)
    place = {k: n for n, k in enumerate(able)}
    for k, n in enumerate(wrong):
        i, right, p = rows[n], int(truth[n]), probabilities[n]
        best = int(p.argmax())
        stage: Stage = "not codable"
        fix: Fix = "close call"
        drawn = ""
        if k in place:
            a = place[k]
            stage, fix, drawn = _diagnosis(classifier, cosines[a], entries[a], fused[a], p, right, best)
        if i in doubted:
            fix = "label doubt"
        job = gold.jobs[i]
        text = " - ".join(part for part in (job.title, job.duties) if part)
        code = classifier.taxonomy.leaves[best] if k in place else ""
        found.append(Mistake(i, job.id, text, gold.codes[i], code, round(float(p[best]), 4), round(float(p[right]), 4), stage, fix, drawn))
    return found


def _diagnosis(
    classifier: Classifier, cosines: Doubles, entries: Ints, fused: Doubles, p: Doubles, right: int, best: int
) -> tuple[Stage, Fix, str]:
    """Where a record lost its right code, what would mend it, and the id of the nearest example of the group it went to."""
    there = entries >= 0
    order = np.lexsort((entries[there], -cosines[there]))
    near, closeness = entries[there][order], cosines[there][order]
    labels = classifier.labels[near]
    mine, other = np.flatnonzero(labels == right), np.flatnonzero(labels == best)
    drawn = classifier.parts.index.entries[int(near[other[0]])].id if len(other) else ""
    if int(fused.argmax()) == right:
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
