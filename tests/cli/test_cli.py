"""The command line on the shipped bundle: real models, real files."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from isco_rag.cli import main
from isco_rag.coding import COLUMNS
from tests.help_pages import commands


def run(*args: str | Path) -> Result:
    return CliRunner().invoke(main, [str(a) for a in args])


def test_classify_prints_code_evidence_and_contrast() -> None:
    found = run("classify", "Primary school teacher", "--duties", "teaches reading and arithmetic to eight year olds")
    assert found.exit_code == 0, found.output
    assert "2341 Primary School Teachers" in found.output
    for part in ("Top three unit groups", "Why not", "bundle"):
        assert part in found.output


def test_classify_as_json_is_the_whole_answer() -> None:
    answer = json.loads(run("classify", "taxi driver", "--json").stdout)
    assert answer["prediction"]["top"][0]["code"] == "8322"
    assert len(answer["evidence"]) == 3
    assert answer["prediction"]["bundle"]


def test_a_hopeless_job_is_referred_not_guessed() -> None:
    found = run("classify", "n/a")
    assert found.exit_code == 0
    assert "not codable" in found.output


def test_the_samples_are_coded_row_by_row(tmp_path: Path, root: Path) -> None:
    source, target = root / "data" / "samples" / "jobs.csv", tmp_path / "out.csv"
    found = run("code", source, "-o", target, "--preview", "5")
    assert found.exit_code == 0, found.output
    with source.open(encoding="utf-8", newline="") as file:
        before = list(csv.reader(file))
    with target.open(encoding="utf-8", newline="") as file:
        after = list(csv.reader(file))
    width = len(before[0])
    assert after[0][width:] == list(COLUMNS)
    assert [row[:width] for row in after] == before
    for row in after[1:]:
        cells = dict(zip(COLUMNS, row[width:], strict=True))
        if cells["isco_grade"] == "not_codable":
            assert cells["isco_code"] == ""
            assert cells["isco_reason"].startswith("not codable: ")
            assert cells["isco_review"] == "true"
        else:
            assert len(cells["isco_code"]) == int(cells["isco_level"]) == (3 if cells["isco_grade"] in ("low", "very_low") else 4)
            assert len(cells["isco_unit_1"]) == len(cells["isco_unit_3"]) == 4
            assert cells["isco_review"] == ("true" if cells["isco_grade"] == "very_low" else "false")
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("content", "options", "code", "says"),
    [
        ("", (), 3, "is empty"),
        ("name,age\nA,3\n", (), 3, "--title-column"),
        ("title\ncook\n", ("--title-column", "nope"), 2, "no column 'nope'"),
        ("title\ncook\n", ("--encoding", "klingon"), 2, "no encoding"),
        ("title\ncook\n", ("--bundle", "/nowhere"), 6, "/nowhere/manifest.json"),
        ("title\ncook\n", ("--delimiter", "ab"), 2, "no delimiter"),
    ],
)
def test_bad_input_is_one_line_and_an_exit_code(tmp_path: Path, content: str, options: tuple[str, ...], code: int, says: str) -> None:
    source = tmp_path / "in.csv"
    source.write_text(content)
    found = run("code", source, "-o", tmp_path / "out.csv", *options)
    assert found.exit_code == code
    errors = [line for line in found.stderr.splitlines() if line]
    assert len(errors) == 1
    assert says in errors[0]
    assert [p.name for p in tmp_path.iterdir()] == ["in.csv"]


def test_an_output_that_exists_is_not_written_over(tmp_path: Path) -> None:
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("title\ncook\n")
    target.write_text("mine")
    assert run("code", source, "-o", target).exit_code == 2
    assert target.read_text() == "mine"
    assert run("code", source, "-o", target, "--force").exit_code == 0
    assert "isco_code" in target.read_text()


def test_odd_rows_are_coded_or_referred(tmp_path: Path) -> None:
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    rows = [
        ["title", "duties"],
        ["", "drives a bus on route 12, sells tickets, checks the tyres"],
        ["nurse\x00\x07", "ward"],
        ["cook", "prepares meals. " * 3200],
        ["", ""],
        ["=cmd()", ""],
    ]
    with source.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    assert run("code", source, "-o", target).exit_code == 0
    with target.open(newline="", encoding="utf-8") as file:
        found = list(csv.reader(file))
    assert [row[:2] for row in found] == rows
    assert found[1][2].startswith("833")
    assert found[4][2] == ""
    assert found[4][14] == "not codable: no text"


def test_codes_browse_and_search() -> None:
    assert "Accountants" in run("codes", "2411").output
    assert "Not here, but in" in run("codes", "2411").output
    assert "4211" in run("codes", "--search", "bank teller").output
    assert "0  " in run("codes").output
    unknown = run("codes", "110")
    assert unknown.exit_code == 4
    assert "did you mean 0110" in unknown.stderr


def test_eval_prints_intervals_and_leaks(root: Path, tmp_path: Path) -> None:
    found = run("eval", root / "data" / "gold" / "written.csv", "--limit", "40", "--no-training", "--db", tmp_path / "e.duckdb")
    assert found.exit_code == 0, found.output
    for part in ("written", "top 1", "calibration error", "leaks", "("):
        assert part in found.output


def test_a_damaged_bundle_names_the_file(tmp_path: Path, bundle_folder: Path) -> None:
    copy = tmp_path / "bundle"
    shutil.copytree(bundle_folder, copy, ignore=shutil.ignore_patterns("weights"))
    with (copy / "index" / "vectors.npy").open("r+b") as file:
        file.seek(5000)
        file.write(b"\x00\x01\x02\x03\x04")
    found = run("classify", "cook", "--bundle", copy)
    assert found.exit_code == 6
    assert "vectors.npy: is damaged" in found.stderr


def test_nothing_heavy_is_imported_and_no_network_is_used(root: Path) -> None:
    """A whole classification in a process in which opening a socket or importing torch is an error."""
    program = (
        "import sys, socket\n"
        "class Closed(socket.socket):\n"
        "    def connect(self, *a): raise AssertionError('network')\n"
        "socket.socket = Closed\n"
        "sys.modules['torch'] = sys.modules['transformers'] = None\n"
        "sys.argv = ['isco-rag', 'classify', 'welder']\n"
        "from isco_rag.cli import main; main()\n"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=root, env={**os.environ}, check=False)
    assert found.returncode == 0, found.stderr
    assert "7212" in found.stdout


def test_the_commands_that_code_and_serve_give_numpy_one_thread_before_it_is_loaded() -> None:
    """Its threads would spin on the processors of the models; what a user has set stays."""
    code = (
        "import os, sys, isco_api.commands, isco_rag.commands.code; from isco_rag.commands.options import keep_processors_for_models as keep; "
        "assert 'numpy' not in sys.modules; keep(); print(os.environ['OPENBLAS_NUM_THREADS'])"
    )
    for given, threads in (({}, "1"), ({"OPENBLAS_NUM_THREADS": "3"}, "3")):
        environment = {k: v for k, v in os.environ.items() if k != "OPENBLAS_NUM_THREADS"}
        done = subprocess.run([sys.executable, "-c", code], env={**environment, **given}, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == threads


@pytest.mark.parametrize("command", commands())
def test_help_is_everywhere(command: tuple[str, ...]) -> None:
    found = run(*command, "--help")
    assert found.exit_code == 0
    assert "Usage:" in found.output
