"""The evaluation database: its schema grows in steps, nothing is lost, and what is in the way is named."""

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import duckdb
import pytest
from isco_eval.store import backup_path, open_store, queries, query, steps

from isco_rag.errors import EvaluationError
from tests.eval.tiny import tiny_run


def test_an_old_file_is_backed_up_and_migrated(tmp_path: Path) -> None:
    path, first = tmp_path / "e.duckdb", steps()[0]
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE schema_steps (step VARCHAR PRIMARY KEY, applied TIMESTAMP DEFAULT current_timestamp)")
        connection.execute(files("isco_eval").joinpath("migrations", f"{first}.sql").read_text(encoding="utf-8"))
        connection.execute("INSERT INTO schema_steps (step) VALUES (?)", [first])
        connection.execute("INSERT INTO entries VALUES (7, 'kept', 'truck')")
    with open_store(path) as store:
        assert [row["step"] for row in store.rows("SELECT step FROM schema_steps ORDER BY step")] == steps()
        assert store.rows("SELECT id FROM entries") == [{"id": "kept"}]
        run = tiny_run(store)
        assert store.ask("headline", run)[1]
    with duckdb.connect(str(backup_path(path, first)), read_only=True) as backup:
        assert backup.execute("SELECT step FROM schema_steps").fetchall() == [(first,)]
        assert backup.execute("SELECT id FROM entries").fetchall() == [("kept",)]


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
