"""What contradicts itself, told to experts: decisions of people against each other and against their neighbours, and coders who drift.

Each finding says why in a sentence and names what to look at. Its key says what it is about, so that it is told once.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations
from math import sqrt
from typing import Literal

import numpy as np
from msgspec import Struct
from rapidfuzz import fuzz

from isco_rag.encode import SCALE
from isco_rag.interval import wilson
from isco_rag.learn.suspects import related
from isco_rag.ports import Floats
from isco_rag.taxonomy import Taxonomy
from isco_rag.text import key
from isco_rag.types import Hit, Job, Metric

# Two texts are nearly the same where their vectors and their letters both say so: the vectors alone take a C and a C++ developer for one.
TWIN_COSINE, TWIN_LETTERS = 0.95, 0.88
# A neighbour counts from here on (one text in five has one); of the nearest five, four must say the same.
NEAR, NEIGHBOURS, SAME = 0.83, 5, 4
# From so many decisions on is a coder compared with the others.
ENOUGH = 30
BLOCK = 2048
READ = 600

Kind = Literal["twins", "voices", "neighbours", "drift"]


class Said(Struct, frozen=True):
    """A decision of a person: where it stands ("correction:3", "review:7"), whose it is, when, the job and its code."""

    ref: str
    by: str
    at: str
    job: Job
    code: str


class Found(Struct, frozen=True):
    """Something to flag: its kind and key, why, the code concerned, what to look at; the heaviest is shown first."""

    kind: Kind
    key: str
    why: str
    code: str
    about: tuple[str, ...]
    weight: float


class Against(Struct, frozen=True):
    """Whether a person's decision is against what it is compared with; None where there is nothing to compare it with. `other` is the person
    that it is compared with, where it is one.
    """

    by: str
    at: str
    against: bool | None
    other: str = ""


def letters(job: Job) -> str:
    """What is compared letter by letter."""
    return key(f"{job.title} {job.duties}")[:READ]


def twins(taxonomy: Taxonomy, said: Sequence[Said], vectors: Floats) -> list[Found]:
    """Pairs of nearly identical texts with codes that do not go together; `vectors` [n, dimension] are those of the texts."""
    found = []
    texts = [letters(one.job) for one in said]
    for start in range(0, len(said), BLOCK):
        # Each pair once: what comes before the block was held against it already.
        cosines = vectors[start : start + BLOCK] @ vectors[start:].T / SCALE**2
        for row, other in zip(*np.nonzero(cosines >= TWIN_COSINE), strict=True):
            i, j = start + int(row), start + int(other)
            if i >= j or related(taxonomy, said[i].code, said[j].code):
                continue
            likeness = fuzz.token_sort_ratio(texts[i], texts[j]) / 100
            if likeness >= TWIN_LETTERS:
                a, b = sorted((said[i], said[j]), key=lambda one: one.ref)
                why = f"nearly the same text is {a.code} for {a.by} and {b.code} for {b.by}"
                found.append(Found("twins", f"twins {a.ref} {b.ref}", why, a.code, (a.ref, b.ref), round(likeness, 4)))
    return found


def against_neighbours(taxonomy: Taxonomy, one: Said, hits: Sequence[Hit]) -> tuple[Against, Found | None]:
    """Whether a decision is against its nearest coded examples, and what to flag, if so; its own text does not count."""
    own = letters(one.job)
    # An entry may stand in several rows: the nearest counts.
    once = {h.entry.id: h for h in reversed(hits) if h.score >= NEAR and h.entry.id != one.ref}
    others = [h for h in once.values() if letters(Job(h.entry.title, h.entry.duties)) != own]
    near = sorted(others, key=lambda h: (-h.score, h.entry.id))[:NEIGHBOURS]
    counts = Counter(hit.entry.code for hit in near)
    code, n = min(counts.items(), key=lambda item: (-item[1], item[0]), default=("", 0))
    if n < SAME:
        return Against(one.by, one.at, None), None
    if related(taxonomy, code, one.code):
        return Against(one.by, one.at, False), None
    best = near[0].score
    why = f"{n} of the {len(near)} nearest coded examples are {code} (the nearest at {best:.2f}), {one.by} says {one.code}"
    about = (one.ref, *(_entry(hit) for hit in near if hit.entry.code == code))
    return Against(one.by, one.at, True), Found("neighbours", f"neighbours {one.ref}", why, one.code, about, round(best, 4))


def _entry(hit: Hit) -> str:
    return hit.entry.id if hit.entry.id.startswith("correction:") else f"entry:{hit.entry.id}"


def drift(basis: str, compared: Iterable[Against], rounds: dict[str, int]) -> list[Found]:
    """Coders whose decisions are against `basis` more often than those of the others, beyond doubt.

    The difference of the two shares must lie above 0 with its whole interval of 95 % (Newcombe 1998, method 10). `rounds` says how many such
    flags of a coder were closed: what comes after is a new one.
    """
    counts: dict[str, list[bool]] = defaultdict(list)
    for one in compared:
        if one.against is not None:
            counts[one.by].append(one.against)
    found = []
    for by, mine in sorted(counts.items()):
        others = [against for who, theirs in counts.items() if who != by for against in theirs]
        if min(len(mine), len(others)) < ENOUGH:
            continue
        own, rest = wilson(sum(mine), len(mine), by), wilson(sum(others), len(others), "others")
        low, high = difference(own, rest)
        if low > 0:
            why = (
                f"{by} is against {basis} in {own.value:.0%} of {own.n} decisions, the others in {rest.value:.0%} of {rest.n}; "
                f"the difference is {100 * low:.0f} to {100 * high:.0f} points"
            )
            found.append(Found("drift", f"drift {basis} {by} {rounds.get(by, 0)}"[:200], why, "", (f"coder:{by}",), round(low, 4)))
    return found


def difference(one: Metric, other: Metric) -> tuple[float, float]:
    """The interval of the difference of two shares.

    >>> tuple(round(v, 4) for v in difference(wilson(56, 70, ""), wilson(48, 80, "")))
    (0.0524, 0.3339)
    """
    gap = one.value - other.value
    low = gap - sqrt((one.value - one.low) ** 2 + (other.high - other.value) ** 2)
    return low, gap + sqrt((one.high - one.value) ** 2 + (other.value - other.low) ** 2)


class Second(Struct, frozen=True):
    """What a person said of a record that another coded too, blind."""

    record: int
    by: str
    at: str
    code: str


def against_seconds(taxonomy: Taxonomy, said: Iterable[Second]) -> list[Against]:
    """For each of the first two who coded a record blind to each other, in their order, whether the other says something else."""
    records: dict[int, list[Second]] = defaultdict(list)
    for one in said:
        records[one.record].append(one)
    return [
        Against(one.by, one.at, not related(taxonomy, a.code, b.code), other.by)
        for decisions in records.values() for a, b in combinations(decisions[:2], 2) for one, other in ((a, b), (b, a))
    ]  # fmt: skip
