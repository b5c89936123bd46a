"""A bundle trained from a recipe, or from coded records of one's own."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from isco_rag.train import STAGES
from isco_rag.types import Metric

if TYPE_CHECKING:
    from isco_rag.classify import Classifier


@click.command()
@click.argument("sources", metavar="RECIPE.toml | CODED.csv...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--work", required=True, type=click.Path(path_type=Path), help="Folder for what each stage leaves; a second run goes on there."
)
@click.option("--bundle", required=True, type=click.Path(path_type=Path), help="Where to put the finished bundle.")
@click.option(
    "--stage",
    type=click.Choice((*STAGES, "fit")),
    help="Run this stage and those that it needs, and stop there. 'fit' needs none: it learns the fusion and the calibration of the bundle anew.",
)
def train(sources: tuple[Path, ...], work: Path, bundle: Path, stage: str | None) -> None:
    """Train a bundle (needs the extra: pip install 'isco-rag[train]').

    From a recipe, or from tables of coded records with a column of titles or duties and one of codes: then training begins at the shipped
    bundle and its examples. What was there at --bundle stays until the new one is whole.
    """
    from isco_eval.judge import figures_of

    from isco_rag.errors import UsageError
    from isco_rag.show import StageProgress
    from isco_rag.wiring import data_folder, default_bundle

    try:
        from isco_rag.train.assemble import assemble, refit
        from isco_rag.train.kitchen import Kitchen, Report
        from isco_rag.train.recipe import load_recipe, recipe_for
    except ImportError as error:
        raise click.ClickException(f"training needs more packages ({error.name} is missing): pip install 'isco-rag[train]'") from error
    recipes = [path for path in sources if path.suffix == ".toml"]
    if recipes and len(sources) > 1:
        raise UsageError(f"{recipes[0]}: a recipe names all that it needs; put the tables in its line own = [...]")
    plan = load_recipe(recipes[0]) if recipes else recipe_for(sources, data_folder(), default_bundle())

    def judge(classifier: "Classifier") -> tuple[Metric, ...]:
        folders = [folder for folder in (plan.gold, plan.evaluation) if folder]
        found = figures_of(classifier, [path for folder in folders for path in sorted(folder.glob("*.csv"))], 3000)
        return tuple(msgspec.structs.replace(m, name=f"{gold}: {m.name}") for gold, metrics in found.items() for m in metrics)

    with StageProgress() as progress:
        kitchen = Kitchen(plan, work, Report(progress.say, progress.step))
        if stage == "fit":
            progress.say(f"fusion and calibration fitted anew in {refit(kitchen, bundle, judge)}")
        elif stage:
            kitchen.run(stage)
            progress.say(f"stage {stage} is done in {work}")
        else:
            progress.say(f"bundle in {assemble(kitchen, bundle, judge)}")
