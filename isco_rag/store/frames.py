"""What is drawn into the review queue, from which frame, and what came of the random sample.

A frame is what there was to draw from: the rows of one score band of a file that go out untouched. Frames outlive the file, so that
the records of the sample keep standing for them.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, func, insert, select

from isco_rag.learn.estimate import Looked, Untouched, untouched_error
from isco_rag.learn.plan import upheld
from isco_rag.learn.sampling import Drawn, Stratum
from isco_rag.store import clock
from isco_rag.store.reviews import queued
from isco_rag.store.schema import frames, predictions, reviews
from isco_rag.taxonomy import Taxonomy

WHY = {
    "random": "random sample of what goes out untouched",
    "uncertain": "the two likeliest groups lie close together",
    "diverse": "unlike the other records",
}


class Picked(Drawn, frozen=True):
    """A drawn record, and the number under which its prediction is kept; `order` is its place in the queue, 1 first, 0 last."""

    number: int
    order: float


def drawn_upto(db: Connection) -> int:
    """The last of the predictions kept one by one that drawing has seen."""
    return int(db.execute(select(func.max(frames.c.upto))).scalar() or 0)


def open_drawn(
    db: Connection, strata: Sequence[Stratum], picked: Sequence[Picked], bundle: str, coders: int, *, job_id: str = "", upto: int = 0
) -> int:
    """Puts drawn records into the queue, with the frames that they come from; how many were not in it yet.

    A record of the random sample gets a place in the queue that does not depend on how sure the machine was: else those that are
    looked at first would not stand for the others.
    """
    at = clock.now()
    numbers: dict[int, int] = {}
    for stratum in strata:
        values = {
            "at": at, "job_id": job_id, "upto": upto, "bundle": bundle, "band": stratum.band, "rows": stratum.rows, "drawn": stratum.drawn,
            "probability": stratum.probability,
        }  # fmt: skip
        numbers[stratum.band] = int(db.execute(frames.insert().values(**values).returning(frames.c.id)).scalar_one())
    there = queued(db, [one.number for one in picked])
    values_of = [
        {
            "prediction_id": one.number, "created": at, "state": "open", "why": WHY[one.design], "score": one.order,
            "weight": 1.0 / one.probability, "design": one.design, "frame_id": numbers.get(one.band) if one.design == "random" else None,
            "coders": coders, "assigned": "", "flagged": False, "final_code": "", "final_reason": "", "closed": "", "closed_by": "",
        }
        for one in picked
        if one.number not in there
    ]  # fmt: skip
    if values_of:
        db.execute(insert(reviews), values_of)
    return len(values_of)


def untouched(db: Connection, taxonomy: Taxonomy, since: str = "") -> Untouched:
    """The error rate of what went out untouched since a day, from the random sample as far as people have decided it.

    Records that a file's own reviewers did not reach yet are left out: who looks at the sample in the order of the queue looks at a
    random part of it.
    """
    rows: dict[int, int] = {}
    drawn = 0
    query = select(frames.c.band, func.sum(frames.c.rows), func.sum(frames.c.drawn)).where(frames.c.at >= since).group_by(frames.c.band)
    for band, size, taken in db.execute(query):
        rows[int(band)] = int(size)
        drawn += int(taken)
    outcomes = (
        select(frames.c.band, reviews.c.weight, reviews.c.final_code, predictions.c.code)
        .join(frames, frames.c.id == reviews.c.frame_id)
        .join(predictions, predictions.c.id == reviews.c.prediction_id)
        .where(frames.c.at >= since, reviews.c.design == "random", reviews.c.state == "done")
        .order_by(reviews.c.id)
    )
    looked = [Looked(row.band, row.weight, not upheld(taxonomy, row.code, row.final_code)) for row in db.execute(outcomes)]
    return untouched_error(rows, drawn, looked)
