"""A bundle trained from a recipe."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from isco_rag.types import Metric

if TYPE_CHECKING:
    from isco_rag.classify import Classifier


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option(
    "--work", required=True, type=click.Path(path_type=Path), help="Folder for what each stage leaves; a second run goes on there."
)
@click.option("--bundle", required=True, type=click.Path(path_type=Path), help="Where to put the finished bundle.")
def train(recipe: Path, work: Path, bundle: Path) -> None:
    """Train a bundle from a recipe (needs the extra: pip install 'isco-rag[train]')."""
    from isco_eval.judge import figures_of

    try:
        from isco_rag.train.recipe import Kitchen, load_recipe
    except ImportError as error:
        raise click.ClickException(f"training needs more packages ({error.name} is missing): pip install 'isco-rag[train]'") from error
    plan = load_recipe(recipe)
    kitchen = Kitchen(plan, work, click.echo)

    def judge(classifier: "Classifier") -> tuple[Metric, ...]:
        paths = [path for folder in (plan.gold, plan.evaluation) for path in sorted(folder.glob("*.csv"))]
        return tuple(
            msgspec.structs.replace(m, name=f"{gold}: {m.name}")
            for gold, found in figures_of(classifier, paths, 3000).items()
            for m in found
        )

    kitchen.fine_tune()
    kitchen.reranker()
    click.echo(f"bundle in {kitchen.bundle(bundle, judge)}")
