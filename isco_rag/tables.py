"""Delimited text files as people have them: their encoding, delimiter and columns found out, rows streamed in and out.

What goes out has the form of what came in: the same delimiter, encoding and byte order mark, every column, every row, in the same order.
"""

import csv
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from isco_rag.errors import InputError, UsageError
from isco_rag.text import key

DELIMITERS = (",", ";", "\t", "|")
SAMPLE = 1 << 18
# The csv module stops at 131,072 characters a cell; pasted advertisements can be longer.
csv.field_size_limit(1 << 26)

# Header names by what they hold, as keys (isco_rag.text.key), the surest first.
NAMES = {
    "title": ("job title", "jobtitle", "title", "occupation", "occupation title", "occ title", "job", "position", "job name", "position title",
              "main job", "occupation text", "occ text", "profession", "role", "designation", "job position", "beruf", "titre", "puesto"),
    "duties": ("duties", "job duties", "main duties", "tasks", "main tasks", "tasks and duties", "duties and tasks", "job description",
               "description", "activities", "main activities", "job tasks", "task description", "responsibilities", "occupation description",
               "work description", "job desc", "desc", "task", "duty"),
    "industry": ("industry", "industry text", "sector", "branch", "economic activity", "main activity", "business", "employer activity",
                 "industry description", "establishment activity", "kind of business", "industry title"),
}  # fmt: skip


class RowWriter(Protocol):
    """What rows are handed to."""

    def writerow(self, row: Sequence[str], /) -> object: ...


class Form(Struct, frozen=True):
    """How a file is written, and its size: `rows` without the header, `width` of its widest row."""

    encoding: str
    delimiter: str
    header: tuple[str, ...]
    rows: int
    width: int


def read_form(path: Path, encoding: str = "", delimiter: str = "") -> Form:
    """The form of a delimited file; what is given is taken, what is not is found out from the whole file.

    InputError where there is no such file, it is empty, it is no text, or its bytes do not fit the encoding.
    """
    encoding = encoding or _guess_encoding(path)
    try:
        with path.open(encoding=encoding, newline="") as file:
            sample = file.read(SAMPLE)
            if not sample.strip("\ufeff \r\n\t"):
                raise InputError(f"{path}: the file is empty; it needs a header row and at least one record")
            delimiter = delimiter or _guess_delimiter(sample)
            file.seek(0)
            rows = csv.reader(file, delimiter=delimiter)
            header = next(rows)
            count, width = 0, len(header)
            for row in rows:
                if row:
                    count += 1
                    width = max(width, len(row))
    except LookupError:
        raise UsageError(f"'{encoding}' is no encoding; use for example utf-8, cp1252, utf-16") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start} is not {encoding}; name the right encoding with --encoding") from None
    except (csv.Error, TypeError) as error:
        raise InputError(f"{path}: can't be read as a table ({error}); check --delimiter") from None
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror}); check the path") from None
    if not count:
        raise InputError(f"{path}: there is a header but no record; it needs at least one row beneath")
    names = [name.strip() for name in header] + [f"column_{i + 1}" for i in range(len(header), width)]
    return Form(encoding, delimiter, tuple(names), count, width)


def _guess_encoding(path: Path) -> str:
    """UTF-16 by its mark, UTF-8 if every byte fits it, else Windows-1252, else Latin-1, to which every byte fits."""
    try:
        with path.open("rb") as file:
            head = file.read(4)
            if head.startswith((b"\xff\xfe", b"\xfe\xff")):
                return "utf-16"
            if head.startswith(b"PK\x03\x04"):
                raise InputError(f"{path}: is a spreadsheet or archive, not text; save it as CSV first")
            if head.startswith((b"\xd0\xcf\x11\xe0", b"%PDF", b"PAR1", b"$FL2", b"\x1f\x8b")):
                raise InputError(f"{path}: is a binary file, not text; save it as CSV first")
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror}); check the path") from None
    marked = "utf-8-sig" if head.startswith(b"\xef\xbb\xbf") else "utf-8"
    for encoding in (marked, "cp1252"):
        if _fits(path, encoding):
            return encoding
    return "latin-1"


def _fits(path: Path, encoding: str) -> bool:
    try:
        with path.open(encoding=encoding, newline="") as file:
            while file.read(SAMPLE):
                pass
    except UnicodeDecodeError:
        return False
    return True


def _guess_delimiter(sample: str) -> str:
    """The delimiter that gives the first rows the same, largest number of columns; a comma where there is one column only."""
    best = (0.0, 0, ",")
    for rank, delimiter in enumerate(DELIMITERS):
        widths = []
        reader = csv.reader(sample.splitlines(keepends=True), delimiter=delimiter)
        try:
            for row in reader:
                if row:
                    widths.append(len(row))
                if len(widths) == 100:
                    break
        except csv.Error:
            continue
        if widths and widths[0] > 1:
            same = sum(w == widths[0] for w in widths) / len(widths)
            best = max(best, (same * (1 + 0.05 * widths[0]), -rank, delimiter))
    return best[2]


def choose_columns(form: Form, path: Path, chosen: dict[str, str]) -> dict[str, int]:
    """The column number of title, duties and industry; those not chosen by name are guessed from the header.

    UsageError where a chosen name is not in the header, InputError where there is neither a title nor a duties column.
    """
    keys = [key(name.replace("_", " ")) for name in form.header]
    found: dict[str, int] = {}
    for field, name in chosen.items():
        if name not in form.header:
            raise UsageError(f"{path}: has no column '{name}'; it has: {', '.join(form.header)}")
        found[field] = form.header.index(name)
    for field, names in NAMES.items():
        if field in found:
            continue
        for name in names:
            if name in keys and keys.index(name) not in found.values():
                found[field] = keys.index(name)
                break
    if "title" not in found and "duties" not in found:
        raise InputError(
            f"{path}: no column looks like a job title; name it with --title-column (the columns are: {', '.join(form.header)})"
        )
    return found


def read_rows(path: Path, form: Form) -> Iterator[list[str]]:
    """The records, each padded to the file's width; blank lines are no records."""
    with path.open(encoding=form.encoding, newline="") as file:
        rows = csv.reader(file, delimiter=form.delimiter)
        next(rows)
        for row in rows:
            if row:
                yield row + [""] * (form.width - len(row))


@contextmanager
def write_rows(path: Path, form: Form, columns: Sequence[str]) -> Iterator[RowWriter]:
    """A writer of rows in the form of the input; the file is written beside and moved into place when all went well."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        # What the project adds (titles of groups) fits any encoding; what does not would have been in no input either.
        with beside.open("w", encoding=form.encoding, errors="xmlcharrefreplace", newline="") as file:
            writer = csv.writer(file, delimiter=form.delimiter, lineterminator="\n")
            writer.writerow([*form.header, *columns])
            yield writer
        beside.replace(path)
    except OSError as error:
        raise InputError(f"{path}: can't be written ({error.strerror}); choose another place for the output") from None
    finally:
        beside.unlink(missing_ok=True)
