"""The people who may log in."""

import getpass
import sys
from pathlib import Path

import click

from isco_rag.commands.options import DATABASE_OPTION, STATE_OPTION, WHO

ROLES = click.Choice(["viewer", "coder", "reviewer", "administrator"])


@click.group()
def users() -> None:
    """Manage the people who may log in. The running service sees a change at once."""


def _password(name: str) -> str:
    """The new password: asked twice on a terminal, else the first line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass(f"Password for {name}: ")
    if getpass.getpass("Again: ") != first:
        raise click.ClickException("the two are not the same; nothing was changed")
    return first


@users.command()
@click.argument("name")
@click.option(
    "--role", type=ROLES, default="coder", show_default=True, help="What the user may do; each role may do what those before it may."
)
@STATE_OPTION
@DATABASE_OPTION
def add(name: str, role: str, state: Path, database: str) -> None:
    """Add a user; the password is asked for, or read from standard input."""
    from isco_rag.store import users as people
    from isco_rag.store.database import open_store

    store = open_store(state, database)
    password = _password(name)
    with store.write() as db:
        people.add(db, WHO, name, password, role)  # type: ignore[arg-type]
    click.echo(f"added {name} as {role}")


@users.command("list")
@STATE_OPTION
@DATABASE_OPTION
def list_(state: Path, database: str) -> None:
    """List the users."""
    from isco_rag.show import console, plain_table
    from isco_rag.store import users as people
    from isco_rag.store.database import open_store

    with open_store(state, database).read() as db:
        found = people.listed(db)
    table = plain_table("name", "role", "state", "added", "last login")
    for user in found:
        table.add_row(user.name, user.role, "disabled" if user.disabled else "active", user.created[:10], user.seen[:16] or "never")
    console().print(table)


@users.command()
@click.argument("name")
@click.option("--undo", is_flag=True, help="Let the user in again.")
@STATE_OPTION
@DATABASE_OPTION
def disable(name: str, undo: bool, state: Path, database: str) -> None:
    """Keep a user out: its logins end, its keys are refused."""
    from isco_rag.store import users as people
    from isco_rag.store.database import open_store

    with open_store(state, database).write() as db:
        people.change(db, WHO, name, disabled=not undo)
    click.echo(f"{name} is {'active' if undo else 'disabled'}")


@users.command()
@click.argument("name")
@STATE_OPTION
@DATABASE_OPTION
def password(name: str, state: Path, database: str) -> None:
    """Give a user another password; it is asked for, or read from standard input."""
    from isco_rag.store import users as people
    from isco_rag.store.database import open_store

    store = open_store(state, database)
    with store.read() as db:
        people.named(db, name)
    new = _password(name)
    with store.write() as db:
        people.set_password(db, WHO, name, new)
    click.echo(f"{name} has another password; its logins have ended")
