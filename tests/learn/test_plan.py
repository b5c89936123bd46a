"""The plan: what costs most stands first, with figures that can be counted again."""

import pytest

from isco_rag.errors import UsageError
from isco_rag.interval import wilson
from isco_rag.learn.looking import day_since
from isco_rag.learn.plan import Reviewed, plan, upheld
from tests.fakes import tiny_taxonomy

TREE = tiny_taxonomy()


def seen(code: str, final: str, n: int, confidence: float = 0.9) -> list[Reviewed]:
    return [Reviewed(code, "high", confidence, final, "2026-01-01", upheld(TREE, code, final))] * n


def test_a_common_error_outranks_a_rare_one_and_carries_its_figure() -> None:
    reviewed = [*seen("taxi", "truck", 12), *seen("truck", "truck", 28), *seen("maths", "sport", 6), *seen("sport", "sport", 4)]
    coded = {"truck": (900, 0), "taxi": (80, 0), "sport": (15, 0), "maths": (5, 0)}
    found = plan(TREE, reviewed, coded, {})
    errors = [one for one in found if one.kind == "errors"]
    assert [one.code for one in errors] == ["truck", "sport"]
    figure = wilson(12, 40, "corrected")
    assert errors[0].figure == figure
    assert errors[0].cost == round(1000 * figure.low * 0.9, 2)
    assert "12 of 40 records that people put into truck had another code: taxi (12)" in errors[0].reason
    assert [one.cost for one in found] == sorted((one.cost for one in found), reverse=True)
    pairs = {(one.code, one.other): one.figure for one in found if one.kind == "confusion"}
    assert pairs == {("taxi", "truck"): wilson(12, 12, "taken for it"), ("maths", "sport"): wilson(6, 6, "taken for it")}


def test_confidence_is_a_challenge_only_where_it_is_surely_too_high() -> None:
    reviewed = [
        *seen("truck", "truck", 70, 0.95),
        *seen("truck", "taxi", 30, 0.95),
        *seen("sport", "sport", 9, 0.95),
        *seen("sport", "maths", 1, 0.95),
    ]
    gaps = [one for one in plan(TREE, reviewed, {}, {}) if one.kind == "calibration"]
    assert [one.code for one in gaps] == ["truck"]
    right = wilson(70, 100, "")
    assert (gaps[0].figure.value, gaps[0].figure.low) == pytest.approx((0.25, 0.95 - right.high))


def test_thin_coverage_is_what_has_fewer_near_examples_than_usual_or_hardly_any() -> None:
    coded = {"truck": (1000, 20), "taxi": (200, 60), "sport": (30, 3), "maths": (30, 0)}
    found = {one.code: one for one in plan(TREE, [], coded, {"truck": 50, "taxi": 50, "sport": 2, "maths": 0}) if one.kind == "coverage"}
    assert set(found) == {"taxi", "sport"}
    assert "60 of 200 texts that went out as taxi have no near example" in found["taxi"].reason
    assert found["taxi"].figure == wilson(60, 200, "no near example")
    share, usual = 200 / 1260, 83 / 1260
    assert found["taxi"].cost == pytest.approx(1000 * share * (wilson(60, 200, "").low - usual), abs=0.01), "beyond what is usual"


def test_groups_above_stand_for_small_ones_only() -> None:
    reviewed = [*seen("maths", "taxi", 3), *seen("maths", "truck", 4)]
    assert [one.code for one in plan(TREE, reviewed, {}, {}) if one.kind == "errors"] == ["A-road"]
    assert plan(TREE, [], {}, {}) == ()


def test_days_are_counted_back_and_what_is_no_time_is_refused() -> None:
    assert day_since("2026-02-03") == "2026-02-03"
    for text in ("", "d", "30", "yesterday", "2026-13-01", "-3d"):
        with pytest.raises(UsageError, match="say 30d"):
            day_since(text)
