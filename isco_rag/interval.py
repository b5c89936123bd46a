"""Shares with the interval they are known within."""

from math import sqrt

from isco_rag.types import Metric

# The 97.5th percentile of the normal distribution: two-sided 95 %.
Z = 1.959964


def wilson_bounds(hits: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a share after Wilson (1927); everything is possible where there is nothing.

    >>> [round(x, 3) for x in wilson_bounds(8, 10)]
    [0.49, 0.943]
    """
    if not n:
        return 0.0, 1.0
    p = hits / n
    centre, half = p + Z * Z / (2 * n), Z * sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
    return max(0.0, (centre - half) / (1 + Z * Z / n)), min(1.0, (centre + half) / (1 + Z * Z / n))


def wilson(hits: float, n: int, name: str) -> Metric:
    """A share with its 95 % interval after Wilson (1927).

    >>> m = wilson(8, 10, "accuracy"); (m.value, round(m.low, 3), round(m.high, 3))
    (0.8, 0.49, 0.943)
    """
    return Metric(name, hits / n if n else 0.0, *wilson_bounds(hits, n), n)
