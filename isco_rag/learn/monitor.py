"""How what is coded now differs from what was coded before, and whether that is more than chance and more than is allowed.

The population stability index (PSI) compares shares of cells; by custom .1 is noticed and .25 acted upon. Two samples of the same
population have an index above 0 too, the more cells and the fewer rows the higher (Yurdakul and Naranjo 2020), so each is shown beside what
chance brings, and nothing is an alert that chance explains.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import sqrt
from typing import Literal

import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from isco_rag.interval import wilson
from isco_rag.types import Metric

Doubles = NDArray[np.float64]
State = Literal["ok", "alert", "little"]
# Draws for what chance brings, and their seed: the same figures for the same counts.
DRAWS, SEED = 400, 4711
# What an empty cell counts as; else one row in a new cell would be infinitely far from none.
EMPTY = 0.5


class Centre(Struct, frozen=True):
    """The sum of `count` unit vectors of texts that stand for `rows` rows."""

    bundle: str
    rows: int
    count: int
    vector: Doubles


class Window(Struct):
    """What was answered from a first to a last day: counts and totals by kind and value (isco_rag/store/tallies.py), and centres."""

    first: str
    last: str
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    totals: dict[tuple[str, str], float] = field(default_factory=dict)
    centres: list[Centre] = field(default_factory=list)
    bundles: set[str] = field(default_factory=set)

    @property
    def rows(self) -> int:
        """How many rows were answered."""
        return self.counts.get(("row", "coded"), 0)

    def of(self, kind: str) -> dict[str, int]:
        """Counts of a kind by value."""
        return {value: n for (k, value), n in self.counts.items() if k == kind}


class Limits(Struct, frozen=True):
    """From where on a difference is an alert; fewer than `rows` rows on either side are too few to say anything."""

    rows: int = 200
    psi: float = 0.25
    automation: float = 0.1
    far: float = 0.1
    centroid: float = 0.1
    calibration: float = 0.05
    error: float = 0.15


class Finding(Struct, frozen=True):
    """A watched figure with its interval and n, what it was before, what chance brings, its limit, and what that comes to in a sentence."""

    name: str
    state: State
    value: float
    low: float
    high: float
    n: int
    before: float
    before_n: int
    chance: float
    limit: float
    said: str


class DayFigures(Struct, frozen=True):
    """A day: rows answered, how many of them need no person, mean confidence, how many have no near entry, and rows by grade."""

    day: str
    coded: int
    automatic: int
    confidence: float
    far: int
    grades: dict[str, int]


def by_day(windows: Iterable[Window]) -> tuple[DayFigures, ...]:
    """Figures of windows of one day each."""
    found = []
    for window in windows:
        if window.rows:
            sure = sum(total for (kind, _), total in window.totals.items() if kind == "grade")
            coded = window.rows - window.of("grade").get("not_codable", 0)
            row = window.of("row")
            figures = (window.rows, window.rows - row.get("review", 0), round(sure / max(coded, 1), 4), row.get("far", 0))
            found.append(DayFigures(window.first, *figures, window.of("grade")))
    return tuple(found)


def psi(before: Sequence[float], now: Sequence[float]) -> float:
    """The population stability index of two rows of counts over the same cells.

    >>> round(psi([50, 50], [80, 20]), 4)
    0.4159
    """
    return float(_psi(np.array([before], float), np.array([now], float))[0])


def _psi(before: Doubles, now: Doubles) -> Doubles:
    b, a = np.where(before > 0, before, EMPTY), np.where(now > 0, now, EMPTY)
    b, a = b / b.sum(axis=1, keepdims=True), a / a.sum(axis=1, keepdims=True)
    found: Doubles = ((a - b) * np.log(a / b)).sum(axis=1)
    return found


def shift(name: str, before: Mapping[str, int], now: Mapping[str, int], limits: Limits) -> Finding:
    """How far the shares of some cells have moved; `chance` is what 19 of 20 pairs of samples of one population stay below."""
    cells = sorted({*before, *now})
    b, a = (np.array([side.get(cell, 0) for cell in cells], float) for side in (before, now))
    nb, na = int(b.sum()), int(a.sum())
    if min(nb, na) < limits.rows:
        return _little(name, na, nb, limits.rows, limits.psi)
    value, rng = psi(b.tolist(), a.tolist()), np.random.default_rng(SEED)
    same = (a + b) / (na + nb)
    by_chance = _psi(rng.multinomial(nb, same, DRAWS).astype(float), rng.multinomial(na, same, DRAWS).astype(float))
    drawn = _psi(rng.multinomial(nb, b / nb, DRAWS).astype(float), rng.multinomial(na, a / na, DRAWS).astype(float))
    # Resampling adds as much noise again; the draws are moved back to lie around the value.
    low, high = np.quantile(np.maximum(drawn + value - drawn.mean(), 0.0), [0.025, 0.975])
    chance = float(np.quantile(by_chance, 0.95))
    alert = value > chance and value - float(by_chance.mean()) > limits.psi
    moved = sorted(cells, key=lambda cell: -abs(now.get(cell, 0) / na - before.get(cell, 0) / nb))[0]
    most = f"most moved: {moved or 'not codable'}, {before.get(moved, 0) / nb:.1%} before, {now.get(moved, 0) / na:.1%} now"
    said = f"shares have moved by a PSI of {value:.3f}, chance brings up to {chance:.3f}; {most}"
    return Finding(name, _state(alert), value, float(low), float(high), na, 0.0, nb, chance, limits.psi, said)


def rise(name: str, what: str, before: tuple[int, int], now: tuple[int, int], limit: float, least: int, sign: int = 1) -> Finding:
    """Whether a share (hits, n) has risen, with sign -1 fallen, by more than the limit and beyond chance (Newcombe 1998, method 10)."""
    b, a = wilson(*before, name), wilson(*now, name)
    if min(b.n, a.n) < least:
        return _little(name, a.n, b.n, least, limit)
    change = sign * (a.value - b.value)
    surely = change - (
        sqrt((a.value - a.low) ** 2 + (b.high - b.value) ** 2) if sign > 0 else sqrt((a.high - a.value) ** 2 + (b.value - b.low) ** 2)
    )
    said = f"{a.value:.1%} of rows {what}, {b.value:.1%} before"
    return Finding(name, _state(change > limit and surely > 0), a.value, a.low, a.high, a.n, b.value, b.n, 0.0, limit, said)


def drift(before: Sequence[Centre], now: Sequence[Centre], limits: Limits) -> Finding:
    """How far the mean vector has turned: 1 - cosine, beside what chance brings; of bundles that both sides have."""
    name = "centre of the texts"
    shared = {c.bundle for c in before} & {c.bundle for c in now}
    (b, nb), (a, na) = (_mean([c for c in side if c.bundle in shared]) for side in (before, now))
    if min(nb, na) < limits.rows or not shared:
        return _little(name, na, nb, limits.rows, limits.centroid)
    lb, la = float(b @ b), float(a @ a)
    value = 1.0 - float(b @ a) / sqrt(lb * la)
    # Unit vectors with mean c have the variance 1 - c c; half of it, by c c, turns the mean of n of them.
    chance = 0.5 * ((1 - lb) / (nb * lb) + (1 - la) / (na * la))
    # Half the square of a small turn in d dimensions, each with noise of variance t: a noncentral chi-square's variance.
    beyond, t = value - chance, 2.0 * chance / len(a)
    spread = 1.96 * sqrt(len(a) * t * t / 2 + 2.0 * max(beyond, 0.0) * t)
    said = f"the mean vector of the texts has turned by {value:.3f} (1 - cosine), chance brings about {chance:.3f}"
    return Finding(
        name, _state(beyond > limits.centroid), value, max(value - spread, 0.0), value + spread, na, 0.0, nb, chance, limits.centroid, said
    )  # fmt: skip


def _mean(centres: Sequence[Centre]) -> tuple[Doubles, int]:
    """The mean vector over all rows that the centres stand for, and how many texts it rests on, counted by their weight."""
    if not centres:
        return np.zeros(1), 0
    weights = np.array([c.rows / c.count for c in centres])
    rows = sum(c.rows for c in centres)
    mean = sum(w * c.vector for w, c in zip(weights, centres, strict=True)) / rows
    effective = rows**2 / float(sum(w * w * c.count for w, c in zip(weights, centres, strict=True)))
    return np.asarray(mean, float), int(effective)


def calibrated(grade: str, confidence: float, right: Metric, limits: Limits) -> Finding:
    """Whether people correct a grade more often than its confidence says."""
    name, value = f"corrected: {grade}", 1.0 - right.value
    low, high, promised = 1.0 - right.high, 1.0 - right.low, 1.0 - confidence
    if right.n < SMALL:
        return _little(name, right.n, 0, SMALL, limits.calibration)
    alert = low > promised + limits.calibration
    said = f"{value:.1%} of reviewed records were corrected, {promised:.1%} were to be expected"
    return Finding(name, _state(alert), value, low, high, right.n, promised, right.n, 0.0, limits.calibration, said)


# Fewer decided records than this have an interval that spans nearly everything.
SMALL = 20


def erring(error: Metric, limits: Limits) -> Finding:
    """Whether what goes out untouched is surely wrong more often than is allowed."""
    if error.n < SMALL:
        return _little(error.name, error.n, 0, SMALL, limits.error)
    said = f"{error.value:.1%} of what goes out untouched is wrong ({error.low:.1%} to {error.high:.1%}), from the random sample"
    return Finding(
        error.name, _state(error.low > limits.error), error.value, error.low, error.high, error.n, 0.0, 0, 0.0, limits.error, said
    )  # fmt: skip


def promised(bundle: str, measured: Metric, before: Metric) -> Finding:
    """Whether a bundle falls below what its manifest says by more than that figure's interval."""
    alert = measured.value < before.low
    said = f"{bundle} reached {measured.value:.1%} on its gold here; its manifest says {before.value:.1%} ({before.low:.1%} to {before.high:.1%})"
    name = f"{bundle}, gold {measured.name}"
    return Finding(
        name, _state(alert), measured.value, measured.low, measured.high, measured.n, before.value, before.n, 0.0, before.low, said
    )  # fmt: skip


def _state(alert: bool) -> State:
    return "alert" if alert else "ok"


def _little(name: str, n: int, before_n: int, least: int, limit: float) -> Finding:
    said = f"too little to say: {n:,} now" + (f", {before_n:,} before" if before_n or n >= least else "") + f"; it takes {least:,}"
    return Finding(name, "little", 0.0, 0.0, 1.0, n, 0.0, before_n, 0.0, limit, said)
