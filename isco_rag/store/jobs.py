"""Files that are coded in the background: the table is the queue.

A worker claims a job by putting its name and a lease into the row, renews the lease with every finished chunk, and each chunk is stored
in the transaction that counts it. So a job whose worker died goes on after the lease with the first chunk that is not stored, no
chunk is stored twice, and a worker that lost its claim can store nothing. docs/decisions/0021-jobs.md says why there is no second queue.
"""

import secrets
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, and_, delete, func, or_, select, update

from isco_rag.errors import ConflictError, NotFoundError
from isco_rag.store import audit, clock
from isco_rag.store.records import FileJob, JobState, JobSummary
from isco_rag.store.schema import chunks, jobs, uploads
from isco_rag.tables import Form
from isco_rag.types import Prediction

PIECE = 1 << 20
LEASE_SECONDS = 30.0
ATTEMPTS = 3
RETRY_SECONDS = (5.0, 30.0)
CHUNK = 512


def create(
    db: Connection, owner: str, name: str, kind: str, form: Form, columns: dict[str, int], pieces: Iterable[bytes], days: int
) -> FileJob:  # fmt: skip
    """A file that was uploaded, whole, with the columns that were guessed; it is coded when it is started."""
    number = secrets.token_hex(12)
    values = {
        "id": number, "name": name.replace("\x00", ""), "owner": owner, "state": "uploaded", "format": kind,
        "form": msgspec.json.encode(form).decode(), "columns": msgspec.json.encode(columns).decode(), "fill": "[]", "priority": 0,
        "rows": form.rows, "done": 0, "summary": "{}", "bundle": "", "error": "", "attempts": 0, "not_before": "",
        "worker": "", "lease": "", "created": clock.now(), "started": "", "finished": "", "expires": clock.later(days=days),
    }  # fmt: skip
    db.execute(jobs.insert().values(**values))
    for i, piece in enumerate(pieces):
        db.execute(uploads.insert().values(job_id=number, number=i, data=piece))
    audit.append(db, owner, "job.upload", f"job:{number}", after={"rows": form.rows})
    return one(db, number)


def one(db: Connection, number: str) -> FileJob:
    """The job of a number; NotFoundError where there is none."""
    return _record(_row(db, number))


def _row(db: Connection, number: str) -> Row[tuple[object, ...]]:
    row = db.execute(select(jobs).where(jobs.c.id == number)).first()
    if row is None:
        raise NotFoundError(f"there is no job '{number[:40]}'; list the jobs to see their numbers")
    return row


def form_of(db: Connection, number: str) -> Form:
    """How the uploaded file is written."""
    return msgspec.json.decode(_row(db, number).form, type=Form)


def listed(db: Connection, owner: str = "", limit: int = 100) -> list[FileJob]:
    """The newest first, of one owner or of all."""
    query = select(jobs).order_by(jobs.c.created.desc(), jobs.c.id).limit(limit)
    return [_record(row) for row in db.execute(query.where(jobs.c.owner == owner) if owner else query)]


def uploaded(db: Connection, number: str) -> Iterator[bytes]:
    """The pieces of the uploaded file; NotFoundError where they were removed after their time."""
    count = 0
    while (data := db.execute(select(uploads.c.data).where(uploads.c.job_id == number, uploads.c.number == count)).scalar()) is not None:
        yield bytes(data)
        count += 1
    if not count:
        raise NotFoundError(f"the file of job '{number}' was removed after its time; upload it again")


def start(db: Connection, who: str, number: str, columns: dict[str, int], fill: tuple[str, ...] = (), priority: int = 0) -> FileJob:
    """Puts an uploaded file into the queue; the same start twice counts once. `fill` names the grades whose rows go to review."""
    row = _row(db, number)
    said = {"columns": msgspec.json.encode(columns).decode(), "fill": msgspec.json.encode(fill).decode(), "priority": priority}
    if row.state != "uploaded":
        if all(getattr(row, name) == value for name, value in said.items()) and row.state in ("queued", "running", "done"):
            return _record(row)
        raise ConflictError(f"job '{number}' is {row.state}; upload the file again to code it anew")
    db.execute(update(jobs).where(jobs.c.id == number, jobs.c.state == "uploaded").values(state="queued", **said))
    audit.append(db, who, "job.start", f"job:{number}", after={"columns": columns, "fill": fill, "priority": priority})
    return one(db, number)


def resume(db: Connection, who: str, number: str) -> FileJob:
    """Puts a failed or cancelled job into the queue again; it goes on behind its last finished chunk."""
    row = _row(db, number)
    if row.state not in ("failed", "cancelled"):
        raise ConflictError(f"job '{number}' is {row.state}; only failed and cancelled jobs can go on")
    if row.expires <= clock.now():
        raise ConflictError(f"the file of job '{number}' was removed after its time; upload it again")
    db.execute(update(jobs).where(jobs.c.id == number).values(state="queued", attempts=0, not_before="", error="", finished=""))
    audit.append(db, who, "job.resume", f"job:{number}", before=row.state, after={"done": row.done})
    return one(db, number)


def cancel(db: Connection, who: str, number: str) -> FileJob:
    """Stops a job; what is finished stays and can be fetched. Cancelling twice changes nothing; a finished job can't be cancelled."""
    row = _row(db, number)
    if row.state in ("done", "failed"):
        raise ConflictError(f"job '{number}' is {row.state} and can't be cancelled any more")
    if row.state != "cancelled":
        db.execute(update(jobs).where(jobs.c.id == number).values(state="cancelled", finished=clock.now(), worker="", lease=""))
        audit.append(db, who, "job.cancel", f"job:{number}", before=row.state, after={"done": row.done})
    return one(db, number)


def remove(db: Connection, who: str, number: str) -> None:
    """Removes a job that is not running, with its file and result; predictions kept from it stay."""
    row = _row(db, number)
    if row.state == "running":
        raise ConflictError(f"job '{number}' is running; cancel it first")
    db.execute(delete(jobs).where(jobs.c.id == number))
    audit.append(db, who, "job.remove", f"job:{number}", before=row.state)


def claim(db: Connection, worker: str) -> FileJob | None:
    """The job to be worked on next, now claimed by this worker: highest priority, then the oldest; or one whose worker's lease ran out."""
    at = clock.now()
    ready = and_(jobs.c.state == "queued", jobs.c.not_before <= at)
    orphaned = and_(jobs.c.state == "running", jobs.c.lease < at)
    query = select(jobs).where(or_(ready, orphaned)).order_by(jobs.c.priority.desc(), jobs.c.created, jobs.c.id).limit(1)
    row = db.execute(query.with_for_update(skip_locked=True)).first()
    if row is None:
        return None
    values = {
        "state": "running",
        "worker": worker,
        "lease": clock.later(seconds=LEASE_SECONDS),
        "started": row.started or at,
        "finished": "",
    }
    db.execute(update(jobs).where(jobs.c.id == row.id).values(**values))
    return one(db, row.id)


def release(db: Connection, worker: str) -> None:
    """Gives back what a worker holds, when it stops in order."""
    db.execute(update(jobs).where(jobs.c.worker == worker, jobs.c.state == "running").values(state="queued", worker="", lease=""))


def renew(db: Connection, worker: str, number: str) -> bool:
    """Prolongs the claim of a worker; false where it has none any more."""
    held = and_(jobs.c.id == number, jobs.c.worker == worker, jobs.c.state == "running")
    return db.execute(update(jobs).where(held).values(lease=clock.later(seconds=LEASE_SECONDS))).rowcount == 1


def checkpoint(db: Connection, worker: str, number: str, done: int, predictions: list[Prediction], bundle: str) -> bool:
    """Stores the chunk behind the first `done` rows and counts its rows; false, and nothing is stored, where the worker has lost its claim."""
    if not renew(db, worker, number):
        return False
    row = _row(db, number)
    if row.done != done:
        return False
    chunk = db.execute(select(func.count()).where(chunks.c.job_id == number)).scalar_one()
    summary = added(msgspec.json.decode(row.summary, type=JobSummary), predictions)
    data = zlib.compress(msgspec.json.encode(predictions), 1)
    db.execute(chunks.insert().values(job_id=number, number=chunk, rows=len(predictions), predictions=data))
    values = {"done": row.done + len(predictions), "summary": msgspec.json.encode(summary).decode(), "bundle": bundle, "attempts": 0}
    db.execute(update(jobs).where(jobs.c.id == number).values(**values))
    return True


def added(summary: JobSummary, predictions: list[Prediction]) -> JobSummary:
    """The summary with these rows too."""
    grades, levels = dict(summary.grades), dict(summary.levels)
    for p in predictions:
        grades[p.grade] = grades.get(p.grade, 0) + 1
        levels[str(p.level)] = levels.get(str(p.level), 0) + 1
    return JobSummary(summary.review + sum(p.review for p in predictions), grades, levels)


def finish(db: Connection, worker: str, number: str, days: int) -> bool:
    """Marks a job done; its result is kept for `days`. False where the worker has lost its claim."""
    held = and_(jobs.c.id == number, jobs.c.worker == worker, jobs.c.state == "running")
    values = {"state": "done", "finished": clock.now(), "expires": clock.later(days=days), "worker": "", "lease": ""}
    done = db.execute(update(jobs).where(held).values(**values)).rowcount == 1
    if done:
        job = one(db, number)
        audit.append(db, job.owner, "job.done", f"job:{number}", after={"rows": job.done, "review": job.summary.review}, model=job.bundle)
    return done


def fail(db: Connection, worker: str, number: str, error: str, *, final: bool = False) -> JobState:
    """Notes that a worker could not go on: the job waits for its next attempt, or has failed after the last."""
    row = _row(db, number)
    if row.worker != worker or row.state != "running":
        found: JobState = row.state
        return found
    attempts = row.attempts + 1
    state: JobState = "failed" if final or attempts >= ATTEMPTS else "queued"
    wait = "" if state == "failed" else clock.later(seconds=RETRY_SECONDS[attempts - 1])
    values = {
        "attempts": attempts,
        "error": error,
        "not_before": wait,
        "worker": "",
        "lease": "",
        "finished": clock.now() if state == "failed" else "",
    }
    db.execute(update(jobs).where(jobs.c.id == number).values(state=state, **values))
    if state == "failed":
        audit.append(db, row.owner, "job.fail", f"job:{number}", after={"done": row.done}, reason=error)
    return state


def results(db: Connection, number: str, kind: type[Any] = Prediction) -> Iterator[list[Any]]:
    """The predictions of the finished chunks, in order; read as another `kind` of record that has some of their fields."""
    count, decoder = 0, msgspec.json.Decoder(list[kind])  # type: ignore[valid-type]
    while (
        data := db.execute(select(chunks.c.predictions).where(chunks.c.job_id == number, chunks.c.number == count)).scalar()
    ) is not None:
        yield decoder.decode(zlib.decompress(data))
        count += 1


def answers_of(db: Connection, number: str, rows: Sequence[int]) -> dict[int, Prediction]:
    """The predictions of some rows, by row; only the chunks that hold them are read."""
    wanted, found, first = sorted(rows), {}, 0
    for chunk, count in db.execute(select(chunks.c.number, chunks.c.rows).where(chunks.c.job_id == number).order_by(chunks.c.number)).all():
        own = [row for row in wanted if first <= row < first + count]
        if own:
            data = db.execute(select(chunks.c.predictions).where(chunks.c.job_id == number, chunks.c.number == chunk)).scalar_one()
            answers = msgspec.json.decode(zlib.decompress(data), type=list[Prediction])
            found.update({row: answers[row - first] for row in own})
        first += count
    return found


def purge(db: Connection) -> int:
    """Removes files and results whose time is over; what the jobs were and came to stays. How many jobs that were."""
    over = select(jobs.c.id).where(jobs.c.expires <= clock.now(), jobs.c.state.in_(("uploaded", "done", "failed", "cancelled")))
    count = db.execute(delete(uploads).where(uploads.c.job_id.in_(over), uploads.c.number == 0)).rowcount
    db.execute(delete(uploads).where(uploads.c.job_id.in_(over)))
    db.execute(delete(chunks).where(chunks.c.job_id.in_(over)))
    return count


def _record(row: Row[tuple[object, ...]]) -> FileJob:
    form = msgspec.json.decode(row.form, type=Form)
    return FileJob(
        row.id, row.name, row.owner, row.state, row.format, form.header, msgspec.json.decode(row.columns), tuple(msgspec.json.decode(row.fill)),
        row.priority, row.rows, row.done, msgspec.json.decode(row.summary, type=JobSummary), row.bundle, row.error, row.attempts,
        row.created, row.started, row.finished, row.expires,
    )  # fmt: skip
