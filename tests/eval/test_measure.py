"""Shares and calibration errors of what is at hand."""

import numpy as np
import pytest
from isco_eval.measure import calibration_error, wilson

from isco_rag.calibrate import expected_calibration_error


def test_wilson_agrees_with_a_published_case() -> None:
    # Newcombe (1998), table I: 81 of 263 gives 0.2553 to 0.3662.
    found = wilson(81, 263, "share")
    assert (round(found.low, 4), round(found.high, 4)) == (0.2553, 0.3662)
    assert wilson(0, 0, "none").n == 0


def test_the_calibration_error_is_that_of_the_core() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.random(400)
    right = rng.random(400) < confidence**2
    found = calibration_error(np.stack([confidence, right], axis=1))
    assert found.value == pytest.approx(expected_calibration_error(confidence, right))
    assert found.low < found.value < found.high
    assert calibration_error(np.zeros((0, 2))).n == 0
