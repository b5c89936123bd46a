"""The bound on the error of what goes out untouched holds as often as it says, and its pieces agree with known cases."""

from itertools import pairwise

import numpy as np
import pytest

from isco_rag.risk import GRID, STARTS, binomial_tail, bound_error, clopper_pearson


def sample(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Confidences, and outcomes that are right a little less often than the confidences say."""
    confidence = rng.beta(4.0, 0.6, n).round(4)
    return confidence, rng.random(n) < confidence**1.1


@pytest.mark.parametrize(("max_error", "n"), [(0.05, 1500), (0.1, 400), (0.12, 300)])
def test_the_bound_fails_no_more_often_than_it_says(max_error: float, n: int) -> None:
    """The true error above the threshold is known by a large sample; over many small ones, few thresholds exceed the bound."""
    rng = np.random.default_rng(1)
    confidence, right = sample(400_000, rng)
    true_error = {t: float(1 - right[confidence >= t].mean()) if (confidence >= t).any() else 0.0 for t in GRID}
    trials, failed, naive, found = 200, 0, 0, 0
    for _ in range(trials):
        c, r = sample(n, rng)
        bound = bound_error(r, lambda t, c=c: c >= t, max_error, delta=0.1)
        failed += bound.safe is not None and true_error[bound.safe.threshold] > max_error
        found += bound.safe is not None
        naive += bound.looked is not None and true_error[bound.looked.threshold] > max_error
    assert failed / trials <= 0.1 + 3 * np.sqrt(0.09 / trials)
    assert found / trials > 0.5
    # What merely looked safe is no bound: that is why it is not what goes into the settings.
    assert naive / trials > 0.3


def test_more_errors_allowed_let_more_out() -> None:
    c, r = sample(3000, np.random.default_rng(2))
    bounds = [bound_error(r, lambda t: c >= t, x).safe for x in (0.05, 0.1, 0.2, 0.3)]
    shares = [b.share.value for b in bounds if b is not None]
    assert len(shares) >= 3
    assert shares == sorted(shares)


def test_a_share_is_what_is_let_out_and_an_error_what_is_wrong_in_it() -> None:
    c, r = sample(2000, np.random.default_rng(3))
    safe = bound_error(r, lambda t: c >= t, 0.2).safe
    assert safe is not None
    assert (safe.share.n, safe.error.n) == (2000, int((c >= safe.threshold).sum()))
    assert safe.error.value == pytest.approx(1 - r[c >= safe.threshold].mean())
    assert safe.error.value < safe.error.high


def test_too_few_rows_give_no_threshold_and_say_how_many_are_needed() -> None:
    all_right = np.ones(60, bool)
    bound = bound_error(all_right, lambda t: np.full(60, True), 0.05)
    assert bound.safe is None
    assert bound.looked is not None
    enough = np.ones(bound.least, bool)
    assert bound_error(enough, lambda t: np.full(bound.least, True), 0.05).safe is not None
    assert bound_error(enough[1:], lambda t: np.full(bound.least - 1, True), 0.05).safe is None


def test_nothing_that_goes_out_is_no_answer() -> None:
    bound = bound_error(np.ones(500, bool), lambda t: np.zeros(500, bool), 0.05)
    assert (bound.safe, bound.looked) == (None, None)


def test_the_grid_falls_and_chains_begin_on_it() -> None:
    assert all(a > b for a, b in pairwise(GRID))
    assert set(STARTS) <= set(GRID)
    assert GRID[-1] == 0.0


def test_tails_add_up_and_intervals_agree_with_published_ones() -> None:
    assert binomial_tail(1000, 2000, 0.5) == pytest.approx(0.5 + 0.5 * 0.0178390, abs=1e-5)
    assert binomial_tail(5, 5, 0.3) == binomial_tail(3, 10, 0.0) == 1.0
    assert binomial_tail(3, 10, 1.0) == 0.0
    # Newcombe (1998), table I, method 5: 81 of 263 gives 0.2527 to 0.3676; 0 of 20 gives 0 to 0.1684.
    found = clopper_pearson("share", 81, 263)
    assert (round(found.low, 4), round(found.high, 4)) == (0.2527, 0.3676)
    assert round(clopper_pearson("share", 0, 20).high, 4) == 0.1684
    assert clopper_pearson("share", 20, 20).high == 1.0
    assert clopper_pearson("share", 0, 0).n == 0
