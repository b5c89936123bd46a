"""Sets of unit groups that hold the right one with a stated probability: split conformal prediction.

The score of a class is the probability ranked before it (Romano, Sesia and Candes 2020, with u = 0), plus a penalty for ranks beyond
`free` (Angelopoulos et al. 2021). Taking u = 0 instead of a random number keeps two promises: the same record gets the same set, and no set
is empty. Both scores are finite-sample valid: rows that come from where the fitted rows came from are covered with at least the stated
probability, over rows and samples, whatever the probabilities are worth. What they are worth decides how large the sets are.

Thresholds are kept by regime, so that the coverage holds for titles alone as for records with duties (Mondrian conformal prediction).
"""

from collections.abc import Sequence
from math import ceil, isclose

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from isco_rag.errors import InputError, UsageError
from isco_rag.fuse import REGIMES, Doubles, best
from isco_rag.ports import Ints

COVERAGES = (0.8, 0.9, 0.95)
# Measured on halves of three development sets and the project's own gold: against no penalty, mean sets of 90 % coverage
# went from 3.6 to 2.9, 12.6 to 8.2, 76 to 47 and 3.3 to 3.0 unit groups, and as many sets held one group only, or nearly.
# Stronger penalties give sets of one size, which tell nobody which records are hard.
PENALTY, FREE = 0.005, 5
# A regime with fewer rows takes the threshold of all rows: its own would lie among the few largest scores.
ENOUGH = 100


class Conformal(Struct, frozen=True, forbid_unknown_fields=True):
    """Thresholds [regime][coverage] of the score, and the rows of each regime they come from; 0 where those of all rows serve."""

    coverages: tuple[float, ...]
    thresholds: tuple[tuple[float, ...], ...]
    rows: tuple[int, ...]
    penalty: float = 0.0
    free: int = 0

    def sets(self, probabilities: Doubles, regimes: Ints, coverage: float) -> list[Ints]:
        """Class numbers of each row's set, likeliest first; an empty one for a row of zeros (a job that can't be coded).

        Sets of a higher coverage hold those of a lower one. UsageError where the coverage is none of those fitted.
        """
        place = next((i for i, c in enumerate(self.coverages) if isclose(c, coverage)), None)
        if place is None:
            known = ", ".join(f"{c:g}" for c in self.coverages)
            raise UsageError(f"no sets were fitted for a coverage of {coverage:g}; choose one of {known}, or fit anew")
        limits = np.array([row[place] for row in self.thresholds])[regimes]
        order = best(probabilities, probabilities.shape[1])
        sizes = (_scores(probabilities, order, self.penalty, self.free) <= limits[:, None]).sum(axis=1)
        sizes[probabilities.sum(axis=1) == 0] = 0
        return [ranked[:size] for ranked, size in zip(order, sizes, strict=True)]


def fit_conformal(
    probabilities: Doubles,
    truth: Ints,
    regimes: Ints,
    coverages: Sequence[float] = COVERAGES,
    *,
    penalty: float = PENALTY,
    free: int = FREE,
) -> Conformal:
    """Thresholds from probabilities [n, classes] of rows that nothing was fitted to, their truth [n] (class numbers) and regimes [n].

    InputError where there are too few rows for the highest coverage: 99 % needs 99 of them.
    """
    wanted = tuple(sorted(coverages))
    if not wanted or not 0 < wanted[0] <= wanted[-1] < 1:
        raise UsageError("coverages must lie between 0 and 1, for example 0.9")
    if len(truth) < _least(wanted[-1]):
        raise InputError(
            f"{len(truth)} rows are too few for sets with a coverage of {wanted[-1]:g}; bring at least {_least(wanted[-1])} or ask for less"
        )
    order = best(probabilities, probabilities.shape[1])
    rank = (order == truth[:, None]).argmax(axis=1)
    scores = _scores(probabilities, order, penalty, free)[np.arange(len(truth)), rank]
    whole = _thresholds(scores, wanted)
    found, rows = [], []
    for regime in range(len(REGIMES)):
        own = scores[regimes == regime]
        enough = len(own) >= max(ENOUGH, _least(wanted[-1]))
        found.append(_thresholds(own, wanted) if enough else whole)
        rows.append(len(own) if enough else 0)
    return Conformal(wanted, tuple(found), tuple(rows), penalty, free)


def _scores(probabilities: Doubles, order: Ints, penalty: float, free: int) -> Doubles:
    """Scores of the classes in order of rank [n, classes], rising along each row."""
    ranked = np.take_along_axis(probabilities, order, axis=1)
    before = np.cumsum(ranked, axis=1) - ranked
    # The same class must get the same score at fitting and at use, so the running sums are taken to nine decimals.
    found: Doubles = np.maximum.accumulate(before.round(9), axis=1) + penalty * np.maximum(np.arange(ranked.shape[1]) + 1 - free, 0)
    return found


def _thresholds(scores: NDArray[np.float64], coverages: Sequence[float]) -> tuple[float, ...]:
    """The ceil((n + 1) coverage)-th smallest score for each coverage."""
    ranked = np.sort(scores)
    return tuple(float(ranked[_place(len(ranked), c) - 1]) for c in coverages)


def _place(n: int, coverage: float) -> int:
    # (n + 1) * 0.9 may come out a hair above a whole number.
    return ceil(round((n + 1) * coverage, 9))


def _least(coverage: float) -> int:
    """The fewest rows for which the threshold of a coverage is one of the scores.

    >>> _least(0.9), _least(0.99)
    (9, 99)
    """
    return ceil(round(coverage / (1 - coverage), 9))
