"""Files of corrections that are taken in chunk by chunk: how far each is, so that a killed import goes on where it was.

The file itself is not kept. Who gives the same file again, by the same columns and for the same person, goes on with it.
"""

import msgspec
from sqlalchemy import Connection, Row, select, update

from isco_rag.errors import ConflictError, NotFoundError
from isco_rag.store import audit, clock
from isco_rag.store.records import Import
from isco_rag.store.schema import imports


def begin(db: Connection, who: str, name: str, digest: str, rows: int) -> Import:
    """The import of a file: the unfinished one of the same content, else a new one."""
    audit.lock_head(db)
    query = select(imports).where(imports.c.digest == digest, imports.c.state == "running", imports.c.by == who)
    found = db.execute(query.order_by(imports.c.id.desc())).first()
    if found is not None:
        return record(found)
    values = {"digest": digest, "name": name, "by": who, "state": "running", "rows": rows, "done": 0, "created": clock.now()}
    number = db.execute(imports.insert().values(**values).returning(imports.c.id)).scalar_one()
    audit.append(db, who, "import.begin", f"import:{number}", after={"rows": rows})
    return one(db, number)


def advance(db: Connection, number: int, before: int, done: int, counts: dict[str, int]) -> None:
    """Notes that the rows up to `done` are in; ConflictError where they are no longer those from `before` on."""
    values = {"done": done, "counts": msgspec.json.encode(counts).decode()}
    query = update(imports).where(imports.c.id == number, imports.c.done == before, imports.c.state == "running").values(**values)
    if db.execute(query).rowcount != 1:
        raise ConflictError(f"import {number} goes on elsewhere; see how far it is with: isco-rag corrections imports")


def finish(db: Connection, who: str, number: int, counts: dict[str, int], report: str = "") -> Import:
    """The import, finished, with what came of its rows; finishing twice changes nothing."""
    audit.lock_head(db)
    found = one(db, number)
    if found.state == "running":
        values = {"state": "done", "finished": clock.now(), "counts": msgspec.json.encode(counts).decode(), "report": report}
        db.execute(update(imports).where(imports.c.id == number).values(**values))
        audit.append(db, who, "import.finish", f"import:{number}", after=counts)
    return one(db, number)


def one(db: Connection, number: int) -> Import:
    """The import of a number; NotFoundError where there is none."""
    row = db.execute(select(imports).where(imports.c.id == number)).first()
    if row is None:
        raise NotFoundError(f"there is no import {number}; list them to see their numbers")
    return record(row)


def report(db: Connection, number: int) -> str:
    """The rows of an import that need a look, as CSV; empty where none does."""
    one(db, number)
    return str(db.execute(select(imports.c.report).where(imports.c.id == number)).scalar_one())


def listed(db: Connection, by: str = "", limit: int = 100) -> list[Import]:
    """The newest first, of one person or of all."""
    query = select(imports).order_by(imports.c.id.desc()).limit(limit)
    return [record(row) for row in db.execute(query.where(imports.c.by == by) if by else query)]


def record(row: Row[tuple[object, ...]]) -> Import:
    """A row of the table as a record."""
    counts = msgspec.json.decode(row.counts, type=dict[str, int])
    return Import(row.id, row.name, row.by, row.state, row.rows, row.done, counts, row.created, row.finished)
