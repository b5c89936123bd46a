"""`calibrate` and `thresholds` on the shipped bundle and a part of the project's own gold."""

import csv
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from isco_rag.calibration import load_calibration
from isco_rag.cli import main
from isco_rag.settings import load_settings

ROWS = 230


def run(*args: str | Path) -> Result:
    return CliRunner().invoke(main, [str(a) for a in args])


@pytest.fixture(scope="module")
def gold(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every sixth row of the gold, one whose code is short and one that is an example in the index."""
    with (root / "data" / "gold" / "written.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[::6][:ROWS]
    with (root / "data" / "examples" / "2.csv").open(encoding="utf-8", newline="") as file:
        indexed = next(csv.DictReader(file))
    path = tmp_path_factory.mktemp("gold") / "own.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["title", "duties", "industry", "isco08_code"])
        writer.writerows([r["title"], r["duties"], r["industry"], r["code"]] for r in [*rows, indexed])
        writer.writerow(["driver of something", "", "", "83"])
    return path


@pytest.fixture(scope="module")
def calibration(gold: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("calibration") / "own.json"
    found = run("calibrate", "--gold", gold, "-o", target)
    assert found.exit_code == 0, found.output
    for part in (
        "left out: 1 with a code above",
        "left out: 1 that stand in the index",
        "Brier score",
        "seen if perfect",
        "emitted code",
    ):
        assert part in found.output
    return target


def test_a_calibration_is_fitted_used_and_named_in_the_answer(calibration: Path, bundle_folder: Path) -> None:
    assert sum(load_calibration(calibration, bundle_folder).rows) == ROWS
    found = run("classify", "bricklayer", "--calibration", calibration)
    assert found.exit_code == 0, found.output
    assert re.search(r"bundle \S+\+[0-9a-f]{8}", found.output)


def test_a_calibration_is_not_written_over_or_lost(calibration: Path, gold: Path, tmp_path: Path) -> None:
    assert run("calibrate", "--gold", gold, "-o", calibration).exit_code == 2
    assert run("calibrate", "--gold", gold, "-o", tmp_path / "no" / "c.json").exit_code == 2
    few = tmp_path / "few.csv"
    few.write_text("title,code\n" + "".join(f"cook number {i},5120\n" for i in range(30)))
    found = run("calibrate", "--gold", few, "-o", tmp_path / "c.json")
    assert found.exit_code == 7
    assert "30 coded rows are too few" in found.stderr
    assert not (tmp_path / "c.json").exists()


def test_the_fragment_of_thresholds_is_a_settings_file(calibration: Path, gold: Path, tmp_path: Path) -> None:
    found = run("thresholds", "--gold", gold, "--max-error", "0.4", "--calibration", calibration)
    assert found.exit_code == 0, found.output
    assert "fitted on these very rows" in found.output
    assert "40.0%" in found.output
    assert "fallback_level" not in found.output
    path = tmp_path / "settings.toml"
    path.write_text(found.output.split("for a settings file:")[1])
    settings = load_settings(path)
    assert 0 <= settings.thresholds.automatic < 1
    assert Path(settings.calibration) == calibration.resolve()
    coded = run("classify", "bricklayer", "--settings", path)
    assert coded.exit_code == 0, coded.output


def test_an_error_too_small_for_the_rows_gives_no_settings(gold: Path) -> None:
    found = run("thresholds", "--gold", gold, "--max-error", "0.001")
    assert found.exit_code == 0
    assert "No threshold keeps the error at or below 0.001" in found.output
    assert "[thresholds]" not in found.output
