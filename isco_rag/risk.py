"""What may go out untouched: the lowest threshold under which the error rate is at most so much, with a stated confidence.

Learn then Test (Angelopoulos, Bates, Candes, Jordan and Lei, "Learn then Test: calibrating predictive algorithms to achieve risk
control", 2021): each threshold of a fixed grid is the hypothesis that too much of what it lets out is wrong, tested with the exact
binomial tail. Thresholds are tested from sure to less sure; the error probability is given out in equal parts at several heights, is
handed on from a threshold that was shown safe to the next, and is lost at one that was not (the fallback procedure, Wiens and
Dmitrienko 2005). The guarantee is over samples: with probability 1 - delta every threshold that was shown safe keeps the bound.
"""

from collections.abc import Callable
from math import ceil, log

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from isco_rag.types import Metric

Booleans = NDArray[np.bool_]
# Steps are finer near 1, where a well calibrated coder has many rows and their errors differ most.
GRID = (*(i / 1000 for i in range(999, 989, -1)), *(i / 200 for i in range(197, 179, -1)), *(i / 100 for i in range(89, -1, -1)))
# Heights at which a part of the error probability comes in. Given out at the top alone, where few rows are, it would be lost there.
STARTS = (0.99, 0.97, 0.95, 0.9, 0.8)


class Passed(Struct, frozen=True):
    """What a threshold lets out: its share of all rows, and the error rate in it."""

    threshold: float
    share: Metric
    error: Metric


class Bound(Struct, frozen=True):
    """The answer for one bound on the error: the threshold that is safe, if there is one, and the one that merely looked so on the sample."""

    max_error: float
    safe: Passed | None
    looked: Passed | None
    least: int


def bound_error(right: Booleans, passes: Callable[[float], Booleans], max_error: float, delta: float = 0.05) -> Bound:
    """The lowest safe threshold for outcomes [n]; `passes` tells which rows [n] go out untouched at a threshold, fewer at a higher one.

    `least` is how many rows must go out, all of them right, for any threshold to be shown safe.
    """
    each, budget = delta / len(STARTS), 0.0
    safe: float | None = None
    outcomes = {t: right[passes(t)] for t in GRID}
    for t, let_out in outcomes.items():
        budget += each if t in STARTS else 0.0
        if len(let_out) and binomial_tail(int((~let_out).sum()), len(let_out), max_error) <= budget:
            safe = t
        else:
            budget = 0.0
    looked = [t for t in GRID if len(outcomes[t]) and np.mean(~outcomes[t]) <= max_error]
    return Bound(
        max_error,
        None if safe is None else _passed(safe, outcomes[safe], len(right), delta),
        _passed(looked[-1], outcomes[looked[-1]], len(right), delta) if looked else None,
        ceil(log(each) / log(1 - max_error)),
    )


def _passed(threshold: float, let_out: Booleans, rows: int, delta: float) -> Passed:
    n = len(let_out)
    return Passed(threshold, clopper_pearson("share", n, rows, delta), clopper_pearson("error", int((~let_out).sum()), n, delta))


def binomial_tail(k: int, n: int, p: float) -> float:
    """The probability of at most k of n at probability p each.

    >>> round(binomial_tail(0, 59, 0.05), 4), round(binomial_tail(2, 4, 0.5), 4)
    (0.0485, 0.6875)
    """
    if k >= n or p <= 0.0:
        return 1.0
    if p >= 1.0:
        return 0.0
    i = np.arange(1, k + 1)
    terms = np.concatenate([[0.0], np.cumsum(np.log((n - i + 1) / i))]) + np.arange(k + 1) * log(p) + (n - np.arange(k + 1)) * np.log1p(-p)
    return float(min(1.0, np.exp(terms).sum()))


def clopper_pearson(name: str, k: int, n: int, delta: float = 0.05) -> Metric:
    """The share k of n with its exact interval of confidence 1 - delta (Clopper and Pearson 1934).

    >>> m = clopper_pearson("error", 3, 100); (m.value, round(m.low, 4), round(m.high, 4))
    (0.03, 0.0062, 0.0852)
    """
    if not n:
        return Metric(name, 0.0, 0.0, 1.0, 0)
    low = 0.0 if k == 0 else _solve(lambda p: 1 - binomial_tail(k - 1, n, p) < delta / 2)
    high = 1.0 if k == n else _solve(lambda p: binomial_tail(k, n, p) > delta / 2)
    return Metric(name, k / n, low, high, n)


def _solve(below: Callable[[float], bool]) -> float:
    """Where `below` turns from true to false between 0 and 1, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) else (low, middle)
    return (low + high) / 2
