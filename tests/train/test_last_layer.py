"""The last layer finds what truth was drawn from, and is moved the further from what was known the more rows say otherwise."""

import numpy as np
import pytest

from isco_rag import taught
from isco_rag.calibrate import Temperature
from isco_rag.fuse import Doubles, softmax
from isco_rag.ports import Ints
from isco_rag.train.fit import fit_slope
from isco_rag.train.refit import fit_trust, moved_all, moved_towards

KNOWN = Temperature((1.0, 2.0), -0.1)


def test_fitting_finds_temperatures_that_change_with_the_entropy() -> None:
    """Truth is drawn from what the calibrator makes of raw probabilities: fitting on them finds the calibrator again, kind by kind."""
    rng = np.random.default_rng(6)
    raw = softmax(rng.normal(size=(40_000, 12)) * rng.uniform(0.5, 4.0, size=(40_000, 1)))
    kinds = rng.integers(0, 2, len(raw))
    drawn_from = Temperature((1.3, 0.8), -0.2)
    truth = np.array([rng.choice(12, p=row) for row in drawn_from.apply(raw, kinds)])
    temperatures, slope = fit_slope(raw, truth, kinds)
    assert temperatures == pytest.approx([1.3, 0.8], rel=0.06)
    assert slope == pytest.approx(-0.2, abs=0.04)


def drawn(n: int, calibrator: Temperature, seed: int) -> tuple[Doubles, Ints]:
    """Raw probabilities of the first regime, and truth drawn from what the calibrator makes of them."""
    rng = np.random.default_rng(seed)
    raw = softmax(rng.normal(size=(n, 8)) * rng.uniform(0.5, 4.0, size=(n, 1)))
    return raw, np.array([rng.choice(8, p=row) for row in calibrator.apply(raw, np.zeros(n, int))])


def test_many_rows_move_a_temperature_wholly_and_nothing_else() -> None:
    raw, truth = drawn(20_000, Temperature((1.6, 2.0), -0.1), 1)
    found = moved_towards(KNOWN, raw, truth, np.zeros(len(truth), int), 100.0)
    assert found.temperatures[0] == pytest.approx(1.6, rel=0.05)
    assert found.temperatures[1] == 2.0
    assert found.slope == KNOWN.slope


def test_the_more_the_known_is_worth_the_nearer_to_it_a_few_rows_stay() -> None:
    raw, truth = drawn(200, Temperature((3.0, 2.0), -0.1), 2)
    found = [moved_towards(KNOWN, raw, truth, np.zeros(200, int), worth).temperatures[0] for worth in (0.0, 100.0, 1e4, 1e7)]
    assert found == sorted(found, reverse=True)
    assert found[0] > 2.0
    assert found[-1] == pytest.approx(1.0, abs=0.01)


def test_rows_that_agree_with_the_known_leave_it() -> None:
    raw, truth = drawn(20_000, KNOWN, 3)
    assert moved_towards(KNOWN, raw, truth, np.zeros(len(truth), int), 100.0).temperatures[0] == pytest.approx(1.0, rel=0.04)


def test_without_rows_all_stays_as_it_was() -> None:
    assert moved_towards(KNOWN, np.zeros((0, 8)), np.zeros(0, int), np.zeros(0, int), 100.0) == KNOWN


def test_trust_in_corrections_is_that_which_the_truth_was_drawn_with() -> None:
    """Rows without a correction near them say nothing of it, and without any it stays."""
    rng, n, known = np.random.default_rng(4), 20_000, (0.8, 1.0)
    before = softmax(rng.normal(size=(n, 6)))
    heard = [
        None if i % 3 == 0 else taught.Heard(np.where(rng.random(6) < 0.3, 2 * rng.random(6), 0.0), float(rng.uniform(0.2, 1.0)))
        for i in range(n)
    ]
    truth = np.array([rng.choice(6, p=row) for row in moved_all(before, heard, (0.5, 1.6))])
    assert fit_trust(before, heard, truth, known) == pytest.approx((0.5, 1.6), abs=0.12)
    assert fit_trust(before, [None] * n, truth, known) == known
