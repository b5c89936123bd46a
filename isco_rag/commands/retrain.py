"""A challenger trained from the champion and the corrections."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from isco_rag.commands.options import BASE_OPTION, BY_OPTION, DATABASE_OPTION, SETTINGS_OPTION, STATE_OPTION

if TYPE_CHECKING:
    from isco_rag.types import Entry


@click.command()
@click.option("--until", type=click.IntRange(1), help="Number of the last correction to learn; default: the last there is.")
@click.option(
    "--budget",
    default=30.0,
    type=click.FloatRange(1),
    show_default=True,
    help="Minutes that it may take; what does not fit is left out, and said.",
)
@click.option("--name", default="", help="Name of the new model; default: the champion's with the last correction's number.")
@click.option("--if-new", type=click.IntRange(1), help="Do nothing unless there are so many corrections that the champion has not learned.")
@click.option(
    "--gold", multiple=True, type=click.Path(path_type=Path),
    help="CSV file of coded records that the model will be judged on, besides those of the settings: corrections that are among them teach nothing.",
)  # fmt: skip
@BY_OPTION
@STATE_OPTION
@DATABASE_OPTION
@BASE_OPTION
@SETTINGS_OPTION
def retrain(
    until: int | None, budget: float, name: str, if_new: int | None, gold: tuple[Path, ...], who: str, state: Path, database: str,
    bundle: Path | None, settings_file: Path | None,
) -> None:  # fmt: skip
    """Train a challenger from the champion and the corrections (needs the extra: pip install 'isco-rag[train]').

    Both encoders, the word model, fusion and calibration are trained further, on all corrections that stand now and on the champion's own
    examples. Where the champion learned corrections itself, training begins at the bundle that it came from. A run that was cut off goes on when it is called again. The challenger answers nobody until it is promoted.
    """
    from isco_rag.errors import UsageError
    from isco_rag.learn import registry
    from isco_rag.learn.places import FOLDER, WORK, manifest_of, name_after
    from isco_rag.settings import load_settings
    from isco_rag.show import StageProgress
    from isco_rag.store import frozen, models
    from isco_rag.store.database import open_store
    from isco_rag.wiring import data_folder, default_bundle

    own = [*map(Path, load_settings(settings_file).gate.gold), *gold]
    store = open_store(state, database)
    base = bundle or default_bundle()
    champion = registry.champion_of(store, base)
    begin = registry.beginning(store, base, champion)
    with store.read() as db:
        learned = manifest_of(champion.folder).until
        new, last = models.new_corrections(db, learned), frozen.last(db)
        taught = frozen.taught(db, until or last)
    if if_new and new < if_new:
        click.echo(f"{new:,} new corrections since {champion.name}, {if_new:,} wanted: nothing to do")
        return
    try:
        from isco_rag.learn.retrain import Order, retrain
        from isco_rag.train.kitchen import Report
    except ImportError as error:
        raise UsageError(f"retraining needs more packages ({error.name} is missing): pip install 'isco-rag[train]'") from error
    shipped = data_folder() / "gold"
    name = name or name_after(champion.name, until or last)
    order = Order(begin.folder, until or last, 60 * budget, state / WORK, state / FOLDER, shipped if shipped.is_dir() else None, name)
    paths = [*sorted(shipped.glob("*.csv")), *own]
    with StageProgress() as progress:
        made = retrain(order, taught, _gold_like(paths, champion.folder), Report(progress.say, progress.step))
    found = registry.register(store, who, made.name)
    click.echo(
        f"{found.name}: learned {found.corrections:,} corrections up to number {found.until}; judge it with: isco-rag promote {found.name}"
    )


def _gold_like(paths: Sequence[Path], champion: Path) -> "Callable[[Sequence[Entry]], Collection[str]]":
    """Says which entries are gold rows or near them."""
    from isco_eval.duel import gold_like

    from isco_rag.taxonomy import load_taxonomy

    return gold_like(paths, load_taxonomy(champion / "taxonomy"))
