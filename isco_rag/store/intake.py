"""Corrections of a batch or a file, many in a statement: taken in to wait, then settled: into the index, into a dispute, or before an expert."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from msgspec import Struct
from sqlalchemy import Connection, bindparam, select, update

from isco_rag.store import audit, clock
from isco_rag.store.corrections import LIVE, last_change, values_of
from isco_rag.store.predictions import stored
from isco_rag.store.schema import changes, corrections, heads
from isco_rag.types import Job, Prediction

# Why rows wait until all that came with them is in.
PENDING = "its file is not taken in yet"


class Fresh(Struct, frozen=True):
    """A row that stands nowhere yet and was checked: whose it is, the job, its code, why, and what the model says."""

    by: str
    job: Job
    code: str
    reason: str
    answered: Prediction | None


def take_in(db: Connection, who: str, source: str, rows: Sequence[Fresh], import_id: int | None = None) -> list[int]:
    """The numbers of rows added, in their order; they wait."""
    audit.lock_head(db)
    if not rows:
        return []
    values = [values_of(r.by, source, stored(r.job), r.code, r.reason, r.answered, PENDING, import_id) for r in rows]
    query = corrections.insert().returning(corrections.c.id, sort_by_parameter_order=True)
    numbers = db.execute(query, values).scalars().all()
    said = [(r.answered.code, r.answered.bundle) if r.answered else ("", "") for r in rows]
    audit.append_all(
        db, who, "correction.add",
        [(f"correction:{n}", code, r.code, bundle, r.reason) for n, r, (code, bundle) in zip(numbers, rows, said, strict=True)],
    )  # fmt: skip
    return list(numbers)


def settle(db: Connection, who: str, numbers: Sequence[int], suspicious: Mapping[int, str]) -> None:
    """Brings those of the numbers that still wait for the others into the index, or into a dispute with others of their text.

    The suspicious ones wait on, with the reason why, which stands in the trail too.
    """
    audit.lock_head(db)
    waiting = corrections.c.id.in_(numbers), corrections.c.state == "held", corrections.c.held == PENDING
    rows = db.execute(select(corrections.c.id, corrections.c.text_key).where(*waiting).order_by(corrections.c.id)).all()
    texts: dict[str, list[int]] = defaultdict(list)
    active: set[int] = set()
    live = select(corrections.c.id, corrections.c.text_key, corrections.c.state).where(
        corrections.c.text_key.in_({row.text_key for row in rows}), corrections.c.state.in_(LIVE)
    )
    for there in db.execute(live.order_by(corrections.c.id)):
        texts[there.text_key].append(there.id)
        active |= {there.id} if there.state == "active" else set()
    entering = {row.id for row in rows if row.id not in suspicious}
    for row in rows:
        if row.id in entering:
            texts[row.text_key].append(row.id)
    fates = {
        one: "disputed" if len(same) > 1 else "active"
        for same in texts.values() for one in same if one in entering or (len(same) > 1 and one in active)
    }  # fmt: skip
    held = [row.id for row in rows if row.id in suspicious]
    _write(db, [{"n": n, "s": "held", "h": suspicious[n]} for n in held])
    audit.append_all(db, who, "correction.hold", [(f"correction:{n}", "", "", "", suspicious[n]) for n in held])
    _write(db, [{"n": n, "s": state, "h": ""} for n, state in sorted(fates.items())])
    _note(db, sorted(fates.items()))


def _write(db: Connection, values: list[dict[str, object]]) -> None:
    if values:
        db.execute(update(corrections).where(corrections.c.id == bindparam("n")).values(state=bindparam("s"), held=bindparam("h")), values)


def _note(db: Connection, fates: Sequence[tuple[int, str]]) -> None:
    """Writes the changes, in the order of the corrections' numbers; the caller holds the lock."""
    if fates:
        last, at = last_change(db), clock.now()
        db.execute(changes.insert(), [{"id": last + i, "at": at, "correction_id": n, "state": s} for i, (n, s) in enumerate(fates, 1)])
        db.execute(update(heads).values(change_id=last + len(fates)))
