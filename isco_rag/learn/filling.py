"""The review queue filled: what is drawn from a finished file, and from predictions that were kept one by one."""

import hashlib
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from isco_rag.errors import ConflictError
from isco_rag.learn.sampling import Drawn, Mix, Stratum, band_of, draw_diverse, draw_random, draw_uncertain, mix_of
from isco_rag.store import audit, frames, predictions, reviews
from isco_rag.store.database import Store
from isco_rag.store.frames import Picked
from isco_rag.store.settings import Running, current
from isco_rag.store.tallies import Said, Tally
from isco_rag.types import Job, Prediction

Doubles = NDArray[np.float64]
Booleans = NDArray[np.bool_]
# Rows drawn at random whose texts are embedded: for what is unlike the rest, and for the centre of the file. Its mean vector is known to
# a turn of .01 with as many (docs/guide/learning.md), and embedding them takes a second.
POOL = 512


class _Best(Struct, frozen=True):
    probability: float


class Answered(Said, frozen=True):
    """What is read of a prediction to draw from it."""

    top: tuple[_Best, ...] = ()


class Rows(Struct):
    """The rows of a file that was coded, as columns [n]: confidence, lead of the first unit group, whether anybody looks at a row anyhow."""

    confidence: Doubles
    margin: Doubles
    codable: Booleans
    untouched: Booleans
    queued: Booleans


class Draw(Struct):
    """What was drawn: records, the strata of the random sample, and the pool of rows whose texts are to be embedded."""

    records: list[Drawn]
    strata: list[Stratum]
    pool: NDArray[np.int64]
    rng: np.random.Generator
    mix: Mix


def columns_of(parts: Iterable[Sequence[Answered]], fill: Sequence[str], tally: Tally) -> Rows:
    """The columns of a file's predictions, each counted in the tally; rows of the grades in `fill` are in the queue already."""
    confidence, margin = array("d"), array("d")
    codable, untouched, queued = bytearray(), bytearray(), bytearray()
    for part in parts:
        tally.add(part)
        for p in part:
            chances = [c.probability for c in p.top]
            confidence.append(p.confidence)
            margin.append((chances[0] if chances else 0.0) - (chances[1] if len(chances) > 1 else 0.0))
            codable.append(bool(p.code))
            queued.append(p.grade in fill)
            untouched.append(bool(p.code) and not p.review and p.grade not in fill)
    flags = [np.frombuffer(bytes(f), np.bool_) for f in (codable, untouched, queued)]
    return Rows(np.array(confidence), np.array(margin), *flags)


def draw(rows: Rows, running: Running, seed: str) -> Draw:
    """The random and the uncertain records of a file, and its pool. The same seed draws the same records, so a draw can be checked."""
    rng = np.random.default_rng(int.from_bytes(hashlib.blake2b(seed.encode(), digest_size=8).digest()))
    shares = (running.sample_random, running.sample_uncertain, running.sample_diverse)
    mix = mix_of(len(rows.confidence), running.sample_rows, running.sample_share, shares)
    own = np.flatnonzero(rows.untouched)
    drawn, strata = draw_random(band_of(rows.confidence[own]), mix.random, rng)
    records = [Drawn(int(own[d.row]), d.design, d.band, d.probability) for d in drawn]
    free = np.flatnonzero(_free(rows, records))
    for place, chance in draw_uncertain(rows.margin[free], mix.uncertain, rng) if len(free) else ():
        row = int(free[place])
        records.append(Drawn(row, "uncertain", int(band_of(rows.confidence[[row]])[0]), chance))
    codable = np.flatnonzero(rows.codable)
    pool = np.sort(rng.choice(codable, min(POOL, len(codable)), replace=False))
    return Draw(records, strata, pool, rng, mix)


def add_diverse(found: Draw, rows: Rows, vectors: NDArray[np.floating]) -> None:
    """Adds the diverse records to a draw, from the vectors [n, d] of its pool."""
    free = _free(rows, found.records)
    places = np.flatnonzero(free[found.pool])
    if not len(places):
        return
    # A record must be in the pool first, then drawn from it.
    pooled = len(found.pool) / int(rows.codable.sum())
    for place, chance in draw_diverse(vectors[places], found.mix.diverse, found.rng):
        row = int(found.pool[places[place]])
        found.records.append(Drawn(row, "diverse", int(band_of(rows.confidence[[row]])[0]), chance * pooled))


def _free(rows: Rows, taken: Sequence[Drawn]) -> Booleans:
    """Rows that name an occupation and that nobody is to look at yet."""
    free = rows.codable & ~rows.queued
    free[[one.row for one in taken]] = False
    return free


def order_of(one: Drawn, confidence: float, rng: np.random.Generator) -> float:
    """The place of a record in the queue: by its doubt, that of the random sample by chance."""
    return float(rng.random()) if one.design == "random" else 1.0 - confidence


def picked(found: Draw, rows: Rows, numbers: dict[int, int]) -> list[Picked]:
    """The drawn records with the numbers of their predictions, by row."""
    return [
        Picked(d.row, d.design, d.band, d.probability, numbers[d.row], order_of(d, float(rows.confidence[d.row]), found.rng))
        for d in found.records
        if d.row in numbers
    ]


def fill_from_kept(store: Store, who: str, encode: Callable[[Sequence[Job]], NDArray[np.floating]], *, most: int = 0) -> Counter[str]:
    """Draws from predictions that were kept one by one and that no earlier drawing has seen; how many were drawn by each design.

    `most` is how many are to be drawn at most, in place of the setting's number and share. `encode` gives the vectors of jobs.
    """
    with store.read() as db:
        running, since = current(db), frames.drawn_upto(db)
        kept = predictions.kept_since(db, since)
        there = reviews.queued(db, [one.id for one in kept])
    if not kept:
        return Counter()
    rows = _columns([one.prediction for one in kept], [one.id in there for one in kept])
    if most:
        running = msgspec.structs.replace(running, sample_rows=most, sample_share=1.0)
    found = draw(rows, running, f"kept {since} {kept[-1].id}")
    if found.mix.diverse > 0 and len(found.pool):
        add_diverse(found, rows, encode([kept[i].job for i in found.pool]))
    chosen = picked(found, rows, {i: one.id for i, one in enumerate(kept)})
    with store.write() as db:
        if frames.drawn_upto(db) != since:
            raise ConflictError("somebody else filled the queue at the same time; nothing was drawn twice: do it again if there is more")
        frames.open_drawn(db, found.strata, chosen, kept[-1].prediction.bundle, running.coders, upto=kept[-1].id)
        drawn: Counter[str] = Counter(one.design for one in chosen)
        audit.append(db, who, "review.fill", "reviews", after=dict(sorted(drawn.items())))
    return drawn


def _columns(answers: Sequence[Prediction], queued: Sequence[bool]) -> Rows:
    light = [Answered(p.code, p.grade, p.confidence, p.review, p.near, tuple(_Best(c.probability) for c in p.top)) for p in answers]
    rows = columns_of([light], (), Tally())
    seen = np.array(queued, np.bool_)
    return Rows(rows.confidence, rows.margin, rows.codable, rows.untouched & ~seen, seen)
