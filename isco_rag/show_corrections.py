"""What the commands on corrections do and print."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from rich.markup import escape

from isco_rag.correcting import begin_import, export, import_table
from isco_rag.correction_tables import open_table
from isco_rag.errors import CoderError, UsageError
from isco_rag.learn import registry
from isco_rag.learn.follow import as_served
from isco_rag.learn.suspects import known_titles
from isco_rag.settings import load_settings
from isco_rag.sheets import read_upload
from isco_rag.show import Working, console, plain_table, show_form
from isco_rag.store import corrections, imports
from isco_rag.store.database import open_store
from isco_rag.store.flags import Told
from isco_rag.store.records import Correction, Flag, Import
from isco_rag.tables import Form, check_readable
from isco_rag.wiring import open_classifier

# References of a flag that a table shows.
POINTED = 3
WORDS = {
    "active": "in the index", "disputed": "contradict others of the same text: isco-rag corrections adjudicate",
    "held": "wait for an expert: isco-rag corrections release, or revert", "repeated": "stood in the file before",
    "already": "were known already", "rejected": "could not be taken",
}  # fmt: skip


def import_file(
    source: Path, chosen: dict[str, str], encoding: str, delimiter: str, report: Path, by: str, state: Path, database: str,
    bundle: Path | None, settings_file: Path | None,
) -> None:  # fmt: skip
    """Takes a file of corrections in and says what came of it; the rows that need a look go to `report`."""
    if len(delimiter) > 1:
        raise UsageError(f"--delimiter '{delimiter}' is no delimiter; give one character")
    if not 0 < len(by) <= corrections.LONGEST_NAME:
        raise UsageError(f"--by takes a name of at most {corrections.LONGEST_NAME} characters")
    check_readable(source)
    with tempfile.TemporaryDirectory(prefix="isco-rag-") as folder:
        text, form = _read(source, Path(folder) / source.name, encoding, delimiter)
        table = open_table(text, source.name, form, chosen, attributed=True)
        show_form(source, form, {field: number for field, number in table.columns.items() if field != "state"})
        store = open_store(state, database)
        classifier = as_served(open_classifier(registry.answering(store, bundle), load_settings(settings_file)), store)
        begun = begin_import(store, by, table)
        if begun.done:
            click.echo(f"import {begun.id} goes on behind row {begun.done + 1:,}")
        with Working("taking in", form.rows) as step:
            found = import_table(store, classifier, known_titles(classifier.parts.index.entries), by, table, begun, step)
    click.echo(f"import {found.id}: {found.rows:,} rows")
    for name, words in WORDS.items():
        if found.counts.get(name):
            click.echo(f"  {found.counts[name]:>9,}  {words}")
    with store.read() as db:
        text_of_report = imports.report(db, found.id)
    if text_of_report:
        _write(report, [text_of_report])
        click.echo(f"rows that need a look, each with its reason: {report}")


def _read(source: Path, beside: Path, encoding: str, delimiter: str) -> tuple[Path, Form]:
    """The delimited text of a file and its form; errors name the file."""
    try:
        _, text, form = read_upload(source, beside, encoding, delimiter)
    except CoderError as error:
        said = str(error).replace(str(beside), str(source))
        raise type(error)(said if str(source) in said else f"{source}: {said}") from None
    return text, form


def _write(path: Path, lines: Any) -> int:
    """Writes text beside and moves it into place; how many pieces it was."""
    beside = path.with_name(f"{path.name}.part")
    count = 0
    try:
        with beside.open("w", encoding="utf-8", newline="") as file:
            for line in lines:
                file.write(line)
                count += 1
        beside.replace(path)
    except OSError as error:
        raise UsageError(f"{path}: can't be written ({error.strerror}); choose another place") from None
    finally:
        beside.unlink(missing_ok=True)
    return count


def export_to(path: Path, wanted: str, state: Path, database: str) -> int:
    """Writes the corrections of a state; how many there were. UsageError where the file is there already."""
    if path.exists():
        raise UsageError(f"{path}: exists already; choose another name")
    return _write(path, export(open_store(state, database), wanted)) - 1


def decide(
    work: Callable[[Any, str, int, str], Correction], *, numbers: Sequence[int], of_import: int | None, code: str, reason: str,
    by: str, state: Path, database: str, standing: str = "",
) -> int:  # fmt: skip
    """Does `work` for each number, or for those of an import that stand so, all or none; how many there were."""
    if bool(numbers) == bool(of_import) or (code and not of_import):
        raise UsageError("give numbers of corrections, or --import N (with --code for those with one code)")
    with open_store(state, database).write() as db:
        if of_import:
            imports.one(db, of_import)
            numbers = corrections.numbers_of(db, of_import, state=standing, code=code)
        for number in numbers:
            work(db, by, number, reason)
    return len(numbers)


def show_imports(found: Sequence[Import]) -> None:
    """Imports, a line each."""
    table = plain_table("import", "file", "by", "begun", "rows", "done", "came to")
    for column in (*table.columns[1:4], table.columns[6]):
        column.justify = "left"
    for one in found:
        came = ", ".join(f"{one.counts[name]:,} {name}" for name in WORDS if one.counts.get(name))
        done = f"{one.done:,}" if one.state == "running" else "all"
        table.add_row(str(one.id), escape(one.name), escape(one.by), one.created[:16], f"{one.rows:,}", done, came)
    console().print(table)


def show_corrections(found: Sequence[Correction], counts: dict[str, int]) -> None:
    """Corrections, a line each, and how many there are of each state."""
    table = plain_table("no.", "title", "machine", "code", "state", "by", "when", "why it waits")
    for column in table.columns[1:]:
        column.justify = "left"
        column.overflow = "fold"
    for one in found:
        machine = one.answered.code if one.answered else ""
        text = " ".join((one.job.title or one.job.duties).split())[:40]
        table.add_row(str(one.id), escape(text), machine, one.code, one.state, escape(one.by), one.at[:16], escape(one.held))
    out = console()
    out.print(table)
    out.print(", ".join(f"{n:,} {state}" for state, n in sorted(counts.items())) or "there is no correction", style="dim")


def _pointed(ref: str, told: dict[str, Told]) -> str:
    one = told.get(ref)
    return f"{ref}: {one.text[:60]} ({one.code})" if one else ref


def show_flags(found: Sequence[Flag], counts: dict[str, int], told: dict[str, Told]) -> None:
    """Flags with the texts they point to, and how many of each kind are open."""
    table = plain_table("flag", "kind", "code", "why", "look at")
    for column in table.columns[1:]:
        column.justify = "left"
        column.overflow = "fold"
    for one in found:
        why = f"{one.why} (closed by {one.closed_by}: {one.reason})" if one.closed else one.why
        table.add_row(str(one.id), one.kind, one.code, escape(why), escape("\n".join(_pointed(ref, told) for ref in one.about[:POINTED])))
    out = console()
    if found:
        out.print(table)
    out.print("open: " + (", ".join(f"{n:,} {kind}" for kind, n in sorted(counts.items())) or "nothing"), style="dim")
