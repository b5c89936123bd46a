"""Tables of corrections: read as people have them, written so that they can be read again."""

import csv
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from pathlib import Path

from msgspec import Struct

from isco_rag.errors import UsageError
from isco_rag.formula import guarded, unguarded
from isco_rag.importing.texts import mended_code
from isco_rag.tables import Form, choose_columns, code_column, read_rows
from isco_rag.taxonomy import Taxonomy
from isco_rag.text import key
from isco_rag.types import FIELDS, Job

# What a person gave, before what names a code in general: a coded file has the machine's codes as well.
PEOPLE = ("final code", "corrected code", "correct code", "reviewed code", "expert code", "people code", "new code", "correction")
MORE = {"reason": ("reason", "comment", "note"), "by": ("by", "coder", "coded by", "corrected by", "reviewer")}
COLUMNS = (
    "number", "title", "duties", "industry", "language", "code", "state", "by", "at", "source", "reason", "machine_code",
    "machine_confidence", "bundle", "held",
)  # fmt: skip
REPORT = ("row", "outcome", "why")
# What is kept of a report: a file of nothing but mistakes must not fill the database.
REPORT_SIZE = 16 << 20


class Table(Struct, frozen=True):
    """A table of corrections: the text at `path`, how it is written, which column holds what; `digest` tells it from others."""

    path: Path
    name: str
    form: Form
    columns: dict[str, int]
    digest: str


class Line(Struct, frozen=True):
    """A row as a spreadsheet numbers it (the header is 1), what it says, and its cells; `fault` says why it can't be taken, if so."""

    row: int
    job: Job
    code: str
    reason: str
    by: str
    cells: tuple[str, ...]
    fault: str


def open_table(path: Path, name: str, form: Form, chosen: dict[str, str], *, attributed: bool = False) -> Table:
    """A table with its columns, those not chosen by name guessed from the header.

    With `attributed`, a column that says whose each correction is counts. UsageError where a chosen column is not there or the codes are the
    machine's own; InputError where no column holds texts, or none codes.
    """
    keys = [key(column.replace("_", " ")) for column in form.header]
    code = _people_column(form, path, name, chosen.get("code", ""))
    rest = {field: column for field, column in chosen.items() if field in (*FIELDS, "language")}
    columns = {**choose_columns(form, path, rest), "code": code}
    for field, names in MORE.items():
        if field != "by" or attributed:
            found = next((keys.index(k) for k in names if k in keys and keys.index(k) not in columns.values()), None)
            if found is not None:
                columns[field] = found
    if "state" in keys:
        columns["state"] = keys.index("state")
    used = {field: number for field, number in columns.items() if field == "code" or number != code}
    return Table(path, name, form, used, _digest(path, used))


def _people_column(form: Form, path: Path, name: str, chosen: str) -> int:
    keys = [key(column.replace("_", " ")) for column in form.header]
    named = next((keys.index(k) for k in PEOPLE if k in keys), None)
    if named is not None and not chosen:
        return named
    found = code_column(form, path, chosen)
    if form.header[found] == "isco_code" and "isco_bundle" in form.header and not chosen:
        raise UsageError(f"{name}: the column isco_code holds the machine's codes; name the column with the people's codes (--code-column)")
    return found


def _digest(path: Path, columns: dict[str, int]) -> str:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    digest.update(repr(sorted(columns.items())).encode())
    return digest.hexdigest()


def lines_of(table: Table, taxonomy: Taxonomy) -> Iterator[Line]:
    """The rows of a table; codes as the classification has them, zeros that a spreadsheet lost put back."""
    for number, given in enumerate(read_rows(table.path, table.form), 2):
        row = [unguarded(cell) for cell in given]
        cells = {field: row[column] for field, column in table.columns.items()}
        said = cells["code"].strip()
        fault = "it was taken back where it was exported" if cells.get("state") == "reverted" else ""
        yield Line(
            number, Job(**{field: cells.get(field, "") for field in (*FIELDS, "language")}), mended_code(said, taxonomy) or said,
            cells.get("reason", "").strip()[:2000], cells.get("by", "").strip()[:80], tuple(row), fault,
        )  # fmt: skip


def as_csv(header: Sequence[str], rows: Iterable[Sequence[str]], limit: int = 0) -> Iterator[str]:
    """Lines of CSV in which no cell can run as a formula; of more than `limit` characters the rest is left out, and that is said."""
    written, left = 0, 0
    yield _line(header)
    for row in rows:
        if limit and written > limit:
            left += 1
            continue
        line = _line(row)
        written += len(line)
        yield line
    if left:
        yield _line(["", "left out", f"{left:,} more rows; mend these and import the file again"])


def _line(row: Sequence[str]) -> str:
    file = StringIO()
    csv.writer(file, lineterminator="\r\n").writerow([guarded(cell) for cell in row])
    return file.getvalue()
