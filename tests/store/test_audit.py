"""The audit trail: whole while nobody touches it, and every kind of touch is found."""

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from isco_rag.errors import AuditError, StoreError
from isco_rag.store import audit
from isco_rag.store.database import Store


@pytest.fixture
def trail(store: Store) -> Store:
    for i in range(6):
        with store.write() as db:
            audit.append(db, "ann", "review.code", f"review:{i}", before="2411", after={"code": f"241{i}"}, model="b1", reason="näher")
    return store


def unlock(db: Connection) -> None:
    """What somebody with the database in hand would do first."""
    if db.dialect.name == "sqlite":
        for name in ("audit_no_update", "audit_no_delete"):
            db.execute(text(f"DROP TRIGGER {name}"))
    else:
        db.execute(text("DROP TRIGGER audit_no_change ON audit"))


def test_a_trail_is_whole_and_told_in_order(trail: Store) -> None:
    with trail.read() as db:
        found = audit.verify(db)
        rows = list(audit.rows(db))
    assert found.rows == 6
    assert found.head == rows[-1].hash
    assert [row.previous for row in rows[1:]] == [row.hash for row in rows[:-1]]
    assert (rows[0].previous, rows[0].after) == ("", '{"code":"2410"}')


@pytest.mark.parametrize("statement", ["UPDATE audit SET who = 'eve'", "DELETE FROM audit", "DELETE FROM audit WHERE id = 6"])
def test_the_database_refuses_to_change_it(trail: Store, statement: str) -> None:
    with pytest.raises(StoreError), trail.write() as db:
        db.execute(text(statement))
    with trail.read() as db:
        assert audit.verify(db).rows == 6


def swap(db: Connection) -> None:
    for old, new in ((2, 99), (3, 2), (99, 3)):
        db.execute(text(f"UPDATE audit SET id = {new} WHERE id = {old}"))


def rehash(db: Connection) -> None:
    """A row changed by somebody who knows how hashes are made."""
    row = list(audit.rows(db))[2]
    forged = audit.hash_of(type(row)(**{**{f: getattr(row, f) for f in row.__struct_fields__}, "who": "eve"}))
    db.execute(text("UPDATE audit SET who = 'eve', hash = :hash WHERE id = 3"), {"hash": forged})


def execute(statement: str) -> Callable[[Connection], None]:
    return lambda db: db.execute(text(statement)) and None


COLUMNS = ("at", "who", "action", "subject", "before", "after", "model", "reason")


@pytest.mark.parametrize(
    ("touch", "says"),
    [
        *((execute(f"UPDATE audit SET {column} = 'x' WHERE id = 4"), "row 4 was changed") for column in COLUMNS),
        (execute("UPDATE audit SET hash = 'x' WHERE id = 4"), "row 4 was changed"),
        (execute("UPDATE audit SET previous = 'x' WHERE id = 4"), "row 4 does not follow row 3"),
        (rehash, "row 4 does not follow row 3"),
        (execute("DELETE FROM audit WHERE id = 1"), "row 1 is missing"),
        (execute("DELETE FROM audit WHERE id = 4"), "row 4 is missing"),
        (execute("DELETE FROM audit WHERE id = 6"), "rows after 5 are missing"),
        (execute("DELETE FROM audit"), "rows after 0 are missing"),
        (swap, "row 2 does not follow row 1"),
    ],
)
def test_whatever_was_done_to_it_is_found(trail: Store, touch: Callable[[Connection], None], says: str) -> None:
    with trail.write() as db:
        unlock(db)
        touch(db)
    with trail.read() as db, pytest.raises(AuditError, match=says):
        audit.verify(db)


def test_a_trail_that_was_written_anew_does_not_hold_a_head_noted_earlier(trail: Store) -> None:
    with trail.read() as db:
        noted = audit.verify(db).head
        assert audit.verify(db, noted).rows == 6
    with trail.write() as db:
        unlock(db)
        db.execute(text("DELETE FROM audit"))
        db.execute(text("UPDATE heads SET audit_id = 0, audit_hash = ''"))
        audit.append(db, "eve", "user.add", "user:eve")
    with trail.read() as db:
        assert audit.verify(db).rows == 1
        with pytest.raises(AuditError, match="noted earlier"):
            audit.verify(db, noted)


def test_a_failed_transaction_leaves_no_row(trail: Store) -> None:
    def half() -> None:
        with trail.write() as db:
            audit.append(db, "ann", "user.add", "user:x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    with trail.read() as db:
        assert audit.verify(db).rows == 6


def test_driver_errors_have_words(trail: Store) -> None:
    with pytest.raises(StoreError) as caught, trail.write() as db:
        db.execute(text("INSERT INTO nowhere VALUES (1)"))
    assert isinstance(caught.value.__cause__, DBAPIError)
    assert "nowhere" not in str(caught.value)
