"""Predictions that somebody asked to keep, with the job they are about."""

import hashlib
from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, Row, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from isco_rag.errors import NotFoundError
from isco_rag.store import clock
from isco_rag.store.records import Kept
from isco_rag.store.schema import predictions
from isco_rag.text import key
from isco_rag.types import Job, Prediction

# What is kept of a field; the coder reads no more of a description either (isco_rag.text).
LONGEST = 50_000


def text_key(job: Job) -> str:
    """What two jobs share that say the same: case, accents and punctuation do not count.

    >>> text_key(Job("Nurse (ward 3)")) == text_key(Job("nurse, ward 3")) != text_key(Job("nurse"))
    True
    """
    said = "\x1f".join(key(part[:LONGEST]) for part in (job.title, job.duties, job.industry))
    return hashlib.blake2b(f"{job.language}\x1f{said}".encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def stored(job: Job) -> Job:
    """A job as it is kept: fields of at most `LONGEST` characters, no NUL, which PostgreSQL takes nowhere."""
    return Job(*(part[:LONGEST].replace("\x00", "") for part in (job.title, job.duties, job.industry, job.id, job.language)))


def keep(
    db: Connection, owner: str, source: str, answers: Sequence[tuple[int, Job, Prediction]], job_id: str | None = None
) -> list[int]:  # fmt: skip
    """Numbers of the predictions kept for (row, job, prediction); a row of a file that is kept already keeps its number."""
    if not answers:
        return []
    at = clock.now()
    values = [
        {
            "created": at, "owner": owner, "source": source, "job_id": job_id, "row": row, "job": msgspec.json.encode(stored(job)).decode(),
            "text_key": text_key(job), "code": p.code, "confidence": p.confidence, "grade": p.grade,
            "prediction": msgspec.json.encode(p).decode(), "bundle": p.bundle,
        }
        for row, job, p in answers
    ]  # fmt: skip
    if job_id is None:
        return [db.execute(insert(predictions).values(**one).returning(predictions.c.id)).scalar_one() for one in values]
    dialect = sqlite if db.dialect.name == "sqlite" else postgresql
    db.execute(dialect.insert(predictions).on_conflict_do_nothing(index_elements=["job_id", "row"]), values)
    rows = [row for row, _, _ in answers]
    query = select(predictions.c.id).where(predictions.c.job_id == job_id, predictions.c.row.in_(rows)).order_by(predictions.c.row)
    return list(db.execute(query).scalars())


def one(db: Connection, number: int) -> Kept:
    """The prediction of a number; NotFoundError where there is none."""
    row = db.execute(select(predictions).where(predictions.c.id == number)).first()
    if row is None:
        raise NotFoundError(f"there is no kept prediction {number}; only predictions that were asked to be kept are")
    return record(row)


def listed(db: Connection, owner: str = "", before: int = 0, limit: int = 100) -> list[Kept]:
    """The newest first, of one owner or of all, those below number `before` where given."""
    query = select(predictions).order_by(predictions.c.id.desc()).limit(limit)
    if owner:
        query = query.where(predictions.c.owner == owner)
    if before:
        query = query.where(predictions.c.id < before)
    return [record(row) for row in db.execute(query)]


def kept_since(db: Connection, number: int) -> list[Kept]:
    """Predictions kept one by one, not from a file, with numbers above this one, the oldest first."""
    query = select(predictions).where(predictions.c.id > number, predictions.c.source != "file").order_by(predictions.c.id)
    return [record(row) for row in db.execute(query)]


def record(row: Row[tuple[object, ...]]) -> Kept:
    """A row of the table as a record."""
    job = msgspec.json.decode(row.job, type=Job)
    prediction = msgspec.json.decode(row.prediction, type=Prediction)
    return Kept(row.id, row.created, row.owner, row.source, row.job_id, row.row, job, prediction)
