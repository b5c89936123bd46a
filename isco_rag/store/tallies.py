"""What was answered, counted by day, bundle and source: figures over time without keeping a single text.

Kinds: "grade" (total: sum of confidences), "code" (total: how many had no near entry in the index), "band" (of the confidence),
"row" with the values "coded", "review", "far" (no near entry).
"""

from collections import Counter
from collections.abc import Iterable, Sequence

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
NEAR = 0.6


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


def windows(db: Connection, since: str, until: str) -> list[Window]:
    """What was answered on each day from `since` to the day before `until`, the days in order; all bundles and sources of a day together."""
    found: dict[str, Window] = {}
    query = (
        select(tallies.c.day, tallies.c.kind, tallies.c.value, func.sum(tallies.c.count), func.sum(tallies.c.total))
        .where(tallies.c.day >= since, tallies.c.day < until)
        .group_by(tallies.c.day, tallies.c.kind, tallies.c.value)
        .order_by(tallies.c.day, tallies.c.kind, tallies.c.value)
    )
    for day, kind, value, count, total in db.execute(query):
        window = found.setdefault(day, Window(day, day))
        window.counts[kind, value] = int(count)
        window.totals[kind, value] = float(total)
    for row in db.execute(select(centroids).where(centroids.c.day >= since, centroids.c.day < until).order_by(centroids.c.id)):
        window = found.setdefault(row.day, Window(row.day, row.day))
        window.centres.append(Centre(row.bundle, row.rows, row.count, np.frombuffer(row.vector, "<f8")))
    bundles = select(tallies.c.day, tallies.c.bundle).where(tallies.c.day >= since, tallies.c.day < until).distinct()
    for day, bundle in db.execute(bundles):
        found[day].bundles.add(bundle)
    return [found[day] for day in sorted(found)]


def coded_by(db: Connection, since: str) -> dict[str, tuple[int, int]]:
    """For each code that went out since a day: how often, and how often with no near entry."""
    query = (
        select(tallies.c.value, func.sum(tallies.c.count), func.sum(tallies.c.total))
        .where(tallies.c.kind == "code", tallies.c.day >= since)
        .group_by(tallies.c.value)
    )
    return {code: (int(count), int(far)) for code, count, far in db.execute(query) if code}


def light(predictions: Sequence[Prediction]) -> Tally:
    """The counts of some predictions."""
    found = Tally()
    found.add(predictions)
    return found
