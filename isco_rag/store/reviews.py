"""Reviews: records that people look at, what they said, and what that comes to.

One coder decides alone, or two decide blind to each other; where the two differ, a third with the role of a reviewer decides. First
decisions are kept for ever: undoing gives a decision the time of its undoing, overruling adds one behind it.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Column, ColumnElement, Connection, Row, Select, and_, func, insert, or_, select, update

from isco_rag.errors import AccessError, ConflictError, InputError, NotFoundError
from isco_rag.store import audit, clock, corrections, schema
from isco_rag.store.database import fields
from isco_rag.store.predictions import record as kept_record
from isco_rag.store.records import ROLES, Decision, DecisionKind, Review, ReviewState, Role, User
from isco_rag.store.schema import decisions, predictions, reviews
from isco_rag.taxonomy import Taxonomy
from isco_rag.text import says_nothing

# The kinds that answer the question; the others accompany it.
ANSWERS = ("code", "not_codable")
LONGEST = 2000


class Filter(Struct, frozen=True):
    """Which reviews are asked for; empty values ask for all."""

    state: str = "open"
    grade: str = ""
    group: str = ""
    job_id: str = ""
    assigned: str = ""
    flagged: bool = False
    unassigned: bool = False


class Outcome(Struct, frozen=True):
    """What the decisions of a record come to: its state, and the decision that settled it."""

    state: ReviewState
    by: Decision | None


def outcome(said: Sequence[Decision], coders: int) -> Outcome:
    """What standing decisions, in their order, come to; the last word beyond the number of coders wins.

    >>> def d(by, code): return Decision(0, 0, "", by, "code", code, "", "", 0, "")
    >>> outcome([d("ann", "2411")], 2).state, outcome([d("ann", "2411"), d("bob", "2412")], 2).state
    ('open', 'dispute')
    >>> outcome([d("ann", "2411"), d("bob", "2412"), d("eve", "2412")], 2).by.by
    'eve'
    """
    answers = [one for one in said if one.kind in ANSWERS and not one.undone]
    if len(answers) < coders:
        return Outcome("open", None)
    if coders == 2 and len(answers) == 2 and (answers[0].kind, answers[0].code) != (answers[1].kind, answers[1].code):
        return Outcome("dispute", None)
    return Outcome("done", answers[-1])


def open_reviews(db: Connection, numbers: Sequence[int], why: str, coders: int = 1, weight: float = 1.0) -> int:
    """Puts kept predictions into the queue, the least sure first; how many were not there yet."""
    there = queued(db, numbers)
    fresh = [n for n in numbers if n not in there]
    if not fresh:
        return 0
    rows = db.execute(select(predictions.c.id, predictions.c.prediction).where(predictions.c.id.in_(fresh))).all()
    if not rows:
        return 0
    at = clock.now()
    values = [
        {
            "prediction_id": row.id, "created": at, "state": "open", "why": why, "score": 1.0 - _best(row.prediction), "weight": weight,
            "coders": coders, "assigned": "", "flagged": False, "final_code": "", "final_reason": "", "closed": "", "closed_by": "",
        }
        for row in rows
    ]  # fmt: skip
    db.execute(insert(reviews), values)
    return len(values)


class _Answer(Struct):
    top: tuple[dict[str, object], ...]


def _best(prediction: str) -> float:
    """The probability of the best unit group in a prediction's JSON; 1 for a record without any, which needs a glance, not thought."""
    top = msgspec.json.decode(prediction, type=_Answer).top
    return float(top[0]["probability"]) if top else 1.0  # type: ignore[arg-type]


def queued(db: Connection, numbers: Sequence[int]) -> set[int]:
    """Which of these predictions are in the queue or were."""
    found: set[int] = set()
    for start in range(0, len(numbers), 1000):
        part = numbers[start : start + 1000]
        found |= set(db.execute(select(reviews.c.prediction_id).where(reviews.c.prediction_id.in_(part))).scalars())
    return found


def known(db: Connection, numbers: Sequence[int]) -> bool:
    """Whether any of these predictions is in the queue or was."""
    return db.execute(select(reviews.c.id).where(reviews.c.prediction_id.in_(numbers)).limit(1)).first() is not None


def queue(
    db: Connection, taxonomy: Taxonomy, reader: User, wanted: Filter, limit: int = 20, *, mine: bool = True, blind: bool = False
) -> list[Review]:
    """Reviews most useful first. With `mine` those that the reader can decide now: not decided by it nor assigned to another; its own first, skipped ones last.

    With `blind` they come in the order of their numbers, since the first would be the one of which the machine is least sure.
    """
    found = ranked(db, taxonomy, reader, wanted, limit, mine=mine, blind=blind)
    rows = {row.id: row for row in db.execute(_select().where(reviews.c.id.in_(found)))}
    return [_veiled(db, rows[number], reader) for number in found]


def ranked(
    db: Connection, taxonomy: Taxonomy, reader: User, wanted: Filter, limit: int, *,
    mine: bool = True, blind: bool = False, after: int = 0, only: int = 0,
) -> list[int]:  # fmt: skip
    """The numbers of what `queue` gives, in its order, without a record being read.

    With `after` those that can follow when that one is decided: not itself, nor those of its text, which may be settled with it. With
    `only` that one, if it is in the queue at all.
    """
    useful = [reviews.c.id] if blind else [reviews.c.score.desc(), reviews.c.id]
    query = chosen(select(reviews.c.id).join(predictions, predictions.c.id == reviews.c.prediction_id), taxonomy, wanted)
    if only:
        query = query.where(reviews.c.id == only)
    if after:
        text = select(predictions.c.text_key).join(reviews, predictions.c.id == reviews.c.prediction_id).where(reviews.c.id == after)
        query = query.where(reviews.c.id != after, predictions.c.text_key != text.scalar_subquery())
    if not mine:
        return list(db.execute(query.order_by(*useful).limit(limit)).scalars())
    query = query.where(~answered_by(reader.name), or_(reviews.c.assigned.in_(("", reader.name)), answered_by(reviews.c.assigned)))
    own = and_(decisions.c.by == reader.name, decisions.c.kind == "skip", decisions.c.undone == "")
    skipped = reviews.c.id.in_(select(decisions.c.review_id).where(own))
    times = select(func.count()).where(own, decisions.c.review_id == reviews.c.id).scalar_subquery()
    # One query for each rank: sorted within, each can walk the index and stop at the first that fits, where one for all would sort the queue.
    ranks = (
        query.where(~skipped, reviews.c.assigned == reader.name).order_by(*useful),
        query.where(~skipped, reviews.c.assigned != reader.name).order_by(*useful),
        query.where(skipped).order_by(times, reviews.c.assigned != reader.name, *useful),
    )
    found: list[int] = []
    for rank in ranks:
        if len(found) < limit:
            found += db.execute(rank.limit(limit - len(found))).scalars()
    return found


def answered_by(name: str | Column[str]) -> ColumnElement[bool]:
    """Whether somebody has answered a review, as a condition. An assignment holds until the one it is given to has: then another may second."""
    said = and_(decisions.c.review_id == reviews.c.id, decisions.c.by == name, decisions.c.undone == "", decisions.c.kind.in_(ANSWERS))
    return select(decisions.c.id).where(said).exists()


def chosen(query: Select[Any], taxonomy: Taxonomy, wanted: Filter) -> Select[Any]:
    """The reviews of a query that a filter asks for."""
    if wanted.state:
        query = query.where(reviews.c.state == wanted.state)
    if wanted.grade:
        query = query.where(predictions.c.grade == wanted.grade)
    if wanted.group:
        query = query.where(predictions.c.code.in_(codes_under(taxonomy, wanted.group)))
    if wanted.job_id:
        query = query.where(predictions.c.job_id == wanted.job_id)
    if wanted.assigned:
        query = query.where(reviews.c.assigned == wanted.assigned)
    if wanted.flagged:
        query = query.where(reviews.c.flagged)
    if wanted.unassigned:
        query = query.where(reviews.c.assigned == "")
    return query


def codes_under(taxonomy: Taxonomy, code: str) -> list[str]:
    """A code and all codes beneath it."""
    found = [taxonomy.group(code).code]
    for child in taxonomy.children(code):
        found += codes_under(taxonomy, child.code)
    return found


def one(db: Connection, number: int, reader: User) -> Review:
    """The review of a number as far as the reader may see it; NotFoundError where there is none."""
    row = db.execute(_select().where(reviews.c.id == number)).first()
    if row is None:
        raise NotFoundError(f"there is no review {number}")
    return _veiled(db, row, reader)


def _select() -> Select[Any]:
    renamed = [column.label(f"p_{column.name}") for column in predictions.c]
    return select(reviews, *renamed).join(predictions, predictions.c.id == reviews.c.prediction_id)


def _veiled(db: Connection, row: Row[tuple[object, ...]], reader: User) -> Review:
    """The review; while two code blind, each sees what it said itself, and a dispute shows all to those who may settle it."""
    values = fields(row)
    kept = {name[2:]: values.pop(name) for name in list(values) if name.startswith("p_")}
    del values["prediction_id"], values["frame_id"]
    said = said_of(db, row.id)
    if row.coders > 1 and row.state != "done" and not (row.state == "dispute" and at_least(reader.role, "reviewer")):
        said = [d for d in said if d.by == reader.name]
    query = select(func.count()).where(
        predictions.c.text_key == kept["text_key"], reviews.c.prediction_id == predictions.c.id, reviews.c.state == "open"
    )
    same = db.execute(query).scalar_one() - (row.state == "open")
    return Review(**values, record=kept_record(_Values(kept)), decisions=tuple(said), identical=same)  # type: ignore[arg-type]


class _Values:
    """Values by attribute, as a row has them."""

    def __init__(self, values: dict[str, object]) -> None:
        self.__dict__.update(values)


def said_of(db: Connection, number: int) -> list[Decision]:
    """All decisions of a review in their order, undone ones too."""
    query = select(decisions).where(decisions.c.review_id == number).order_by(decisions.c.id)
    return [Decision(**fields(row)) for row in db.execute(query)]


def at_least(role: Role, needed: Role) -> bool:
    """Whether a role may do what another may.

    >>> at_least("reviewer", "coder"), at_least("viewer", "coder")
    (True, False)
    """
    return ROLES.index(role) >= ROLES.index(needed)


def decide(
    db: Connection, taxonomy: Taxonomy, by: User, number: int, kind: DecisionKind, *,
    code: str = "", reason: str = "", comment: str = "", milliseconds: int = 0,
) -> Review:  # fmt: skip
    """The review with one more decision. The same answer of the same person twice counts once; another one needs an undo first.

    Settling a record settles those with the same text that wait for one coder, and where the code is not the model's it becomes a
    correction.
    """
    code, reason, comment = code.strip(), reason.strip().replace("\x00", ""), comment.strip().replace("\x00", "")
    _check(taxonomy, kind, code, reason, comment)
    audit.lock_head(db)
    review = one(db, number, by)
    said = said_of(db, number)
    if kind in ANSWERS:
        mine = next((d for d in said if d.by == by.name and d.kind in ANSWERS and not d.undone), None)
        if mine is not None:
            if (mine.kind, mine.code, mine.reason) == (kind, code, reason):
                return review
            raise ConflictError(f"you decided review {number} already ({mine.code or mine.reason}); undo that first")
        if review.state != "open" and not at_least(by.role, "reviewer"):
            raise ConflictError(f"review {number} is {'settled' if review.state == 'done' else 'disputed'}; a reviewer may decide it now")
        given = review.assigned not in ("", by.name) and not any(
            d.by == review.assigned and d.kind in ANSWERS and not d.undone for d in said
        )
        if review.state == "open" and given and not at_least(by.role, "reviewer"):
            raise AccessError(f"review {number} is assigned to {review.assigned}; take another one")
    values = {
        "review_id": number, "at": clock.now(), "by": by.name, "kind": kind, "code": code, "reason": reason, "comment": comment,
        "milliseconds": max(0, min(milliseconds, 2**31 - 1)), "undone": "",
    }  # fmt: skip
    db.execute(decisions.insert().values(**values))
    if kind == "flag":
        db.execute(update(reviews).where(reviews.c.id == number).values(flagged=True))
    audit.append(
        db, by.name, f"review.{kind}", f"review:{number}", before=review.record.prediction.code, after=code or kind,
        model=review.record.prediction.bundle, reason=reason,
    )  # fmt: skip
    if kind in ANSWERS:
        _settle(db, taxonomy, number, by)
    return one(db, number, by)


def _check(taxonomy: Taxonomy, kind: DecisionKind, code: str, reason: str, comment: str) -> None:
    if kind == "code":
        if not code:
            raise InputError("a decision for a code needs the code; for a record that names no occupation, decide 'not_codable'")
        taxonomy.group(code)
    elif code:
        raise InputError(f"a decision '{kind}' has no code")
    if kind == "not_codable" and not reason:
        raise InputError("'not codable' needs a reason: for example retired, too general, no text")
    if kind == "comment" and not comment:
        raise InputError("a comment needs a text")
    if max(len(reason), len(comment)) > LONGEST:
        raise InputError(f"reason and comment have at most {LONGEST:,} characters")


def undo(db: Connection, taxonomy: Taxonomy, by: User, number: int) -> Review:
    """The review without the reader's last decision that stands; what it had settled is open again, its correction taken back."""
    audit.lock_head(db)
    mine = [d for d in said_of(db, number) if d.by == by.name and not d.undone]
    if not mine:
        raise ConflictError(f"there is nothing of yours to undo in review {number}")
    last = mine[-1]
    db.execute(update(decisions).where(decisions.c.id == last.id).values(undone=clock.now()))
    if last.kind == "flag" and not any(d.kind == "flag" and not d.undone for d in said_of(db, number)):
        db.execute(update(reviews).where(reviews.c.id == number).values(flagged=False))
    audit.append(db, by.name, "review.undo", f"review:{number}", before=last.code or last.kind)
    if last.kind in ANSWERS:
        _settle(db, taxonomy, number, by)
    return one(db, number, by)


def _settle(db: Connection, taxonomy: Taxonomy, number: int, by: User) -> None:
    """Brings a review, those of the same text, and its correction to what the decisions now come to."""
    row = db.execute(_select().where(reviews.c.id == number)).one()
    found = outcome(said_of(db, number), row.coders)
    settled = found.by
    values = {
        "state": found.state, "final_code": settled.code if settled else "", "final_reason": settled.reason if settled else "",
        "closed": clock.now() if settled else "", "closed_by": settled.by if settled else "",
    }  # fmt: skip
    db.execute(update(reviews).where(reviews.c.id == number).values(**values, same_as=None))
    db.execute(
        update(reviews).where(reviews.c.same_as == number)
        .values(state="open", final_code="", final_reason="", closed="", closed_by="", same_as=None)
    )  # fmt: skip
    if settled:
        same_text = select(predictions.c.id).where(predictions.c.text_key == row.p_text_key, predictions.c.id != row.p_id)
        untouched = (
            ~select(decisions.c.id)
            .where(decisions.c.review_id == reviews.c.id, decisions.c.undone == "", decisions.c.kind.in_(ANSWERS))
            .exists()
        )
        others = and_(reviews.c.prediction_id.in_(same_text), reviews.c.state == "open", reviews.c.coders == 1, untouched)
        db.execute(update(reviews).where(others).values(**values, same_as=number))
    _teach(db, taxonomy, number, row, settled)


def _teach(db: Connection, taxonomy: Taxonomy, number: int, row: Row[tuple[object, ...]], settled: Decision | None) -> None:
    """The correction that a review gives rise to, where the code that people settled on is not the one that went out."""
    record = kept_record(_Values({k[2:]: v for k, v in fields(row).items() if k.startswith("p_")}))  # type: ignore[arg-type]
    table = schema.corrections
    standing = db.execute(select(table.c.id, table.c.code).where(table.c.review_id == number, table.c.state != "reverted")).all()
    wanted = settled.code if settled and settled.kind == "code" and settled.code != record.prediction.code else ""
    for old in standing:
        if old.code != wanted:
            corrections.revert(db, settled.by if settled else "undo", old.id, f"review {number} was decided anew")
    if wanted and settled and not (says_nothing(record.job.title) and says_nothing(record.job.duties)):
        corrections.add(
            db, taxonomy, settled.by, "review", record.job, wanted, reason=settled.reason, answered=record.prediction, review_id=number
        )  # fmt: skip


def settled_texts(db: Connection, texts: Iterable[str]) -> dict[str, tuple[str, str]]:
    """By key of the text, the code on which people settled in review, and where they did."""
    query = (
        select(predictions.c.text_key, reviews.c.final_code, reviews.c.id)
        .join(predictions, predictions.c.id == reviews.c.prediction_id)
        .where(predictions.c.text_key.in_(list(texts)), reviews.c.state == "done", reviews.c.final_code != "", reviews.c.same_as.is_(None))
        .order_by(reviews.c.id)
    )
    return {row.text_key: (row.final_code, f"review {row.id}") for row in db.execute(query)}
