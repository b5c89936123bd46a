"""Flags for experts."""

from pathlib import Path

import click

from isco_rag.commands.options import CHAMPION_OPTION, DATABASE_OPTION, SETTINGS_OPTION, STATE_OPTION, WHO

KINDS = click.Choice(["twins", "voices", "neighbours", "drift"])


@click.command()
@click.option("--kind", type=KINDS, help="Only these: twins, voices, neighbours or drift.")
@click.option("--under", default="", help="Only those about codes under this one.")
@click.option("--closed", is_flag=True, help="Those that were closed, with the reason.")
@click.option("--find/--no-find", default=True, show_default=True, help="Look for new ones first.")
@click.option("--limit", default=50, type=click.IntRange(1), show_default=True, help="How many to show.")
@STATE_OPTION
@DATABASE_OPTION
@CHAMPION_OPTION
@SETTINGS_OPTION
def flags(
    kind: str | None, under: str, closed: bool, find: bool, limit: int, state: Path, database: str, bundle: Path | None, settings_file: Path | None
) -> None:  # fmt: skip
    """Flag what contradicts itself, and list it: nearly the same text with different codes (twins), the coder's own voices against each
    other (voices), a decision against its nearest examples (neighbours), a coder who differs from the others beyond doubt (drift).
    """
    from isco_rag.flagging import raise_flags
    from isco_rag.learn import registry
    from isco_rag.learn.follow import as_served
    from isco_rag.settings import load_settings
    from isco_rag.show import Working
    from isco_rag.show_corrections import show_flags
    from isco_rag.store import flags as stored
    from isco_rag.store.database import open_store
    from isco_rag.store.reviews import codes_under
    from isco_rag.wiring import default_taxonomy, open_classifier

    store = open_store(state, database)
    if find and not closed:
        classifier = as_served(open_classifier(registry.answering(store, bundle), load_settings(settings_file)), store)
        with Working("looking", None) as step:
            new, gone = raise_flags(store, classifier, WHO, step)
        click.echo(f"{new:,} new flags, {gone:,} closed since what they were about was taken back")
    codes = codes_under(default_taxonomy(), under) if under else ()
    with store.read() as db:
        found = stored.listed(db, state="closed" if closed else "open", kind=kind or "", codes=codes, limit=limit)
        show_flags(found, stored.counted(db), stored.told(db, {ref for one in found for ref in one.about}))


@click.command("close-flag")
@click.argument("number", type=click.IntRange(1))
@click.option("--reason", required=True, help="Why; it stays beside the flag.")
@click.option("--by", default=WHO, show_default=True, help="Who closes it.")
@STATE_OPTION
@DATABASE_OPTION
def close_flag(number: int, reason: str, by: str, state: Path, database: str) -> None:
    """Close flag NUMBER; the same is not flagged again."""
    from isco_rag.store import flags as stored
    from isco_rag.store.database import open_store

    with open_store(state, database).write() as db:
        found = stored.close(db, by, number, reason)
    click.echo(f"flag {number} ({found.kind}) is closed")
