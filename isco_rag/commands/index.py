"""The live index of a state folder: what it holds, and a new generation of it."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from isco_rag.commands.options import (
    CHAMPION_OPTION,
    DATABASE_OPTION,
    INDEX_OPTION,
    SETTINGS_OPTION,
    STATE_OPTION,
    WHO,
    chosen_settings,
)

if TYPE_CHECKING:
    from isco_rag.classify import Classifier
    from isco_rag.learn.follow import IndexStatus
    from isco_rag.store.database import Store


@click.group()
def index() -> None:
    """See and rebuild the index that corrections go into; give the settings that the service has."""


@index.command()
@click.option("--json", "as_json", is_flag=True, help="Print the status as JSON.")
@STATE_OPTION
@DATABASE_OPTION
@CHAMPION_OPTION
@SETTINGS_OPTION
@INDEX_OPTION
def status(
    as_json: bool, state: Path, database: str, bundle: Path | None, settings_file: Path | None, index_also: tuple[Path, ...]
) -> None:
    """Tell generation, size, tail and memory, and how far behind the corrections it is."""
    import msgspec

    from isco_rag.learn.follow import status_of

    store, classifier = _opened(state, database, bundle, settings_file, index_also)
    found = status_of(classifier, store)
    click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode() if as_json else told(found))


@index.command()
@STATE_OPTION
@DATABASE_OPTION
@CHAMPION_OPTION
@SETTINGS_OPTION
@INDEX_OPTION
def rebuild(state: Path, database: str, bundle: Path | None, settings_file: Path | None, index_also: tuple[Path, ...]) -> None:
    """Make a new generation from the bundle's entries and all corrections.

    The service may run meanwhile: it answers from the generation before, and goes over to the new one by itself.
    """
    from isco_rag.learn.follow import rebuild_index
    from isco_rag.store import audit

    store, classifier = _opened(state, database, bundle, settings_file, index_also)
    found = rebuild_index(classifier, store)
    with store.write() as db:
        audit.append(db, WHO, "index.rebuild", "index", model=classifier.parts.name)
    click.echo(told(found))


def _opened(
    state: Path, database: str, bundle: Path | None, settings_file: Path | None, index_also: tuple[Path, ...]
) -> "tuple[Store, Classifier]":
    from isco_rag.learn import registry
    from isco_rag.store.database import open_store
    from isco_rag.wiring import open_classifier

    store = open_store(state, database)
    return store, open_classifier(registry.answering(store, bundle), chosen_settings(settings_file, None, index_also))


def told(found: "IndexStatus") -> str:
    """The status in words, a line for each thing.

    >>> from isco_rag.learn.follow import IndexStatus
    >>> print(told(IndexStatus("isco08-2", 3, 1010, 10, 1006, 4, 1, "exact", 2_500_000, 14, 15, 1, 0, "2026-01-02T03:04:05Z")))
    index of isco08-2, generation 3 of 2026-01-02T03:04:05Z
    entries      1,010 can be found, 10 of them corrections
    base         1,006
    tail         4 since the generation was made; 1 taken out
    layout       exact, 2.5 MB
    last change  14 of 15: 1 still to follow
    """
    behind = f"{found.behind:,} still to follow" if found.behind else "it holds every correction"
    lines = [
        f"index of {found.bundle}, generation {found.generation} of {found.created}",
        f"entries      {found.entries:,} can be found, {found.corrections:,} of them corrections",
        f"base         {found.base:,}",
        f"tail         {found.tail:,} since the generation was made; {found.removed:,} taken out",
        f"layout       {found.layout}, {found.memory / 1e6:.1f} MB",
        f"last change  {found.change:,} of {found.last_change:,}: {behind}",
    ]
    if found.damaged:
        lines.append(f"damaged      {found.damaged:,} lines of the journal, left by a process that was killed while it wrote")
    return "\n".join(lines)
