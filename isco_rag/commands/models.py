"""Models: which there are, what the gate says of one, which one answers."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from isco_rag.commands.options import BASE_OPTION, BY_OPTION, DATABASE_OPTION, SETTINGS_OPTION, STATE_OPTION

if TYPE_CHECKING:
    from isco_rag.classify import Classifier
    from isco_rag.learn.places import Place
    from isco_rag.settings import Settings
    from isco_rag.store.database import Store
    from isco_rag.store.records import Champion, Judged
    from isco_rag.types import Entry

REASON_OPTION = click.option("--reason", default="", help="Why; it stands in the audit trail for ever.")


@click.group()
def models() -> None:
    """See the models that were made here and what the gate said of them."""


@models.command("list")
@STATE_OPTION
@DATABASE_OPTION
@BASE_OPTION
def list_models(state: Path, database: str, bundle: Path | None) -> None:
    """The models, the newest first, and which one is the champion."""
    from isco_rag.learn.places import place_of
    from isco_rag.show import console, plain_table
    from isco_rag.store import models as stored
    from isco_rag.store.database import open_store
    from isco_rag.wiring import default_bundle

    store = open_store(state, database)
    with store.read() as db:
        found, forced, history, row = stored.listed(db), stored.forced(db), stored.history(db), stored.champion(db)
    # The list is there too where the champion's bundle is not.
    champion = row.name if row else place_of(bundle or default_bundle()).name
    table = plain_table("model", "parent", "corrections", "up to", "made", "standing")
    for m in found:
        mark = f"; forced by {forced[m.name].by}: {forced[m.name].reason}" if m.name in forced else ""
        table.add_row(m.name, m.parent, f"{m.corrections:,}", str(m.until), m.created[:16], _standing(m.name, champion, history) + mark)
    if champion not in {m.name for m in found}:
        table.add_row(champion, "", "", "", "", "champion")
    console().print(table)


def _standing(name: str, champion: str, history: "list[Champion]") -> str:
    if name == champion:
        return "champion"
    return "was champion" if any(row.name == name for row in history) else "challenger"


@models.command()
@click.argument("name", required=False, default="")
@STATE_OPTION
@DATABASE_OPTION
def verdicts(name: str, state: Path, database: str) -> None:
    """What the gate said, the newest verdict first; of one model if NAME is given."""
    from isco_rag.store import models as stored
    from isco_rag.store.database import open_store

    with open_store(state, database).read() as db:
        for found in stored.judged(db, name):
            _show(found)


def _show(found: "Judged") -> None:
    click.echo(f"Verdict {found.id}, {found.at[:16]}: {found.words[0]}")
    for word in found.words[1:]:
        click.echo(f"  {word}")


@click.command()
@click.argument("challenger")
@click.option(
    "--gold", multiple=True, type=click.Path(path_type=Path, exists=True),
    help="CSV file of coded records to judge on, may be given several times; default: those of the settings, else the sample that the project ships.",
)  # fmt: skip
@click.option("--judge-only", is_flag=True, help="Keep the verdict and promote nothing.")
@click.option(
    "--force", is_flag=True, help="Promote although the gate refuses; needs --reason and, where there are users, an administrator as --by."
)
@REASON_OPTION
@BY_OPTION
@STATE_OPTION
@DATABASE_OPTION
@BASE_OPTION
@SETTINGS_OPTION
def promote(
    challenger: str, gold: tuple[Path, ...], judge_only: bool, force: bool, reason: str, who: str, state: Path, database: str,
    bundle: Path | None, settings_file: Path | None,
) -> None:  # fmt: skip
    """Judge a challenger against the champion, and make it the champion where it is better beyond doubt.

    Both code the same gold, with the corrections that stand now, on records that neither has seen. The verdict is kept whatever it says. Running
    services go over to the new champion within a second or two, without a gap. Exit code 22 where the gate refuses.
    """
    from isco_rag.errors import RegressionError, UsageError
    from isco_rag.learn import registry
    from isco_rag.learn.places import find
    from isco_rag.settings import load_settings
    from isco_rag.store.database import open_store
    from isco_rag.wiring import data_folder, default_bundle

    if force and not reason.strip():
        raise UsageError("--force needs a reason that will stand for ever; give it with --reason")
    base, store = bundle or default_bundle(), open_store(state, database)
    if force:
        registry.check_administrator(store, who)
    champion, place = registry.champion_of(store, base), find(state, base, challenger)
    if champion.hash == place.hash:
        click.echo(f"{challenger} is the champion already")
        return
    settings = load_settings(settings_file)
    paths = gold or tuple(map(Path, settings.gate.gold)) or tuple(sorted((data_folder() / "gold").glob("*.csv")))
    found = _judged(store, who, champion, place, paths, settings)
    _show(found)
    if judge_only:
        return
    if not found.passed and not force:
        raise RegressionError(f"{challenger} was not promoted; the verdict is kept as number {found.id}")
    now = registry.promote(store, who, base, found.id, reason if force else "")
    click.echo(f"{now.name} is the champion" + (f", forced by {who}: {now.reason}" if now.kind == "forced" else ""))


def _judged(store: "Store", who: str, champion: "Place", challenger: "Place", paths: tuple[Path, ...], settings: "Settings") -> "Judged":
    """The verdict on two bundles as they would serve."""
    from isco_eval.duel import judge_on, known_texts

    from isco_rag.learn import registry
    from isco_rag.learn.gate import decide
    from isco_rag.learn.places import manifest_of
    from isco_rag.show import Working
    from isco_rag.store import frozen
    from isco_rag.store.teaching import entry_of
    from isco_rag.tables import read_form

    manifests = [manifest_of(place.folder) for place in (champion, challenger)]
    with store.read() as db:
        standing, ever = frozen.taught(db, frozen.last(db)), frozen.ever(db, frozen.last(db))
    entries = [entry_of(correction) for correction in standing]
    pair = [_as_served(place, settings, entries) for place in (champion, challenger)]
    known = known_texts(pair, manifests, [entry_of(correction) for correction in ever])
    with Working(f"{champion.name} and {challenger.name}", 2 * sum(read_form(path).rows for path in paths)) as step:
        compared = judge_on(paths, known, step)(pair[0], pair[1])
    decision = decide(settings.gate, (champion.name, challenger.name), compared)
    return registry.keep_verdict(store, who, champion, challenger, decision, compared)


def _as_served(place: "Place", settings: "Settings", entries: "list[Entry]") -> "Classifier":
    from isco_rag.wiring import open_classifier, with_entries

    found = open_classifier(place.folder, settings)
    return with_entries(found, entries) if entries else found


@click.command()
@REASON_OPTION
@BY_OPTION
@STATE_OPTION
@DATABASE_OPTION
@BASE_OPTION
def rollback(reason: str, who: str, state: Path, database: str, bundle: Path | None) -> None:
    """Make the champion before the present one the champion again. Running services follow within a second or two."""
    from isco_rag.learn import registry
    from isco_rag.store.database import open_store
    from isco_rag.wiring import default_bundle

    now = registry.rollback(open_store(state, database), who, bundle or default_bundle(), reason)
    click.echo(f"{now.name} is the champion again")
