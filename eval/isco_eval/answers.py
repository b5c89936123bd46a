"""A gold sample coded: for each record the answer, how it stands to the gold code, and what it rests on, column by column."""

import copy
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import numpy as np

from isco_eval.conformal import COVERAGES, folded_sets, judged_sets
from isco_eval.gold import Gold
from isco_eval.leakage import Texts
from isco_rag.classify import CHUNK, Classifier, Scored
from isco_rag.fuse import Doubles
from isco_rag.ports import Ints
from isco_rag.taxonomy import Taxonomy
from isco_rag.types import Job, Prediction

# Rank of a gold code that is not among the three likeliest.
NOT_AMONG = 99
NEAREST = 3
# Records coded a second time, alone, to see that the answer is the same.
REPEATED = 50

Columns = dict[str, list[Any]]


def classify_and_score(classifier: Classifier, jobs: Sequence[Job]) -> tuple[list[Prediction], Scored]:
    """Predictions for at most CHUNK jobs, and the scores that they were made from, computed once."""
    heard: list[Scored] = []

    def score(asked: Sequence[Job]) -> Scored:
        heard.append(classifier.score(asked))
        return heard[-1]

    listening = copy.copy(classifier)
    listening.__dict__["score"] = score
    return listening.classify(jobs), heard[0]


def code_gold(classifier: Classifier, gold: Gold, index: Texts, seed: int, progress: Callable[[int], None] = lambda n: None) -> Columns:
    """The columns of the table `answers` (but the run), one value per gold row; evidence as entry numbers of the index, -1 for none."""
    columns: Columns = {}
    kept: list[Doubles] = []
    regimes: list[int] = []
    for start in range(0, len(gold.jobs), CHUNK):
        jobs = gold.jobs[start : start + CHUNK]
        began = perf_counter()
        predictions, scored = classify_and_score(classifier, jobs)
        each = 1000 * (perf_counter() - began) / len(jobs)
        codes = gold.codes[start : start + CHUNK]
        part = _columns(classifier.taxonomy, codes, predictions, scored)
        part["row"] = list(range(start, start + len(jobs)))
        part["milliseconds"] = [each] * len(jobs)
        part["seen"] = [index.has_title(job.title) for job in jobs]
        for name, values in part.items():
            columns.setdefault(name, []).extend(values)
        kept.append(scored.probabilities)
        regimes += [texts.regime for texts in scored.texts]
        progress(len(jobs))
    if kept:
        _add_sets(columns, classifier, gold.codes, np.concatenate(kept), np.array(regimes), seed)
    return columns


def _columns(taxonomy: Taxonomy, codes: Sequence[str], predictions: Sequence[Prediction], scored: Scored) -> Columns:
    sums = {level: taxonomy.roll_up(scored.probabilities, level) for level in range(1, taxonomy.depth + 1)}
    squares = (scored.probabilities**2).sum(axis=1)
    columns: Columns = {}
    for row, (code, p) in enumerate(zip(codes, predictions, strict=True)):
        level, top = taxonomy.group(code).level, [*p.top, *[None] * (3 - len(p.top))]
        ranks = [i for i, c in enumerate(p.top, 1) if taxonomy.ancestor(c.code, level) == code]
        right = 0
        for at in range(1, level + 1):
            names, shares = sums[at]
            right |= (bool(p.code) and names[int(shares[row].argmax())] == taxonomy.ancestor(code, at)) << (at - 1)
        names, shares = sums[level]
        gold_share = float(shares[row, names.index(code)]) if p.code else None
        cells: dict[str, Any] = {
            "emitted": p.code,
            "level": p.level,
            "confidence": p.confidence,
            "grade": p.grade,
            "review": p.review,
            "rank": ranks[0] if ranks else NOT_AMONG,
            "matched": shared_levels(taxonomy, code, p.top[0].code) if p.top else 0,
            "emitted_matched": shared_levels(taxonomy, code, p.code) if p.code else 0,
            "sums_right": right,
            "p_gold": gold_share,
            # The Brier score over all unit groups: sum of (p - y)^2, y one for the gold code.
            "brier": float(squares[row]) - 2 * gold_share + 1 if gold_share is not None and level == taxonomy.depth else None,
        }
        for i, c in enumerate(top, 1):
            cells[f"code_{i}"], cells[f"p_{i}"] = (c.code, c.probability) if c else (None, None)
        for i, entry in enumerate(_nearest(scored, row), 1):
            cells[f"evidence_{i}"] = entry
        for name, value in cells.items():
            columns.setdefault(name, []).append(value)
    return columns


def shared_levels(taxonomy: Taxonomy, a: str, b: str) -> int:
    """How many levels from the top two codes have in common."""
    return sum(x.code == y.code for x, y in zip(taxonomy.path(a), taxonomy.path(b), strict=False))


def _nearest(scored: Scored, row: int) -> list[int]:
    """Numbers of the nearest entries of a row, whichever of its texts they are near to; -1 where there are fewer."""
    order = np.lexsort((scored.entries[row], -scored.cosines[row]))
    found = dict.fromkeys(int(e) for e in scored.entries[row, order] if e >= 0)
    return [*list(found)[:NEAREST], *[-1] * NEAREST][:NEAREST]


def _add_sets(columns: Columns, classifier: Classifier, codes: Sequence[str], probabilities: Doubles, regimes: Ints, seed: int) -> None:
    """Conformal sets for the rows that were coded and whose gold is a unit group; none for the others."""
    number, conformal = classifier.taxonomy.leaf_number, classifier.parts.conformal
    rows = [i for i, code in enumerate(codes) if code in number and columns["emitted"][i]]
    asked = probabilities[rows], np.array([number[codes[i]] for i in rows], dtype=np.int64), regimes[rows]
    sets = judged_sets(conformal, *asked) if conformal else folded_sets(*asked, seed)
    for coverage in COVERAGES:
        size: list[int | None] = [None] * len(codes)
        held: list[bool | None] = [None] * len(codes)
        for i, s, h in zip(rows, *sets.get(coverage, ([], [])), strict=False):
            size[i], held[i] = int(s), bool(h)
        columns[f"set_{coverage}"], columns[f"in_{coverage}"] = size, held


def repeat(classifier: Classifier, gold: Gold, columns: Columns, seed: int) -> tuple[int, int]:
    """How many records were coded once more, each alone, and how many got the very same answer."""
    rows = np.random.default_rng(seed).permutation(len(gold.jobs))[:REPEATED]
    same = 0
    for i in rows:
        p = classifier.classify([gold.jobs[i]])[0]
        first = p.top[0] if p.top else None
        again = (p.code, p.confidence, first.code if first else None, first.probability if first else None)
        same += again == (columns["emitted"][i], columns["confidence"][i], columns["code_1"][i], columns["p_1"][i])
    return len(rows), same
