"""The commands of the evaluation on the shipped bundle and a slice of the shipped gold: real models, real files, a real database."""

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from isco_rag.cli import main

ROWS = 40


def run(*args: str | Path) -> Result:
    return CliRunner().invoke(main, ["eval", *map(str, args)])


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("evaluation") / "e.duckdb"
    found = run("run", "written", "--limit", ROWS, "--no-training", "--db", path)
    assert found.exit_code == 0, found.output + found.stderr
    for part in ("written", "top 1", "calibration error", "leaks", "kept as run 1"):
        assert part in found.output
    return path


def test_a_report_a_query_and_the_list(database: Path, tmp_path: Path) -> None:
    page = tmp_path / "r.html"
    found = run("report", "-o", page, "--db", database)
    assert found.exit_code == 0, found.output + found.stderr
    assert "How often is it right" in page.read_text(encoding="utf-8")
    assert f"{ROWS}" in run("sql", "headline", "--db", database).output
    assert "SET VARIABLE run = 1;" in run("sql", "headline", "--show", "--db", database).output
    assert "n" in run("sql", "SELECT count(*) AS n FROM coded", "--db", database).output
    assert run("sql", "SELECT nothing", "--db", database).exit_code == 20
    assert "isco08-" in run("list", "--db", database).output
    assert run("report", "99", "-o", page, "--db", database).exit_code == 20


def test_no_text_is_kept_unless_asked(database: Path) -> None:
    found = run("sql", "SELECT count(*) AS n FROM texts", "--db", database)
    assert "0" in found.output.split()


def test_errors_are_explained_and_doubts_exported(database: Path, tmp_path: Path) -> None:
    whole, doubts = tmp_path / "e.json", tmp_path / "d.csv"
    found = run("errors", "-o", whole, "--doubts", doubts, "--doubtful", 0.001, "--db", database)
    assert found.exit_code == 0, found.output + found.stderr
    analysis = json.loads(whole.read_text(encoding="utf-8"))
    assert 0 < analysis["wrong"] < analysis["records"] == ROWS
    assert analysis["doubts"]
    stages = {m["stage"] for c in analysis["clusters"] for m in c["mistakes"]}
    assert stages & {"not retrieved", "others nearer", "fused away", "reranked away"}
    with doubts.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["id"], row["gold"], row["suggested"], row["why"]) for row in rows] == [
        (d["id"], d["gold"], d["suggested"], d["why"]) for d in analysis["doubts"]
    ]


def test_a_sample_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("own.csv").write_text("id,title,code\n1,taxi driver,8322\n2,nurse,222\n")
    assert run("add", "--gold", "own.csv").exit_code == 0
    assert "own" in run("list").output
    found = run("run", "own", "--no-training")
    assert found.exit_code == 0, found.output + found.stderr
    Path("own.csv").write_text("id,title,code\n1,taxi driver,8322\n2,nurse,2221\n")
    changed = run("run", "own", "--no-training")
    assert changed.exit_code == 20
    assert "changed since the suite" in changed.stderr
    # A file as the first word is measured as it is.
    short = run("own.csv", "--no-training", "--json")
    assert short.exit_code == 0, short.output + short.stderr
    assert json.loads(short.stdout)[0]["suite"] == "own"


def test_a_run_is_read_again_as_its_suite_said(tmp_path: Path) -> None:
    """From wherever the suite stands, by the columns that it names; not where it says something else since."""
    suite, gold, database = tmp_path / "far" / "own.toml", tmp_path / "far" / "g.csv", tmp_path / "e.duckdb"
    suite.parent.mkdir()
    gold.write_text("nr,note,occupation,last\n1,2411,taxi driver,8322\n2,2411,nurse,2221\n")
    suite.write_text('gold = "g.csv"\n[columns]\nid = "nr"\ntitle = "occupation"\ncode = "last"\n')
    found = run("run", suite, "--no-training", "--db", database)
    assert found.exit_code == 0, found.output + found.stderr
    read = run("errors", "--db", database)
    assert read.exit_code == 0, read.output + read.stderr
    assert "of 2 records" in read.output
    suite.write_text(suite.read_text().replace('code = "last"', 'code = "note"'))
    other = run("errors", "--db", database)
    assert other.exit_code == 20
    assert "is read another way than in run 1" in other.stderr


def test_absent_gold_is_left_out_with_a_notice(tmp_path: Path) -> None:
    suite = tmp_path / "away.toml"
    suite.write_text('gold = "gone.csv"\n')
    found = run("run", suite, "--db", tmp_path / "e.duckdb")
    assert found.exit_code == 21
    assert "away: left out" in found.stderr


def test_the_shipped_suite_has_a_baseline_for_the_guard(root: Path) -> None:
    from isco_eval.guard import read_baseline
    from isco_eval.suite import find_suite

    baseline = read_baseline("written")
    assert baseline.gold_hash == find_suite("written").check()
    assert baseline.suite_hash == find_suite("written").digest
