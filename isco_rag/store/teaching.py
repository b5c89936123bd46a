"""What the corrections have the index hold: entries to put in and to take out after a change, and all that stand.

An index forgets no id that was taken out of it, so that changes may come twice and in any order. A correction that becomes active
again, because a dispute ended in its favour, therefore comes in under a new id, which its change gives it: every process finds the same.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, select

from isco_rag.store.corrections import last_change
from isco_rag.store.records import Correction
from isco_rag.store.schema import changes, corrections
from isco_rag.taught import SOURCE
from isco_rag.types import Entry

# Changes that are followed at once: so many texts are embedded in a fraction of a second.
STEP = 256
_TEXTS = (corrections.c.id, corrections.c.code, corrections.c.title, corrections.c.duties)


class Lesson(Struct, frozen=True):
    """Entries that come in and ids that go out with the changes up to `last`; no id is in both."""

    add: tuple[Entry, ...]
    remove: tuple[str, ...]
    last: int


class Standing(Struct, frozen=True):
    """The entries of all corrections that are active, all other ids that ever came in, and the last change before they were read."""

    entries: tuple[Entry, ...]
    removed: frozenset[str]
    last: int


def lesson_after(db: Connection, number: int, limit: int = STEP) -> Lesson | None:
    """What the index must take up after change `number`; None where nothing has changed since."""
    query = select(changes.c.id.label("change"), changes.c.state.label("became"), *_TEXTS).join(corrections)
    rows = db.execute(query.where(changes.c.id > number).order_by(changes.c.id).limit(limit)).all()
    if not rows:
        return None
    active = _activations(db, sorted({row.id for row in rows}))
    add: dict[str, Entry] = {}
    remove: dict[str, None] = {}
    for row in rows:
        if row.became == "active":
            entry = _entry(row, row.change, active[row.id][0])
            add[entry.id] = entry
        else:
            remove |= {_identity(row.id, n, active[row.id][0]): None for n in active[row.id] if n < row.change}
    return Lesson(tuple(entry for i, entry in add.items() if i not in remove), tuple(remove), rows[-1].change)


def standing(db: Connection) -> Standing:
    """What an index that holds all corrections must hold."""
    last = last_change(db)
    active = _activations(db)
    rows = db.execute(select(*_TEXTS).where(corrections.c.state == "active").order_by(corrections.c.id))
    # One that became active after the last number was read will be followed too, and comes in once.
    entries = tuple(_entry(row, active[row.id][-1], active[row.id][0]) for row in rows if row.id in active)
    held = {entry.id for entry in entries}
    ever = (_identity(number, n, those[0]) for number, those in active.items() for n in those)
    return Standing(entries, frozenset(i for i in ever if i not in held), last)


def entry_of(correction: Correction) -> Entry:
    """A correction as an entry, under the id that it comes in with first."""
    return _named(_identity(correction.id), correction.code, correction.job.title, correction.job.duties)


def _activations(db: Connection, numbers: Sequence[int] | None = None) -> dict[int, list[int]]:
    """The changes that made corrections active, in their order: those of these corrections, or all."""
    found: dict[int, list[int]] = defaultdict(list)
    query = select(changes.c.id, changes.c.correction_id).where(changes.c.state == "active")
    query = query if numbers is None else query.where(changes.c.correction_id.in_(numbers))
    for change, number in db.execute(query.order_by(changes.c.id)):
        found[number].append(change)
    return found


def _entry(row: Any, change: int, first: int) -> Entry:
    return _named(_identity(row.id, change, first), row.code, row.title, row.duties)


def _named(identity: str, code: str, title: str, duties: str) -> Entry:
    return Entry(identity, code, title, duties, SOURCE)


def _identity(number: int, change: int = 0, first: int = 0) -> str:
    """The id under which a correction comes in with a change: the first has its number alone."""
    return f"{SOURCE}:{number}" if change == first else f"{SOURCE}:{number}:{change}"
