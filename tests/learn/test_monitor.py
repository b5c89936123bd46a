"""Laws of monitoring: hand-worked figures, no alert by chance, an alert where something has changed, nothing said of too little."""

from math import log

import numpy as np
import pytest

from isco_rag.interval import wilson
from isco_rag.learn.monitor import Centre, Limits, calibrated, drift, erring, promised, psi, rise, shift
from isco_rag.types import Metric

LIMITS = Limits()


def test_the_index_is_that_of_a_case_worked_by_hand() -> None:
    # (.5-.4) ln(.5/.4) + (.3-.4) ln(.3/.4) + (.2-.2) ln 1
    assert psi([40, 40, 20], [500, 300, 200]) == pytest.approx(0.1 * log(1.25) + 0.1 * log(4 / 3))
    assert psi([7, 3], [70, 30]) == 0.0
    assert psi([10, 90], [90, 10]) == pytest.approx(psi([90, 10], [10, 90]))
    assert 0 < psi([100, 0], [99, 1]) < 0.05


def test_samples_of_one_population_are_no_alert() -> None:
    rng = np.random.default_rng(1)
    many = rng.dirichlet(np.ones(436) * 0.3)
    for _ in range(20):
        before, now = ({str(i): int(n) for i, n in enumerate(rng.multinomial(n, many)) if n} for n in (3000, 300))
        found = shift("codes", before, now, LIMITS)
        assert found.state == "ok"
        # The naive reading of the index would have raised it each time.
        assert found.value > LIMITS.psi


def test_a_changed_population_is_an_alert_that_says_what_moved() -> None:
    found = shift("codes", {"2": 500, "7": 500}, {"2": 120, "7": 380}, LIMITS)
    assert found.state == "alert"
    assert found.low <= found.value <= found.high
    assert (found.n, found.before_n) == (500, 1000)
    assert "most moved: 2, 50.0% before, 24.0% now" in found.said
    assert shift("codes", {"2": 510, "7": 490}, {"2": 250, "7": 250}, LIMITS).state == "ok"


def test_too_little_is_said_and_is_no_alert() -> None:
    found = [
        shift("codes", {"2": 5000}, {"7": 199}, LIMITS), shift("codes", {"2": 199}, {"7": 5000}, LIMITS), shift("codes", {}, {}, LIMITS),
        rise("far", "x", (0, 100), (100, 100), 0.1, 200), drift([], [], LIMITS), erring(Metric("e", 1.0, 0.9, 1.0, 10), LIMITS),
        calibrated("high", 0.99, wilson(0, 10, "high"), LIMITS),
    ]  # fmt: skip
    assert {one.state for one in found} == {"little"}
    assert all("too little" in one.said for one in found)


def test_a_share_must_rise_by_the_limit_and_beyond_chance() -> None:
    assert rise("far", "x", (50, 1000), (200, 1000), 0.1, 200).state == "alert"
    assert rise("far", "x", (50, 1000), (140, 1000), 0.1, 200).state == "ok"
    assert rise("far", "x", (200, 1000), (50, 1000), 0.1, 200).state == "ok"
    assert rise("far", "x", (100, 200), (122, 200), 0.1, 200).state == "alert"
    assert rise("far", "x", (40, 201), (61, 201), 0.1, 20).state == "alert"
    assert rise("far", "x", (4, 21), (7, 21), 0.1, 20).state == "ok"
    assert rise("automatic", "x", (900, 1000), (700, 1000), 0.1, 200, sign=-1).state == "alert"
    assert rise("automatic", "x", (700, 1000), (900, 1000), 0.1, 200, sign=-1).state == "ok"


def centre(direction: np.ndarray, n: int, seed: int, bundle: str = "a", rows: int = 0) -> Centre:
    noise = np.random.default_rng(seed).normal(size=(n, len(direction))) + 2 * direction
    unit = noise / np.linalg.norm(noise, axis=1, keepdims=True)
    return Centre(bundle, rows or n, n, unit.sum(axis=0))


def test_the_centre_turns_by_chance_as_expected_and_by_change_beyond_it() -> None:
    east, north = np.eye(64)[0], np.eye(64)[1]
    turns = [drift([centre(east, 300, i)], [centre(east, 300, 100 + i)], LIMITS) for i in range(30)]
    assert all(one.state == "ok" for one in turns)
    assert np.mean([one.value for one in turns]) == pytest.approx(np.mean([one.chance for one in turns]), rel=0.1)
    found = drift([centre(east, 300, 1)], [centre((east + north) / 2**0.5, 300, 2)], LIMITS)
    assert found.state == "alert"
    assert found.low <= 1 - 2**-0.5 + found.chance <= found.high + 0.02
    # Another encoder's vectors say nothing about these.
    assert drift([centre(east, 300, 1)], [centre(north, 300, 2, "b")], LIMITS).state == "little"


def test_a_small_sample_of_a_large_file_counts_by_the_rows_it_stands_for() -> None:
    east, north = np.eye(64)[0], np.eye(64)[1]
    both = [centre(east, 500, 1, rows=500), centre(north, 500, 2, rows=9500)]
    found = drift([centre(north, 500, 3)], both, LIMITS)
    assert found.state == "ok"
    assert found.n < 1000


def test_grades_are_held_to_their_confidence_and_bundles_to_their_manifest() -> None:
    assert calibrated("very_high", 0.95, wilson(70, 100, ""), LIMITS).state == "alert"
    assert calibrated("very_high", 0.95, wilson(93, 100, ""), LIMITS).state == "ok"
    assert calibrated("low", 0.55, wilson(70, 100, ""), LIMITS).state == "ok"
    said = Metric("written: top 1", 0.63, 0.61, 0.65, 1658)
    assert promised("b", Metric("written: top 1", 0.609, 0.58, 0.63, 1658), said).state == "alert"
    assert promised("b", Metric("written: top 1", 0.62, 0.6, 0.64, 1658), said).state == "ok"
    assert erring(Metric("e", 0.2, 0.16, 0.25, 100), LIMITS).state == "alert"
    assert erring(Metric("e", 0.2, 0.14, 0.25, 100), LIMITS).state == "ok"
