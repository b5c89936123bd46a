"""Flags for experts: raised once, listed, closed with a reason; and what they are raised from."""

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Row, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from isco_rag.errors import InputError, NotFoundError
from isco_rag.learn.flags import Found, Said, Second
from isco_rag.store import audit, clock
from isco_rag.store.predictions import record as kept_record
from isco_rag.store.records import Flag, Kept
from isco_rag.store.schema import corrections, decisions, flags, predictions, reviews
from isco_rag.types import Job

# Characters of a text that stand beside a flag.
SHOWN = 160
TAKEN_BACK = "what it is about was taken back"


def raise_all(db: Connection, who: str, found: Sequence[Found]) -> int:
    """How many of these were not flagged before, open or closed."""
    audit.lock_head(db)
    dialect, at, count = sqlite if db.dialect.name == "sqlite" else postgresql, clock.now(), 0
    query = dialect.insert(flags).on_conflict_do_nothing(index_elements=["key"]).returning(flags.c.id)
    for one in found:
        values = {
            "created": at, "kind": one.kind, "key": one.key, "why": one.why, "code": one.code, "about": msgspec.json.encode(one.about).decode(),
            "weight": one.weight, "state": "open", "closed": "", "closed_by": "", "reason": "",
        }  # fmt: skip
        count += db.execute(query.values(**values)).first() is not None
    if count:
        audit.append(db, who, "flags.raise", "flags", after=count)
    return count


def close(db: Connection, who: str, number: int, reason: str) -> Flag:
    """The flag, closed; closing twice changes nothing. InputError without a reason."""
    if not reason.strip():
        raise InputError("say why the flag is closed; the reason stays beside it")
    audit.lock_head(db)
    found = one(db, number)
    if found.state == "open":
        _close(db, number, who, reason)
        audit.append(db, who, "flag.close", f"flag:{number}", before=found.kind, reason=reason)
    return one(db, number)


def _close(db: Connection, number: int, who: str, reason: str) -> None:
    values = {"state": "closed", "closed": clock.now(), "closed_by": who, "reason": reason.replace("\x00", "")[:2000]}
    db.execute(update(flags).where(flags.c.id == number, flags.c.state == "open").values(**values))


def close_settled(db: Connection, who: str) -> int:
    """Closes open flags about corrections that were taken back; how many."""
    gone = {f"correction:{n}" for n in db.execute(select(corrections.c.id).where(corrections.c.state == "reverted")).scalars()}
    count = 0
    for row in db.execute(select(flags).where(flags.c.state == "open", flags.c.kind.in_(("twins", "neighbours")))).all():
        own = msgspec.json.decode(row.about, type=list[str])[: 2 if row.kind == "twins" else 1]
        if gone.intersection(own):
            _close(db, row.id, who, TAKEN_BACK)
            count += 1
    return count


def one(db: Connection, number: int) -> Flag:
    """The flag of a number; NotFoundError where there is none."""
    row = db.execute(select(flags).where(flags.c.id == number)).first()
    if row is None:
        raise NotFoundError(f"there is no flag {number}; list them to see their numbers")
    return record(row)


def listed(
    db: Connection, *, state: str = "open", kind: str = "", codes: Sequence[str] = (), before: int = 0, limit: int = 100
) -> list[Flag]:  # fmt: skip
    """The heaviest of each kind first, of some codes where given; closed ones the newest first."""
    query = select(flags).limit(limit)
    query = query.order_by(flags.c.kind, flags.c.weight.desc(), flags.c.id) if state == "open" else query.order_by(flags.c.id.desc())
    for column, value in ((flags.c.state, state), (flags.c.kind, kind)):
        if value:
            query = query.where(column == value)
    if codes:
        query = query.where(flags.c.code.in_(codes))
    return [record(row) for row in db.execute(query.offset(before))]


class Told(Struct, frozen=True):
    """What a flag points to: the text, its code, and whose it is."""

    text: str
    code: str
    by: str


def told(db: Connection, refs: Iterable[str]) -> dict[str, Told]:
    """By reference, the corrections, reviews and kept answers that flags point to."""
    numbers: dict[str, list[int]] = {"correction": [], "review": [], "prediction": []}
    for ref in refs:
        kind, _, number = ref.partition(":")
        if kind in numbers and number.isdecimal():
            numbers[kind].append(int(number))
    found = {
        f"correction:{row.id}": Told(_text(Job(row.title, row.duties)), row.code, row.by)
        for row in db.execute(select(corrections).where(corrections.c.id.in_(numbers["correction"])))
    }
    columns = (
        reviews.c.id.label("review"),
        reviews.c.final_code,
        reviews.c.closed_by,
        predictions.c.job,
        predictions.c.id,
        predictions.c.code,
    )
    both = select(*columns).outerjoin(reviews, reviews.c.prediction_id == predictions.c.id)
    for row in db.execute(both.where(or_(reviews.c.id.in_(numbers["review"]), predictions.c.id.in_(numbers["prediction"])))):
        text = _text(msgspec.json.decode(row.job, type=Job))
        found[f"prediction:{row.id}"] = Told(text, row.code, "")
        if row.review is not None:
            found[f"review:{row.review}"] = Told(text, row.final_code, row.closed_by)
    return found


def _text(job: Job) -> str:
    return " ".join(f"{job.title} - {job.duties}".split()).strip(" -")[:SHOWN]


def counted(db: Connection) -> dict[str, int]:
    """How many open flags there are of each kind."""
    return {row[0]: row[1] for row in db.execute(select(flags.c.kind, func.count()).where(flags.c.state == "open").group_by(flags.c.kind))}


def rounds(db: Connection, basis: str) -> tuple[dict[str, int], dict[str, str]]:
    """Of each coder: how many flags for drifting from `basis` were closed, and when the last one was."""
    begins = f"drift {basis} "
    count: Counter[str] = Counter()
    last: dict[str, str] = {}
    query = select(flags).where(flags.c.kind == "drift", flags.c.state == "closed", flags.c.key.startswith(begins, autoescape=True))
    for row in db.execute(query.order_by(flags.c.closed)):
        by = msgspec.json.decode(row.about, type=list[str])[0].removeprefix("coder:")
        count[by], last[by] = count[by] + 1, row.closed
    return dict(count), last


def said(db: Connection, limit: int) -> list[Said]:
    """What people decided and stands, the newest first: corrections, and settled reviews. What is disputed is known to be."""
    query = select(corrections).where(corrections.c.state == "active", corrections.c.review_id.is_(None))
    found = [
        Said(f"correction:{row.id}", row.by, row.at, Job(row.title, row.duties, row.industry, language=row.language), row.code)
        for row in db.execute(query.order_by(corrections.c.id.desc()).limit(limit))
    ]
    settled = (
        select(reviews.c.id, reviews.c.closed_by, reviews.c.closed, reviews.c.final_code, predictions.c.job)
        .join(predictions, predictions.c.id == reviews.c.prediction_id)
        .where(reviews.c.state == "done", reviews.c.final_code != "", reviews.c.same_as.is_(None))
    )
    found += [
        Said(f"review:{row.id}", row.closed_by, row.closed, msgspec.json.decode(row.job, type=Job), row.final_code)
        for row in db.execute(settled.order_by(reviews.c.id.desc()).limit(limit))
    ]
    return sorted(found, key=lambda one: (one.at, one.ref), reverse=True)[:limit]


def seconds(db: Connection) -> list[Second]:
    """What people said of records that two code blind to each other, in the order they said it."""
    query = (
        select(decisions.c.review_id, decisions.c.by, decisions.c.at, decisions.c.code)
        .join(reviews, reviews.c.id == decisions.c.review_id)
        .where(reviews.c.coders == 2, decisions.c.kind.in_(("code", "not_codable")), decisions.c.undone == "")
    )
    return [Second(*row) for row in db.execute(query.order_by(decisions.c.review_id, decisions.c.id))]


def undecided(db: Connection, limit: int) -> list[Kept]:
    """Kept predictions with a code that nobody has settled, the newest first."""
    query = (
        select(predictions)
        .outerjoin(reviews, reviews.c.prediction_id == predictions.c.id)
        .where(predictions.c.code != "", or_(reviews.c.id.is_(None), reviews.c.state != "done"))
    )
    return [kept_record(row) for row in db.execute(query.order_by(predictions.c.id.desc()).limit(limit))]


def record(row: Row[tuple[object, ...]]) -> Flag:
    """A row of the table as a record."""
    about = msgspec.json.decode(row.about, type=tuple[str, ...])
    return Flag(row.id, row.created, row.kind, row.why, row.code, about, row.weight, row.state, row.closed, row.closed_by, row.reason)
