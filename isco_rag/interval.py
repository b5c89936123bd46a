"""Shares with the interval they are known within."""

from math import sqrt

from isco_rag.types import Metric


def wilson(hits: float, n: int, name: str) -> Metric:
    """A share with its 95 % interval after Wilson (1927).

    >>> m = wilson(8, 10, "accuracy"); (m.value, round(m.low, 3), round(m.high, 3))
    (0.8, 0.49, 0.943)
    """
    if not n:
        return Metric(name, 0.0, 0.0, 1.0, 0)
    z, p = 1.959964, hits / n
    centre, half = p + z * z / (2 * n), z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return Metric(name, p, (centre - half) / (1 + z * z / n), (centre + half) / (1 + z * z / n), n)
