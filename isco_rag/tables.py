"""Delimited text files as people have them: their encoding, delimiter and columns found out, rows streamed in and out.

What goes out has the form of what came in: the same delimiter, encoding, byte order mark and line ends, every column, every row, in the
same order.
"""

import csv
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, Protocol

from msgspec import Struct

from isco_rag.errors import InputError, UsageError
from isco_rag.text import key

DELIMITERS = (",", ";", "\t", "|")
# Stands in no text: the delimiter of a file that has one column and commas inside it.
NEVER = "\x1f"
SAMPLE = 1 << 18
# The csv module stops at 131,072 characters a cell; pasted advertisements can be longer.
csv.field_size_limit(1 << 26)

# What the only text of a record is called where there is neither title nor duties; it is read as a title.
ONE_TEXT = ("text", "answer", "response", "verbatim")
CODE_NAMES = ("isco08 code", "isco 08 code", "isco code", "isco08", "isco 08", "isco", "code", "unit group", "gold")
# Header names by what they hold, as keys (isco_rag.text.key), the surest first.
NAMES = {
    "title": ("job title", "jobtitle", "title", "occupation", "occupation title", "occ title", "job", "position", "job name", "position title",
              "main job", "occupation text", "occ text", "profession", "role", "designation", "job position", "beruf", "titre", "puesto"),
    "duties": ("duties", "job duties", "main duties", "tasks", "main tasks", "tasks and duties", "duties and tasks", "job description",
               "description", "activities", "main activities", "job tasks", "task description", "responsibilities", "occupation description",
               "work description", "job desc", "desc", "task", "duty"),
    "industry": ("industry", "industry text", "sector", "branch", "economic activity", "main activity", "business", "employer activity",
                 "industry description", "establishment activity", "kind of business", "industry title"),
    "language": ("language", "lang", "language code", "iso language"),
}  # fmt: skip


class RowWriter(Protocol):
    """What rows are handed to."""

    def writerow(self, row: Sequence[str], /) -> object: ...


class Form(Struct, frozen=True):
    """How a file is written, and its size: `rows` without the header; `wide` rows have more cells than the header, from line `first_wide` on."""

    encoding: str
    delimiter: str
    newline: str
    quotes: bool
    header: tuple[str, ...]
    rows: int
    wide: int = 0
    first_wide: int = 0

    @property
    def width(self) -> int:
        """Cells of the widest row."""
        return len(self.header)


def read_form(path: Path, encoding: str = "", delimiter: str = "", *, quotes: bool = True) -> Form:
    """The form of a delimited file; what is given is taken, what is not is found out from the whole file.

    InputError where there is no such file, it is empty, it is no text, its bytes do not fit the encoding, or a quote is never closed.
    """
    check_readable(path)
    encoding = encoding or _guess_encoding(path)
    try:
        with path.open(encoding=encoding, newline="") as file:
            sample = file.read(SAMPLE)
            if not sample.strip("\ufeff \r\n\t"):
                raise InputError(f"{path}: the file is empty; it needs a header row and at least one record")
            if "\x00" in sample.split("\n", 1)[0]:
                raise InputError(f"{path}: is a binary file or of another encoding; save it as CSV, or name its encoding with --encoding")
            delimiter = delimiter or _guess_delimiter(sample)
            file.seek(0)
            records = _records(file, delimiter, quotes)
            header = next(records)[1]
            count, width, wide, first_wide = 0, len(header), 0, 0
            for line, row in records:
                count += 1
                if any(row[len(header) :]):
                    wide += 1
                    first_wide = first_wide or line
                    width = max(width, len(row))
    except InputError as error:
        raise InputError(str(error) if str(error).startswith(str(path)) else f"{path}: {error}") from None
    except LookupError:
        raise UsageError(f"'{encoding}' is no encoding; use for example utf-8, cp1252, utf-16") from None
    except UnicodeError as error:
        raise InputError(f"{path}: can't be read as {encoding} ({error.args[-1]}); name the right encoding with --encoding") from None
    except (csv.Error, TypeError) as error:
        raise InputError(f"{path}: can't be read as a table ({error}); check --delimiter") from None
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror}); check the path") from None
    if not count:
        raise InputError(f"{path}: there is a header but no record; it needs at least one row beneath")
    names = [name.strip() for name in header] + [f"column_{i + 1}" for i in range(len(header), width)]
    newline = "\r\n" if "\r\n" in sample else "\n"
    return Form(encoding, delimiter, newline, quotes, tuple(names), count, wide, first_wide)


def check_readable(path: Path) -> None:
    """InputError where there is no such file, or it is none that has rows."""
    if not path.exists():
        raise InputError(f"{path}: there is no such file; check the path")
    if not path.is_file():
        raise InputError(f"{path}: is no regular file; name a CSV file")


def _records(file: IO[str], delimiter: str, quotes: bool) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of the header and each record.

    Blank lines and a spreadsheet's `sep=` line before the header are passed over, blank lines elsewhere too; but in a file of one column
    a blank line between others is a record without text. With quotes, a quote that is never closed is an error that names its line.
    """
    rows = csv.reader(file, delimiter=delimiter, strict=quotes, quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE)
    width, blank, begun = 0, 0, 1
    try:
        for row in rows:
            line, begun = begun, rows.line_num + 1
            if not any(cell.strip("\ufeff") for cell in row) and (not row or not width):
                blank += bool(width)
            elif not width and row[0].lstrip("\ufeff").lower().startswith("sep=") and len(row) <= 2:
                continue
            else:
                yield from ((line, [""]) for _ in range(blank if width == 1 else 0))
                blank, width = 0, width or len(row)
                yield line, row
    except csv.Error as error:
        raise InputError(
            f"line {begun}: the quotes do not fit together ({error}); mend the line, or read quotes as ordinary characters with --no-quotes"
        ) from None
    if not width:
        raise InputError("the file has no header row")


def _guess_encoding(path: Path) -> str:
    """UTF-16 by its mark or its zero bytes, UTF-8 if every byte fits it, else Windows-1252, else Latin-1, to which every byte fits."""
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror}); check the path") from None
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if head.startswith(b"PK\x03\x04"):
        raise InputError(f"{path}: is a spreadsheet or archive, not text; save it as CSV first")
    if head.startswith((b"\xd0\xcf\x11\xe0", b"%PDF", b"PAR1", b"$FL2", b"\x1f\x8b", b"\x7fELF")):
        raise InputError(f"{path}: is a binary file, not text; save it as CSV first")
    if head[1::2].count(0) > len(head) / 3:
        return "utf-16-le"
    if head[::2].count(0) > len(head) / 3:
        return "utf-16-be"
    marked = "utf-8-sig" if head.startswith(b"\xef\xbb\xbf") else "utf-8"
    misfits, others, line = _misfits(path)
    if not misfits:
        return marked
    if misfits * 10 < others:
        raise InputError(f"{path}: line {line} is not UTF-8, though the rest is; mend it, or name an encoding with --encoding")
    return "cp1252" if _fits(path, "cp1252") else "latin-1"


def _misfits(path: Path) -> tuple[int, int, int]:
    """Bytes that are not UTF-8, characters beyond ASCII that are, and the line of the first misfit."""
    misfits, others, first = 0, 0, 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.isascii():
                continue
            text = line.decode("utf-8", errors="surrogateescape")
            wrong = sum("\udc80" <= c <= "\udcff" for c in text)
            if wrong and not first:
                first = number
            misfits += wrong
            others += sum(c > "\x7f" for c in text) - wrong
    return misfits, others, first


def _fits(path: Path, encoding: str) -> bool:
    try:
        with path.open(encoding=encoding, newline="") as file:
            while file.read(SAMPLE):
                pass
    except UnicodeDecodeError:
        return False
    return True


def _guess_delimiter(sample: str) -> str:
    """The delimiter that gives the first rows the same, largest number of columns; none where the header has one column only."""
    best = (0.0, 0, "")
    for rank, delimiter in enumerate(DELIMITERS):
        widths = _widths(sample, delimiter)
        if widths and widths[0] > 1:
            same = sum(w == widths[0] for w in widths) / len(widths)
            best = max(best, (same * (1 + 0.05 * widths[0]), -rank, delimiter))
    if best[2]:
        return best[2]
    return "," if set(_widths(sample, ",")) == {1} else NEVER


def _widths(sample: str, delimiter: str) -> list[int]:
    """Cells of each of the first hundred rows that are not blank; the last is left out where the sample may have cut it."""
    lines = sample.splitlines(keepends=True)
    widths = []
    try:
        for row in csv.reader(lines if len(sample) < SAMPLE else lines[:-1], delimiter=delimiter):
            if row and not row[0].lstrip("\ufeff").lower().startswith("sep="):
                widths.append(len(row))
            if len(widths) == 100:
                break
    except csv.Error:
        return []
    return widths


def choose_columns(form: Form, path: Path, chosen: dict[str, str]) -> dict[str, int]:
    """The column number of title, duties and industry; those not chosen by name are guessed from the header.

    UsageError where a chosen name is not in the header, InputError where there is neither a title nor a duties column.
    """
    keys = [key(name.replace("_", " ")) for name in form.header]
    shown = ", ".join(form.header)[:300]
    found: dict[str, int] = {}
    for field, name in chosen.items():
        if name.strip() not in form.header:
            raise UsageError(f"{path}: has no column '{name}'; it has: {shown}")
        found[field] = form.header.index(name.strip())
    for field, names in NAMES.items():
        if field in found:
            continue
        for name in names:
            if name in keys and keys.index(name) not in found.values():
                found[field] = keys.index(name)
                break
    if "title" not in found and "duties" not in found:
        said = next((keys.index(name) for name in ONE_TEXT if name in keys), None)
        if said is None:
            raise InputError(
                f"{path}: no column looks like a job title; call it 'title', or name it with --title-column (the columns are: {shown})"
            )
        found["title"] = said
    return found


def code_column(form: Form, path: Path, chosen: str = "") -> int:
    """The number of the column with codes: the one chosen by name, or the first whose name says so; InputError where there is none."""
    if chosen:
        if chosen.strip() not in form.header:
            raise UsageError(f"{path}: has no column '{chosen}'; it has: {', '.join(form.header)[:300]}")
        return form.header.index(chosen.strip())
    keys = [key(name.replace("_", " ")) for name in form.header]
    for name in CODE_NAMES:
        if name in keys:
            return keys.index(name)
    raise InputError(f"{path}: has no column with codes; name one of its columns isco08_code")


def read_rows(path: Path, form: Form) -> Iterator[list[str]]:
    """The records, each padded to the file's width."""
    with path.open(encoding=form.encoding, newline="") as file:
        records = _records(file, form.delimiter, form.quotes)
        next(records)
        for _, row in records:
            yield row[: form.width] + [""] * (form.width - len(row))


class _Writer:
    """Writes rows in the form of the input; a row with a lone carriage return is quoted, which the csv module forgets."""

    def __init__(self, file: IO[str], form: Form) -> None:
        delimiter = "," if form.delimiter == NEVER else form.delimiter
        self._plain = csv.writer(file, delimiter=delimiter, lineterminator=form.newline)
        self._quoted = csv.writer(file, delimiter=delimiter, lineterminator=form.newline, quoting=csv.QUOTE_ALL)

    def writerow(self, row: Sequence[str], /) -> object:
        return (self._quoted if any("\r" in cell for cell in row) else self._plain).writerow(row)


@contextmanager
def write_rows(path: Path, form: Form, columns: Sequence[str]) -> Iterator[RowWriter]:
    """A writer of rows in the form of the input; the file is written beside and moved into place when all went well.

    InputError where the place can't be written, before anything is done.
    """
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: is no regular file; choose another name for the output")
    beside = path.with_name(f".isco-{os.getpid()}.part")
    try:
        # What the project adds fits any encoding (group titles are ASCII); what does not would have been in no input either.
        file = beside.open("w", encoding=form.encoding, errors="xmlcharrefreplace", newline="")
    except OSError as error:
        raise InputError(f"{path}: can't be written ({error.strerror}); choose another place for the output") from None
    try:
        with file:
            writer = _Writer(file, form)
            writer.writerow([*chain(form.header, columns)])
            yield writer
        try:
            beside.replace(path)
        except OSError as error:
            raise InputError(f"{path}: can't be written ({error.strerror}); choose another place for the output") from None
    finally:
        beside.unlink(missing_ok=True)
