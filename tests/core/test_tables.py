"""Delimited files as people have them."""

import csv
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isco_rag.errors import InputError, UsageError
from isco_rag.tables import choose_columns, read_form, read_rows, write_rows


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_form_is_found_out(tmp_path: Path, delimiter: str, encoding: str) -> None:
    path = tmp_path / "in.csv"
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(
            [["id", "job title", "duties"], ["1", "Café waiter", "serves, cleans"], ["2", "cook", "a"]]
        )
    form = read_form(path)
    assert (form.encoding, form.delimiter, form.rows, form.width) == (encoding, delimiter, 2, 3)
    assert next(read_rows(path, form)) == ["1", "Café waiter", "serves, cleans"]


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=8))
def test_rows_come_back_as_they_were(tmp_path: Path, rows: list[list[str]]) -> None:
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    with source.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([["title", "b", "c"], *rows])
    form = read_form(source, encoding="utf-8", delimiter=",")
    with write_rows(target, form, ()) as writer:
        for row in read_rows(source, form):
            writer.writerow(row)
    with target.open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file))[1:] == rows


def test_ragged_rows_keep_every_cell(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("title,duties\ncook\nnurse,ward,night,extra\n\n")
    form = read_form(path)
    assert form.header == ("title", "duties", "column_3", "column_4")
    assert list(read_rows(path, form)) == [["cook", "", "", ""], ["nurse", "ward", "night", "extra"]]
    assert (form.wide, form.first_wide) == (1, 3)


def test_commas_in_the_only_column_are_part_of_the_title(tmp_path: Path) -> None:
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("occupation\nplumber\n\nTeacher, primary school\n\n")
    form = read_form(source)
    assert list(read_rows(source, form)) == [["plumber"], [""], ["Teacher, primary school"]]
    with write_rows(target, form, ("code",)) as writer:
        for row in read_rows(source, form):
            writer.writerow([*row, "1"])
    assert target.read_text() == 'occupation,code\nplumber,1\n,1\n"Teacher, primary school",1\n'


def test_a_quote_that_is_never_closed_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text('id,title\n1,cook\n2,"nurse\n3,driver\n')
    with pytest.raises(InputError, match=r"line 3: .*--no-quotes"):
        read_form(path)
    form = read_form(path, quotes=False)
    assert list(read_rows(path, form)) == [["1", "cook"], ["2", '"nurse'], ["3", "driver"]]


def test_line_ends_come_back(tmp_path: Path) -> None:
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_bytes(b"\r\nsep=;\r\ntitle;x\r\ncook;1\r\n")
    form = read_form(source)
    with write_rows(target, form, ()) as writer:
        for row in read_rows(source, form):
            writer.writerow(row)
    assert target.read_bytes() == b"title;x\r\ncook;1\r\n"


def test_one_bad_byte_among_good_ones_is_named_not_guessed(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes(b"title\n" + "é".encode() * 20 + b"\ncaf\xe9\n")
    with pytest.raises(InputError, match="line 3 is not UTF-8"):
        read_form(path)
    assert read_form(path, encoding="latin-1").rows == 2


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark_is_found_out(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes("id,title\n1,cook\n".encode(encoding))
    assert read_form(path).encoding == encoding


def test_folders_and_devices_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no regular file"):
        read_form(tmp_path)
    source = tmp_path / "in.csv"
    source.write_text("title\ncook\n")
    with pytest.raises(InputError, match="no regular file"), write_rows(Path("/dev/null"), read_form(source), ()):
        pass


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"title,duties\n", "no record"),
        (b"PK\x03\x04rest", "save it as CSV"),
        (b"%PDF-1.7", "save it as CSV"),
    ],
)
def test_files_that_are_no_table_are_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=says):
        read_form(path)


def test_a_wrong_encoding_names_the_option(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes("title\ncafé".encode("cp1252"))
    with pytest.raises(InputError, match="--encoding"):
        read_form(path, encoding="utf-8")
    with pytest.raises(UsageError, match="no encoding"):
        read_form(path, encoding="klingon")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.csv"):
        read_form(tmp_path / "nothing.csv")


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("Job_Title,Main tasks,Sector", {"title": 0, "duties": 1, "industry": 2}),
        ("id,OCCUPATION,description", {"title": 1, "duties": 2}),
        ("nr;duties", {"duties": 1}),
        ("text,code", {"title": 0}),
        ("text,job title", {"title": 1}),
        ("answer,duties", {"duties": 1}),
    ],
)
def test_columns_are_guessed(tmp_path: Path, header: str, wanted: dict[str, int]) -> None:
    path = tmp_path / "in.csv"
    path.write_text(f"{header}\n{header}\n")
    assert choose_columns(read_form(path), path, {}) == wanted


def test_columns_can_be_chosen_and_wrong_ones_are_named(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("x,y\n1,2\n")
    form = read_form(path)
    assert choose_columns(form, path, {"title": "y"}) == {"title": 1}
    with pytest.raises(UsageError, match="no column 'z'; it has: x, y"):
        choose_columns(form, path, {"title": "z"})
    with pytest.raises(InputError, match="--title-column"):
        choose_columns(form, path, {})


def test_a_failure_leaves_no_output(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("title\ncook\n")
    with pytest.raises(RuntimeError), write_rows(tmp_path / "out.csv", read_form(source), ()):
        raise RuntimeError
    assert [p.name for p in tmp_path.iterdir()] == ["in.csv"]
