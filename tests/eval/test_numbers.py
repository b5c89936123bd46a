"""Intervals, measures and curves against hand-worked cases, laws and independent libraries."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from isco_eval.bootstrap import Key, Measures, estimate, ratios, resamples
from isco_eval.conformal import folded_sets, judged_sets
from isco_eval.curves import automation, curves, published, risk_coverage
from isco_eval.measures import all_measures, calibration_by_chance, calibration_gap
from isco_eval.rows import Rows, load_rows
from isco_eval.store import open_store
from sklearn.metrics import balanced_accuracy_score, log_loss

from isco_rag.calibrate import expected_calibration_error
from isco_rag.conformal import fit_conformal
from isco_rag.interval import wilson, wilson_bounds
from tests.eval.tiny import tiny_gold, tiny_run


@pytest.fixture(scope="module")
def rows() -> Rows:
    with open_store(None) as store:
        return load_rows(store, tiny_run(store, tiny_gold(5)))


def values(measures: list[Measures], n: int) -> dict[Key, float]:
    return {key: float(v) for m in measures for key, v in zip(m.keys, m.of(np.ones((1, n)))[0], strict=True)}


def test_figures_are_what_a_hand_counts() -> None:
    with open_store(None) as store:
        one = load_rows(store, tiny_run(store))
    found = values(all_measures(one), len(one))
    assert list(one["id"]) == [f"0-{i}" for i in range(8)]
    right = [int(one["rank"][i] == 1) for i in range(8)]
    assert right[0] == 1
    assert right[3] == 0
    assert found[Key("top 1")] == sum(right) / 8
    assert found[Key("not codable")] == 1 / 8
    # One gold code is a group above the lowest level: it is compared there and left out below.
    lowest = [i for i in range(8) if i != 2]
    assert found[Key("accuracy", "level", "3")] == pytest.approx(sum(one["matched"][i] == 3 for i in lowest) / 7)
    assert found[Key("accuracy", "level", "2")] == pytest.approx(sum(one["matched"][i] >= 2 for i in range(8)) / 8)
    levels, mine = np.minimum(one["level"], one["gold_level"]), one["emitted_matched"]
    assert found[Key("hierarchical precision")] == pytest.approx(mine.sum() / levels.sum())
    assert found[Key("hierarchical recall")] == pytest.approx(mine.sum() / one["gold_level"].sum())


def test_libraries_agree(rows: Rows) -> None:
    found = values(all_measures(rows), len(rows))
    for level in (1, 2, 3):
        reach = rows.gold[level] != ""
        said = np.where(rows.best[level] == "", "none", rows.best[level])[reach].astype(str)
        with np.errstate(all="ignore"), pytest.warns(UserWarning, match="y_pred"):
            wanted = balanced_accuracy_score(rows.gold[level][reach].astype(str), said)
        assert found[Key("macro accuracy", "level", str(level))] == pytest.approx(wanted)
    full = (rows["gold_level"] == 3) & rows.coded
    p = rows["p_gold"][full].astype(float)
    assert found[Key("log loss")] == pytest.approx(log_loss(np.ones(len(p)), np.stack([1 - p, p], axis=1), labels=[0, 1]), rel=1e-5)
    wanted = expected_calibration_error(rows["confidence"][rows.coded], rows["emitted_right"][rows.coded])
    assert found[Key("ECE of the emitted code")] == pytest.approx(wanted)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_a_record_of_weight_two_is_a_record_that_stands_twice(seed: int) -> None:
    """The law that vectorised resampling rests on, for every measure: weights give what repeating the records gives."""
    with open_store(None) as store:
        rows = load_rows(store, tiny_run(store))
    rng = np.random.default_rng(seed)
    weights = rng.integers(0, 4, len(rows))
    weights[0] += weights.sum() == 0
    place = np.repeat(np.arange(len(rows)), weights)
    twice = Rows(
        {k: v[place] for k, v in rows.columns.items()}, rows.depth, {k: v[place] for k, v in rows.gold.items()},
        {k: v[place] for k, v in rows.best.items()}, {k: v[place] for k, v in rows.slices.items()},
    )  # fmt: skip
    # Bins are laid by the records at hand, so measures over bins are compared on the bins of the first.
    binned = ("ECE", "bin ", "threshold", "automated", "error of the surest", "area")
    weighed = {
        key: float(v)
        for m in [*all_measures(rows), *published(rows)]
        for key, v in zip(m.keys, m.of(weights[None].astype(float))[0], strict=True)
    }
    repeated = values([*all_measures(twice), *published(twice)], len(twice))
    for key, value in repeated.items():
        if not key.measure.startswith(binned) and key in weighed:
            np.testing.assert_allclose(weighed[key], value, atol=1e-9, err_msg=str(key))


def test_wilson_agrees_with_a_published_case() -> None:
    # Newcombe (1998), table I: 81 of 263 gives 0.2553 to 0.3662.
    assert [round(x, 4) for x in wilson_bounds(81, 263)] == [0.2553, 0.3662]
    assert wilson_bounds(0, 0) == (0.0, 1.0)
    found = wilson(81, 263, "share")
    assert (found.value, found.low, found.high, found.n) == (81 / 263, *wilson_bounds(81, 263), 263)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Of 200 samples of 150 records of which 30 % are right, 95 % intervals miss 0.3 in 2 to 9 %."""
    rng, missed = np.random.default_rng(4), 0
    for seed in range(200):
        hits = (rng.random(150) < 0.3).astype(float)
        f = estimate([ratios([Key("x")], [hits], [np.ones(150)], shares=True)], 150, 400, seed)[0]
        missed += not f.low <= 0.3 <= f.high
    assert 0.02 <= missed / 200 <= 0.09


def test_a_share_of_all_has_an_interval_too() -> None:
    f = estimate([ratios([Key("x")], [np.ones(5)], [np.ones(5)], shares=True)], 5, 100, 0)[0]
    assert f.value == 1.0
    assert f.low < 0.6


def test_resamples_draw_as_many_as_there_are() -> None:
    drawn = np.concatenate(list(resamples(17, 230, 3)))
    assert drawn.shape == (230, 17)
    assert (drawn.sum(axis=1) == 17).all()
    assert np.array_equal(drawn, np.concatenate(list(resamples(17, 230, 3))))


def test_automation_is_the_longest_run_that_holds() -> None:
    confidence = np.linspace(1.0, 0.0, 100)
    right = np.ones(100)
    right[[49, 98]] = 0.0
    m = automation("unit group", confidence, right, np.arange(100))
    found = {key: float(v) for key, v in zip(m.keys, m.of(np.ones((1, 100)))[0], strict=True)}
    # One wrong among 49 is more than 1 %; one among 98 again is not; two among 99 are more than 1 % but less than 3 %.
    assert found[Key("automated", "unit group", "0.01")] == 0.49
    assert found[Key("automated", "unit group", "0.03")] == 1.0
    assert found[Key("threshold", "unit group", "0.01")] == pytest.approx(confidence[48])


def test_records_of_one_probability_go_together() -> None:
    right = np.r_[np.ones(40), np.zeros(1), np.ones(9)]
    m = automation("unit group", np.full(50, 0.5), right, np.arange(50))
    assert m.of(np.ones((1, 50)))[0].tolist() == pytest.approx([0.0, np.nan, 1.0, 0.5, 1.0, 0.5, 1.0, 0.5], nan_ok=True)


def test_risk_is_counted_from_the_surest() -> None:
    confidence, right = np.array([0.9, 0.8, 0.7, 0.6]), np.array([1.0, 0.0, 1.0, 0.0])
    found = values(list(risk_coverage("unit group", confidence, right, np.arange(4))), 4)
    assert found[Key("error of the surest", "unit group", "0.25")] == 0.0
    assert found[Key("error of the surest", "unit group", "0.50")] == 0.5
    assert found[Key("error of the surest", "unit group", "1.00")] == 0.5
    assert found[Key("area under risk-coverage", "unit group")] == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)


def test_none_wrong_among_the_surest_is_not_known_for_certain() -> None:
    right = np.r_[np.ones(50), np.zeros(50)]
    found = {f.key: f for f in estimate(list(risk_coverage("unit group", np.linspace(1, 0, 100), right, np.arange(100))), 100, 200, 0)}
    surest = found[Key("error of the surest", "unit group", "0.20")]
    assert (surest.value, surest.low) == (0.0, 0.0)
    assert surest.high == pytest.approx(wilson_bounds(0, 20)[1])


def test_shares_sum_to_one_and_their_differences_to_zero(rows: Rows) -> None:
    found = values(list(published(rows)), len(rows))
    for level in ("level 1", "level 2"):
        gaps = [v for key, v in found.items() if key.measure == "difference of shares" and key.slice == level]
        assert sum(v for key, v in found.items() if key.measure == "share by coder" and key.slice == level) == pytest.approx(1.0)
        assert sum(gaps) == pytest.approx(0.0)
        assert found[Key("dissimilarity", level)] == pytest.approx(sum(abs(g) for g in gaps) / 2)


@pytest.mark.parametrize("coverage", [80, 90, 95])
def test_conformal_sets_hold_what_they_promise(coverage: int) -> None:
    rng = np.random.default_rng(1)
    p = rng.dirichlet(np.full(20, 0.2), 3000)
    truth = np.array([rng.choice(20, p=row) for row in p])
    sizes, held = folded_sets(p, truth, np.zeros(3000, dtype=int))[coverage]
    assert abs(held.mean() - coverage / 100) < 0.02
    assert sizes.mean() < 20


def test_sets_of_a_bundle_are_judged_on_records_that_it_was_not_fitted_on() -> None:
    """They hold the truth on records of the same kind, and too seldom where every second truth is another."""
    rng = np.random.default_rng(2)
    p = rng.dirichlet(np.full(20, 0.2), 4000)
    truth = np.array([rng.choice(20, p=row) for row in p])
    regimes = rng.integers(0, 2, 4000)
    fitted = fit_conformal(p[:2000], truth[:2000], regimes[:2000])
    found = judged_sets(fitted, p[2000:], truth[2000:], regimes[2000:])
    assert {coverage: abs(held.mean() - coverage / 100) < 0.03 for coverage, (_, held) in found.items()} == {80: True, 90: True, 95: True}
    wrong = np.where(rng.random(2000) < 0.5, rng.integers(0, 20, 2000), truth[2000:])
    assert judged_sets(fitted, p[2000:], wrong, regimes[2000:])[90][1].mean() < 0.8


def test_of_too_few_records_sets_hold_every_class() -> None:
    sets = folded_sets(np.full((8, 3), 1 / 3), np.zeros(8, dtype=int), np.zeros(8, dtype=int))
    assert sets[90][0].tolist() == [3] * 8
    assert sets[90][1].all()


def test_curves_of_nothing_are_nothing() -> None:
    with open_store(None) as store:
        gold = tiny_gold()
        run = tiny_run(store, type(gold)("none", gold.jobs[3:4], gold.codes[3:4]))
        assert list(curves(load_rows(store, run))) == []
        assert store.rows("SELECT figure FROM figures WHERE run = ? AND measure = 'top 1' AND slice = 'all'", run) == [{"figure": 0.0}]


def test_chance_makes_the_calibration_error_that_simulation_finds() -> None:
    """Records that are right exactly as often as their confidence says, drawn many times."""
    rng = np.random.default_rng(5)
    confidence = rng.beta(4, 2, 300)
    place = np.arange(300)
    drawn = [
        calibration_gap(Key("x"), confidence, (rng.random(300) < confidence).astype(float), place).of(np.ones((1, 300)))[0, 0]
        for _ in range(400)
    ]
    told = calibration_by_chance(Key("x"), confidence).of(np.ones((1, 300)))[0, 0]
    assert told == pytest.approx(np.mean(drawn), rel=0.05)


def test_calibration_is_told_by_slice_where_there_are_records_enough() -> None:
    with open_store(None) as store:
        run = tiny_run(store, tiny_gold(times=80))
        found = {
            r["value"]: r for r in store.rows("SELECT * FROM figures WHERE run = ? AND slice = 'source' AND measure LIKE 'ECE%code'", run)
        }
        assert sorted(found) == ["even", "odd"]
        columns, rows = store.ask("calibration_slices", run)
        by = {(r["slice"], r["value"]): r for r in (dict(zip(columns, row, strict=True)) for row in rows)}
        assert by["source", "odd"]["calibration error"] == pytest.approx(found["odd"]["figure"], abs=0.0005)
        right = store.rows(
            "SELECT avg(emitted_right::INT) AS r FROM coded JOIN slices USING (row) WHERE slice = 'source' AND value = 'odd' AND level > 0"
        )
        assert by["source", "odd"]["emitted right"] == pytest.approx(100 * right[0]["r"], abs=0.05)
