"""Keys for programs."""

from pathlib import Path

import click

from isco_rag.commands.options import DATABASE_OPTION, STATE_OPTION, WHO


@click.group()
def keys() -> None:
    """Manage the keys by which programs call the REST API."""


@keys.command()
@click.argument("user")
@click.option("--name", required=True, help="Which program uses the key.")
@click.option(
    "--scope", "scopes", multiple=True, required=True, help="classify, jobs, review, corrections, quality, audit or admin; repeat for more."
)
@click.option("--days", default=365, show_default=True, help="Days until it expires.")
@click.option("--per-minute", default=6000, show_default=True, help="Requests a minute.")
@STATE_OPTION
@DATABASE_OPTION
def create(user: str, name: str, scopes: tuple[str, ...], days: int, per_minute: int, state: Path, database: str) -> None:
    """Make a key for a user's programs. It is printed once and never shown again."""
    from isco_rag.store import keys as store_keys
    from isco_rag.store.database import open_store

    with open_store(state, database).write() as db:
        secret, key = store_keys.create(db, WHO, user, name, scopes, days, per_minute)  # type: ignore[arg-type]
    click.echo(secret)
    click.echo(f"key {key.id} of {user}, until {key.expires[:10]}; keep it now, it is not shown again", err=True)


@keys.command("list")
@STATE_OPTION
@DATABASE_OPTION
def list_(state: Path, database: str) -> None:
    """List the keys without their secrets."""
    from isco_rag.show import console, plain_table
    from isco_rag.store import keys as store_keys
    from isco_rag.store.clock import now
    from isco_rag.store.database import open_store

    with open_store(state, database).read() as db:
        found = store_keys.listed(db)
    table = plain_table("key", "begins", "program", "user", "scopes", "expires", "last use", "state")
    for key in found:
        standing = "revoked" if key.revoked else "expired" if key.expires <= now() else "active"
        table.add_row(str(key.id), key.hint, key.name, key.user, " ".join(key.scopes), key.expires[:10], key.used[:16] or "never", standing)
    console().print(table)


@keys.command()
@click.argument("number", type=int)
@STATE_OPTION
@DATABASE_OPTION
def revoke(number: int, state: Path, database: str) -> None:
    """Revoke a key; the next request with it is refused."""
    from isco_rag.store import keys as store_keys
    from isco_rag.store.database import open_store

    with open_store(state, database).write() as db:
        key = store_keys.revoke(db, WHO, number)
    click.echo(f"key {key.id} ({key.name}) is revoked")
