"""A calibration error as a metric, for those who have nothing but pairs in hand."""

import numpy as np
from numpy.typing import NDArray

from isco_eval import bootstrap
from isco_eval.bootstrap import Key
from isco_eval.measures import calibration_gap
from isco_rag.types import Metric


def calibration_error(pairs: NDArray[np.float64], resamples: int = 500) -> Metric:
    """Expected calibration error of pairs (confidence, right) [n, 2] with a bootstrap interval of 95 %."""
    name, n = "ECE of the emitted code", len(pairs)
    measure = calibration_gap(Key(name), pairs[:, 0], pairs[:, 1], np.arange(n))
    found = bootstrap.estimate([measure], n, resamples, 0)
    return Metric(name, found[0].value, found[0].low, found[0].high, n) if found else Metric(name, 0.0, 0.0, 1.0, n)
