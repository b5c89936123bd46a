"""Whether sets of unit groups hold the right one as often as promised (isco_rag.conformal makes them).

A bundle's own sets are judged as they go out: their thresholds come from other records, so nothing but likeness to those makes the promise
hold here. Where a bundle has none, because its probabilities were calibrated anew, thresholds are learned on the other folds of the records
themselves (cross-conformal prediction: Vovk 2015); they then hold on average over records like these, and their size is what is to be learned.
"""

import numpy as np
from numpy.typing import NDArray

from isco_rag import conformal as core
from isco_rag.conformal import Conformal, fit_conformal
from isco_rag.fuse import Doubles
from isco_rag.ports import Ints

# In percent, as columns and tables name them.
COVERAGES = tuple(round(100 * c) for c in core.COVERAGES)
FOLDS = 10
# How the sets of a run came about, as its row says.
OWN, FOLDED = "those that the bundle hands out", "learned on other folds of these records"

# For each coverage in percent: the size of each row's set, and whether it holds the truth, [n] each.
Sets = dict[int, tuple[Ints, NDArray[np.bool_]]]


def judged_sets(found: Conformal, probabilities: Doubles, truth: Ints, regimes: Ints) -> Sets:
    """Sets of the coverages that were fitted, from probabilities [n, classes], class numbers [n] and regimes [n]."""
    sets: Sets = {}
    for coverage in found.coverages:
        rows = found.sets(probabilities, regimes, coverage)
        held = [bool((row == right).any()) for row, right in zip(rows, truth, strict=True)]
        sets[round(100 * coverage)] = np.array([len(row) for row in rows], dtype=np.int64), np.array(held, dtype=bool)
    return sets


def folded_sets(probabilities: Doubles, truth: Ints, regimes: Ints, seed: int = 0) -> Sets:
    """Like `judged_sets`, with thresholds that each fold gets from the others.

    Where these are too few for a coverage, its sets hold every class: so little is known.

    >>> p = np.array([[0.9, 0.1], [0.2, 0.8]] * 50); y = np.array([0, 1] * 50)
    >>> sizes, held = folded_sets(p, y, np.zeros(100, dtype=int))[90]; (int(sizes.max()), bool(held.all()))
    (1, True)
    """
    n, classes = probabilities.shape
    sets: Sets = {coverage: (np.full(n, classes), np.ones(n, dtype=bool)) for coverage in COVERAGES}
    fold = np.random.default_rng(seed).permutation(n) % FOLDS
    for f in range(FOLDS):
        mine, others = fold == f, fold != f
        enough = [c for c in core.COVERAGES if (others.sum() + 1) * (1 - c) >= 1]
        if enough and mine.any():
            learned = fit_conformal(probabilities[others], truth[others], regimes[others], enough)
            for coverage, (sizes, held) in judged_sets(learned, probabilities[mine], truth[mine], regimes[mine]).items():
                sets[coverage][0][mine], sets[coverage][1][mine] = sizes, held
    return sets
