"""The state database opened: SQLite in a file (WAL), or PostgreSQL by URL; brought to the newest form when it is opened.

A caller reads in `with store.read() as db` and changes in `with store.write() as db`; a write is one transaction, all or nothing, and
what the database refuses (busy, full, gone) comes out as a StoreError that says what to do.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from isco_rag.errors import InputError, StoreError, UsageError

FILE = "state.sqlite"
# How long a statement waits for another process's write before the database counts as busy.
BUSY_SECONDS = 5.0
# How long a process waits for another that brings the tables up to date: on a slow machine that takes longer than a write.
MIGRATION_SECONDS = 60.0
# How long a writer waits for the others of its own process.
TURN_SECONDS = 30.0
BUSY = "the state database is busy; nothing was changed: do it again in a moment"
_MIGRATIONS = Path(__file__).resolve().parent / "migrations"
# An arbitrary number that only migrations lock.
_MIGRATION_LOCK = 4_711_008


class Store:
    """An open state database."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.folder = engine, folder
        self._writer = engine.execution_options(write=True)
        self._writing = threading.Lock()

    @property
    def embedded(self) -> bool:
        """Whether the database is a file of this installation."""
        return self.engine.dialect.name == "sqlite"

    @property
    def file(self) -> Path:
        """The file of an embedded database."""
        return self.folder / FILE

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one state of the database."""
        with _told(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A connection whose changes are all committed at the end, or none."""
        with self._turn(), _told(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """One writer at a time in this process: SQLite lets waiting writers try now and then, and who is unlucky tries in vain."""
        if not self.embedded:
            yield
            return
        if not self._writing.acquire(timeout=TURN_SECONDS):
            raise StoreError(BUSY)
        try:
            yield
        finally:
            self._writing.release()

    def close(self) -> None:
        """Gives all connections back."""
        self.engine.dispose()


def open_store(folder: Path, url: str = "") -> Store:
    """The store of a state folder, made and migrated where it is not yet; `url` names a PostgreSQL database instead of the file."""
    try:
        # Texts of people and hashes of passwords: nobody else's business.
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / "tmp").mkdir(exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder}: can't be made ({error.strerror}); choose another place with --state") from None
    if url:
        engine = _shared(url)
    elif (folder / FILE).is_dir():
        raise StoreError(f"{folder / FILE}: is a folder; move it away or choose another place with --state")
    else:
        engine = _embedded(folder / FILE)
    with _told():
        migrate(engine)
    return Store(engine, folder)


def _embedded(path: Path) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}", connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False}, pool_size=16, max_overflow=48
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: object) -> None:
        # The driver's own transactions would begin too late; `_begin` below begins them.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A transaction that will write takes the lock at once: one that reads first and writes later may be refused in between.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("write") else "BEGIN")

    return engine


def _shared(url: str) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise UsageError("the database URL can't be read; it looks like postgresql://user:password@host/name") from None
    if parsed.get_backend_name() != "postgresql":
        raise UsageError(f"the database can't be '{parsed.get_backend_name()}'; give a postgresql:// URL, or none for SQLite")
    try:
        return create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_size=16,
            max_overflow=16,
            pool_pre_ping=True,
            connect_args={"connect_timeout": 5},
        )
    except NoSuchModuleError:
        raise UsageError("PostgreSQL needs one more package: pip install 'psycopg[binary]'") from None


def migrate(engine: Engine, form: str = "head") -> None:
    """Brings the tables to the newest form, or to an older one where they have none yet; processes that start together do it one after the other."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    embedded = engine.dialect.name == "sqlite"
    with engine.execution_options(write=True).connect() as connection:
        # SQLite changes a constraint by copying the table; what refers to it must not mind meanwhile, and is checked before the commit.
        _pragma(connection, embedded, "foreign_keys=OFF", f"busy_timeout={1000 * MIGRATION_SECONDS:.0f}")
        try:
            with connection.begin():
                if not embedded:
                    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
                config.attributes["connection"] = connection
                command.upgrade(config, form)
                if embedded and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                    raise StoreError("the state database could not be brought up to date; restore it from a backup with: isco-rag restore")
        finally:
            _pragma(connection, embedded, "foreign_keys=ON", f"busy_timeout={1000 * BUSY_SECONDS:.0f}")


def _pragma(connection: Connection, embedded: bool, *wanted: str) -> None:
    """Sets SQLite's own switches, of which that of the references works outside transactions only."""
    driver = connection.connection.driver_connection
    if embedded and driver is not None:
        for one in wanted:
            driver.execute(f"PRAGMA {one}")


@contextmanager
def _told() -> Iterator[None]:
    """Turns the driver's errors into those that say what to do."""
    try:
        yield
    except DBAPIError as error:
        if "NUL" in str(error.orig):
            raise InputError("a text holds a NUL character; leave it out") from None
        raise StoreError(_advice(error)) from error


def _advice(error: DBAPIError) -> str:
    said = str(error.orig).lower()
    code = getattr(error.orig, "sqlstate", None) or ""
    if "database or disk is full" in said or code == "53100":
        return "the disk of the state database is full; nothing was changed: free space, then do it again"
    if "locked" in said or "busy" in said or code in ("55P03", "40001", "40P01"):
        return BUSY
    if "readonly" in said or "unable to open" in said:
        return "the state database can't be opened for writing; check the rights of the state folder"
    if "malformed" in said or "not a database" in said:
        return "the state database is damaged; restore it from a backup with: isco-rag restore"
    if error.connection_invalidated or code.startswith(("08", "57P")) or "connect" in said:
        # It may have gone after it had committed: only doing it again makes sure.
        return "the state database can't be reached; do it again in a moment (twice counts once), or check the database server"
    return "the state database refused the change; see the log of the service for its reason"


def fields(row: Any) -> dict[str, Any]:
    """A row as the keyword arguments of a record."""
    return dict(row._mapping)
