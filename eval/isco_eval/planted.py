"""Wrong codes planted on purpose: how many of them stand first among the doubts, and how much of what is listed they are.

A draw takes the records of a sample anew, with replacement, and gives some of them a wrong code; its figures are those of other samples of the
kind with other slips. Codes that were wrong already count as right here, so what a list holds of planted codes is a lower bound of what is wrong.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from isco_eval.bootstrap import LEVEL
from isco_eval.doubts import DOUBTFUL, likelihoods, most_doubtful, shares, slips, wrongness
from isco_eval.reading import Reading
from isco_rag.fuse import Doubles
from isco_rag.ports import Ints
from isco_rag.taxonomy import Taxonomy
from isco_rag.types import Metric

Slip = Literal["sibling", "anywhere", "coder's own"]
SLIPS: dict[Slip, str] = {
    "sibling": "another unit group of the same minor group",
    "anywhere": "any other unit group",
    "coder's own": "the unit group that the coder takes for likeliest, but for the right one",
}
RANKINGS = ("probability of being wrong", "probability of the code", "confident learning")
# Shares of the sample that a person may look at.
HEADS = (0.01, 0.02, 0.05)
PLANTED, DRAWS = 0.07, 200
# How many gold records the mean of all is worth where confident learning works out a class's usual probability.
WORTH = 20

Marked = NDArray[np.bool_]


class Ranked(Struct, frozen=True):
    """Of the codes planted in a way, the shares that stand in the first HEADS of a ranking."""

    slip: Slip
    ranking: str
    heads: tuple[Metric, ...]


class Listed(Struct, frozen=True):
    """What is listed as doubtful: doubts for each hundred records, the planted share of them, the planted codes among them, the mean of the stated
    probabilities, the estimated share of wrong codes. `slip` is empty where nothing was planted.
    """

    slip: str
    figures: tuple[Metric, ...]


class Simulated(Struct, frozen=True):
    """What came of planting: `planted` of the records in each of `draws`."""

    records: int
    planted: int
    draws: int
    ranked: tuple[Ranked, ...]
    listed: tuple[Listed, ...]


def simulate(taxonomy: Taxonomy, reading: Reading, share: float = PLANTED, draws: int = DRAWS, seed: int = 8) -> Simulated:
    """What the rankings find of codes planted in a share of the records of a reading that can be coded."""
    able = np.flatnonzero(reading.best >= 0)
    p, truth, to = reading.probabilities[able], reading.truth[able], slips(taxonomy)
    slipped, k = p @ to, max(round(share * len(able)), 1)
    heads: dict[tuple[Slip, str], list[list[float]]] = {}
    lists: dict[str, list[list[float]]] = {}
    for draw in range(draws):
        rng = np.random.default_rng([seed, draw])
        rows = rng.integers(0, len(able), len(able))
        mine, near, right = p[rows], slipped[rows], truth[rows]
        lists.setdefault("", []).append(_listed(mine, near, right, np.zeros(len(rows), dtype=bool)))
        for slip in SLIPS:
            codes, marked = plant(mine, right, to, slip, k, rng)
            for name, order in rankings(mine, near, codes).items():
                heads.setdefault((slip, name), []).append([marked[order[: round(h * len(rows))]].sum() / marked.sum() for h in HEADS])
            lists.setdefault(slip, []).append(_listed(mine, near, codes, marked))
    names = ("listed", "planted of the listed", "listed of the planted", "mean stated probability", "estimated share wrong")
    return Simulated(
        len(able), k, draws,
        tuple(Ranked(slip, name, _metrics([f"first {h:.0%}" for h in HEADS], found, k)) for (slip, name), found in heads.items()),
        tuple(Listed(slip, _metrics(names, found, len(able))) for slip, found in lists.items()),
    )  # fmt: skip


def plant(probabilities: Doubles, right: Ints, to: Doubles, slip: Slip, k: int, rng: np.random.Generator) -> tuple[Ints, Marked]:
    """Gold classes of which `k` are wrong, and which those are; records whose class has no sibling get none."""
    classes, codes = probabilities.shape[1], right.copy()
    fit = np.flatnonzero(to[right].any(axis=1)) if slip == "sibling" else np.arange(len(right))
    rows = rng.choice(fit, min(k, len(fit)), replace=False)
    if slip == "sibling":
        codes[rows] = [rng.choice(classes, p=to[c]) for c in right[rows]]
    elif slip == "anywhere":
        codes[rows] = (right[rows] + 1 + rng.integers(classes - 1, size=len(rows))) % classes
    else:
        others = probabilities[rows].copy()
        others[np.arange(len(rows)), right[rows]] = -1.0
        codes[rows] = others.argmax(axis=1)
    marked = np.zeros(len(right), dtype=bool)
    marked[rows] = True
    return codes, marked


def rankings(probabilities: Doubles, slipped: Doubles, codes: Ints) -> dict[str, Ints]:
    """Places of the codes by each of the RANKINGS, the most doubtful first."""
    seen = likelihoods(probabilities, slipped, codes)
    wrong = wrongness(seen, shares(seen, np.ones((1, len(codes))))[0])
    orders = (
        most_doubtful(wrong, seen[:, 0], np.arange(len(codes))),
        np.argsort(seen[:, 0], kind="stable"),
        np.argsort(-confident_learning(probabilities, codes), kind="stable"),
    )
    return dict(zip(RANKINGS, orders, strict=True))


def confident_learning(probabilities: Doubles, codes: Ints) -> Doubles:
    """Doubts of confident learning (Northcutt, Jiang and Chuang 2021), [n]: those it has, by the gap in probability, before all others.

    A class's usual probability is its mean over the records that have it as code, drawn towards the mean of all records as if WORTH of them were
    of this class: a class has a handful of records, and one low probability among three must not make everything else look usual.
    A code is doubted where another class reaches its own usual probability while the code's class falls short of its own.
    """
    at = np.arange(len(codes)), codes
    mine, classes = probabilities[at], probabilities.shape[1]
    usual = (np.bincount(codes, mine, minlength=classes) + WORTH * mine.mean()) / (np.bincount(codes, minlength=classes) + WORTH)
    reached = np.where(probabilities >= usual, probabilities, 0.0)
    reached[at] = 0.0
    other = reached.max(axis=1)
    found: Doubles = np.where((other > 0) & (mine < usual[codes]), 2.0 + other - mine, probabilities.max(axis=1) - mine)
    return found


def _listed(probabilities: Doubles, slipped: Doubles, codes: Ints, marked: Marked) -> list[float]:
    seen = likelihoods(probabilities, slipped, codes)
    found = shares(seen, np.ones((1, len(codes))))[0]
    wrong = wrongness(seen, found)
    doubted = wrong >= DOUBTFUL
    some, any_planted = bool(doubted.any()), bool(marked.any())
    return [
        float(doubted.mean()), float(marked[doubted].mean()) if some and any_planted else np.nan, float(doubted[marked].mean()) if any_planted else np.nan,
        float(wrong[doubted].mean()) if some else np.nan, float(1 - found[0]),
    ]  # fmt: skip


def _metrics(names: Sequence[str], draws: Sequence[Sequence[float]], n: int) -> tuple[Metric, ...]:
    """The mean of each figure over the draws, and the interval that holds 95 % of them; NaN where half of the draws or more have none."""
    found = []
    for name, column in zip(names, np.array(draws).T, strict=True):
        there = column[~np.isnan(column)]
        enough = 2 * len(there) > len(column)
        low, high = np.quantile(there, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) if enough else (np.nan, np.nan)
        found.append(Metric(name, float(there.mean()) if enough else np.nan, float(low), float(high), n))
    return tuple(found)


def tables(found: Simulated) -> tuple[tuple[list[str], list[tuple[object, ...]]], tuple[list[str], list[tuple[object, ...]]]]:
    """Columns and rows of what stands first in each ranking, and of what is listed, in percent with intervals."""
    ranked: list[tuple[object, ...]] = [(r.slip, r.ranking, *map(_percent, r.heads)) for r in found.ranked]
    listed: list[tuple[object, ...]] = [(line.slip or "nothing planted", *map(_percent, line.figures)) for line in found.listed]
    return (["planted", "ranking", *(f"in the first {h:.0%}" for h in HEADS)], ranked), (
        ["planted", "listed, % of records", "of these planted", "of the planted listed", "stated", "share wrong, estimated"], listed,
    )  # fmt: skip


def _percent(m: Metric) -> str:
    return "-" if np.isnan(m.value) else f"{100 * m.value:.1f} ({100 * m.low:.1f}-{100 * m.high:.1f})"
