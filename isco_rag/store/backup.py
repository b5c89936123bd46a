"""The state saved and brought back: one SQLite file with everything in it, whichever database it comes from or goes to."""

import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, create_engine, func, insert, select, text

from isco_rag.errors import ConflictError, InputError, StoreError, UsageError
from isco_rag.store import audit
from isco_rag.store.audit import Verified
from isco_rag.store.database import FILE, Store, migrate, open_store
from isco_rag.store.schema import heads, metadata

BATCH = 500


def back_up(store: Store, target: Path) -> Verified:
    """Writes the whole state as it is at one moment to `target`, while the service goes on; the audit trail in the copy is verified."""
    if target.exists():
        raise UsageError(f"{target}: exists already; choose another name")
    if not target.parent.is_dir():
        raise UsageError(f"{target.parent}: there is no such folder; make it or choose another place")
    beside = target.with_name(target.name + ".part")
    beside.unlink(missing_ok=True)
    try:
        if store.embedded:
            with closing(sqlite3.connect(store.file)) as source, closing(sqlite3.connect(beside)) as copy:
                source.backup(copy)
                # The copy is one file: no log beside it.
                copy.execute("PRAGMA journal_mode=DELETE")
        else:
            _copy_into_file(store, beside)
        found = _verified(beside)
        beside.chmod(0o600)
        beside.replace(target)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"{target}: the backup can't be written ({error}); free space or choose another place") from None
    finally:
        for left in (beside, Path(f"{beside}-journal"), Path(f"{beside}-wal"), Path(f"{beside}-shm")):
            left.unlink(missing_ok=True)
    return found


def _copy_into_file(store: Store, path: Path) -> None:
    engine = create_engine(f"sqlite:///{path}")
    migrate(engine)
    with store.read() as source, engine.begin() as target:
        source.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        _copy(source, target)
    engine.dispose()


def _copy(source: Connection, target: Connection) -> None:
    """Every row of every table, parents first."""
    for table in metadata.sorted_tables:
        if table is heads:
            target.execute(table.delete())
        rows = source.execution_options(yield_per=BATCH).execute(select(table).order_by(*table.primary_key.columns))
        for part in rows.mappings().partitions(BATCH):
            target.execute(insert(table), [dict(row) for row in part])


def _verified(path: Path) -> Verified:
    engine = create_engine(f"sqlite:///{path}")
    try:
        with engine.connect() as db:
            return audit.verify(db)
    finally:
        engine.dispose()


def restore(source: Path, folder: Path, url: str = "") -> Verified:
    """Brings a backup back into a state folder or database that is empty; ConflictError where there is something already.

    A backup of an older version is brought to the newest form on the way.
    """
    try:
        with source.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise InputError(f"{source}: can't be read ({error.strerror}); check the path") from None
    if head != b"SQLite format 3\x00":
        raise InputError(f"{source}: is no backup of this program; name a file that isco-rag backup has written")
    found = _verified(source)
    if url:
        with TemporaryDirectory(prefix="isco-restore-") as name:
            _into_folder(source, Path(name))
            _into_database(Path(name), folder, url)
    else:
        _into_folder(source, folder)
    return found


def _into_folder(source: Path, folder: Path) -> None:
    if (folder / FILE).exists():
        raise ConflictError(f"{folder / FILE}: there is a state already; move it away first")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = folder / f"{FILE}.part"
        with closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as old, closing(sqlite3.connect(beside)) as new:
            old.backup(new)
        beside.chmod(0o600)
        beside.replace(folder / FILE)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"{folder}: the state can't be written ({error}); free space or choose another place") from None
    open_store(folder).close()


def _into_database(restored: Path, folder: Path, url: str) -> None:
    with closing(open_store(restored)) as old, closing(open_store(folder, url)) as new, old.read() as source, new.write() as target:
        tables = [table for table in metadata.sorted_tables if table is not heads]
        if any(target.execute(select(func.count()).select_from(table)).scalar_one() for table in tables):
            raise ConflictError("the database holds a state already; give an empty one")
        _copy(source, target)
        for table in tables:
            if table.autoincrement_column is not None:
                # The database's own counter knows nothing of the rows that came with their numbers.
                counter = f"pg_get_serial_sequence('{table.name}', 'id')"
                target.execute(text(f"SELECT setval({counter}, (SELECT GREATEST(MAX(id), 1) FROM {table.name}))"))
