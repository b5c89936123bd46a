"""What an uploaded file is, told from its content, and spreadsheets as the delimited text that the coder reads."""

import csv
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Literal

import msgspec

from isco_rag.errors import InputError, TooLargeError
from isco_rag.formula import guarded, unguarded
from isco_rag.tables import Form, read_form, read_rows

# A workbook unpacked: a million rows of four short columns; a zip bomb is gigabytes.
UNPACKED = 256 << 20
PARTS = 10_000
BLOCK = 1 << 20


def kind_of(path: Path) -> Literal["csv", "xlsx"]:
    """What the content is; InputError for an archive that is no workbook. Text is checked when it is read (isco_rag.tables)."""
    with path.open("rb") as file:
        head = file.read(8)
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise InputError("is an old or encrypted Excel workbook; save it as .xlsx without a password, or as CSV")
    if not head.startswith(b"PK\x03\x04"):
        return "csv"
    check_archive(path)
    return "xlsx"


def check_archive(path: Path) -> None:
    """Unpacks a workbook once, counting and keeping nothing: TooLargeError where it would grow too large, InputError where it is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            if "xl/workbook.xml" not in {part.filename for part in parts}:
                raise InputError("is an archive but no .xlsx workbook; save the table as .xlsx or CSV")
            if len(parts) > PARTS or sum(part.file_size for part in parts) > UNPACKED:
                raise TooLargeError(f"the workbook is larger than {UNPACKED >> 20} MB when unpacked; save it as CSV")
            unpacked = 0
            for part in parts:
                with archive.open(part) as file:
                    while block := file.read(BLOCK):
                        unpacked += len(block)
                        if unpacked > UNPACKED:
                            raise TooLargeError(f"the workbook is larger than {UNPACKED >> 20} MB when unpacked; save it as CSV")
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise InputError(f"the workbook is damaged or encrypted ({type(error).__name__}); save it anew as .xlsx or CSV") from None


def sheet_to_csv(path: Path, target: Path) -> None:
    """Writes the first sheet that holds anything as UTF-8 CSV; numbers and dates as text, leading zeros of text cells kept.

    A workbook's cells stand as they are and those of the CSV are guarded, as all text is from which a guard is taken when it is read.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_path(path)
        rows: Sequence[Sequence[object]] = []
        for name in book.sheet_names:
            rows = book.get_sheet_by_name(name).to_python(skip_empty_area=True)
            if any(cell != "" for row in rows[:1000] for cell in row):
                break
    except (CalamineError, OSError, ValueError) as error:
        raise InputError(f"the workbook can't be read ({type(error).__name__}); save it anew as .xlsx or CSV") from None
    with target.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([guarded(as_text(cell)) for cell in row] for row in rows)


def as_text(cell: object) -> str:
    """A cell as text.

    >>> as_text(12.0), as_text(0.5), as_text("007"), as_text(date(2026, 1, 2)), as_text(True)
    ('12', '0.5', '007', '2026-01-02', 'true')
    """
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime | date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    return str(cell)


def read_upload(path: Path, beside: Path, encoding: str = "", delimiter: str = "") -> tuple[str, Path, Form]:
    """The kind of an uploaded file, the delimited text to code (the file itself, or `beside` for a workbook), and its form.

    The form has the names of the columns without their guard; the cells of the text still have theirs.
    """
    kind = kind_of(path)
    if kind == "xlsx":
        sheet_to_csv(path, beside)
        path, encoding, delimiter = beside, "utf-8", ","
    form = read_form(path, encoding, delimiter)
    return kind, path, msgspec.structs.replace(form, header=tuple(unguarded(name) for name in form.header))


def first_rows(path: Path, form: Form, count: int) -> Iterator[list[str]]:
    """The first records, for a look."""
    for number, row in enumerate(read_rows(path, form)):
        if number == count:
            return
        yield row
