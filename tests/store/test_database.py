"""The database itself: its form, what it refuses in words, and that it comes back."""

import sqlite3
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text

from isco_rag.errors import ConflictError, InputError, StoreError, UsageError
from isco_rag.store import audit, backup, corrections, jobs, reviews, users
from isco_rag.store.database import Store, migrate, open_store
from isco_rag.store.schema import metadata
from isco_rag.types import Job
from tests import postgres
from tests.fakes import tiny_taxonomy
from tests.store.records import person, waiting

TREE = tiny_taxonomy()


def test_the_migrations_make_the_tables_of_the_schema(store: Store) -> None:
    with store.read() as db:
        assert compare_metadata(MigrationContext.configure(db), metadata) == []


def test_opening_again_and_from_many_sides_changes_nothing(tmp_path: Path) -> None:
    found: list[Store] = []
    threads = [threading.Thread(target=lambda: found.append(open_store(tmp_path))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    with found[0].write() as db:
        users.add(db, "test", "ann", "correct horse battery", "coder")
    with open_store(tmp_path).read() as db:
        assert audit.verify(db).rows == 1


def test_writers_in_many_threads_lose_nothing(store: Store) -> None:
    def work(number: int) -> None:
        for i in range(10):
            with store.write() as db:
                corrections.add(db, TREE, f"w{number}", "api", Job(f"job {number} {i}"), "taxi")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as db:
        assert [step.id for step in corrections.changes_after(db, 0)] == list(range(1, 41))
        assert audit.verify(db).rows == 40


def test_a_locked_database_is_busy_not_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isco_rag.store.database.BUSY_SECONDS", 0.1)
    store = open_store(tmp_path)
    other = sqlite3.connect(store.file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="busy; nothing was changed"), store.write() as db:
        person(db, "ann")
    other.execute("ROLLBACK")
    with store.write() as db:
        person(db, "ann")
    other.close()


def test_a_full_disk_is_said_and_nothing_is_half_done(tmp_path: Path) -> None:
    store = open_store(tmp_path)

    def fill() -> None:
        with store.write() as db:
            # SQLite's own limit on the file stands for the disk's: the error is the same one.
            db.execute(text(f"PRAGMA max_page_count = {db.execute(text('PRAGMA page_count')).scalar_one() + 2}"))
            for i in range(200):
                corrections.add(db, TREE, "ann", "api", Job(f"job {i}", "x" * 1000), "taxi")

    with pytest.raises(StoreError, match="full; nothing was changed: free space"):
        fill()
    with open_store(tmp_path).read() as db:
        assert (audit.verify(db).rows, corrections.listed(db)) == (0, [])


def test_files_that_are_no_database_are_named(tmp_path: Path) -> None:
    (tmp_path / "state.sqlite").write_bytes(b"no database at all, but long enough to be read as one" * 100)
    with pytest.raises(StoreError, match="damaged; restore"):
        open_store(tmp_path)
    with pytest.raises(UsageError, match="postgresql://"):
        open_store(tmp_path / "a", "nonsense")
    with pytest.raises(UsageError, match="mysql"):
        open_store(tmp_path / "a", "mysql://u@h/d")
    with pytest.raises(StoreError, match="can't be reached"):
        open_store(tmp_path / "a", f"postgresql://u@127.0.0.1:{postgres.free_port()}/d")
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="can't be made"):
        open_store(tmp_path / "file" / "state")


def test_the_state_is_private(tmp_path: Path) -> None:
    store = open_store(tmp_path / "state")
    assert store.folder.stat().st_mode & 0o077 == 0


def test_a_restarted_server_is_found_again(postgres_server: postgres.Server, tmp_path: Path) -> None:
    store = open_store(tmp_path, postgres_server.database())
    with store.write() as db:
        person(db, "ann")
    postgres_server.stop()
    try:
        with pytest.raises(StoreError, match="can't be reached; do it again"), store.write() as db:
            person(db, "bob")
    finally:
        postgres_server.start()
    with store.write() as db:
        person(db, "bob")
    with store.read() as db:
        assert [user.name for user in users.listed(db)] == ["ann", "bob"]
        assert audit.verify(db).rows == 2
    store.close()


def test_a_server_restarted_under_load_loses_and_repeats_nothing(postgres_server: postgres.Server, tmp_path: Path) -> None:
    store = open_store(tmp_path, postgres_server.database())
    acknowledged: list[int] = []
    refused: list[str] = []
    over, failed = threading.Event(), threading.Event()

    def work(number: int) -> None:
        count = 0
        while not over.is_set():
            try:
                with store.write() as db:
                    found = corrections.add(db, TREE, f"w{number}", "api", Job(f"job {number} {count}"), "taxi")
            except StoreError as error:
                refused.append(str(error))
                failed.set()
            else:
                acknowledged.append(found.id)
                count += 1

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    postgres_server.stop()
    assert failed.wait(60)
    postgres_server.start()
    before = len(acknowledged)
    while len(acknowledged) < before + 20:
        assert any(thread.is_alive() for thread in threads)
    over.set()
    for thread in threads:
        thread.join()
    with store.read() as db:
        found = corrections.listed(db, limit=100_000)
        assert set(acknowledged) <= {c.id for c in found}
        assert len({(c.job.title, c.code) for c in found}) == len(found)
        assert [step.id for step in corrections.changes_after(db, 0, 100_000)] == list(range(1, len(found) + 1))
        assert audit.verify(db).rows == len(found)
    assert all("do it again" in said for said in refused)
    store.close()


def test_a_backup_brings_everything_back_into_either_database(store: Store, postgres_server: postgres.Server, tmp_path: Path) -> None:
    with store.write() as db:
        ann = person(db, "ann")
        reviews.decide(db, TREE, ann, waiting(db, "cab driver"), "code", code="taxi")
    saved = tmp_path / "backup.sqlite"
    found = backup.back_up(store, saved)
    with store.write() as db:
        person(db, "later")
    for folder, url in ((tmp_path / "new", ""), (tmp_path / "new2", postgres_server.database())):
        assert backup.restore(saved, folder, url) == found
        again = open_store(folder, url)
        with again.write() as db:
            assert [user.name for user in users.listed(db)] == ["ann"]
            assert users.check_password(db, "ann", "correct horse battery").id == ann.id
            assert [c.code for c in corrections.listed(db)] == ["taxi"]
            assert jobs.listed(db) == []
            assert person(db, "bob").id > ann.id
            reviews.undo(db, TREE, ann, 1)
            assert audit.verify(db).rows == found.rows + 3
        again.close()
        with pytest.raises(ConflictError):
            backup.restore(saved, folder, url)
    with pytest.raises(UsageError, match="exists already"):
        backup.back_up(store, saved)
    (tmp_path / "x").write_text("nothing")
    with pytest.raises(InputError, match="no backup"):
        backup.restore(tmp_path / "x", tmp_path / "new3")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_state_of_the_first_form_is_brought_up_to_date_with_all_it_holds(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:  # fmt: skip
    """The table of corrections is made anew for a further state; what refers to it, and its own rows, must be there afterwards."""
    url = request.getfixturevalue("postgres_server").database() if kind == "postgresql" else ""
    (tmp_path / "state").mkdir()
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:") or f"sqlite:///{tmp_path / 'state' / 'state.sqlite'}")
    migrate(engine, "0001")
    columns = "(at, by, source, title, duties, industry, language, text_key, code, reason, answered, bundle, state)".replace(
        " by,", ' "by",'
    )
    with engine.begin() as db:
        for number, state in enumerate(("active", "reverted"), 1):
            db.execute(
                text(
                    f"INSERT INTO corrections {columns} VALUES ('2026', 'ann', 'api', 'cab', '', '', '', 'k{number}', 'taxi', '', '', '', '{state}')"
                )
            )
            db.execute(text(f"INSERT INTO changes (id, at, correction_id, state) VALUES ({number}, '2026', {number}, '{state}')"))
        db.execute(text("UPDATE heads SET change_id = 2"))
    engine.dispose()
    store = open_store(tmp_path / "state", url)
    with store.write() as db:
        assert [(c.id, c.job.title, c.state, c.held) for c in corrections.listed(db)] == [
            (2, "cab", "reverted", ""),
            (1, "cab", "active", ""),
        ]
        assert [step.correction.id for step in corrections.changes_after(db, 0)] == [1, 2]
        assert compare_metadata(MigrationContext.configure(db), metadata) == []
        assert corrections.add(db, TREE, "ann", "batch", Job("other"), "taxi", hold="why").id == 3
        assert corrections.revert(db, "ann", 1).state == "reverted"
    if store.embedded:
        with store.read() as db:
            assert db.execute(text("PRAGMA foreign_keys")).scalar_one() == 1
            assert db.execute(text("PRAGMA foreign_key_check")).all() == []
    store.close()
