"""The state saved and brought back."""

from pathlib import Path

import click

from isco_rag.commands.options import DATABASE_OPTION, STATE_OPTION


@click.command()
@click.argument("target", type=click.Path(path_type=Path))
@STATE_OPTION
@DATABASE_OPTION
def backup(target: Path, state: Path, database: str) -> None:
    """Save the whole state to the file TARGET while the service runs; the audit trail in it is verified."""
    from isco_rag.store import backup as saving
    from isco_rag.store.database import open_store

    found = saving.back_up(open_store(state, database), target)
    click.echo(f"saved: {target}; {found.rows:,} audit rows, whole; head {found.head or '-'}")


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@STATE_OPTION
@DATABASE_OPTION
def restore(source: Path, state: Path, database: str) -> None:
    """Bring the backup SOURCE back into an empty state folder or database. Stop the service first."""
    from isco_rag.store import backup as saving

    found = saving.restore(source, state, database)
    click.echo(f"restored from {source}; {found.rows:,} audit rows, whole")
