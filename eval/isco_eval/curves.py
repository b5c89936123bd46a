"""Curves over confidence, and what they are good for: how much can go out untouched at which error, and from which probability on."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from isco_eval.bootstrap import Doubles, Key, Measures, divided, ratios
from isco_eval.rows import Rows
from isco_rag.ports import Ints

RELIABILITY_BINS = 10
COVERED = tuple(round(0.05 * i, 2) for i in range(1, 21))
# Errors that institutes accept in what goes out untouched.
ERRORS = (0.01, 0.03, 0.05, 0.1)
# Fewer records than this can't show that a threshold holds an error of a few percent.
FEWEST = 30


def curves(rows: Rows) -> Iterator[Measures]:
    """Reliability, risk over coverage and automation shares, of the best unit group and of the emitted code."""
    for name, confidence, right, among in scored(rows):
        place = np.flatnonzero(among)
        if not len(place):
            continue
        yield reliability(name, confidence[place], right[place], place, len(rows))
        yield from risk_coverage(name, confidence[place], right[place], place)
        yield automation(name, confidence[place], right[place], place)


def scored(rows: Rows) -> Sequence[tuple[str, Doubles, Doubles, NDArray[np.bool_]]]:
    """The two answers that a probability stands beside: name, probability, right or not, and the records that have it."""
    unit = (rows.reaching(rows.depth) > 0) & rows.coded
    return (
        ("unit group", rows["p_1"].astype(float), (rows["rank"] == 1).astype(float), unit),
        ("emitted code", rows["confidence"].astype(float), rows["emitted_right"].astype(float), rows.coded),
    )


def adaptive_bins(confidence: Doubles, bins: int) -> Ints:
    """The bin of each record: bins of about equally many, equal confidences together; empty bins are closed up.

    >>> adaptive_bins(np.array([0.1, 0.2, 0.2, 0.9]), 2)
    array([0, 1, 1, 1])
    """
    if not len(confidence):
        return np.empty(0, dtype=np.int64)
    edges = np.unique(np.quantile(confidence, np.linspace(0, 1, bins + 1)[1:-1]))
    found: Ints = np.unique(np.searchsorted(edges, confidence, side="right"), return_inverse=True)[1]
    return found


def reliability(name: str, confidence: Doubles, right: Doubles, place: NDArray[np.intp], n: int) -> Measures:
    """Mean confidence and share right in bins of about equally many records."""
    owner = adaptive_bins(confidence, RELIABILITY_BINS)
    keys, tops, bottoms = [], [], []
    for b in range(owner.max() + 1):
        of = np.zeros(n)
        of[place[owner == b]] = 1.0
        spread = np.zeros((2, n))
        spread[0, place], spread[1, place] = confidence, right
        for measure, values in (("bin confidence", spread[0]), ("bin right", spread[1])):
            keys.append(Key(measure, name, f"{b + 1:02}"))
            tops.append(values * of)
            bottoms.append(of)
    return ratios(keys, tops, bottoms, shares=True)


def risk_coverage(name: str, confidence: Doubles, right: Doubles, place: NDArray[np.intp]) -> Iterator[Measures]:
    """Error among the surest records, by the share that they are of all coded ones, and the area under that curve (El-Yaniv and Wiener 2010)."""
    order = np.argsort(-confidence, kind="stable")
    ordered, wrong = place[order], 1.0 - right[order]

    def risk(weights: Doubles) -> tuple[Doubles, Doubles]:
        count = np.cumsum(weights[:, ordered], axis=1)
        return count, divided(np.cumsum(weights[:, ordered] * wrong, axis=1), count)

    def at(weights: Doubles) -> Doubles:
        count, error = risk(weights)
        last = error.shape[1] - 1
        cuts = [np.minimum((count < share * count[:, -1:] - 1e-9).sum(axis=1), last) for share in COVERED]
        return np.stack([error[np.arange(len(weights)), cut] for cut in cuts], axis=1)

    def area(weights: Doubles) -> Doubles:
        count, error = risk(weights)
        return divided(np.nansum(error * weights[:, ordered], axis=1), count[:, -1])[:, None]

    keys = tuple(Key("error of the surest", name, f"{share:.2f}") for share in COVERED)
    # Where none of the surest is wrong, no resample has a wrong one either: a share needs an interval all the same.
    yield Measures(keys, tuple(round(share * len(place)) for share in COVERED), at, shares=True)
    yield Measures((Key("area under risk-coverage", name),), (len(place),), area)


def automation(name: str, confidence: Doubles, right: Doubles, place: NDArray[np.intp]) -> Measures:
    """The largest share of all records that can go out untouched at an error, and the probability from which on.

    Records with one probability go together. The share is zero, and there is no threshold, where fewer than FEWEST records would go.
    """
    order = np.argsort(-confidence, kind="stable")
    ordered, wrong, sure = place[order], 1.0 - right[order], confidence[order]
    last = np.flatnonzero(np.r_[sure[1:] != sure[:-1], True])

    def of(weights: Doubles) -> Doubles:
        count = np.cumsum(weights[:, ordered], axis=1)[:, last]
        risk = divided(np.cumsum(weights[:, ordered] * wrong, axis=1)[:, last], count)
        found = []
        for error in ERRORS:
            fits = (risk <= error) & (count >= FEWEST)
            some, cut = fits.any(axis=1), len(last) - 1 - np.argmax(fits[:, ::-1], axis=1)
            share = count[np.arange(len(weights)), cut] / weights.sum(axis=1)
            found += [np.where(some, share, 0.0), np.where(some, sure[last][cut], np.nan)]
        return np.stack(found, axis=1)

    keys = [Key(measure, name, f"{error:.2f}") for error in ERRORS for measure in ("automated", "threshold")]
    return Measures(tuple(keys), (len(place),) * len(keys), of)


def published(rows: Rows) -> Iterator[Measures]:
    """Shares of the groups at the two highest levels by gold and by the best code, their difference, and the dissimilarity of the two.

    Over the coded records whose gold reaches the level. The index of dissimilarity (Duncan and Duncan 1955) is the share of records that would
    have to move to make the two distributions one.
    """
    for level in (1, 2):
        if level > rows.depth:
            return
        among = (rows.gold[level] != "") & rows.coded
        codes = sorted({*rows.gold[level][among], *rows.best[level][among]})
        if not codes:
            continue
        gold = np.stack([(rows.gold[level] == code) & among for code in codes], axis=1).astype(float)
        best = np.stack([(rows.best[level] == code) & among for code in codes], axis=1).astype(float)

        def of(weights: Doubles, gold: Doubles = gold, best: Doubles = best, among: NDArray[np.bool_] = among) -> Doubles:
            n = (weights @ among.astype(float))[:, None]
            before, after = divided(weights @ gold, n), divided(weights @ best, n)
            return np.concatenate([before, after, after - before], axis=1)

        def moved(weights: Doubles, of: Callable[[Doubles], Doubles] = of, k: int = len(codes)) -> Doubles:
            gaps: Doubles = np.abs(of(weights)[:, 2 * k :]).sum(axis=1, keepdims=True)
            return gaps / 2

        names = ("share by gold", "share by coder", "difference of shares")
        keys = [Key(measure, f"level {level}", code) for measure in names for code in codes]
        yield Measures(tuple(keys), (int(among.sum()),) * len(keys), of)
        yield Measures((Key("dissimilarity", f"level {level}"),), (int(among.sum()),), moved, biased=True)
