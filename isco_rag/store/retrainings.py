"""Retrainings that the service begins by itself: when each began, up to which correction, who is at it, and what came of it.

One runs at a time, whatever the number of services: who takes one on does it under the lock of the audit trail's head, and puts its name and
a lease into the row. A service that is killed renews its lease no more; then another goes on with the same retraining.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime

from msgspec.structs import replace
from sqlalchemy import Connection, Row, and_, select, update

from isco_rag.store import audit, clock, frozen
from isco_rag.store.models import new_corrections
from isco_rag.store.records import Retraining, RetrainingState
from isco_rag.store.schema import retrainings
from isco_rag.store.settings import Running

# Who stands in the audit trail for what happens by schedule.
WHO = "schedule"
LEASE_SECONDS = 60.0
# A retraining that ended its process (no memory, a kill) is gone on with so often, after so long.
ATTEMPTS, RETRY_SECONDS = 3, 600.0
OPEN = ("running", "waiting")
LONGEST = 500


def listed(db: Connection, limit: int = 20) -> list[Retraining]:
    """The newest first."""
    return [_record(row) for row in db.execute(select(retrainings).order_by(retrainings.c.id.desc()).limit(limit))]


def in_time(running: Running, last: str, at: datetime) -> bool:
    """Whether the settings let one begin at this time (UTC); `last` is when the last began, empty if none did.

    >>> from isco_rag.store.settings import Running
    >>> night, now = Running(retrain_days=7, retrain_from=22, retrain_to=5), datetime(2026, 1, 9, 23, tzinfo=UTC)
    >>> [in_time(night, last, now) for last in ("", "2026-01-02T23:59:00.000Z", "2026-01-03T00:00:00.000Z")]
    [True, True, False]
    >>> in_time(night, "", datetime(2026, 1, 9, 12, tzinfo=UTC)), in_time(Running(), "", now)
    (False, False)
    """
    first, end = running.retrain_from, running.retrain_to
    hours = first <= at.hour < end if first < end else at.hour >= first or at.hour < end
    # By days, so that a nightly one does not begin later every night.
    return running.retrain_days > 0 and hours and (not last or (at.date() - date.fromisoformat(last[:10])).days >= running.retrain_days)


def is_wanted(db: Connection, running: Running, learned: int, at: datetime | None = None) -> bool:
    """Whether there is one to go on with, or one to begin: it is time, and there are enough corrections that no retraining has learned.

    `learned` is the last correction that the champion learned.
    """
    last = next(iter(listed(db, 1)), None)
    if last is not None and last.state in OPEN:
        return running.retrain_days > 0 and last.lease < clock.now()
    if not in_time(running, last.at if last else "", at or datetime.now(UTC)):
        return False
    return _new(db, learned) >= running.retrain_corrections


def _new(db: Connection, learned: int) -> int:
    """Corrections since the champion and since the last retraining that came to a model: what the gate refused is not tried again at once."""
    done = select(retrainings.c.until).where(retrainings.c.state == "done").order_by(retrainings.c.id.desc()).limit(1)
    return new_corrections(db, max(learned, db.execute(done).scalar() or 0))


def claim(db: Connection, worker: str, running: Running, learned: int, parent: str, naming: Callable[[int], str]) -> Retraining | None:
    """The retraining that this worker is to run now; none where another is at it or none is wanted.

    `naming` gives the model that a new one makes its name, which has the last correction's number in it.
    A retraining whose process was lost too often is closed as failed.
    """
    audit.lock_head(db)
    if not is_wanted(db, running, learned):
        return None
    last = next(iter(listed(db, 1)), None)
    if last is not None and last.state in OPEN:
        attempts = last.attempts + 1
        if attempts > ATTEMPTS:
            _closed(db, last, "failed", f"its process was lost {ATTEMPTS} times; look whether the machine has memory for it")
            return None
        _set(db, last.id, state="running", worker=worker, lease=_lease(), attempts=attempts)
        return _one(db, last.id)
    until = frozen.last(db)
    values = {
        "at": clock.now(), "until": until, "corrections": _new(db, learned), "parent": parent, "model": naming(until), "state": "running",
        "worker": worker, "lease": _lease(), "attempts": 1, "said": "", "finished": "",
    }  # fmt: skip
    number = db.execute(retrainings.insert().values(**values).returning(retrainings.c.id)).scalar_one()
    found = _one(db, number)
    audit.append(
        db, WHO, "retraining.begin", f"retraining:{number}", after={"until": found.until, "corrections": found.corrections}, model=parent
    )
    return found


def renew(db: Connection, worker: str, number: int) -> bool:
    """Prolongs the worker's claim; false where it has none any more."""
    held = and_(retrainings.c.id == number, retrainings.c.worker == worker, retrainings.c.state == "running")
    return db.execute(update(retrainings).where(held).values(lease=_lease())).rowcount == 1


def put_off(db: Connection, worker: str, number: int, said: str, *, lost: bool) -> None:
    """Lets a retraining be gone on with: after a while where `said` tells what was in its way, at once where its service ends in order.

    Where its process was `lost` too often, it has failed.
    """
    found = _one(db, number)
    if (found.worker, found.state) != (worker, "running"):
        return
    if lost and found.attempts >= ATTEMPTS:
        _closed(db, found, "failed", said)
    else:
        lease = clock.later(seconds=RETRY_SECONDS) if said else ""
        # Only what was lost counts as an attempt.
        _set(db, number, state="waiting", worker="", lease=lease, said=said[:LONGEST], attempts=found.attempts - (not lost))


def close(db: Connection, worker: str, number: int, state: RetrainingState, said: str) -> bool:
    """Keeps what came of it: `done` where there is a model, else `failed`; false where the worker has lost its claim."""
    found = _one(db, number)
    if (found.worker, found.state) != (worker, "running"):
        return False
    _closed(db, found, state, said)
    return True


def _closed(db: Connection, found: Retraining, state: RetrainingState, said: str) -> Retraining:
    found = replace(found, state=state, said=said[:LONGEST], finished=clock.now())
    _set(db, found.id, state=state, said=found.said, finished=found.finished, worker="", lease="")
    audit.append(
        db, WHO, f"retraining.{state}", f"retraining:{found.id}", before=found.parent, after=found.model, model=found.parent, reason=said
    )
    return found


def _set(db: Connection, number: int, **values: object) -> None:
    db.execute(update(retrainings).where(retrainings.c.id == number).values(**values))


def _lease() -> str:
    return clock.later(seconds=LEASE_SECONDS)


def _one(db: Connection, number: int) -> Retraining:
    return _record(db.execute(select(retrainings).where(retrainings.c.id == number)).one())


def _record(row: Row[tuple[object, ...]]) -> Retraining:
    return Retraining(**row._mapping)
