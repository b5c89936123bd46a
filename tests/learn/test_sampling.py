"""Laws of drawing and of the estimate: known probabilities are kept, nothing is drawn twice, the interval covers."""

from math import sqrt

import numpy as np
import pytest

from isco_rag.learn.beta import beta_quantile
from isco_rag.learn.estimate import Looked, overall_error, untouched_error, weighted_share
from isco_rag.learn.filling import Rows, add_diverse, draw
from isco_rag.learn.sampling import BANDS, allocate, band_of, clusters, draw_diverse, draw_random, draw_uncertain, proportional
from isco_rag.learn.simulation import FEW, NONE, RARE, Case, simulate
from isco_rag.risk import clopper_pearson
from isco_rag.store.settings import Running

REPETITIONS = 1000
# A share that is .95 in truth falls below this in one of a thousand times that 1,000 samples are drawn.
LEAST_COVERED = 0.95 - 3.09 * sqrt(0.95 * 0.05 / REPETITIONS)
CASES = [
    Case(NONE), Case(RARE, drawn=400), Case(FEW), Case((0.3, 0.2, 0.1, 0.05, 0.0)), Case((0.0, 0.0, 0.0, 0.0, 0.03)), Case((0.2,) * 5),
    Case((0.35, 0.25, 0.15, 0.07, 0.03), 1000, 60, 4),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_interval_covers_the_true_error_and_the_estimate_is_unbiased(case: Case) -> None:
    found = simulate(case, REPETITIONS)
    assert found.covered >= LEAST_COVERED
    assert abs(found.bias) <= 3.5 * found.bias_error + 1e-12


def test_an_interval_that_is_too_narrow_would_be_found_out() -> None:
    """The simulation can tell: taking every record as standing for as many others fails it where the bands differ."""
    rng, covered = np.random.default_rng(1), 0
    for _ in range(REPETITIONS):
        bands = rng.choice(BANDS, 2000, p=(0.02, 0.03, 0.05, 0.1, 0.8))
        wrong = rng.random(2000) < np.array((0.6, 0.4, 0.3, 0.1, 0.02))[bands]
        drawn, _ = draw_random(bands, 100, rng)
        naive = clopper_pearson("", sum(bool(wrong[one.row]) for one in drawn), len(drawn))
        covered += naive.low <= wrong.mean() <= naive.high
    assert covered / REPETITIONS < LEAST_COVERED


@pytest.mark.parametrize("hits", [0, 1, 7, 50, 93, 100])
def test_with_equal_weights_it_is_clopper_and_pearsons(hits: int) -> None:
    exact = clopper_pearson("", hits, 100)
    assert weighted_share(np.full(100, 0.01), np.arange(100) < hits) == pytest.approx((exact.value, exact.low, exact.high), abs=1e-9)


def test_beta_quantiles_are_scipys() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(3)
    for _ in range(300):
        a, b = (float(x) for x in 10 ** rng.uniform((-1, -1), (3, 4)))
        for p in (0.025, 0.5, 0.975):
            wanted = float(stats.beta.ppf(p, a, b))
            if wanted > 1e-9:
                assert beta_quantile(p, a, b) == pytest.approx(wanted, rel=1e-6)


def test_a_band_that_nobody_looked_at_counts_with_the_less_sure_one() -> None:
    looked = [Looked(0, 10.0, i < 5) for i in range(10)] + [Looked(4, 10.0, False) for _ in range(10)]
    assert overall_error({0: 100, 2: 100, 4: 100}, looked).value == pytest.approx(200 / 300 * 0.5)
    assert overall_error({0: 100, 4: 100}, looked).value == pytest.approx(0.25)
    none = untouched_error({0: 100, 4: 50}, 15, [])
    assert (none.error.n, none.error.low, none.error.high, none.rows, none.drawn) == (0, 0.0, 1.0, 150, 15)
    assert overall_error({}, []).n == 0


def test_heavy_rows_weigh_more() -> None:
    """A file that gave one of a hundred rows stands for more than one that gave half of them."""
    looked = [Looked(0, 100.0, True), *[Looked(0, 2.0, False)] * 50]
    assert overall_error({0: 200}, looked).value == pytest.approx(0.5)


def test_allocation_gives_every_band_its_part_and_never_too_much() -> None:
    for sizes, total in (([1000, 10, 0, 500, 3], 100.0), ([5, 5, 5, 5, 5], 100.0), ([0, 0, 0, 0, 0], 10.0), ([10**6, 1, 1, 1, 1], 0.3)):
        counts = np.array(sizes)
        wanted = allocate(counts, total)
        assert wanted.sum() == pytest.approx(min(total, counts.sum()))
        assert (wanted <= counts + 1e-9).all()
        assert (wanted[counts > 0] > 0).all()


def test_every_record_is_drawn_as_often_as_its_probability_says() -> None:
    rng = np.random.default_rng(5)
    confidence, margin = rng.random(60), rng.random(60)
    bands, times = band_of(confidence), 3000
    for name in ("random", "uncertain", "diverse"):
        hits, chance = np.zeros(60), np.zeros(60)
        vectors = np.random.default_rng(6).normal(size=(60, 8))
        for _ in range(times):
            if name == "random":
                found = [(one.row, one.probability) for one in draw_random(bands, 7.3, rng)[0]]
            elif name == "uncertain":
                found = draw_uncertain(margin, 7.3, rng)
            else:
                found = draw_diverse(vectors, 7.3, rng)
            assert len({row for row, _ in found}) == len(found)
            for row, probability in found:
                hits[row] += 1
                chance[row] = probability
        seen = chance > 0
        assert seen.sum() >= 59
        spread = np.sqrt(chance[seen] * (1 - chance[seen]) / times)
        assert (abs(hits[seen] / times - chance[seen]) <= 4.5 * spread + 1e-9).all(), name


def test_doubtful_records_are_likelier_and_no_probability_is_above_one() -> None:
    chance = proportional(np.array([1.0, 0.5, 0.5, 0.01, 100.0]), 3.0)
    assert chance.max() == 1.0
    assert chance.sum() == pytest.approx(3.0)
    assert (np.diff(chance[np.argsort([1.0, 0.5, 0.5, 0.01, 100.0])]) >= 0).all()
    assert proportional(np.array([1.0, 0.0]), 5.0).tolist() == [1.0, 0.0]


def test_diverse_records_come_from_every_heap() -> None:
    rng = np.random.default_rng(7)
    heaps = np.repeat(np.eye(4), (100, 5, 3, 2), axis=0) + 0.01 * rng.normal(size=(110, 4))
    assert len({int(np.argmax(heaps[row])) for row, _ in draw_diverse(heaps, 4, rng)}) == 4
    assert len(set(clusters(heaps, 4).tolist())) == 4
    assert len(set(clusters(np.ones((5, 2)), 3).tolist())) == 3


def rows(n: int = 500) -> Rows:
    rng = np.random.default_rng(8)
    confidence = rng.random(n)
    codable, queued = rng.random(n) < 0.95, confidence < 0.3
    return Rows(confidence, rng.random(n), codable, codable & (confidence > 0.4), queued)


def test_nothing_is_drawn_twice_nor_what_is_queued_and_the_same_seed_draws_the_same() -> None:
    given, running = rows(), Running(sample_rows=100, sample_share=1.0)
    vectors = np.random.default_rng(9).normal(size=(500, 16))
    found = []
    for _ in range(2):
        one = draw(given, running, "a")
        add_diverse(one, given, vectors[one.pool])
        found.append(one.records)
    assert found[0] == found[1]
    taken = [record.row for record in found[0]]
    assert len(taken) == len(set(taken)) == pytest.approx(100, abs=8)
    assert not given.queued[taken].any()
    assert given.codable[taken].all()
    assert all(given.untouched[record.row] for record in found[0] if record.design == "random")
    assert draw(given, running, "b").records != draw(given, running, "a").records
    assert {record.band for record in found[0] if record.design == "random"} == set(range(BANDS))


@pytest.mark.parametrize(
    "running", [Running(sample_rows=0), Running(sample_share=0.0), Running(sample_random=0.0, sample_uncertain=0.0, sample_diverse=0.0)]
)
def test_a_sample_that_is_switched_off_draws_nothing_but_knows_the_frame(running: Running) -> None:
    given = rows()
    found = draw(given, running, "a")
    add_diverse(found, given, np.ones((len(found.pool), 4)))
    assert found.records == []
    assert sum(stratum.rows for stratum in found.strata) == given.untouched.sum()


def test_empty_and_uncodable_files_are_drawn_from_too() -> None:
    for n in (0, 3):
        given = Rows(np.zeros(n), np.zeros(n), *(np.zeros(n, np.bool_) for _ in range(3)))
        found = draw(given, Running(), "a")
        add_diverse(found, given, np.zeros((0, 4)))
        assert (found.records, found.strata, len(found.pool)) == ([], [], 0)
