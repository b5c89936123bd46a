"""A share and a calibration error as metrics, for those who have nothing but counts or pairs in hand."""

import numpy as np
from numpy.typing import NDArray

from isco_eval import bootstrap
from isco_eval.bootstrap import Key
from isco_eval.measures import calibration_gap
from isco_rag.types import Metric


def wilson(hits: int, n: int, name: str) -> Metric:
    """A share with its 95 % interval after Wilson (1927).

    >>> m = wilson(8, 10, "accuracy"); (m.value, round(m.low, 3), round(m.high, 3))
    (0.8, 0.49, 0.943)
    """
    low, high = bootstrap.wilson(hits, n)
    return Metric(name, hits / n if n else 0.0, low, high, n)


def calibration_error(pairs: NDArray[np.float64], resamples: int = 500) -> Metric:
    """Expected calibration error of pairs (confidence, right) [n, 2] with a bootstrap interval of 95 %."""
    name, n = "ECE of the emitted code", len(pairs)
    measure = calibration_gap(Key(name), pairs[:, 0], pairs[:, 1], np.arange(n))
    found = bootstrap.estimate([measure], n, resamples, 0)
    return Metric(name, found[0].value, found[0].low, found[0].high, n) if found else Metric(name, 0.0, 0.0, 1.0, n)
