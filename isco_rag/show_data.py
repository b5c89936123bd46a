"""What the commands on coding indexes print."""

from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape
from rich.padding import Padding

from isco_rag.coding_index import REPORT, Head
from isco_rag.importing.texts import Imported
from isco_rag.show import console, plain_table

SHOWN = 5


def show_import(head: Head, imported: Imported, folder: Path) -> None:
    """What came of an import, and the first rows that were not taken as they stood."""
    out = console()
    out.print(f"{len(imported.entries):,} titles join the index, of {head.counts['read']:,} texts read")
    for name, n in head.counts.items():
        if name != "read":
            out.print(f"  {n:>9,}  {name}", style="" if name != "not taken" else "yellow")
    if set(head.languages) - {"en"}:
        out.print("[yellow]Not all texts are English; the shipped encoder reads English well and other languages hardly.[/]")
    shown = [note for note in imported.notes if note.done != "indexed"][:SHOWN]
    if shown:
        table = plain_table("file", "row", "text", "code", "", "reason")
        for column in table.columns[2:]:
            column.justify = "left"
        for note in shown:
            table.add_row(escape(note.file), str(note.row), escape(note.text[:40]), escape(note.code[:20]), note.done, escape(note.reason))
        out.print(Padding(table, (1, 0, 0, 0)))
    if imported.notes:
        out.print(f"{len(imported.notes):,} rows in {escape(str(folder / REPORT))}")


def show_indexes(found: Sequence[tuple[Path, Head, bool]], bundle: str) -> None:
    """Coding indexes, a line each."""
    table = plain_table("coding index", "titles", "texts read", "not taken", "languages", "sources", "imported", f"embedded for {bundle}")
    for column in table.columns[4:]:
        column.justify = "left"
    for folder, head, embedded in found:
        table.add_row(
            escape(str(folder)), f"{sum(head.sources.values()):,}", f"{head.counts.get('read', 0):,}", f"{head.counts.get('not taken', 0):,}",
            ", ".join(head.languages), ", ".join(head.sources), head.created[:10], "yes" if embedded else f"no: isco-rag data embed {escape(str(folder))}",
        )  # fmt: skip
    console().print(table)
