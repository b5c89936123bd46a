"""Intervals by resampling records (Efron 1979), all measures and many resamples at once.

A measure is a function of weights: how often each record was drawn. Its value is what it gives for a weight of one on every record, its
interval what it gives for drawn weights, so both come from one formula, and weights of two on a record are the record standing twice.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from isco_rag.interval import wilson_bounds

Doubles = NDArray[np.float64]
# Resamples in memory at a time; 10,000 records and 100 resamples take 8 MB.
BLOCK = 100
LEVEL = 0.95


class Key(Struct, frozen=True, order=True):
    """What a figure is of: a measure, and the slice of the records ("all" for all of them) with its value."""

    measure: str
    slice: str = "all"
    value: str = ""


class Figure(Struct, frozen=True):
    """A measured value, the interval it is known within, and the records it rests on."""

    key: Key
    value: float
    low: float
    high: float
    n: int


class Measures(Struct, frozen=True):
    """Measures computed together: `of` turns weights [resamples, records] into values [resamples, len(keys)], NaN where there is none.

    `n` are the records that each rests on. `shares` are shares of records, which have an interval even where all agree; `biased` ones grow by
    resampling alone, as a mean of absolute gaps does.
    """

    keys: tuple[Key, ...]
    n: tuple[int, ...]
    of: Callable[[Doubles], Doubles]
    shares: bool = False
    biased: bool = False


def ratios(keys: Sequence[Key], tops: Sequence[Doubles], bottoms: Sequence[Doubles], *, shares: bool = False) -> Measures:
    """Sums over sums: each column of `tops` by that of `bottoms`, both [records]; with indicators, shares."""
    top, bottom = np.stack(tops, axis=1).astype(float), np.stack(bottoms, axis=1).astype(float)

    def of(weights: Doubles) -> Doubles:
        return divided(weights @ top, weights @ bottom)

    return Measures(tuple(keys), tuple(int((b > 0).sum()) for b in bottom.T), of, shares=shares)


def divided(top: Doubles, bottom: Doubles) -> Doubles:
    """A quotient that is NaN where the divisor is zero."""
    found: Doubles = np.divide(top, bottom, out=np.full(np.broadcast(top, bottom).shape, np.nan), where=bottom != 0)
    return found


def resamples(n: int, count: int, seed: int) -> Iterator[Doubles]:
    """Weights [at most BLOCK, n] of `count` resamples with replacement; each row sums to n."""
    rng = np.random.default_rng(seed)
    for start in range(0, count, BLOCK):
        b = min(BLOCK, count - start)
        drawn = rng.integers(0, n, (b, n)) + np.arange(b)[:, None] * n
        yield np.bincount(drawn.ravel(), minlength=b * n).reshape(b, n).astype(float)


def draw(measures: Sequence[Measures], n: int, count: int, seed: int) -> tuple[Doubles, Doubles]:
    """Values [measures] and their resamples [count, measures], columns in the order of the measures' keys."""
    values = np.concatenate([m.of(np.ones((1, n)))[0] for m in measures])
    drawn = [np.concatenate([m.of(w) for m in measures], axis=1) for w in resamples(n, count, seed)] if n else []
    return values, np.concatenate(drawn) if drawn else np.full((1, len(values)), np.nan)


def estimate(measures: Sequence[Measures], n: int, count: int, seed: int) -> list[Figure]:
    """Every measure with its 95 % interval; measures that have no value are left out."""
    values, drawn = draw(measures, n, count, seed)
    about = [(key, size, m) for m in measures for key, size in zip(m.keys, m.n, strict=True)]
    found = []
    for (key, size, m), value, column in zip(about, values, drawn.T, strict=True):
        if not np.isnan(value):
            low, high = interval(value, column, size, m)
            found.append(Figure(key, float(value), low, high, size))
    return found


def interval(value: float, drawn: Doubles, n: int, m: Measures) -> tuple[float, float]:
    """The percentile interval of a value from its resamples.

    Resampling moves a biased measure up, so its draws are shifted back until their mean is the value. A share of 0 or 1 has resamples
    that all agree though little may be known; it gets Wilson's interval.
    """
    drawn = drawn[~np.isnan(drawn)]
    if m.shares and (len(drawn) == 0 or np.ptp(drawn) == 0):
        return wilson_bounds(round(value * n), n)
    if len(drawn) == 0:
        return float(value), float(value)
    if m.biased:
        drawn = np.maximum(drawn + value - drawn.mean(), 0.0)
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
