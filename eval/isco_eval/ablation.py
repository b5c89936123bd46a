"""What each part of the encoder's training earns: the bi-encoder of a recipe trained with and without it, on the same rows and seed.

Only the encoder is trained and judged, by its prototypes alone: the likeliest unit group is the one whose prototype is nearest. What a part
moves in the whole coder is less, since word model, nearest entries and like titles stand in for each other.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from isco_eval.bootstrap import Figure, Key, estimate, ratios
from isco_eval.gold import Gold, read_suite
from isco_eval.learning.stream import kept
from isco_eval.parts import percent, points
from isco_eval.suite import find_suite
from isco_rag.errors import CoderError
from isco_rag.show import StageProgress
from isco_rag.wiring import open_classifier

SUITES = ("ilo_index_dev", "ads_real_dev", "survey_like_dev", "ads_generated_dev", "jobbert_dev", "written")
AS_IS = "as the recipe has it"
# Lines of the recipe that each variant has otherwise.
VARIANTS: dict[str, dict[str, object]] = {
    AS_IS: {},
    "with a teacher's term": {"keep": 3.0},
    "without a teacher's term": {"keep": 0.0},
    "titles never changed": {"varied": 0.0},
    "titles never joined with duties": {"told": 0.0},
    "without ambiguous crosswalk rows": {"ambiguous": 0.0},
    "without written examples": {"written": 0},
    "sources count alike": {"trust": 0.0},
    "with hard negatives": {"hard_negatives": 1.0},
    "without tutors": {"tutors": (), "imagined": False},
    "without imagined titles": {"imagined": False},
}
RESAMPLES = 2000

Right = NDArray[np.bool_]


class Line(Struct, frozen=True):
    """A variant on a gold sample: the share of records right, and what it gained over the recipe as it is."""

    right: Figure
    gained: Figure


def trained(recipe_file: Path, variant: str, epochs: float, golds: Sequence[Gold], work: Path) -> Right:
    """Which records of the gold samples, one after the other, the encoder of a variant gets right; what the work folder has is not done again.

    TrainingError where the folder was begun with another recipe, another schedule or other inputs.
    """
    from isco_rag.train.biencoder import embed
    from isco_rag.train.kitchen import Kitchen, Report
    from isco_rag.train.recipe import load_recipe

    folder = work / variant.replace(" ", "_").replace("'", "")
    plan = load_recipe(recipe_file)
    schedule = msgspec.structs.replace(plan.fine_tune, epochs=epochs or plan.fine_tune.epochs)
    plan = msgspec.structs.replace(plan, fine_tune=schedule, **VARIANTS[variant])

    with StageProgress() as progress:
        kitchen = Kitchen(plan, folder, Report(progress.say, progress.step))

        def right() -> Right:
            classifier, taxonomy = open_classifier(), kitchen.taxonomy
            vectors = embed(kitchen.fine_tune(), [classifier.prepare(job).told for gold in golds for job in gold.jobs]).astype(np.float32)
            near = [taxonomy.leaves[i] for i in (vectors @ np.load(folder / "prototypes.npy").T).argmax(1).tolist()]
            codes = [code for gold in golds for code in gold.codes]
            return np.array([taxonomy.ancestor(leaf, taxonomy.group(code).level) == code for leaf, code in zip(near, codes, strict=True)])

        return kept(folder / f"right_{sum(len(gold.jobs) for gold in golds)}.npy", right)


def compared(right: Right, first: Right, seed: int) -> Line:
    """The share of records right, and its difference from the first's with the interval of paired resamples."""
    ones = np.ones(len(right))
    share = ratios([Key("top 1")], [right.astype(float)], [ones], shares=True)
    change = ratios([Key("gained")], [right.astype(float) - first], [ones])
    return Line(*estimate([share, change], len(right), RESAMPLES, seed))


def table(found: dict[str, list[Line]], golds: Sequence[Gold]) -> list[str]:
    """The lines of a Markdown table: the first variant in percent, the others in points of difference from it."""
    head = ["", *(f"{gold.name}, {len(gold.jobs):,}" for gold in golds)]
    rows = [head, ["---"] * len(head)]
    for name, lines in found.items():
        rows.append([name, *(percent(line.right) if name == AS_IS else points(line.gained) for line in lines)])
    return [f"| {' | '.join(row)} |" for row in rows]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("recipe", type=click.Path(exists=True, path_type=Path))
@click.option("--variant", "variants", multiple=True, type=click.Choice(list(VARIANTS)), help="Only these, beside the recipe as it is.")
@click.option("--epochs", default=0.0, type=click.FloatRange(0), help="Epochs of fine-tuning; 0 is what the recipe says.")
@click.option(
    "--limit", default=3000, show_default=True, type=click.IntRange(0), help="Rows of each suite, drawn by a fixed shuffle; 0 is all."
)
@click.option(
    "--work", required=True, type=click.Path(path_type=Path), help="Folder for what each variant leaves; a second run goes on there."
)
def main(recipe: Path, variants: tuple[str, ...], epochs: float, limit: int, work: Path) -> None:
    """Train the bi-encoder of a recipe as it is and with one thing changed at a time, and print what each earns."""
    taxonomy = open_classifier().taxonomy
    golds = [read_suite(msgspec.structs.replace(find_suite(name), limit=limit), taxonomy) for name in SUITES]
    ends = np.cumsum([len(gold.jobs) for gold in golds])[:-1]
    right = {name: np.split(trained(recipe, name, epochs, golds, work), ends) for name in dict.fromkeys((AS_IS, *(variants or VARIANTS)))}
    found = {name: [compared(mine, first, 8) for mine, first in zip(rows, right[AS_IS], strict=True)] for name, rows in right.items()}
    click.echo("\n".join(table(found, golds)))


if __name__ == "__main__":
    try:
        main()
    except CoderError as error:
        click.echo(f"ablation: {error}", err=True)
        sys.exit(error.exit_code)
    except ImportError as error:
        click.echo(f"ablation: training needs more packages ({error.name} is missing): pip install 'isco-rag[train]'", err=True)
        sys.exit(2)
