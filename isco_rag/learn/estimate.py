"""The error rate of what went out untouched, from a random sample of it that people looked at.

The estimate weighs each looked-at record by the records it stands for: bands by their size, within a band by 1 / inclusion probability
(Hajek 1971, post-stratified). Its interval is that of Fay and Feuer (1997) for weighted sums of rare events, with beta in place of gamma
distributions, since shares can't exceed 1: with equal weights it is exactly the interval of Clopper and Pearson. The limit that counts when few
errors are seen is made with the largest weight, so a heavy band in which no error turned up yet is not taken to have none.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from isco_rag.learn.beta import beta_quantile
from isco_rag.learn.sampling import band_name
from isco_rag.types import Metric

Doubles = NDArray[np.float64]
ALPHA = 0.05


class Looked(Struct, frozen=True):
    """A record of the random sample that was decided: its band, the records it stands for, whether what went out was wrong."""

    band: int
    weight: float
    wrong: bool


class Untouched(Struct, frozen=True):
    """What is known of the rows that went out untouched: their error rate, how many there are, how many were drawn and looked at."""

    error: Metric
    by_band: tuple[Metric, ...]
    rows: int
    drawn: int
    looked: int


def untouched_error(rows: Mapping[int, int], drawn: int, looked: Sequence[Looked]) -> Untouched:
    """The error rate over bands of so many rows each, overall and by band.

    A band that nobody looked at yet is counted with the next less sure one that was looked at, else with the next surer one.
    """
    total, by_band = sum(rows.values()), []
    for band in sorted(rows):
        own = [one for one in looked if one.band == band]
        by_band.append(_rate(band_name(band), {band: rows[band]}, own))
    return Untouched(overall_error(rows, looked), tuple(by_band), total, drawn, len(looked))


def overall_error(rows: Mapping[int, int], looked: Sequence[Looked]) -> Metric:
    """The error rate over bands of so many rows each."""
    return _rate("wrong of what goes out untouched", rows, looked)


def _weights(rows: Mapping[int, int], looked: Sequence[Looked]) -> tuple[Doubles, NDArray[np.bool_]]:
    """Weights [n] that sum to one, and which records are wrong [n]."""
    seen = sorted({one.band for one in looked} & set(rows))
    own = [one for one in looked if one.band in seen]
    if not own:
        return np.zeros(0), np.zeros(0, np.bool_)
    size = dict.fromkeys(seen, 0.0)
    for band, count in rows.items():
        size[max((b for b in seen if b <= band), default=seen[0])] += count
    sums = dict.fromkeys(seen, 0.0)
    for one in own:
        sums[one.band] += one.weight
    weights = np.array([size[one.band] * one.weight / sums[one.band] for one in own])
    return weights / weights.sum(), np.array([one.wrong for one in own])


def _rate(name: str, rows: Mapping[int, int], looked: Sequence[Looked]) -> Metric:
    weights, wrong = _weights(rows, looked)
    if not len(weights):
        return Metric(name, 0.0, 0.0, 1.0, 0)
    return Metric(name, *weighted_share(weights, wrong), len(weights))


def weighted_share(weights: Doubles, hits: NDArray[np.bool_], alpha: float = ALPHA) -> tuple[float, float, float]:
    """The weighted share of hits [n], weights [n] that sum to one, with its interval of confidence 1 - alpha.

    >>> [round(x, 4) for x in weighted_share(np.full(100, 0.01), np.arange(100) < 3)]
    [0.03, 0.0062, 0.0852]
    """
    share = float(weights @ hits)
    if share > 0.5:
        low, high = _limits(weights, ~hits, alpha)
        return share, 1.0 - high, 1.0 - low
    return share, *_limits(weights, hits, alpha)


def _limits(weights: Doubles, hits: NDArray[np.bool_], alpha: float) -> tuple[float, float]:
    share, spread = float(weights @ hits), float(weights**2 @ hits)
    low = 0.0
    if share > 0.0:
        shape, scale = share**2 / spread, spread / share
        low = beta_quantile(alpha / 2, shape, max(1.0 / scale - shape + 1.0, 1e-9))
    largest = float(weights.max())
    shape, scale = (share + largest) ** 2 / (spread + largest**2), (spread + largest**2) / (share + largest)
    return low, beta_quantile(1.0 - alpha / 2, shape, max(1.0 / scale - shape + 1.0, 0.0))
