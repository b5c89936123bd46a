"""Corrections by file, and what is decided about them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from isco_rag.commands.options import CHAMPION_OPTION, DATABASE_OPTION, SETTINGS_OPTION, STATE_OPTION, WHO

STATES = click.Choice(["active", "disputed", "held", "reverted", "all"])
NUMBERS = click.argument("numbers", nargs=-1, type=click.IntRange(1))
OF_IMPORT = click.option("--import", "of_import", type=click.IntRange(1), metavar="N", help="All that came with import N.")
CODE = click.option("--code", default="", help="With --import: only those with this code.")
REASON = click.option("--reason", default="", help="Why; stands in the audit trail.")
BY = click.option("--by", default=WHO, show_default=True, help="Who decides.")


@click.group()
def corrections() -> None:
    """Import, list, export and decide corrections. The running service follows within a second."""


@corrections.command("import")
@click.argument("source", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--title-column", default="", help="Column with the job title.")
@click.option("--duties-column", default="", help="Column with the duties.")
@click.option("--industry-column", default="", help="Column with the industry.")
@click.option("--language-column", default="", help="Column with the language.")
@click.option("--code-column", default="", help="Column with the people's codes.")
@click.option("--delimiter", default="", help="Delimiter of FILE; '\\t' for tabs.")
@click.option("--encoding", default="", help="Encoding of FILE, such as cp1252.")
@click.option("--report", type=click.Path(path_type=Path), help="Where rows go that need a look; default: FILE with .report.csv.")
@click.option("--by", default=WHO, show_default=True, help="Whose corrections they are, where no column (by, coder) says so.")
@STATE_OPTION
@DATABASE_OPTION
@CHAMPION_OPTION
@SETTINGS_OPTION
def import_(
    source: Path, title_column: str, duties_column: str, industry_column: str, language_column: str, code_column: str, delimiter: str,
    encoding: str, report: Path | None, by: str, state: Path, database: str, bundle: Path | None, settings_file: Path | None,
) -> None:  # fmt: skip
    """Import corrections from CSV or XLSX; columns are guessed and said. Good rows go in, the others into a report.

    Rows that contradict what is known, or move a group's titles to another code, wait for an expert. Killed, it goes on with the same command.
    """
    from isco_rag.show_corrections import import_file

    chosen = {"title": title_column, "duties": duties_column, "industry": industry_column, "language": language_column, "code": code_column}
    delimiter = {"\\t": "\t", "tab": "\t"}.get(delimiter, delimiter)
    import_file(
        source, {field: name for field, name in chosen.items() if name}, encoding, delimiter, report or source.with_suffix(".report.csv"),
        by, state, database, bundle, settings_file,
    )  # fmt: skip


@corrections.command()
@STATE_OPTION
@DATABASE_OPTION
def imports(state: Path, database: str) -> None:
    """List the files that were imported, and how far each is."""
    from isco_rag.show_corrections import show_imports
    from isco_rag.store import imports as files
    from isco_rag.store.database import open_store

    with open_store(state, database).read() as db:
        show_imports(files.listed(db))


@corrections.command("list")
@click.option("--only", "wanted", type=STATES, default="all", show_default=True, help="Only those of a state.")
@click.option("--code", default="", help="Only those with this code.")
@click.option("--by", default="", help="Only those of a person.")
@OF_IMPORT
@click.option("--limit", default=100, type=click.IntRange(1), show_default=True, help="How many, the newest first.")
@STATE_OPTION
@DATABASE_OPTION
def list_(wanted: str, code: str, by: str, of_import: int | None, limit: int, state: Path, database: str) -> None:
    """List corrections, the newest first."""
    from isco_rag.show_corrections import show_corrections
    from isco_rag.store import corrections as stored
    from isco_rag.store.database import open_store

    with open_store(state, database).read() as db:
        found = stored.listed(db, state="" if wanted == "all" else wanted, code=code, by=by, import_id=of_import or 0, limit=limit)
        show_corrections(found, stored.counted(db))


def deciding(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options that say which corrections it decides about, why, and for whom."""
    for option in (DATABASE_OPTION, STATE_OPTION, BY, REASON, CODE, OF_IMPORT, NUMBERS):
        command = option(command)
    return command


@corrections.command()
@deciding
def revert(**chosen: Any) -> None:
    """Take corrections back, by number or all of an import; held ones are dropped by that."""
    from isco_rag.show_corrections import decide
    from isco_rag.store import corrections as stored

    click.echo(f"{decide(stored.revert, **chosen):,} taken back")


@corrections.command()
@deciding
def release(**chosen: Any) -> None:
    """Let held corrections go into the index, by number or all of an import."""
    from isco_rag.show_corrections import decide
    from isco_rag.store import corrections as stored

    click.echo(f"{decide(stored.release, standing='held', **chosen):,} released")


@corrections.command()
@click.argument("number", type=click.IntRange(1))
@REASON
@BY
@STATE_OPTION
@DATABASE_OPTION
def adjudicate(number: int, reason: str, by: str, state: Path, database: str) -> None:
    """Uphold the disputed correction NUMBER; the others of its text are taken back."""
    from isco_rag.store import corrections as stored
    from isco_rag.store.database import open_store

    with open_store(state, database).write() as db:
        others = stored.disputed_with(db, stored.one(db, number))
        found = stored.adjudicate(db, by, number, reason)
    click.echo(f"correction {number} stands: {found.code}; taken back: {', '.join(str(other.id) for other in others)}")


@corrections.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="CSV file to write.")
@click.option("--only", "wanted", type=STATES, default="active", show_default=True, help="Only those of a state.")
@STATE_OPTION
@DATABASE_OPTION
def export(output: Path, wanted: str, state: Path, database: str) -> None:
    """Write corrections as CSV, which `isco-rag corrections import` reads back."""
    from isco_rag.show_corrections import export_to

    count = export_to(output, "" if wanted == "all" else wanted, state, database)
    click.echo(f"{count:,} corrections written: {output}")
