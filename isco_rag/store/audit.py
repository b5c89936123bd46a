"""The audit trail: append-only rows, each of which carries the hash of the one before.

A row's hash is SHA-256 over its number, its values and the hash before it. A changed row does not fit its own hash; a removed or a moved one
breaks the numbers and the chain; rows cut off the end are missed by the head, which stands elsewhere. Somebody who can write the
database could forge all of these together; against that, keep `head` outside (`isco-rag audit export` prints it) and verify against it.
"""

import hashlib
from collections.abc import Iterator, Sequence

import msgspec
from sqlalchemy import Connection, Row, select, update

from isco_rag.errors import AuditError
from isco_rag.store import clock
from isco_rag.store.database import fields
from isco_rag.store.records import AuditRow
from isco_rag.store.schema import audit, heads

PAGE = 5000


class Verified(msgspec.Struct, frozen=True):
    """A trail that is whole: how many rows, and the hash of the last."""

    rows: int
    head: str


def append(
    db: Connection, who: str, action: str, subject: str, *,
    before: object = "", after: object = "", model: str = "", reason: str = "",
) -> AuditRow:  # fmt: skip
    """Adds a row within the caller's transaction; values that are no text are written as JSON."""
    head = lock_head(db)
    row = AuditRow(
        head.audit_id + 1, clock.now(), who, action, subject, _text(before), _text(after), model, _text(reason), head.audit_hash, ""
    )
    row = msgspec.structs.replace(row, hash=hash_of(row))
    db.execute(audit.insert().values(**msgspec.structs.asdict(row)))
    db.execute(update(heads).values(audit_id=row.id, audit_hash=row.hash))
    return row


def append_all(db: Connection, who: str, action: str, found: Sequence[tuple[str, str, str, str, str]]) -> None:
    """Adds rows of one action, each with its subject, before, after, model and reason, in fewer statements than one by one."""
    head = lock_head(db)
    number, previous, at, values = head.audit_id, head.audit_hash, clock.now(), []
    for subject, before, after, model, reason in found:
        number += 1
        row = AuditRow(number, at, who, action, subject, _text(before), _text(after), model, _text(reason), previous, "")
        previous = hash_of(row)
        values.append({**msgspec.structs.asdict(row), "hash": previous})
    if values:
        db.execute(audit.insert(), values)
        db.execute(update(heads).values(audit_id=number, audit_hash=previous))


def lock_head(db: Connection) -> Row[tuple[int, int, str, int]]:
    """The head of the trail, locked until the transaction ends."""
    return db.execute(select(heads).with_for_update()).one()


def last(db: Connection) -> int:
    """The number of the last row, 0 where there is none."""
    return int(db.execute(select(heads.c.audit_id)).scalar_one())


def _text(value: object) -> str:
    """Text as it is (PostgreSQL takes no NUL), other values as JSON."""
    return value.replace("\x00", "") if isinstance(value, str) else msgspec.json.encode(value).decode()


def hash_of(row: AuditRow) -> str:
    """The hash that a row must carry."""
    values = [row.id, row.at, row.who, row.action, row.subject, row.before, row.after, row.model, row.reason, row.previous]
    return hashlib.sha256(msgspec.json.encode(values)).hexdigest()


def verify(db: Connection, expected_head: str = "") -> Verified:
    """The length and head of a trail that is whole; AuditError names the first row that does not fit.

    `expected_head` is a hash noted earlier: it must be that of some row.
    """
    number, previous, met = 0, "", not expected_head
    for row in rows(db):
        number += 1
        if row.id != number:
            raise AuditError(f"audit row {number} is missing: row {row.id} comes after row {number - 1}; compare with a backup")
        if row.previous != previous:
            raise AuditError(f"audit row {number} does not follow row {number - 1}: a row was changed or moved; compare with a backup")
        if row.hash != hash_of(row):
            raise AuditError(f"audit row {number} was changed after it was written; compare with a backup")
        previous = row.hash
        met = met or row.hash == expected_head
    head = db.execute(select(heads)).one()
    if (head.audit_id, head.audit_hash) != (number, previous):
        raise AuditError(f"audit rows after {number} are missing: {head.audit_id} were written; compare with a backup")
    if not met:
        raise AuditError("no audit row has the hash that was noted earlier: the trail was rewritten; compare with a backup")
    return Verified(number, previous)


def rows(db: Connection, after: int = 0) -> Iterator[AuditRow]:
    """Rows with numbers above `after`, in order."""
    while True:
        found = db.execute(select(audit).where(audit.c.id > after).order_by(audit.c.id).limit(PAGE)).all()
        yield from (AuditRow(**fields(row)) for row in found)
        if len(found) < PAGE:
            return
        after = found[-1].id


def listed(db: Connection, *, before: int = 0, limit: int = 100, who: str = "", action: str = "", subject: str = "") -> list[AuditRow]:
    """The newest rows first, those below number `before` where given."""
    query = select(audit).order_by(audit.c.id.desc()).limit(limit)
    if before:
        query = query.where(audit.c.id < before)
    for column, value in ((audit.c.who, who), (audit.c.action, action), (audit.c.subject, subject)):
        if value:
            query = query.where(column == value)
    return [AuditRow(**fields(row)) for row in db.execute(query)]
