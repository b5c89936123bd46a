"""Corrections: the truth of what people taught. The index is a cache of them, kept up by reading `changes_after`.

The same text and code stands once. The same text with two codes is disputed: neither is in the index until one of them is taken back.
What came with a batch and looks as if it should not go in unseen is held (isco_rag.learn.suspects): it waits outside the index, and
makes nothing disputed, until an expert releases it or takes it back.
"""

from collections.abc import Collection, Iterable

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

# What is in the index or would be, were it not contradicted; the others wait or are gone.
LIVE = ("active", "disputed")
LONGEST_LANGUAGE, LONGEST_NAME = 12, 80


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
    if len(job.language) > LONGEST_LANGUAGE:
        raise InputError("the language is longer than a language code; give two letters, such as en, or nothing")


def add(
    db: Connection, taxonomy: Taxonomy, who: str, source: str, job: Job, code: str, *,
    reason: str = "", answered: Prediction | None = None, review_id: int | None = None, hold: str = "", import_id: int | None = None,
    by: str = "",
) -> Correction:  # fmt: skip
    """The correction that now stands for this text and code; one that stood already is returned as it is.

    With `hold`, the reason why, it waits for an expert. `by` is whose correction it is, where that is not who adds it. What a review
    settles is not held: it releases what was.
    """
    check(taxonomy, job, code)
    audit.lock_head(db)
    job, same_text = stored(job), text_key(job)
    standing = db.execute(select(corrections).where(corrections.c.text_key == same_text, corrections.c.state != "reverted")).all()
    for row in standing:
        if row.code == code:
            if row.state == "held" and review_id is not None:
                db.execute(update(corrections).where(corrections.c.id == row.id).values(review_id=review_id))
                return release(db, who, row.id, reason)
            return record(row)
    values = values_of(by or who, source, job, code, reason, answered, hold, import_id) | {"review_id": review_id}
    number = db.execute(corrections.insert().values(**values).returning(corrections.c.id)).scalar_one()
    if not hold:
        _enter(db, number, [row for row in standing if row.state in LIVE])
    audit.append(
        db, who, "correction.add", f"correction:{number}", before=answered.code if answered else "", after=code,
        model=answered.bundle if answered else "", reason=f"{reason} (held: {hold})".strip() if hold else reason,
    )  # fmt: skip
    return one(db, number)


def values_of(
    by: str, source: str, job: Job, code: str, reason: str, answered: Prediction | None, hold: str, import_id: int | None
) -> dict[str, object]:  # fmt: skip
    """A correction's columns, as it comes in: it waits. `job` is as it is stored."""
    return {
        "at": clock.now(), "by": by, "source": source, "title": job.title, "duties": job.duties, "industry": job.industry,
        "language": job.language, "text_key": text_key(job), "code": code, "reason": reason.replace("\x00", ""), "review_id": None,
        "answered": msgspec.json.encode(answered).decode() if answered else "", "bundle": answered.bundle if answered else "",
        "state": "held", "held": hold, "import_id": import_id,
    }  # fmt: skip


def _enter(db: Connection, number: int, against: Collection[Row[tuple[object, ...]]]) -> None:
    """Brings a correction into the index, or, against others of its text, into a dispute with them."""
    _set_state(db, number, "disputed" if against else "active")
    for row in against:
        if row.state == "active":
            _set_state(db, row.id, "disputed")


def release(db: Connection, who: str, number: int, reason: str = "") -> Correction:
    """The held correction, active or, against others of its text, disputed; releasing twice changes nothing. ConflictError where it is gone."""
    audit.lock_head(db)
    found = one(db, number)
    if found.state == "reverted":
        raise ConflictError(f"correction {number} was taken back; add it again instead")
    if found.state != "held":
        return found
    same_text = corrections.c.text_key == text_key(found.job)
    against = db.execute(select(corrections).where(same_text, corrections.c.state.in_(LIVE))).all()
    db.execute(update(corrections).where(corrections.c.id == number).values(held=""))
    _enter(db, number, against)
    audit.append(db, who, "correction.release", f"correction:{number}", after=found.code, model=found.bundle, reason=reason)
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


def listed(
    db: Connection, *, state: str = "", code: str = "", by: str = "", import_id: int = 0, before: int = 0, limit: int = 100,
    reviewed: bool = True,
) -> list[Correction]:  # fmt: skip
    """The newest first, those below number `before` where given; `import_id` 0 is any file or none. Without `reviewed` none that came of a review."""
    query = select(corrections).order_by(corrections.c.id.desc()).limit(limit)
    if not reviewed:
        query = query.where(corrections.c.review_id.is_(None))
    for column, value in (
        (corrections.c.state, state),
        (corrections.c.code, code),
        (corrections.c.by, by),
        (corrections.c.import_id, import_id),
    ):
        if value:
            query = query.where(column == value)
    return [record(row) for row in db.execute(query.where(corrections.c.id < before) if before else query)]


def taught(db: Connection) -> dict[str, int]:
    """How many active corrections there are to each code."""
    query = select(corrections.c.code, func.count()).where(corrections.c.state == "active").group_by(corrections.c.code)
    return {str(code): int(count) for code, count in db.execute(query)}


def after(db: Connection, number: int, state: str = "", limit: int = 100) -> list[Correction]:
    """Those above a number, the first first, of one state where given."""
    query = select(corrections).where(corrections.c.id > number).order_by(corrections.c.id).limit(limit)
    return [record(row) for row in db.execute(query.where(corrections.c.state == state) if state else query)]


def numbers_of(db: Connection, import_id: int, *, state: str = "", code: str = "") -> list[int]:
    """The numbers of a file's corrections that stand, in their order, those of one state and code where given."""
    query = select(corrections.c.id).where(corrections.c.import_id == import_id, corrections.c.state != "reverted")
    for column, value in ((corrections.c.state, state), (corrections.c.code, code)):
        if value:
            query = query.where(column == value)
    return list(db.execute(query.order_by(corrections.c.id)).scalars())


def brought(db: Connection, people: Iterable[str], since: str, but_import: int = 0) -> list[Correction]:
    """What these people brought in from a time on, in batches or one by one, not what came of reviews, nor with import `but_import`."""
    query = select(corrections).where(
        corrections.c.by.in_(list(people)), corrections.c.at >= since, corrections.c.state.in_(LIVE), corrections.c.review_id.is_(None)
    )
    rows = db.execute(query.order_by(corrections.c.id)).all()
    return [record(row) for row in rows if row.import_id is None or row.import_id != but_import]


def counted(db: Connection) -> dict[str, int]:
    """How many corrections there are in each state."""
    return {row[0]: row[1] for row in db.execute(select(corrections.c.state, func.count()).group_by(corrections.c.state))}


def standing(db: Connection, texts: Iterable[str]) -> dict[tuple[str, str], Correction]:
    """By key of text and code, what stands for these keys."""
    query = select(corrections).where(corrections.c.text_key.in_(list(texts)), corrections.c.state != "reverted")
    return {(row.text_key, row.code): record(row) for row in db.execute(query)}


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
    return Correction(
        row.id, row.at, row.by, row.source, job, row.code, row.reason, row.review_id, answered, row.bundle, row.state, row.held, row.import_id
    )  # fmt: skip
