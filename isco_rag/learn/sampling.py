"""Which records go to people: a random sample of every score band, uncertain ones, and ones that differ from each other.

Each design draws with known probabilities, so that a reviewed record can stand for those that nobody looked at: simple random sampling
within bands; probability proportional to size, drawn systematically from a list in random order (Madow 1949); one record from each of
some clusters around centres that lie far apart (farthest-first traversal, Gonzalez 1985).
"""

from math import ceil
from typing import Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]
Booleans = NDArray[np.bool_]
Design = Literal["random", "uncertain", "diverse"]
# Score bands by the confidence of what goes out: from these bounds on a record belongs to the next band.
EDGES = (0.7, 0.8, 0.9, 0.95)
BANDS = len(EDGES) + 1
# Of the random sample so much is given to the bands in equal parts, the rest by their size: a small band is seen too, and no record of a
# large band stands for more than twice as many others as in a sample without bands.
EQUAL = 0.5
# A record as sure as can be is still worth this much to the uncertain design, so that every record can be drawn.
LEAST_DOUBT = 0.01


class Mix(Struct, frozen=True):
    """How many records each design is to draw; parts of a record are a chance."""

    random: float
    uncertain: float
    diverse: float


class Drawn(Struct, frozen=True):
    """A record that was drawn: its place, the design, its band, the probability with which that design draws it."""

    row: int
    design: Design
    band: int
    probability: float


class Stratum(Struct, frozen=True):
    """A band of the records that go out untouched: how many there are, how many were drawn, with which probability each."""

    band: int
    rows: int
    drawn: int
    probability: float


def band_of(confidence: Doubles) -> Ints:
    """The band of each confidence [n], 0 for the least sure.

    >>> band_of(np.array([0.0, 0.7, 0.94, 1.0])).tolist()
    [0, 1, 3, 4]
    """
    return np.searchsorted(EDGES, confidence, side="right").astype(np.int64)


def band_name(band: int) -> str:
    """A band in words.

    >>> band_name(0), band_name(1), band_name(4)
    ('below 70 %', '70 to 80 %', '95 % and more')
    """
    bounds = [f"{100 * edge:.0f}" for edge in EDGES]
    if band == 0:
        return f"below {bounds[0]} %"
    return f"{bounds[-1]} % and more" if band == len(EDGES) else f"{bounds[band - 1]} to {bounds[band]} %"


def mix_of(rows: int, most: int, share: float, parts: tuple[float, float, float]) -> Mix:
    """How many of `rows` records each design draws: at most `most` and at most `share` of them, divided as the parts are to each other.

    >>> mix_of(10_000, 200, 0.1, (2, 1, 1))
    Mix(random=100.0, uncertain=50.0, diverse=50.0)
    """
    total, whole = min(float(most), share * rows), sum(parts)
    return Mix(*(total * part / whole for part in parts)) if whole > 0 else Mix(0.0, 0.0, 0.0)


def allocate(sizes: Ints, total: float) -> Doubles:
    """How many records of each band [bands] are to be drawn, `total` together, never more than a band has."""
    wanted = np.zeros(len(sizes))
    left = min(total, float(sizes.sum()))
    while left > 1e-9:
        room = sizes - wanted
        open_ = room > 1e-12
        share = EQUAL * open_ / open_.sum() + (1 - EQUAL) * (sizes * open_) / (sizes * open_).sum()
        wanted += np.minimum(left * share, room)
        left = min(total, float(sizes.sum())) - float(wanted.sum())
    return wanted


def draw_random(bands: Ints, total: float, rng: np.random.Generator) -> tuple[list[Drawn], list[Stratum]]:
    """Records drawn from those of these bands [n], and the strata that they were drawn from.

    A part of a record is drawn by chance, so that each record of a band has exactly the probability wanted / rows.
    """
    sizes = np.bincount(bands, minlength=BANDS).astype(np.int64)
    wanted = allocate(sizes, total)
    counts = np.floor(wanted) + (rng.random(len(wanted)) < wanted % 1)
    drawn, strata = [], []
    for band in np.flatnonzero(sizes):
        probability = float(wanted[band] / sizes[band])
        chosen = rng.choice(np.flatnonzero(bands == band), int(min(counts[band], sizes[band])), replace=False)
        drawn += [Drawn(int(row), "random", int(band), probability) for row in np.sort(chosen)]
        strata.append(Stratum(int(band), int(sizes[band]), len(chosen), probability))
    return drawn, strata


def proportional(sizes: Doubles, total: float) -> Doubles:
    """Inclusion probabilities [n] in proportion to the sizes, none above 1, `total` together where there are so many."""
    found = np.zeros(len(sizes))
    certain = np.zeros(len(sizes), np.bool_)
    while True:
        rest = ~certain & (sizes > 0)
        left = min(total, float((sizes > 0).sum())) - certain.sum()
        found[certain] = 1.0
        if not rest.any() or left <= 0:
            return found
        found[rest] = left * sizes[rest] / sizes[rest].sum()
        if not (over := found > 1.0 + 1e-12).any():
            return np.minimum(found, 1.0)
        certain |= over


def draw_uncertain(margin: Doubles, total: float, rng: np.random.Generator) -> list[tuple[int, float]]:
    """Places and probabilities of about `total` records, likelier the smaller the lead of the best unit group [n] over the second."""
    chance = proportional(np.maximum(1.0 - margin, LEAST_DOUBT), total)
    order = rng.permutation(len(margin))
    heights = np.concatenate([[0.0], np.cumsum(chance[order])]) + rng.random()
    hit = np.floor(heights[1:] + 1e-12) > np.floor(heights[:-1] + 1e-12)
    return [(int(i), float(chance[i])) for i in np.sort(order[hit])]


def draw_diverse(vectors: NDArray[np.floating], total: float, rng: np.random.Generator) -> list[tuple[int, float]]:
    """Places and probabilities of about `total` records, at most one from each cluster of the vectors [n, d]."""
    count = min(ceil(total - 1e-9), len(vectors))
    if count < 1:
        return []
    owner = clusters(vectors, count)
    visited = min(total / count, 1.0)
    found = []
    for cluster in range(count):
        members = np.flatnonzero(owner == cluster)
        if rng.random() < visited:
            found.append((int(rng.choice(members)), float(visited / len(members))))
    return sorted(found)


def clusters(vectors: NDArray[np.floating], count: int) -> Ints:
    """The cluster [n] of each vector: that of the nearest of `count` centres, each the vector farthest from the centres before it."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    centre = int(np.argmax(unit @ unit.mean(axis=0)))
    nearest, owner = unit @ unit[centre], np.zeros(len(unit), np.int64)
    nearest[centre] = np.inf
    for number in range(1, count):
        centre = int(np.argmin(nearest))
        cosine = unit @ unit[centre]
        cosine[centre] = np.inf
        owner = np.where(cosine > nearest, number, owner)
        nearest = np.maximum(nearest, cosine)
    return owner
