"""Laws of conformal sets: coverage, nesting, and what too few rows do."""

from itertools import pairwise

import msgspec
import numpy as np
import pytest

from isco_rag.conformal import COVERAGES, FREE, PENALTY, Conformal, fit_conformal
from isco_rag.errors import InputError, UsageError
from isco_rag.fuse import REGIMES, best, softmax


def sample(n: int, seed: int, classes: int = 30) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities that are sharper than the truth, less so in odd regimes, with the truth and the regimes."""
    rng = np.random.default_rng(seed)
    honest = softmax(rng.normal(size=(n, classes)) * 2)
    truth = np.array([rng.choice(classes, p=row) for row in honest])
    regimes = rng.integers(0, 2, n)
    return softmax(np.where(regimes[:, None] == 1, 1.5, 4.0) * np.log(honest)), truth, regimes


def covered(found: list[np.ndarray], truth: np.ndarray) -> np.ndarray:
    return np.array([t in s for t, s in zip(truth, found, strict=True)])


@pytest.mark.parametrize(("penalty", "free"), [(0.0, 0), (PENALTY, FREE)])
@pytest.mark.parametrize("coverage", COVERAGES)
def test_sets_cover_what_they_promise_in_each_regime(coverage: float, penalty: float, free: int) -> None:
    """Coverage over many samples is at least the stated one and not much more, within four standard errors."""
    hits: list[list[bool]] = [[], []]
    for seed in range(40):
        p, truth, regimes = sample(600, seed)
        fitted = fit_conformal(p[:400], truth[:400], regimes[:400], penalty=penalty, free=free)
        found = covered(fitted.sets(p[400:], regimes[400:], coverage), truth[400:])
        for regime in (0, 1):
            hits[regime] += found[regimes[400:] == regime].tolist()
    for rows in hits:
        error = 4 * np.sqrt(coverage * (1 - coverage) * (1 / len(rows) + 1 / (40 * 200)))
        assert np.mean(rows) >= coverage - error
        assert np.mean(rows) <= coverage + 0.01 + error


def test_sets_grow_with_the_coverage_and_begin_with_the_likeliest() -> None:
    p, truth, regimes = sample(800, 1)
    fitted = fit_conformal(p, truth, regimes, (0.5, 0.7, 0.9, 0.99))
    levels = [fitted.sets(p, regimes, c) for c in fitted.coverages]
    for smaller, larger in pairwise(levels):
        assert all(len(a) <= len(b) and np.array_equal(a, b[: len(a)]) for a, b in zip(smaller, larger, strict=True))
    assert all(len(s) >= 1 and s[0] == best(row[None], 1)[0, 0] for s, row in zip(levels[0], p, strict=True))


def test_a_set_does_not_depend_on_the_batch_or_on_how_classes_are_named() -> None:
    p, truth, regimes = sample(400, 2)
    fitted = fit_conformal(p, truth, regimes)
    together = fitted.sets(p, regimes, 0.9)
    assert all(np.array_equal(fitted.sets(p[i : i + 1], regimes[i : i + 1], 0.9)[0], together[i]) for i in range(50))
    shuffle = np.random.default_rng(3).permutation(p.shape[1])
    renamed = fit_conformal(p[:, shuffle], np.argsort(shuffle)[truth], regimes)
    assert [set(s) for s in together] == [{int(shuffle[c]) for c in s} for s in renamed.sets(p[:, shuffle], regimes, 0.9)]


def test_a_penalty_shortens_the_longest_sets() -> None:
    p, truth, regimes = sample(2000, 4)
    flat, sharp = (fit_conformal(p, truth, regimes, penalty=penalty, free=4) for penalty in (0.0, 0.1))
    assert max(map(len, sharp.sets(p, regimes, 0.95))) < max(map(len, flat.sets(p, regimes, 0.95)))


def test_a_regime_with_few_rows_takes_the_threshold_of_all() -> None:
    p, truth, regimes = sample(500, 5)
    regimes[:] = 0
    regimes[:30] = 2
    fitted = fit_conformal(p, truth, regimes)
    assert fitted.rows == (470, 0, 0, 0, 0)
    assert fitted.thresholds[1] == fitted.thresholds[2] == fitted.thresholds[3]
    assert len(fitted.thresholds) == len(REGIMES)


def test_a_job_that_cannot_be_coded_has_an_empty_set() -> None:
    p, truth, regimes = sample(300, 6)
    empty = fit_conformal(p, truth, regimes).sets(np.zeros((1, p.shape[1])), np.zeros(1, int), 0.9)
    assert len(empty[0]) == 0


def test_what_was_not_fitted_is_refused() -> None:
    p, truth, regimes = sample(60, 7)
    with pytest.raises(InputError, match="99"):
        fit_conformal(p, truth, regimes, (0.99,))
    with pytest.raises(UsageError, match="between 0 and 1"):
        fit_conformal(p, truth, regimes, (1.0,))
    with pytest.raises(UsageError, match=r"0\.8, 0\.9"):
        fit_conformal(p, truth, regimes).sets(p, regimes, 0.85)


def test_it_goes_to_json_and_back() -> None:
    fitted = fit_conformal(*sample(300, 8))
    assert msgspec.json.decode(msgspec.json.encode(fitted), type=Conformal) == fitted
