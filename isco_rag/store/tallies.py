"""What was answered, counted by day, bundle and source: figures over time without keeping a single text.

Kinds: "grade" (total: sum of confidences), "code" (total: how many had no near entry in the index), "band" (of the confidence),
"row" with the values "coded", "review", "far" (no near entry).
"""

from collections import Counter
from collections.abc import Iterable

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from sqlalchemy import Connection, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from isco_rag.learn.monitor import Centre, Window
from isco_rag.learn.sampling import EDGES
from isco_rag.store.schema import centroids, tallies
from isco_rag.types import Prediction

# Below this cosine nothing in the index is near a text. See docs/guide/learning.md for how it was chosen.
NEAR = 0.65


class Said(Struct, frozen=True):
    """What is counted of a prediction; a prediction in JSON can be read as one."""

    code: str
    grade: str
    confidence: float
    review: bool
    near: float = 0.0


class Tally:
    """Counts of predictions that are not in the store yet."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.totals: Counter[tuple[str, str]] = Counter()

    def add(self, predictions: Iterable[Said | Prediction]) -> None:
        """Counts these too."""
        for p in predictions:
            far = bool(p.code) and p.near < NEAR
            self.counts.update((("row", "coded"), ("grade", p.grade), ("code", p.code)))
            self.totals["grade", p.grade] += p.confidence  # type: ignore[assignment]
            if p.code:
                self.counts["band", str(sum(p.confidence >= edge for edge in EDGES))] += 1
            if p.review:
                self.counts["row", "review"] += 1
            if far:
                self.counts["row", "far"] += 1
                self.totals["code", p.code] += 1

    def join(self, other: "Tally") -> None:
        """Adds the counts of another."""
        self.counts.update(other.counts)
        self.totals.update(other.totals)


def store_tally(db: Connection, day: str, bundle: str, source: str, tally: Tally) -> None:
    """Adds the counts to those of the day."""
    rows = [
        {"day": day, "bundle": bundle[:200], "source": source, "kind": kind, "value": value, "count": count, "total": float(tally.totals[kind, value])}
        for (kind, value), count in sorted(tally.counts.items())
    ]  # fmt: skip
    if not rows:
        return
    dialect = sqlite if db.dialect.name == "sqlite" else postgresql
    query = dialect.insert(tallies)
    more = {name: tallies.c[name] + query.excluded[name] for name in ("count", "total")}
    db.execute(query.on_conflict_do_update(index_elements=list(tallies.primary_key.columns), set_=more), rows)


def store_centre(db: Connection, day: str, bundle: str, rows: int, vectors: NDArray[np.floating]) -> None:
    """Keeps the sum of the unit vectors [n, d] of texts drawn at random from `rows` rows."""
    if len(vectors):
        unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        total = unit.sum(axis=0).astype("<f8").tobytes()
        db.execute(insert(centroids).values(day=day, bundle=bundle, rows=rows, count=len(vectors), vector=total))


def window(db: Connection, since: str, until: str) -> Window:
    """What was answered from day `since` to the day before `until`, all bundles and sources together."""
    found, within = Window(since, until), (tallies.c.day >= since, tallies.c.day < until)
    query = select(tallies.c.kind, tallies.c.value, func.sum(tallies.c.count), func.sum(tallies.c.total)).where(*within)
    for kind, value, count, total in db.execute(query.group_by(tallies.c.kind, tallies.c.value)):
        found.counts[kind, value], found.totals[kind, value] = int(count), float(total)
    found.bundles.update(db.execute(select(tallies.c.bundle).where(*within).distinct()).scalars())
    columns = (centroids.c.bundle, centroids.c.rows, centroids.c.count, centroids.c.vector)
    for bundle, rows, count, vector in db.execute(select(*columns).where(centroids.c.day >= since, centroids.c.day < until)):
        found.centres.append(Centre(bundle, rows, count, np.frombuffer(vector, "<f8")))
    return found


def days(db: Connection, since: str, until: str) -> list[Window]:
    """Rows and grades of each day in turn."""
    query = (
        select(tallies.c.day, tallies.c.kind, tallies.c.value, func.sum(tallies.c.count), func.sum(tallies.c.total))
        .where(tallies.c.day >= since, tallies.c.day < until, tallies.c.kind.in_(("row", "grade")))
        .group_by(tallies.c.day, tallies.c.kind, tallies.c.value)
    )
    found: dict[str, Window] = {}
    for day, kind, value, count, total in db.execute(query):
        one = found.setdefault(day, Window(day, day))
        one.counts[kind, value], one.totals[kind, value] = int(count), float(total)
    return [found[day] for day in sorted(found)]


def coded_by(db: Connection, since: str) -> dict[str, tuple[int, int]]:
    """For each code that went out since a day: how often, and how often with no near entry."""
    query = (
        select(tallies.c.value, func.sum(tallies.c.count), func.sum(tallies.c.total))
        .where(tallies.c.kind == "code", tallies.c.day >= since)
        .group_by(tallies.c.value)
    )
    return {code: (int(count), int(far)) for code, count, far in db.execute(query) if code}
