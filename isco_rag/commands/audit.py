"""The audit trail checked and taken out."""

from pathlib import Path

import click

from isco_rag.commands.options import DATABASE_OPTION, STATE_OPTION


@click.group()
def audit() -> None:
    """Check the audit trail and take it out."""


@audit.command()
@click.option("--head", default="", help="A hash that was noted earlier: it must still be in the trail.")
@STATE_OPTION
@DATABASE_OPTION
def verify(head: str, state: Path, database: str) -> None:
    """Find any row that was changed, removed or reordered; exit code 15 where there is one."""
    from isco_rag.store import audit as trail
    from isco_rag.store.database import open_store

    with open_store(state, database).read() as db:
        found = trail.verify(db, head)
    click.echo(f"{found.rows:,} rows, whole; head {found.head or '-'}")


@audit.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="JSON lines file to write.")
@STATE_OPTION
@DATABASE_OPTION
def export(output: Path, state: Path, database: str) -> None:
    """Write the trail as JSON lines and print its head, to be noted elsewhere."""
    import msgspec

    from isco_rag.errors import UsageError
    from isco_rag.store import audit as trail
    from isco_rag.store.database import open_store

    if output.exists():
        raise UsageError(f"{output}: exists already; choose another name")
    beside = output.with_name(output.name + ".part")
    count, head = 0, ""
    try:
        with open_store(state, database).read() as db, beside.open("wb") as file:
            for row in trail.rows(db):
                file.write(msgspec.json.encode(row) + b"\n")
                count, head = count + 1, row.hash
        beside.replace(output)
    except OSError as error:
        raise UsageError(f"{output}: can't be written ({error.strerror}); choose another place") from None
    finally:
        beside.unlink(missing_ok=True)
    click.echo(f"{count:,} rows written: {output}; head {head or '-'}")
