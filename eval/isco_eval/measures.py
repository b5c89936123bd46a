"""Measures of how right the coder is and what its probabilities are worth; each a function of how often every record counts."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from isco_eval.bootstrap import Doubles, Key, Measures, divided, ratios
from isco_eval.conformal import COVERAGES
from isco_eval.curves import adaptive_bins
from isco_eval.rows import Rows, Texts

# Bins of the calibration error, as in isco_rag.calibrate.
BINS = 15
# A slice of fewer records is left out: its interval would span everything.
SMALLEST = 5
# With fewer records in a slice, ten to a bin, its calibration error is mostly chance.
ENOUGH = 150
# A probability of the gold code below this counts as this; one row must not make the log loss infinite.
LEAST = 1e-6


def all_measures(rows: Rows) -> list[Measures]:
    """Accuracy, hierarchy, calibration and review of all records, and the main ones by slice."""
    return [
        overall(rows),
        by_level(rows),
        hierarchical(rows),
        probabilities(rows),
        sets(rows),
        *calibration(rows),
        *macro(rows),
        *slices(rows),
        *calibration_slices(rows),
    ]


def overall(rows: Rows) -> Measures:
    """The shares that every summary shows."""
    full = ((rows["level"] == rows.depth) & (rows["gold_level"] == rows.depth)).astype(float)
    untouched = (rows.coded & ~rows["review"].astype(bool)).astype(float)
    agrees = (rows["nearest_code"] == rows["best"]) & rows.coded
    every = np.ones(len(rows))
    parts = {
        "top 1": (rows["rank"] <= 1, every),
        "top 2": (rows["rank"] <= 2, every),
        "top 3": (rows["rank"] <= 3, every),
        "emitted right": (rows["emitted_right"], every),
        "coded to the unit group": (full, rows.reaching(rows.depth)),
        "right of these": (full * rows["emitted_right"], full),
        "for review": (rows["review"], every),
        "right of those not for review": (untouched * rows["emitted_right"], untouched),
        "not codable": (~rows.coded, every),
        "nearest example has the best code": (agrees, rows.coded),
        "right where it has": (agrees & (rows["rank"] == 1), agrees),
        "right where it has not": (rows.coded & ~agrees & (rows["rank"] == 1), rows.coded & ~agrees),
    }
    return _shares([(Key(name), top, bottom) for name, (top, bottom) in parts.items()])


def by_level(rows: Rows) -> Measures:
    """Accuracy of the best unit group at each level, of the group with the largest sum there, and of what is emitted at a level."""
    parts: list[tuple[Key, NDArray[np.generic], NDArray[np.generic]]] = []
    for level in range(rows.depth, 0, -1):
        reach = rows.reaching(level)
        bit = (rows["sums_right"].astype(int) >> (level - 1)) & 1
        parts.append((Key("accuracy", "level", str(level)), rows.right(level) * reach, reach))
        parts.append((Key("accuracy by sums", "level", str(level)), bit * reach, reach))
        parts.append(
            (Key("emitted right", "emitted level", str(level)), rows["emitted_right"] & (rows["level"] == level), rows["level"] == level)
        )
    for grade in _values(rows["grade"]):
        of = rows["grade"] == grade
        if grade != "not_codable":
            parts.append((Key("emitted right", "grade", grade), of & rows["emitted_right"].astype(bool), of))
    return _shares(parts)


def macro(rows: Rows) -> Iterator[Measures]:
    """Mean over the groups of a level of the share right among each one's records (balanced accuracy)."""
    for level in range(rows.depth, 0, -1):
        reach = rows.gold[level] != ""
        codes, owner = np.unique(rows.gold[level][reach].astype(str), return_inverse=True)
        order = np.argsort(owner, kind="stable")
        starts = np.searchsorted(owner[order], np.arange(len(codes)))
        place, hits = np.flatnonzero(reach)[order], rows.right(level)[reach][order]

        def of(weights: Doubles, place: NDArray[np.intp] = place, hits: Doubles = hits, starts: NDArray[np.intp] = starts) -> Doubles:
            if not len(place):
                return np.full((len(weights), 1), np.nan)
            mine = weights[:, place]
            n = np.add.reduceat(mine, starts, axis=1)
            share = divided(np.add.reduceat(mine * hits, starts, axis=1), n)
            return divided(np.nansum(share, axis=1), (n > 0).sum(axis=1))[:, None]

        yield Measures((Key("macro accuracy", "level", str(level)),), (int(reach.sum()),), of)


def hierarchical(rows: Rows) -> Measures:
    """Hierarchical precision, recall and their harmonic mean of the emitted code (Kiritchenko, Matwin and Famili 2005).

    A code counts as itself and all groups above it; what is emitted below the end of a shorter gold code can't be judged and is left out.
    """
    top = np.stack([rows["emitted_matched"], np.minimum(rows["level"], rows["gold_level"]), rows["gold_level"]], axis=1).astype(float)

    def of(weights: Doubles) -> Doubles:
        shared, mine, wanted = (weights @ top).T
        return np.stack([divided(shared, mine), divided(shared, wanted), divided(2 * shared, mine + wanted)], axis=1)

    names = ("hierarchical precision", "hierarchical recall", "hierarchical F1")
    return Measures(tuple(map(Key, names)), (int(rows.coded.sum()), len(rows), len(rows)), of)


def probabilities(rows: Rows) -> Measures:
    """Log loss and Brier score over all unit groups, Brier score of the emitted code, means of confidence and time."""
    full = (rows.reaching(rows.depth) > 0) & rows.coded
    p = np.where(full, rows["p_gold"], 1.0).astype(float)
    gap = (rows["confidence"].astype(float) - rows["emitted_right"]) ** 2
    parts = [
        (Key("log loss"), -np.log(np.maximum(p, LEAST)) * full, full),
        (Key("Brier score"), np.where(full, rows["brier"], 0.0), full),
        (Key("Brier score of the emitted code"), gap * rows.coded, rows.coded),
        (Key("mean confidence"), rows["confidence"].astype(float) * rows.coded, rows.coded),
        (Key("milliseconds"), rows["milliseconds"].astype(float), np.ones(len(rows))),
    ]
    for grade in _values(rows["grade"]):
        of = (rows["grade"] == grade) & rows.coded
        parts.append((Key("mean confidence", "grade", grade), rows["confidence"].astype(float) * of, of))
    return ratios(*zip(*parts, strict=True))


def sets(rows: Rows) -> Measures:
    """Coverage and mean size of the conformal sets."""
    parts = []
    for coverage in COVERAGES:
        size = rows[f"set_{coverage}"].astype(float)
        there = ~np.isnan(size)
        held = np.where(there, rows[f"in_{coverage}"], 0).astype(float)
        parts.append((Key("in the set", "promised coverage", f"{coverage}"), held, there))
        parts.append((Key("unit groups in the set", "promised coverage", f"{coverage}"), np.where(there, size, 0.0), there))
    return ratios(*zip(*parts, strict=True))


def calibration(rows: Rows) -> Iterator[Measures]:
    """Expected calibration error of the emitted code and of the best unit group, overall, and what chance alone would make of it."""
    unit = (rows.reaching(rows.depth) > 0) & rows.coded
    for name, confidence, right, among in (
        ("ECE of the emitted code", rows["confidence"], rows["emitted_right"], rows.coded),
        ("ECE of the unit group", rows["p_1"], rows["rank"] == 1, unit),
    ):
        place = np.flatnonzero(among)
        yield calibration_gap(Key(name), confidence[place].astype(float), right[place].astype(float), place)
        yield calibration_by_chance(Key(f"{name} by chance"), confidence[place].astype(float))


def calibration_gap(key: Key, confidence: Doubles, right: Doubles, place: NDArray[np.intp]) -> Measures:
    """Expected calibration error of the records at `place`: the mean gap between confidence and share right over equally filled bins."""
    owner = adaptive_bins(confidence, BINS)
    bins = np.zeros((len(place), max(owner, default=0) + 1))
    bins[np.arange(len(place)), owner] = confidence - right

    def of(weights: Doubles) -> Doubles:
        mine = weights[:, place]
        return divided(np.abs(mine @ bins).sum(axis=1), mine.sum(axis=1))[:, None]

    return Measures((key,), (len(place),), of, biased=True)


def calibration_by_chance(key: Key, confidence: Doubles) -> Measures:
    """The calibration error that records of these confidences show on average where every confidence is exactly right.

    The gap of a bin is then a sum of c - y with variance c (1 - c), nearly normal, whose mean absolute value is sqrt(2 / pi) standard deviations.
    It is no estimate but a mark to read the error by, so it has no interval.
    """
    spread = np.sqrt(np.bincount(adaptive_bins(confidence, BINS), confidence * (1 - confidence)))
    by_chance = float(np.sqrt(2 / np.pi) * spread.sum() / len(confidence)) if len(confidence) else np.nan
    return Measures((key,), (len(confidence),), lambda weights: np.full((len(weights), 1), by_chance))


def calibration_slices(rows: Rows) -> Iterator[Measures]:
    """Mean confidence of the emitted code and its calibration error for each value of each slice; the error where there are records enough."""
    confidence, right = rows["confidence"].astype(float), rows["emitted_right"].astype(float)
    for name, values in rows.slices.items():
        parts = []
        for value in _values(values):
            of = (values == value) & rows.coded
            if not value or (values == value).sum() < SMALLEST or not of.any():
                continue
            parts += [
                (Key("mean confidence", name, value), confidence * of, of),
                (Key("emitted right of coded", name, value), right * of, of),
            ]
            if of.sum() >= ENOUGH:
                place = np.flatnonzero(of)
                yield calibration_gap(Key("ECE of the emitted code", name, value), confidence[place], right[place], place)
                yield calibration_by_chance(Key("ECE of the emitted code by chance", name, value), confidence[place])
        if parts:
            yield _shares(parts)


def slices(rows: Rows) -> Iterator[Measures]:
    """The main shares for each value of each slice that has records enough."""
    measured = {
        "top 1": rows["rank"] <= 1,
        "top 3": rows["rank"] <= 3,
        "emitted right": rows["emitted_right"].astype(bool),
        "for review": rows["review"].astype(bool),
    }
    for name, values in rows.slices.items():
        parts = []
        for value in _values(values):
            of = values == value
            if value and of.sum() >= SMALLEST:
                parts += [(Key(measure, name, value), of & hits, of) for measure, hits in measured.items()]
        if parts:
            yield _shares(parts)


def _shares(parts: Sequence[tuple[Key, NDArray[np.generic], NDArray[np.generic]]]) -> Measures:
    keys, tops, bottoms = zip(*parts, strict=True)
    return ratios(keys, [t.astype(float) for t in tops], [b.astype(float) for b in bottoms], shares=True)


def _values(values: Texts) -> list[str]:
    return sorted({str(v) for v in values})
