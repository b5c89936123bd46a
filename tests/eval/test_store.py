"""The evaluation database: its schema grows in steps, nothing is lost, and what is in the way is named."""

import signal
import subprocess
import sys
from collections.abc import Collection, Iterator
from importlib.resources import files
from pathlib import Path

import duckdb
import pytest
from isco_eval.render import as_markdown
from isco_eval.report import make_report
from isco_eval.store import Store, backup_path, open_store, queries, query, steps

from isco_rag.errors import EvaluationError
from tests.eval.tiny import tiny_gold, tiny_run


@pytest.fixture
def newest() -> Iterator[Store]:
    """A database of today with a run on records of two coders, some of them leaked."""
    with open_store(None) as store:
        tiny_run(store, tiny_gold(3, coders=True))
        yield store


def old_file(path: Path, last: int, newest: Store) -> dict[str, tuple[list[str], list[tuple[object, ...]]]]:
    """Writes a file as a version with the first `last` steps left it, with a newer database's rows as far as it had their columns; gives these."""
    kept = {}
    with duckdb.connect(str(path)) as old:
        old.execute("CREATE TABLE schema_steps (step VARCHAR PRIMARY KEY, applied TIMESTAMP DEFAULT current_timestamp)")
        for step in steps()[:last]:
            old.execute(files("isco_eval").joinpath("migrations", f"{step}.sql").read_text(encoding="utf-8"))
            old.execute("INSERT INTO schema_steps (step) VALUES (?)", [step])
        old.execute("SELECT nextval('run_numbers'), nextval('sample_numbers')")
        for (table,) in old.execute(
            "SELECT table_name FROM duckdb_tables() WHERE table_name NOT IN ('schema_steps', 'promises')"
        ).fetchall():
            columns = [name for name, *_ in old.execute(f"DESCRIBE {table}").fetchall()]
            rows = newest.connection.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY ALL").fetchall()
            if rows:
                old.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' for _ in columns)})", rows)
            kept[table] = columns, rows
    return kept


def asked(store: Store, without: Collection[str]) -> dict[str, object]:
    """What every query says of the first run, but for some."""
    return {name: store.ask(name, 1) for name in queries() if name not in without}


@pytest.mark.parametrize("last", range(1, len(steps())))
def test_an_old_file_is_backed_up_and_migrated(last: int, newest: Store, tmp_path: Path) -> None:
    """From whatever step on: what was kept stays and its tables say the same, new runs join, and the file from before lies beside it."""
    path, step = tmp_path / "e.duckdb", steps()[last - 1]
    kept = old_file(path, last, newest)
    # A file of the first step knows of no leaks by record, and what was measured with is told in more words since.
    changed = {"run", *(("leakage", "leaked_rows", "leaks", "runs") if last == 1 else ())}
    whole = path.read_bytes()
    with open_store(path) as store:
        assert [row["step"] for row in store.rows("SELECT step FROM schema_steps ORDER BY step")] == steps()
        for table, (columns, rows) in kept.items():
            assert store.connection.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY ALL").fetchall() == rows
        assert asked(store, changed) == asked(newest, changed)
        assert "The main figures" in as_markdown([make_report(store, 1)])
        assert tiny_run(store) == 2
    assert backup_path(path, step).read_bytes() == whole


KILLED = """
import os, signal, sys
from pathlib import Path
import isco_eval.store as storing

class Dying:
    def __init__(self, connection, left):
        self.connection, self.left = connection, left
    def __getattr__(self, name):
        return getattr(self.connection, name)
    def execute(self, query, *values):
        self.left -= query.startswith("INSERT INTO schema_steps")
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.connection.execute(query, *values)

migrate = storing._migrate
storing._migrate = lambda store: migrate(storing.Store(Dying(store.connection, int(sys.argv[2])), store.path))
with storing.open_store(Path(sys.argv[1])):
    pass
"""


@pytest.mark.parametrize("step", range(1, len(steps())))
def test_a_migration_that_is_killed_leaves_the_file_as_it_was(step: int, newest: Store, tmp_path: Path) -> None:
    path = tmp_path / "e.duckdb"
    kept = old_file(path, 1, newest)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path), str(step)], check=False)
    assert killed.returncode == -signal.SIGKILL
    with duckdb.connect(str(path), read_only=True) as connection:
        assert connection.execute("SELECT step FROM schema_steps").fetchall() == [(steps()[0],)]
    with open_store(path) as store:
        for table, (columns, rows) in kept.items():
            assert store.connection.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY ALL").fetchall() == rows
        assert tiny_run(store) == 2


def test_a_file_that_another_holds_is_refused_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "e.duckdb"
    with open_store(path):
        pass
    holding = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", holding, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(EvaluationError, match=rf"held open by .*python.* \(process {other.pid}"), open_store(path):
            pass
        other.communicate("")


def test_what_is_no_database_of_ours_is_refused(tmp_path: Path) -> None:
    text, foreign, newer = tmp_path / "t.duckdb", tmp_path / "f.duckdb", tmp_path / "n.duckdb"
    text.write_text("title,code\n" * 2000)
    with duckdb.connect(str(foreign)) as connection:
        connection.execute("CREATE TABLE invoices (a INTEGER)")
    with open_store(newer) as store:
        store.connection.execute("INSERT INTO schema_steps (step) VALUES ('9999-later')")
    for path, said in ((text, "can't be opened"), (foreign, "invoices"), (newer, "9999-later")):
        with pytest.raises(EvaluationError, match=said), open_store(path):
            pass
    with pytest.raises(EvaluationError, match="no evaluation database yet"), open_store(tmp_path / "none.duckdb", must_exist=True):
        pass


def test_a_failed_run_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(None) as store:

        def broken(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("isco_eval.run.keep_figures", broken)
        with pytest.raises(KeyboardInterrupt):
            tiny_run(store)
        assert store.rows("SELECT count(*) AS n FROM answers")[0]["n"] == 0


@pytest.mark.parametrize("name", queries())
def test_every_query_says_what_it_gives_and_runs_for_any_run(name: str) -> None:
    assert query(name).startswith("-- ")
    with open_store(None) as store:
        run = tiny_run(store)
        columns, _ = store.ask(name, run)
        assert columns
        for column in columns:
            if column.endswith(" low"):
                assert column.replace(" low", " high") in columns


def test_a_query_counts_what_the_rows_say() -> None:
    """Figures come from arrays, tables from SQL: both say the same of one run."""
    with open_store(None) as store:
        run = tiny_run(store)
        counted = store.rows("SELECT avg((rank = 1)::INT) AS top1, avg(emitted_right::INT) AS emitted FROM coded WHERE run = ?", run)[0]
        for name, column in (("top 1", "top1"), ("emitted right", "emitted")):
            figure = store.rows("SELECT figure FROM figures WHERE run = ? AND measure = ? AND slice = 'all'", run, name)[0]["figure"]
            assert figure == pytest.approx(counted[column])


def test_a_file_that_is_mostly_free_is_written_anew(tmp_path: Path) -> None:
    """What is kept stays as it was, numbers go on where they were, and nothing is left beside the file."""
    path = tmp_path / "e.duckdb"
    with open_store(path) as store:
        run = tiny_run(store)
        store.connection.execute("CREATE TABLE ballast AS SELECT random() AS x FROM range(1000000)")
        kept = store.rows("SELECT * FROM coded ORDER BY row")
    large = path.stat().st_size
    with open_store(path) as store:
        store.connection.execute("DROP TABLE ballast")
    assert path.stat().st_size < large / 4
    with open_store(path) as store:
        assert store.rows("SELECT * FROM coded ORDER BY row") == kept
        assert tiny_run(store) == run + 1
        assert [row["step"] for row in store.rows("SELECT step FROM schema_steps ORDER BY step")] == steps()
    assert [file.name for file in tmp_path.iterdir()] == ["e.duckdb"]


def test_a_file_that_cannot_be_written_anew_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "e.duckdb"
    with open_store(path) as store:
        tiny_run(store)
        store.connection.execute("CREATE TABLE ballast AS SELECT random() AS x FROM range(1000000)")

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, open_store(path) as store:
        patch.setattr(Path, "replace", full)
        store.connection.execute("DROP TABLE ballast")
    with open_store(path) as store:
        assert store.rows("SELECT count(*) AS n FROM runs") == [{"n": 1}]
    assert [file.name for file in tmp_path.iterdir()] == ["e.duckdb"]
