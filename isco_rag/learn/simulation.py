"""The estimate of the error of what goes out untouched, tried on made-up populations whose error is known."""

import numpy as np
from msgspec import Struct

from isco_rag.learn.estimate import Looked, overall_error
from isco_rag.learn.sampling import BANDS, draw_random

# What share of the rows that go out untouched stands in each band, the least sure first: as a coder that is mostly sure has it.
SIZES = (0.05, 0.1, 0.2, 0.2, 0.45)


class Case(Struct, frozen=True):
    """A population: the error rate of each band, rows of each file, records drawn from each, and how many files there are."""

    errors: tuple[float, ...]
    rows: int = 5000
    drawn: int = 100
    files: int = 1


class Simulated(Struct, frozen=True):
    """What came of many samples: the mean true error, how often it lay in the interval, mean deviation, its standard error, mean width."""

    true: float
    covered: float
    bias: float
    bias_error: float
    width: float


NONE, RARE, FEW = (0.0,) * 5, (0.0005,) * 5, (0.02, 0.005, 0.002, 0.001, 0.0005)
CASES = (
    Case(NONE), Case(RARE), Case(RARE, drawn=400), Case(FEW), Case(FEW, drawn=400), Case((0.05, 0.02, 0.01, 0.005, 0.002), drawn=400),
    Case((0.3, 0.2, 0.1, 0.05, 0.0), drawn=400), Case((0.0, 0.0, 0.0, 0.0, 0.03)), Case((0.35, 0.25, 0.15, 0.07, 0.03)),
    Case((0.35, 0.25, 0.15, 0.07, 0.03), 2000, 60, 6), Case((0.2,) * 5, drawn=400), Case((0.8, 0.7, 0.6, 0.5, 0.4), drawn=400),
)  # fmt: skip


def simulate(case: Case, repetitions: int, seed: int = 20_26) -> Simulated:
    """Draws a new population and a new sample in each repetition; every second of several files gives less than half as many records."""
    rng = np.random.default_rng(seed)
    true, value, low, high = (np.zeros(repetitions) for _ in range(4))
    for r in range(repetitions):
        rows: dict[int, int] = {}
        looked: list[Looked] = []
        wrongs = 0
        for file in range(case.files):
            bands = rng.choice(BANDS, case.rows, p=SIZES)
            wrong = rng.random(case.rows) < np.array(case.errors)[bands]
            drawn, strata = draw_random(bands, case.drawn if file % 2 == 0 else 0.4 * case.drawn, rng)
            for stratum in strata:
                rows[stratum.band] = rows.get(stratum.band, 0) + stratum.rows
            looked += [Looked(one.band, 1.0 / one.probability, bool(wrong[one.row])) for one in drawn]
            wrongs += int(wrong.sum())
        found = overall_error(rows, looked)
        true[r], value[r], low[r], high[r] = wrongs / (case.rows * case.files), found.value, found.low, found.high
    off = value - true
    covered = (low - 1e-12 <= true) & (true <= high + 1e-12)
    return Simulated(
        float(true.mean()), float(covered.mean()), float(off.mean()), float(off.std() / np.sqrt(repetitions)), float((high - low).mean())
    )  # fmt: skip
