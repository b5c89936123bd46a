"""Sets of unit groups that hold the right one as often as promised: split conformal prediction over folds.

A set holds every unit group whose probability reaches a threshold; the threshold of a fold is learned on the other folds (the score
1 - p of Sadinle, Lei and Wasserman 2019, cross-conformal folds after Vovk 2015). Coverage holds on average over records like these.
"""

from math import ceil

import numpy as np
from numpy.typing import NDArray

from isco_rag.fuse import Doubles
from isco_rag.ports import Ints

COVERAGES = (80, 90, 95)
FOLDS = 10


def conformal_sets(probabilities: Doubles, truth: Ints, coverage: int, seed: int = 0) -> tuple[Ints, NDArray[np.bool_]]:
    """Size of each row's set and whether it holds the truth, [n] each, from probabilities [n, classes] and class numbers [n].

    With fewer rows than folds and a coverage need, sets hold every class: so little is known.

    >>> p = np.array([[0.9, 0.1], [0.2, 0.8]] * 50); y = np.array([0, 1] * 50)
    >>> sizes, held = conformal_sets(p, y, 90); (int(sizes.max()), bool(held.all()))
    (1, True)
    """
    n, classes = probabilities.shape
    scores = 1.0 - probabilities[np.arange(n), truth]
    fold = np.random.default_rng(seed).permutation(n) % FOLDS
    sizes, held = np.full(n, classes), np.ones(n, dtype=bool)
    for f in range(FOLDS):
        mine, others = fold == f, np.sort(scores[fold != f])
        place = ceil((len(others) + 1) * coverage / 100)
        if place <= len(others):
            # Rounding must not shut out the very row that set the threshold.
            limit = others[place - 1] + 1e-12
            sizes[mine] = (1.0 - probabilities[mine] <= limit).sum(axis=1)
            held[mine] = scores[mine] <= limit
    return sizes, held
