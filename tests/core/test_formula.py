"""Cells that could run in a spreadsheet, and the files that are handed out."""

import csv
import zipfile
from pathlib import Path

import msgspec
import openpyxl
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isco_rag.coding import COLUMNS
from isco_rag.errors import InputError, TooLargeError
from isco_rag.formula import guarded, unguarded
from isco_rag.results import FORMATS, Format, write_result
from isco_rag.sheets import check_archive, kind_of, read_upload
from isco_rag.tables import read_form, read_rows
from isco_rag.types import Candidate, Prediction

RUNNING = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "=cmd|' /C calc'!A0", " =1", "＝1+1", "＠x"]
PLAIN = ["nurse", "0110", "", "'tis", "a=b", "'", "12:30", "''x", "Ärztin"]


@given(st.text(max_size=30) | st.sampled_from(RUNNING).map(lambda cell: "'" + cell))
def test_the_guard_can_always_be_taken_back(cell: str) -> None:
    assert unguarded(guarded(cell)) == cell
    assert not guarded(cell).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


@pytest.mark.parametrize("cell", RUNNING)
def test_cells_that_run_get_a_guard(cell: str) -> None:
    assert guarded(cell) == "'" + cell


@pytest.mark.parametrize("cell", PLAIN)
def test_other_cells_stay(cell: str) -> None:
    assert guarded(cell) == unguarded(cell) == cell


def prediction(code: str = "2411") -> Prediction:
    top = tuple(Candidate(c, c, p) for c, p in (("2411", 0.8), ("2412", 0.1), ("2413", 0.05)))
    return Prediction("", code, "Accountants", 4, 0.8123, "high", False, top, "", "b1")


ROWS = [[cell, str(i)] for i, cell in enumerate([*RUNNING, *PLAIN, "'=1+1", "''-driver"])]


def coded(folder: Path, kind: Format) -> Path:
    source, target = folder / "in.csv", folder / f"out.{kind}"
    with source.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([["title", "=evil"], *ROWS])
    form = read_form(source, "utf-8", ",")
    assert [tuple(r) for r in read_rows(source, form)] == [tuple(r) for r in ROWS]
    write_result(target, kind, form, ((row, prediction()) for row in read_rows(source, form)))
    return target


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_no_cell_runs_and_every_cell_comes_back_on_import(tmp_path: Path, kind: Format) -> None:
    target = coded(tmp_path, kind)
    found, text, form = read_upload(target, tmp_path / "beside.csv")
    assert found == kind
    rows = [[unguarded(cell) for cell in row[:2]] for row in read_rows(text, form)]
    assert rows == ROWS
    assert list(form.header) == ["title", "=evil", *COLUMNS]


def test_in_the_csv_nothing_begins_like_a_formula(tmp_path: Path) -> None:
    with coded(tmp_path, "csv").open(encoding="utf-8", newline="") as file:
        for row in csv.reader(file):
            assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for cell in row)


def test_in_the_workbook_every_text_is_quoted_text_and_codes_are_no_numbers(tmp_path: Path) -> None:
    path = coded(tmp_path, "xlsx")
    sheet = openpyxl.load_workbook(path).active
    assert sheet is not None
    for cell in (c for row in sheet.iter_rows() for c in row if c.value is not None):
        assert cell.data_type in ("s", "n", "b"), cell.coordinate
        if cell.data_type == "s" and cell.row > 1:
            assert cell.quotePrefix, cell.coordinate
    assert (sheet.cell(2, 3).value, sheet.cell(2, 6).value) == ("2411", 0.8123)
    with zipfile.ZipFile(path) as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")


def test_parquet_and_json_lines_hold_values_as_they_are(tmp_path: Path) -> None:
    table = pq.read_table(coded(tmp_path, "parquet"))
    assert table.column("title").to_pylist() == [row[0] for row in ROWS]
    assert (str(table.schema.field("isco_confidence").type), str(table.schema.field("isco_code").type)) == ("double", "string")
    lines = [msgspec.json.decode(line) for line in coded(tmp_path, "jsonl").read_bytes().splitlines()]
    assert [line["title"] for line in lines] == [row[0] for row in ROWS]
    assert lines[0]["isco_level"] == 4
    assert lines[0]["isco_review"] is False


def test_a_cell_that_no_spreadsheet_holds_is_said(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("title\n" + "x" * 40_000 + "\n")
    form = read_form(source)
    with pytest.raises(InputError, match="record 1 has a cell of 40,000 characters"):
        write_result(tmp_path / "out.xlsx", "xlsx", form, ((row, prediction()) for row in read_rows(source, form)))
    for kind in set(FORMATS) - {"xlsx"}:
        write_result(tmp_path / f"out.{kind}", kind, form, ((row, prediction()) for row in read_rows(source, form)))


def workbook(path: Path, parts: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


def test_bombs_and_other_archives_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isco_rag.sheets.UNPACKED", 1 << 20)
    bomb = workbook(tmp_path / "bomb.xlsx", {"xl/workbook.xml": b"", "xl/worksheets/sheet1.xml": bytes(8 << 20)})
    assert bomb.stat().st_size < 20_000
    with pytest.raises(TooLargeError, match="larger than 1 MB when unpacked"):
        check_archive(bomb)
    with pytest.raises(InputError, match=r"no \.xlsx workbook"):
        kind_of(workbook(tmp_path / "other.zip", {"a.txt": b"x"}))
    liar = bytearray(bomb.read_bytes())
    for place in range(len(liar) - 4):
        if liar[place : place + 4] == (8 << 20).to_bytes(4, "little"):
            liar[place : place + 4] = (100).to_bytes(4, "little")
    (tmp_path / "liar.xlsx").write_bytes(liar)
    with pytest.raises(InputError, match="damaged"):
        check_archive(tmp_path / "liar.xlsx")
    (tmp_path / "cut.xlsx").write_bytes(bomb.read_bytes()[:100])
    with pytest.raises(InputError, match="damaged"):
        kind_of(tmp_path / "cut.xlsx")
    (tmp_path / "old.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100))
    with pytest.raises(InputError, match="old or encrypted"):
        kind_of(tmp_path / "old.xls")


def test_a_workbook_that_is_no_table_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "odd.xlsx", {"xl/workbook.xml": b"<oops"})
    with pytest.raises(InputError, match="save it anew"):
        read_upload(path, tmp_path / "beside.csv")


def test_cells_of_a_workbook_come_as_they_look(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.create_sheet("second").append(["title", "nr", "share", "day"])
    book["second"].append(["cook", 7, 0.5, "0110"])
    path = tmp_path / "in.xlsx"
    book.save(path)
    kind, text, form = read_upload(path, tmp_path / "beside.csv")
    assert (kind, form.header) == ("xlsx", ("title", "nr", "share", "day"))
    assert list(read_rows(text, form)) == [["cook", "7", "0.5", "0110"]]
