"""`data import`, `embed` and `list` on the shipped bundle: what is imported is found."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from isco_rag.cli import main


def run(*args: str | Path) -> Result:
    return CliRunner().invoke(main, [str(a) for a in args])


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    (folder / "own.csv").write_text("title,code\nzorbler,5414\ncurfew marshal,5414\nsomething,9999\n")
    found = run("data", "import", "csv", folder / "own.csv", "-o", folder / "index")
    assert found.exit_code == 0, found.output
    assert "2 titles join the index, of 3 texts read" in found.output
    assert "ISCO-08 has no such code" in found.output
    assert "2 texts embedded for" in found.output
    return folder / "index"


def test_an_imported_title_is_found_by_option_and_by_settings(own: Path, tmp_path: Path) -> None:
    settings = own.parent / "settings.toml"
    settings.write_text('index_also = ["index"]\n')
    before = json.loads(run("classify", "zorbler", "--json").stdout)
    assert before["prediction"]["top"][0]["code"] != "5414"
    for options in (("--index-also", own), ("--settings", settings)):
        answer = json.loads(run("classify", "zorbler", "--json", *options).stdout)
        assert answer["prediction"]["top"][0]["code"] == "5414"
        assert answer["evidence"][0]["nearest"][0]["entry"]["source"] == "own"


def test_a_list_says_what_is_embedded(own: Path) -> None:
    found = run("data", "list", own)
    assert found.exit_code == 0, found.output
    assert "yes" in found.output
    assert run("data", "list").exit_code == 2


def test_evaluation_counts_rows_that_were_imported(own: Path, tmp_path: Path) -> None:
    gold = tmp_path / "g.csv"
    gold.write_text("title,isco08_code\nzorbler,5414\n")
    found = run("eval", gold, "--index-also", own)
    assert found.exit_code == 0, found.output
    row = next(line for line in found.output.splitlines() if line.startswith("g  "))
    assert row.rstrip().endswith("1")


def test_an_index_that_is_not_embedded_is_refused_with_the_command_that_helps(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("title,code\nzwibbler,7544\n")
    place = tmp_path / "index"
    assert run("data", "import", "csv", tmp_path / "own.csv", "-o", place, "--no-embed").exit_code == 0
    refused = run("classify", "cook", "--index-also", place)
    assert refused.exit_code == 6
    assert f"isco-rag data embed {place}" in refused.stderr
    assert "no: isco-rag data embed" in run("data", "list", place).output
    assert run("data", "embed", place).exit_code == 0
    assert run("classify", "cook", "--index-also", place).exit_code == 0
