"""Corrections by the command line, on the shipped bundle."""

import csv
from pathlib import Path

import xlsxwriter
from click.testing import CliRunner, Result

from isco_rag.cli import main
from isco_rag.store import corrections
from isco_rag.store.database import open_store


def run(state: Path, *args: object) -> Result:
    return CliRunner().invoke(main, [*(str(a) for a in args), "--state", str(state)])


def test_one_correction_keeps_what_the_model_answered(tmp_path: Path) -> None:
    found = run(tmp_path, "correct", "cow man", "--code", "9212", "--by", "ann", "--reason", "labourer")
    assert found.exit_code == 0, found.output
    assert found.output.startswith("correction 1: 9212, active; the model answers ")
    found = run(tmp_path, "correct", "Cow man!", "--code", "6121", "--by", "bob")
    assert "isco-rag corrections adjudicate 2" in found.output
    assert "1 (9212, ann)" in found.output
    assert "taken back: 1" in run(tmp_path, "corrections", "adjudicate", 2, "--reason", "he owns them").output
    with open_store(tmp_path).read() as db:
        one, two = corrections.one(db, 1), corrections.one(db, 2)
    assert (one.state, two.state, one.by, one.reason, one.source) == ("reverted", "active", "ann", "labourer", "command")
    assert one.answered is not None
    assert one.bundle == one.answered.bundle


def test_what_the_model_answered_is_what_a_service_answers_then(tmp_path: Path) -> None:
    """With the corrections that stand, by whichever way a correction comes."""
    bare = run(tmp_path / "other", "correct", "zorbler", "--code", "5120").output
    assert "the model answers 2512" not in bare
    run(tmp_path, "correct", "zorbler", "--code", "2512")
    assert "the model answers 2512" in run(tmp_path, "correct", "Zorbler!", "--code", "5120").output
    run(tmp_path, "corrections", "adjudicate", 1)
    source = tmp_path / "reviewed.csv"
    source.write_text("title,code\nZORBLER,7115\n", encoding="utf-8")
    run(tmp_path, "corrections", "import", source)
    with open_store(tmp_path).read() as db:
        said = corrections.one(db, 3).answered
    assert said is not None
    assert said.top[0].code == "2512"


def test_what_can_not_teach_is_one_line_and_an_exit_code(tmp_path: Path) -> None:
    for args, code, words in (
        (("cow man", "--code", "9999"), 4, "no code '9999'"), (("n/a", "--code", "9212"), 3, "needs a title"),
        (("cow " * 20_000, "--code", "9212"), 14, "at most 50,000"), (("cow man", "--code", ""), 3, "needs a code"),
        (("cow man", "--code", "9212", "--by", "x" * 81), 2, "at most 80"),
    ):  # fmt: skip
        found = run(tmp_path, "correct", *args)
        assert (found.exit_code, found.output.count("\n")) == (code, 1), found.output
        assert words in found.output


def test_a_spreadsheet_is_imported_listed_decided_and_exported(tmp_path: Path) -> None:
    source, state = tmp_path / "reviewed.xlsx", tmp_path / "state"
    with xlsxwriter.Workbook(source) as book:
        sheet = book.add_worksheet()
        rows = [("job title", "isco08_code", "coder"), ("milks cows before school", 9212, "ann"), ("cow boss", 612, ""), ("army sarge", 210, ""),
                ("Technical Writer of nothing", 9999, ""), ("truck drivers mate on nights", 9333, "bob")]  # fmt: skip
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    found = run(state, "corrections", "import", source, "--by", "eve")
    assert found.exit_code == 0, found.output
    assert "title from 'job title', code from 'isco08_code', by from 'coder'" in " ".join(found.output.split())
    with (tmp_path / "reviewed.report.csv").open(encoding="utf-8", newline="") as file:
        report = list(csv.reader(file))
    assert [row[:2] for row in report] == [["row", "outcome"], ["5", "rejected"]]
    with open_store(state).read() as db:
        stood = {(c.job.title, c.code, c.by, c.state) for c in corrections.listed(db)}
    assert stood == {
        ("milks cows before school", "9212", "ann", "active"), ("cow boss", "612", "eve", "active"), ("army sarge", "0210", "eve", "active"),
        ("truck drivers mate on nights", "9333", "bob", "active"),
    }  # fmt: skip
    assert "4 active, 1 rejected" in run(state, "corrections", "imports").output
    assert "army sarge" in run(state, "corrections", "list", "--code", "0210").output
    assert run(state, "corrections", "export", "-o", tmp_path / "out.csv").output.startswith("4 corrections written")
    assert run(state, "corrections", "export", "-o", tmp_path / "out.csv").exit_code == 2
    assert run(state, "corrections", "revert", "--import", 1, "--reason", "a trial").output == "4 taken back\n"
    again = run(tmp_path / "other", "corrections", "import", tmp_path / "out.csv", "--report", tmp_path / "none.csv")
    assert "4  in the index" in again.output
    assert not (tmp_path / "none.csv").exists()


def test_the_titles_of_a_group_under_another_code_are_held_until_released(tmp_path: Path, root: Path) -> None:
    with (root / "data" / "examples" / "2.csv").open(encoding="utf-8", newline="") as file:
        titles = [row["title"] for row in csv.DictReader(file) if row["code"] == "2512" and row["title"] and not row["duties"]][:12]
    source = tmp_path / "flip.csv"
    source.write_text("title,code\n" + "".join(f'"{title}",2511\n' for title in titles), encoding="utf-8")
    found = run(tmp_path, "corrections", "import", source)
    assert "12  wait for an expert" in found.output
    listed = run(tmp_path, "corrections", "list", "--only", "held").output
    assert "12 held" in listed
    assert "active" not in listed
    assert run(tmp_path, "corrections", "release", 1, 2).output == "2 released\n"
    assert run(tmp_path, "corrections", "release", "--import", 1, "--code", "2511").output == "10 released\n"
    assert "12 active" in run(tmp_path, "corrections", "list").output
    for args in ((), (1, "--import", 1), (1, "--code", "2511"), ("--import", 9)):
        assert run(tmp_path, "corrections", "release", *args).exit_code in (2, 9)


def test_a_poisoned_batch_among_many_good_rows_of_the_same_person_is_held(tmp_path: Path, root: Path) -> None:
    """Titles of one group in other words under the code of another, between a gold sample's own rows and good ones of that very group."""
    with (root / "data" / "examples" / "2.csv").open(encoding="utf-8", newline="") as file:
        group = [row for row in csv.DictReader(file) if row["code"] == "2512"]
    titles = [row["title"] for row in group if row["title"] and not row["duties"]]
    with (root / "data" / "gold" / "written.csv").open(encoding="utf-8", newline="") as file:
        good = [row for row in csv.DictReader(file) if row["title"] and not row["duties"]][:300]
    poison = [{"title": f"senior {title} (m/f), full time", "code": "2511"} for title in titles]
    rows = [{"title": row["title"], "duties": row["duties"], "code": row["code"]} for row in [*good, *(r for r in group if r["duties"])]]
    for number, row in enumerate(poison):
        rows.insert(10 * number, row)
    source = tmp_path / "mixed.csv"
    with source.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ("title", "duties", "code"))
        writer.writeheader()
        writer.writerows(rows)
    assert run(tmp_path, "corrections", "import", source, "--by", "ann").exit_code == 0
    with open_store(tmp_path).read() as db:
        found = {c.job.title: c for c in corrections.listed(db, limit=1000)}
    held = [found[row["title"]].state == "held" for row in poison]
    taken = [found[row["title"]] for row in poison if found[row["title"]].answered.top[0].code == "2512"]
    assert len(taken) > 10
    assert all("certain are 2512 to 2511" in one.held for one in taken)
    assert sum(held) == len(taken)
    assert not [c.held for c in found.values() if c.state == "held" and c.code != "2511" and "certain" in c.held]


def test_files_that_can_not_be_imported_are_told_in_one_line(tmp_path: Path) -> None:
    for name, content, code, words in (
        ("none.csv", None, 3, "no such file"), ("empty.csv", b"", 3, "empty"), ("head.csv", b"title,code\n", 3, "no record"),
        ("column.csv", b"title,what\nx,1\n", 3, "no column with codes"), ("book.xlsx", b"PK\x03\x04nothing", 3, "workbook"),
        ("enc.csv", b"title,code\n" + "é,1\n".encode() * 50 + b"\xe9,1\n", 3, "line 52 is not UTF-8"),
    ):  # fmt: skip
        if content is not None:
            (tmp_path / name).write_bytes(content)
        found = run(tmp_path / "state", "corrections", "import", tmp_path / name)
        assert (found.exit_code, found.output.count("\n")) == (code, 1), found.output
        assert words in found.output
        assert name in found.output, found.output
    assert not (tmp_path / "state").exists()


def test_flags_are_found_listed_and_closed(tmp_path: Path) -> None:
    for title, code in (("mechanical service technician", "3115"), ("service technician mechanical", "7233")):
        assert run(tmp_path, "correct", title, "--code", code).exit_code == 0
    found = run(tmp_path, "learn", "flags")
    assert found.exit_code == 0, found.output
    assert "twins" in found.output
    assert "correction:1" in found.output
    assert run(tmp_path, "learn", "close-flag", 1, "--reason", "both exist", "--by", "eve").output == "flag 1 (twins) is closed\n"
    again = run(tmp_path, "learn", "flags", "--no-find", "--kind", "twins")
    assert "twins" not in again.output.replace("open:", "")
    assert "eve: both exist" in " ".join(run(tmp_path, "learn", "flags", "--closed").output.split())
