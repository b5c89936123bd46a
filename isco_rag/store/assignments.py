"""Who is to look at which records: open reviews given to people, dealt out evenly, and how many each has."""

from collections import defaultdict
from collections.abc import Sequence
from statistics import median
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Select, func, select, update

from isco_rag.errors import InputError
from isco_rag.store import audit, reviews, users
from isco_rag.store.reviews import ANSWERS, Filter, answered_by, at_least
from isco_rag.store.schema import decisions, predictions
from isco_rag.store.schema import reviews as table
from isco_rag.taxonomy import Taxonomy

# Records of one dealing at most: one statement names them all.
MOST = 10_000


class Load(Struct, frozen=True):
    """How many open records somebody has been given and not answered yet, and how many answers of its stand."""

    user: str
    waiting: int
    decided: int


def assign(db: Connection, who: str, numbers: Sequence[int], name: str) -> int:
    """Assigns open reviews to a user, or to nobody with an empty name; how many there were."""
    if name:
        users.named(db, name)
    count = _give(db, numbers, name)
    audit.append(db, who, "review.assign", f"reviews:{len(numbers)}", after=name)
    return count


def _give(db: Connection, numbers: Sequence[int], name: str) -> int:
    return db.execute(update(table).where(table.c.id.in_(numbers), table.c.state == "open").values(assigned=name)).rowcount


def fitting(db: Connection, taxonomy: Taxonomy, wanted: Filter) -> int:
    """How many open records a filter asks for."""
    return db.execute(select(func.count()).select_from(_open(taxonomy, wanted).subquery())).scalar_one()


def _open(taxonomy: Taxonomy, wanted: Filter) -> Select[Any]:
    query = select(table.c.id, table.c.assigned).join(predictions, predictions.c.id == table.c.prediction_id)
    return reviews.chosen(query, taxonomy, wanted).where(table.c.state == "open")


def deal(db: Connection, taxonomy: Taxonomy, who: str, wanted: Filter, names: Sequence[str], count: int) -> dict[str, int]:
    """How many records each has been given now: the most useful of those that fit, one to each in turn, like cards.

    Nobody is given what it has answered already. Without names the records are taken back, and anyone may decide them.
    """
    if not 1 <= count <= MOST:
        raise InputError(f"1 to {MOST:,} records can be assigned at once; choose another number")
    for name in names:
        user = users.named(db, name)
        if user.disabled or not at_least(user.role, "coder"):
            raise InputError(f"'{name}' can't review; choose somebody who is a coder at least and not disabled")
    audit.lock_head(db)
    query = _open(taxonomy, wanted).order_by(table.c.score.desc(), table.c.id)
    given: dict[str, list[int]] = {name: [] for name in names or ("",)}
    if names:
        mine = {name: set(db.execute(query.where(answered_by(name)).with_only_columns(table.c.id)).scalars()) for name in names}
        for number in db.execute(query.with_only_columns(table.c.id)).scalars().all():
            able = [name for name in names if number not in mine[name]]
            if able:
                given[min(able, key=lambda name: len(given[name]))].append(number)
                count -= 1
            if not count:
                break
    else:
        given[""] = list(db.execute(query.where(table.c.assigned != "").with_only_columns(table.c.id).limit(count)).scalars())
    for name, numbers in given.items():
        if numbers:
            _give(db, numbers, name)
            audit.append(db, who, "review.assign", f"reviews:{len(numbers)}", after=name)
    return {name: len(numbers) for name, numbers in given.items()}


def loads(db: Connection) -> list[Load]:
    """Everybody who can review, by name, with what waits for it and what it has decided."""
    waiting = select(table.c.assigned, func.count()).where(table.c.state == "open", table.c.assigned != "", ~answered_by(table.c.assigned))
    said = select(decisions.c.by, func.count()).where(decisions.c.kind.in_(ANSWERS), decisions.c.undone == "")
    has = {str(name): int(n) for name, n in db.execute(waiting.group_by(table.c.assigned))}
    did = {str(name): int(n) for name, n in db.execute(said.group_by(decisions.c.by))}
    able = {user.name for user in users.listed(db) if not user.disabled and at_least(user.role, "coder")}
    return [Load(name, has.get(name, 0), did.get(name, 0)) for name in sorted(able | set(has))]


def disputes(db: Connection) -> int:
    """How many records wait for somebody to settle what two coders said of them."""
    return db.execute(select(func.count()).select_from(table).where(table.c.state == "dispute")).scalar_one()


def pace(db: Connection, since: str = "") -> dict[str, float]:
    """The median seconds that a decision took, by who made it; those that came without their time are left out."""
    query = select(decisions.c.by, decisions.c.milliseconds).where(
        decisions.c.kind.in_(ANSWERS), decisions.c.undone == "", decisions.c.milliseconds > 0, decisions.c.at >= since
    )
    spent: dict[str, list[int]] = defaultdict(list)
    for name, milliseconds in db.execute(query):
        spent[name].append(milliseconds)
    return {name: round(median(found) / 1000, 1) for name, found in spent.items()}
