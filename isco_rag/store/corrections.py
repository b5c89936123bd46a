"""Corrections: the truth of what people taught. The index is a cache of them, kept up by reading `changes_after`.

The same text and code stands once. The same text with two codes is disputed: neither is in the index until one of them is taken back.
"""

import msgspec
from sqlalchemy import Connection, Row, func, select, update

from isco_rag.errors import ConflictError, InputError, NotFoundError, TooLargeError
from isco_rag.store import audit, clock
from isco_rag.store.predictions import LONGEST, stored, text_key
from isco_rag.store.records import Change, Correction, CorrectionState
from isco_rag.store.schema import changes, corrections, heads
from isco_rag.taxonomy import Taxonomy
from isco_rag.text import says_nothing
from isco_rag.types import Job, Prediction


def check(taxonomy: Taxonomy, job: Job, code: str) -> None:
    """Refuses what can't teach: no text, too long a text, a code that the classification does not have. Short codes are allowed."""
    if not code:
        raise InputError("a correction needs a code; for a record that names no occupation, decide 'not codable' in its review")
    taxonomy.group(code)
    if says_nothing(job.title) and says_nothing(job.duties):
        raise InputError("a correction needs a title or duties that say something")
    for name in ("title", "duties", "industry"):
        if len(getattr(job, name)) > LONGEST:
            raise TooLargeError(f"{name} has {len(getattr(job, name)):,} characters; a correction takes at most {LONGEST:,}")


def add(
    db: Connection, taxonomy: Taxonomy, who: str, source: str, job: Job, code: str, *,
    reason: str = "", answered: Prediction | None = None, review_id: int | None = None,
) -> Correction:  # fmt: skip
    """The correction that now stands for this text and code; one that stood already is returned as it is."""
    check(taxonomy, job, code)
    audit.lock_head(db)
    job, same_text = stored(job), text_key(job)
    standing = db.execute(select(corrections).where(corrections.c.text_key == same_text, corrections.c.state != "reverted")).all()
    for row in standing:
        if row.code == code:
            return record(row)
    values = {
        "at": clock.now(), "by": who, "source": source, "title": job.title, "duties": job.duties, "industry": job.industry,
        "language": job.language, "text_key": same_text, "code": code, "reason": reason.replace("\x00", ""), "review_id": review_id,
        "answered": msgspec.json.encode(answered).decode() if answered else "", "bundle": answered.bundle if answered else "",
        "state": "disputed" if standing else "active",
    }  # fmt: skip
    number = db.execute(corrections.insert().values(**values).returning(corrections.c.id)).scalar_one()
    _note(db, number, values["state"])
    for row in standing:
        if row.state == "active":
            _set_state(db, row.id, "disputed")
    audit.append(
        db, who, "correction.add", f"correction:{number}", before=answered.code if answered else "", after=code,
        model=answered.bundle if answered else "", reason=reason,
    )  # fmt: skip
    return one(db, number)


def revert(db: Connection, who: str, number: int, reason: str = "") -> Correction:
    """The correction taken back; where that leaves one code for a disputed text, that one stands. Reverting twice changes nothing."""
    audit.lock_head(db)
    found = one(db, number)
    if found.state == "reverted":
        return found
    _set_state(db, number, "reverted")
    same_text = corrections.c.text_key == text_key(found.job)
    left = db.execute(select(corrections).where(same_text, corrections.c.state == "disputed")).all()
    if len(left) == 1:
        _set_state(db, left[0].id, "active")
    audit.append(db, who, "correction.revert", f"correction:{number}", before=found.code, model=found.bundle, reason=reason)
    return one(db, number)


def adjudicate(db: Connection, who: str, number: int, reason: str) -> Correction:
    """The disputed correction upheld: all others of its text are taken back. ConflictError where nothing is disputed."""
    found = one(db, number)
    if found.state != "disputed":
        raise ConflictError(f"correction {number} is {found.state}, not disputed; there is nothing to decide")
    for other in disputed_with(db, found):
        revert(db, who, other.id, reason)
    return one(db, number)


def disputed_with(db: Connection, found: Correction) -> list[Correction]:
    """The other corrections of the same text that are disputed."""
    query = select(corrections).where(
        corrections.c.text_key == text_key(found.job), corrections.c.state == "disputed", corrections.c.id != found.id
    )
    return [record(row) for row in db.execute(query.order_by(corrections.c.id))]


def one(db: Connection, number: int) -> Correction:
    """The correction of a number; NotFoundError where there is none."""
    row = db.execute(select(corrections).where(corrections.c.id == number)).first()
    if row is None:
        raise NotFoundError(f"there is no correction {number}; list them to see their numbers")
    return record(row)


def listed(db: Connection, *, state: str = "", code: str = "", by: str = "", before: int = 0, limit: int = 100) -> list[Correction]:
    """The newest first, those below number `before` where given."""
    query = select(corrections).order_by(corrections.c.id.desc()).limit(limit)
    for column, value in ((corrections.c.state, state), (corrections.c.code, code), (corrections.c.by, by)):
        if value:
            query = query.where(column == value)
    return [record(row) for row in db.execute(query.where(corrections.c.id < before) if before else query)]


def taught(db: Connection) -> dict[str, int]:
    """How many active corrections there are to each code."""
    query = select(corrections.c.code, func.count()).where(corrections.c.state == "active").group_by(corrections.c.code)
    return {str(code): int(count) for code, count in db.execute(query)}


def changes_after(db: Connection, number: int, limit: int = 1000) -> list[Change]:
    """What changed after change `number`, in the order of commit."""
    query = (
        select(changes.c.id.label("change"), changes.c.at.label("changed"), changes.c.state.label("became"), corrections)
        .join(corrections)
        .where(changes.c.id > number)
        .order_by(changes.c.id)
        .limit(limit)
    )
    return [Change(row.change, row.changed, row.became, record(row)) for row in db.execute(query)]


def last_change(db: Connection) -> int:
    """The number of the newest change, 0 where there is none."""
    return int(db.execute(select(heads.c.change_id)).scalar_one())


def _set_state(db: Connection, number: int, state: CorrectionState) -> None:
    db.execute(update(corrections).where(corrections.c.id == number).values(state=state))
    _note(db, number, state)


def _note(db: Connection, number: int, state: object) -> None:
    """Writes a change; its number is the next one, the caller holds the lock."""
    last = last_change(db) + 1
    db.execute(changes.insert().values(id=last, at=clock.now(), correction_id=number, state=state))
    db.execute(update(heads).values(change_id=last))


def record(row: Row[tuple[object, ...]]) -> Correction:
    """A row of the table as a record."""
    job = Job(row.title, row.duties, row.industry, language=row.language)
    answered = msgspec.json.decode(row.answered, type=Prediction) if row.answered else None
    return Correction(row.id, row.at, row.by, row.source, job, row.code, row.reason, row.review_id, answered, row.bundle, row.state)
