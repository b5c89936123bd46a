"""Tables as publishers hand them out, line by line: delimited text, Excel, alone, in a folder or in a zip archive."""

import re
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from msgspec import Struct

from isco_rag.errors import InputError
from isco_rag.tables import read_form, read_rows
from isco_rag.text import key

# A publisher's whole database is some tens of megabytes; what unpacks to more is no list of titles.
UNPACKED = 2 << 30
# Excel sheets may open with a title and a note before their header.
HEADER_WITHIN = 20


class Line(Struct, frozen=True):
    """One record: the file's name, the row as a spreadsheet numbers it (the header is 1), and the cells by the key of their column."""

    file: str
    row: int
    cells: dict[str, str]

    def get(self, *names: str) -> str:
        """The first cell under one of these column keys that is not empty, stripped."""
        return next((cell for name in names if (cell := self.cells.get(name, "").strip())), "")


def column_key(name: str) -> str:
    """What columns are known by: "preferredLabel", "Preferred label" and "preferred_label" are one.

    >>> column_key("preferredLabel"), column_key("ISCO-08 Code"), column_key("O*NET-SOC Code")
    ('preferred label', 'isco 08 code', 'o net soc code')
    """
    return key(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " "))


def read_lines(path: Path, is_header: Callable[[set[str]], bool], wants: str, *, delimiter: str = "", quotes: bool = True) -> list[Line]:
    """The records of a table; in a spreadsheet, those under the first row that `is_header` takes for a header.

    InputError where it can't be read, or no row is a header; it then says what the table `wants`.
    """
    if path.suffix.lower() in (".xlsx", ".xlsm"):
        return _from_sheets(path, is_header, wants)
    if path.suffix.lower() == ".xls":
        raise InputError(f"{path}: is an old Excel file; open it and save it as .xlsx or CSV")
    form = read_form(path, delimiter=delimiter, quotes=quotes)
    keys = [column_key(name) for name in form.header]
    if not is_header(set(keys)):
        raise InputError(f"{path}: needs {wants}; its columns are: {', '.join(form.header)[:300]}")
    return [Line(path.name, row, dict(zip(keys, cells, strict=True))) for row, cells in enumerate(read_rows(path, form), 2)]


def _from_sheets(path: Path, is_header: Callable[[set[str]], bool], wants: str) -> list[Line]:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (OSError, InvalidFileException, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise InputError(f"{path}: can't be read as an Excel file ({error}); save it anew as .xlsx, or as CSV") from None
    shown: Sequence[str] = ()
    try:
        for sheet in book.worksheets:
            keys: list[str] = []
            lines = []
            for row, values in enumerate(sheet.iter_rows(values_only=True), 1):
                cells = ["" if v is None else str(v) for v in values]
                if keys and any(cells):
                    lines.append(Line(path.name, row, dict(zip(keys, cells, strict=False))))
                elif not keys and row <= HEADER_WITHIN and is_header({column_key(c) for c in cells if c}):
                    keys = [column_key(c) for c in cells]
                elif not keys and any(cells):
                    shown = shown or [c for c in cells if c]
            if lines:
                return lines
    finally:
        book.close()
    raise InputError(f"{path}: needs {wants}, and a record under them; its first row holds: {', '.join(shown)[:300]}")


@contextmanager
def members(path: Path, wanted: Callable[[str], bool]) -> Iterator[list[Path]]:
    """The files of a folder or zip archive (at any depth) whose name is wanted, sorted by name; a single file is itself.

    InputError where there is no such path, or it is a broken archive.
    """
    if path.is_dir():
        yield sorted((p for p in path.rglob("*") if p.is_file() and wanted(p.name)), key=lambda p: p.name)
    elif path.suffix.lower() == ".zip":
        with tempfile.TemporaryDirectory(prefix="isco-rag-") as folder:
            yield _unpacked(path, Path(folder), wanted)
    elif path.is_file():
        yield [path]
    else:
        raise InputError(f"{path}: there is no such file or folder; check the path")


def _unpacked(path: Path, folder: Path, wanted: Callable[[str], bool]) -> list[Path]:
    found = []
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                name = PurePosixPath(info.filename).name
                # Names of the archive's folders are not used, so nothing can be written outside the temporary one.
                if info.is_dir() or not wanted(name) or (folder / name).exists():
                    continue
                if info.file_size > UNPACKED:
                    raise InputError(f"{path}: {name} unpacks to more than {UNPACKED >> 30} GB; unpack it yourself and name the file")
                (folder / name).write_bytes(archive.read(info))
                found.append(folder / name)
    except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise InputError(f"{path}: can't be read as a zip archive ({error}); unpack it and name the folder") from None
    return sorted(found, key=lambda p: p.name)
