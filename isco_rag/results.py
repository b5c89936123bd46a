"""The result of a coded file in the format that somebody wants: CSV, XLSX, Parquet, JSON lines.

Every input column and row comes back, in order, with the answer's columns behind. In what a spreadsheet opens no cell can run: in CSV by an
apostrophe that the import takes away (isco_rag.formula), in XLSX because every cell is of type text and marked as quoted.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Literal, get_args

import msgspec

from isco_rag.coding import COLUMNS, cells
from isco_rag.errors import InputError
from isco_rag.formula import guarded
from isco_rag.tables import Form, write_rows
from isco_rag.types import Prediction

Format = Literal["csv", "xlsx", "parquet", "jsonl"]
FORMATS: tuple[Format, ...] = get_args(Format)
MEDIA_TYPES = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
    "jsonl": "application/jsonl",
}
# What Excel's own format can hold.
SHEET_ROWS, SHEET_CELL = 1_048_575, 32_767
GROUP = 20_000

Rows = Iterable[tuple[Sequence[str], Prediction]]


def write_result(path: Path, kind: Format, form: Form, rows: Rows) -> None:
    """Writes the coded rows to `path`; InputError where the format can't hold them."""
    {"csv": _csv, "xlsx": _xlsx, "parquet": _parquet, "jsonl": _jsonl}[kind](path, form, rows)


def _csv(path: Path, form: Form, rows: Rows) -> None:
    """In the form of the input."""
    safe = msgspec.structs.replace(form, header=tuple(guarded(name) for name in form.header))
    with write_rows(path, safe, COLUMNS) as writer:
        for row, prediction in rows:
            writer.writerow([guarded(cell) for cell in chain(row, cells(prediction))])


def _xlsx(path: Path, form: Form, rows: Rows) -> None:
    import xlsxwriter

    if form.rows > SHEET_ROWS:
        raise InputError(f"a spreadsheet holds {SHEET_ROWS:,} rows, this file has {form.rows:,}; fetch it as csv, parquet or jsonl")
    with xlsxwriter.Workbook(str(path), {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        sheet = book.add_worksheet("coded")
        quoted, bold = book.add_format({"quote_prefix": True}), book.add_format({"bold": True, "quote_prefix": True})
        for column, name in enumerate(chain(form.header, COLUMNS)):
            sheet.write_string(0, column, name[:SHEET_CELL], bold)
        sheet.freeze_panes(1, 0)
        for number, (row, prediction) in enumerate(rows, 1):
            for column, cell in enumerate(row):
                if len(cell) > SHEET_CELL:
                    raise InputError(f"record {number} has a cell of {len(cell):,} characters, a spreadsheet's holds {SHEET_CELL:,}; "
                                     "fetch it as csv, parquet or jsonl")  # fmt: skip
                if cell:
                    sheet.write_string(number, column, cell, quoted)
            for column, value in enumerate(typed(prediction), len(row)):
                if isinstance(value, bool):
                    sheet.write_boolean(number, column, value)
                elif isinstance(value, int | float):
                    sheet.write_number(number, column, value)
                elif value:
                    sheet.write_string(number, column, value, quoted)


def _parquet(path: Path, form: Form, rows: Rows) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {int: pa.int32(), float: pa.float64(), bool: pa.bool_(), str: pa.string()}
    names = distinct([*form.header, *COLUMNS])
    fields = [pa.field(name, pa.string()) for name in names[: form.width]]
    fields += [pa.field(name, kinds[kind_of(column)]) for name, column in zip(names[form.width :], COLUMNS, strict=True)]
    schema = pa.schema(fields)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for group in _groups(rows):
            columns = list(zip(*((*row, *typed(prediction)) for row, prediction in group), strict=True))
            writer.write_table(pa.table([pa.array(c, f.type) for c, f in zip(columns, fields, strict=True)], schema=schema))


def _groups(rows: Rows) -> Iterator[list[tuple[Sequence[str], Prediction]]]:
    group: list[tuple[Sequence[str], Prediction]] = []
    for pair in rows:
        group.append(pair)
        if len(group) == GROUP:
            yield group
            group = []
    if group:
        yield group


def _jsonl(path: Path, form: Form, rows: Rows) -> None:
    names = distinct([*form.header, *COLUMNS])
    with path.open("wb") as file:
        for row, prediction in rows:
            file.write(msgspec.json.encode(dict(zip(names, (*row, *typed(prediction)), strict=True))) + b"\n")


def distinct(names: Sequence[str]) -> list[str]:
    """Names of which no two are the same, for formats that want that.

    >>> distinct(["a", "", "a", "a_2"])
    ['a', 'column_2', 'a_2', 'a_2_2']
    """
    found: dict[str, None] = {}
    for number, name in enumerate(names, 1):
        free, count = name or f"column_{number}", 1
        while free in found:
            count += 1
            free = f"{name}_{count}"
        found[free] = None
    return list(found)


def kind_of(column: str) -> type:
    """What the values of an answer's column are.

    >>> kind_of("isco_level"), kind_of("isco_unit_1_confidence"), kind_of("isco_code")
    (<class 'int'>, <class 'float'>, <class 'str'>)
    """
    if column.endswith("_confidence"):
        return float
    return {"isco_level": int, "isco_review": bool}.get(column, str)


def typed(prediction: Prediction) -> list[str | int | float | bool | None]:
    """The cells of a prediction as values; None where there is nothing to say. Codes stay text."""
    found: list[str | int | float | bool | None] = []
    for column, cell in zip(COLUMNS, cells(prediction), strict=True):
        kind = kind_of(column)
        if kind is bool:
            found.append(cell == "true")
        elif kind is str:
            found.append(cell)
        else:
            found.append(kind(cell) if cell else None)
    return found
