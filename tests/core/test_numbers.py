"""Laws of fusion, calibration and fallback."""

import numpy as np
import pytest

from isco_rag.calibrate import Temperature, expected_calibration_error, fit_temperature
from isco_rag.fallback import emitted_level, grade_of
from isco_rag.fuse import FEATURES, USED, Fusion, best, fuse, neighbour_evidence, regime_of, rerank, softmax
from isco_rag.settings import Settings, Thresholds
from tests.checks import check_calibrator

WEIGHTS = tuple(tuple(0.7 if f in used else 0.0 for f in range(len(FEATURES))) for used in USED)


def features(n: int, classes: int = 9) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(n, len(FEATURES), classes)).astype(np.float32)


def test_fused_rows_sum_to_one_and_stand_alone() -> None:
    x, regimes = features(40), np.arange(40) % 4
    fusion = Fusion(WEIGHTS, ((1.0, 0.5),) * 4)
    p = fuse(x, regimes, fusion)
    np.testing.assert_allclose(p.sum(axis=1), 1.0)
    for i in range(40):
        assert np.array_equal(fuse(x[i : i + 1], regimes[i : i + 1], fusion)[0], p[i])


def test_relabelling_the_classes_relabels_the_answer() -> None:
    x, regimes, order = features(5), np.zeros(5, int), np.random.default_rng(2).permutation(9)
    fusion = Fusion(WEIGHTS, ((1.0, 0.5),) * 4)
    np.testing.assert_allclose(fuse(x[:, :, order], regimes, fusion), fuse(x, regimes, fusion)[:, order])


def test_reranking_moves_mass_only_among_what_was_read() -> None:
    p = np.random.default_rng(3).dirichlet(np.ones(8), 6)
    codes = list(best(p, 3))
    found = rerank(p, codes, [np.array([0.0, 2.0, 0.0], np.float32)] * 6, np.zeros(6, int), Fusion(WEIGHTS, ((1.0, 1.0),) * 4))
    for i in range(6):
        others = [c for c in range(8) if c not in codes[i]]
        assert np.array_equal(found[i, others], p[i, others])
        assert found[i, codes[i]].sum() == pytest.approx(p[i, codes[i]].sum())
        assert found[i, codes[i][1]] > p[i, codes[i][1]]


def test_a_silent_reranker_changes_nothing() -> None:
    p = np.random.default_rng(4).dirichlet(np.ones(8), 6)
    codes = list(best(p, 3))
    silent = Fusion(WEIGHTS, ((1.0, 0.0),) * 4)
    np.testing.assert_allclose(rerank(p, codes, [np.array([5.0, 0.0, 1.0], np.float32)] * 6, np.zeros(6, int), silent), p, atol=1e-9)


def test_nearer_neighbours_weigh_more_and_missing_ones_nothing() -> None:
    near = np.array([[0.9, 0.8, 0.0]], np.float32)
    found = neighbour_evidence(near, np.array([[1, 0, -1]]), 3, 24.0, 1e-6)[0]
    assert found[1] > found[0] > found[2]
    assert found[2] == pytest.approx(np.log(1e-6))


def test_regimes_tell_what_fields_there_are() -> None:
    assert [regime_of(*f) for f in (("t", "", ""), ("t", "d", "i"), ("", "d", ""), ("t", "", "i"))] == [0, 1, 2, 3]


def test_temperature_obeys_the_calibrators_laws() -> None:
    check_calibrator(Temperature((0.5, 1.0, 2.0, 4.0)))
    check_calibrator(Temperature((0.5, 1.0, 2.0, 4.0), -0.1))


def test_fitting_finds_the_temperature_that_spoiled_the_truth() -> None:
    rng = np.random.default_rng(5)
    honest = softmax(rng.normal(size=(20_000, 6)) * 2)
    truth = np.array([rng.choice(6, p=row) for row in honest])
    spoiled = softmax(3.0 * np.log(honest))
    assert fit_temperature(spoiled, truth) == pytest.approx(3.0, rel=0.05)
    fixed = Temperature((fit_temperature(spoiled, truth),) * 4).apply(spoiled, np.zeros(len(truth), int))
    assert expected_calibration_error(fixed.max(axis=1), fixed.argmax(axis=1) == truth) < 0.02
    assert expected_calibration_error(spoiled.max(axis=1), spoiled.argmax(axis=1) == truth) > 0.1


def test_a_slope_keeps_the_order_of_the_classes() -> None:
    raw = softmax(np.random.default_rng(7).normal(size=(500, 9)) * 3)
    found = Temperature((0.9,), -0.3).apply(raw, np.zeros(500, int))
    assert (np.argsort(-found, axis=1) == np.argsort(-raw, axis=1)).all()


def test_grades_follow_the_thresholds_and_levels_the_grades() -> None:
    settings = Settings()
    grades = [grade_of(p, settings.thresholds) for p in np.linspace(0, 1, 101)]
    assert list(dict.fromkeys(grades)) == ["very_low", "low", "medium", "high", "very_high"]
    assert {g: emitted_level(g, 4, settings) for g in dict.fromkeys(grades)} == {
        "very_low": 3, "low": 3, "medium": 4, "high": 4, "very_high": 4,
    }  # fmt: skip


def test_thresholds_must_fall() -> None:
    with pytest.raises(ValueError, match="fall"):
        Thresholds(very_high=0.5, high=0.8)
