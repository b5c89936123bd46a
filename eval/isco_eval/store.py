"""The evaluation database: one DuckDB file with every run. Its schema grows by the named steps in migrations/, in their order.

An older file is copied beside itself before a step changes it; a file that another program holds open is refused with that program's name.
"""

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from isco_rag.errors import EvaluationError

DEFAULT = Path("output") / "evaluation.duckdb"
# Small blocks: with DuckDB's 256 KiB a table of a few rows takes as much disk as one of ten thousand.
BLOCK = 16384
# Appending to a table writes its last blocks anew and leaves the old ones free; above this share of free blocks the file is written anew.
SPARE = 0.25
# A file of fewer blocks is small whatever is free in it.
SMALL = 64


class Store:
    """An open evaluation database."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path | None) -> None:
        self.connection, self.path = connection, path

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """The rows of a query, each by column name."""
        found = self.connection.execute(query, list(values))
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def arrays(self, query: str, *values: object) -> dict[str, NDArray[Any]]:
        """The columns of a query as arrays; missing numbers are NaN, missing texts are empty."""
        return {name: _filled(column) for name, column in self.connection.execute(query, list(values)).fetchnumpy().items()}

    def insert(self, table: str, columns: Mapping[str, Sequence[object]]) -> None:
        """Appends rows given by column."""
        if len(next(iter(columns.values()))):
            marks = ", ".join("unnest(?)" for _ in columns)
            self.connection.execute(f"INSERT INTO {table} ({', '.join(columns)}) SELECT {marks}", [list(c) for c in columns.values()])

    def ask(self, name: str, run: int, **variables: object) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Column names and rows of a query in queries/ for a run; further `variables` are set for it."""
        return self.own(query(name), run, **variables)

    def own(self, text: str, run: int, **variables: object) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Like `ask`, for the text of a query; EvaluationError where DuckDB can't make sense of it."""
        for variable, value in {"run": run, "scope": "all", **variables}.items():
            self.connection.execute(f"SET VARIABLE {variable} = ?", [value])
        try:
            found = self.connection.execute(text)
        except duckdb.Error as error:
            raise EvaluationError(
                f"the query does not run ({' '.join(str(error).splitlines()[:1])}); mend it, or see the queries with: isco-rag eval sql"
            ) from None
        return [column[0] for column in found.description], found.fetchall()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing."""
        self.connection.begin()
        try:
            yield
        except BaseException:
            self.connection.rollback()
            raise
        self.connection.commit()

    def run_number(self, named: str) -> int:
        """The run that a word means: its number, "last", or "last:SUITE"; EvaluationError where there is none."""
        word, _, suite = named.partition(":")
        if word == "last":
            found = self.rows("SELECT max(run) AS run FROM runs JOIN samples USING (sample) WHERE ? IN ('', suite)", suite)
        elif word.isdigit():
            found = self.rows("SELECT run FROM runs WHERE run = ?", int(word))
        else:
            found = []
        if not found or found[0]["run"] is None:
            raise EvaluationError(f"there is no run '{named}' in {self.path}; see the runs with: isco-rag eval list")
        return int(found[0]["run"])

    def close(self) -> None:
        """Writes everything out, without the blocks that are free where they are many, and lets other programs in."""
        if self.path is not None:
            self._compact(self.path)
        self.connection.close()

    def _compact(self, path: Path) -> None:
        """Puts a copy in the file's place where much of it is free; the lock on the file is held until the copy stands there."""
        beside = path.with_name(f".{path.name}.part")
        try:
            self.connection.execute("CHECKPOINT")
            size = next(row for row in self.rows("PRAGMA database_size") if row["database_name"] == "evaluation")
            if size["total_blocks"] >= SMALL and size["free_blocks"] > SPARE * size["total_blocks"]:
                beside.unlink(missing_ok=True)
                _attach(self.connection, beside, "compact")
                self.connection.execute("COPY FROM DATABASE evaluation TO compact")
                self.connection.execute("DETACH compact")
                beside.replace(path)
        except (duckdb.Error, OSError):
            # A full disk, say: the file stays as it is, only larger than it need be.
            beside.unlink(missing_ok=True)


@contextmanager
def open_store(path: Path | None, *, must_exist: bool = False) -> Iterator[Store]:
    """The database at `path`, made or migrated if need be; without a path, one in memory.

    EvaluationError where another program holds it (named), it is no database of this program, or a version with other steps wrote it.
    """
    if path is not None and must_exist and not path.exists():
        raise EvaluationError(f"{path}: there is no evaluation database yet; make a first run with: isco-rag eval run written")
    store = Store(_connect(path), path)
    try:
        _migrate(store)
        yield store
    finally:
        store.close()


def _connect(path: Path | None) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    try:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            _attach(connection, path, "evaluation")
            connection.execute("USE evaluation")
    except duckdb.IOException as error:
        connection.close()
        holder = re.search(r"held in (.+?) \(PID (\d+)\)( by user [^.\s]+)?", str(error))
        if holder:
            raise EvaluationError(
                f"{path}: is held open by {holder[1]} (process {holder[2]}{holder[3] or ''}); wait for it to end or close it, then try again"
            ) from None
        raise EvaluationError(f"{path}: can't be opened ({str(error).splitlines()[0]}); check the path") from None
    except (duckdb.Error, OSError) as error:
        connection.close()
        raise EvaluationError(
            f"{path}: can't be opened as a DuckDB database ({str(error).splitlines()[0]}); choose another with --db"
        ) from None
    return connection


def _attach(connection: duckdb.DuckDBPyConnection, path: Path, name: str) -> None:
    option = "" if path.exists() else f" (BLOCK_SIZE {BLOCK})"
    quoted = str(path).replace("'", "''")
    connection.execute(f"ATTACH '{quoted}' AS {name}{option}")


def steps() -> list[str]:
    """Names of the schema's steps, in order."""
    return sorted(f.name.removesuffix(".sql") for f in files("isco_eval").joinpath("migrations").iterdir() if f.name.endswith(".sql"))


def _migrate(store: Store) -> None:
    tables = {row["name"] for row in store.rows("SELECT table_name AS name FROM duckdb_tables()")}
    if tables and "schema_steps" not in tables:
        raise EvaluationError(
            f"{store.path}: is a database, but none of this program (it has the table {min(tables)}); choose another with --db"
        )
    store.connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_steps (step VARCHAR PRIMARY KEY, applied TIMESTAMP DEFAULT current_timestamp)"
    )
    done = [row["step"] for row in store.rows("SELECT step FROM schema_steps ORDER BY step")]
    wanted = steps()
    if unknown := sorted(set(done) - set(wanted)):
        raise EvaluationError(
            f"{store.path}: was written by another version, a newer one most likely (this one does not know the step {unknown[-1]}); install that "
            "version or choose another with --db"
        )
    missing = [step for step in wanted if step not in done]
    if done and missing and store.path is not None:
        store.connection.execute("CHECKPOINT")
        shutil.copyfile(store.path, backup_path(store.path, done[-1]))
    with store.transaction():
        for step in missing:
            store.connection.execute(files("isco_eval").joinpath("migrations", f"{step}.sql").read_text(encoding="utf-8"))
            store.connection.execute("INSERT INTO schema_steps (step) VALUES (?)", [step])


def backup_path(path: Path, step: str) -> Path:
    """Where a file is copied before steps that follow `step` change it."""
    return path.with_name(f"{path.stem}.at-{step[:4]}{path.suffix}")


def query(name: str) -> str:
    """The text of a query in queries/; EvaluationError names those that there are."""
    if name not in queries():
        raise EvaluationError(f"there is no query '{name}'; queries are: {', '.join(queries())}")
    return files("isco_eval").joinpath("queries", f"{name}.sql").read_text(encoding="utf-8")


def queries() -> list[str]:
    """Names of the queries, sorted."""
    return sorted(f.name.removesuffix(".sql") for f in files("isco_eval").joinpath("queries").iterdir() if f.name.endswith(".sql"))


def _filled(column: NDArray[Any]) -> NDArray[Any]:
    if isinstance(column, np.ma.MaskedArray):
        masked: Any = column
        return np.asarray(masked.filled("")) if column.dtype == object else np.asarray(masked.astype(float).filled(np.nan))
    if column.dtype == object:
        return np.array(["" if v is None else v for v in column], dtype=object)
    return column
