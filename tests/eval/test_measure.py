"""Calibration errors of what is at hand."""

import numpy as np
import pytest
from isco_eval.measure import calibration_error

from isco_rag.calibrate import expected_calibration_error


def test_the_calibration_error_is_that_of_the_core() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.random(400)
    right = rng.random(400) < confidence**2
    found = calibration_error(np.stack([confidence, right], axis=1))
    assert found.value == pytest.approx(expected_calibration_error(confidence, right))
    assert found.low < found.value < found.high
    assert calibration_error(np.zeros((0, 2))).n == 0
