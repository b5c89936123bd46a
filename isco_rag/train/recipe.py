"""What a bundle is made from: a recipe in TOML, or the shipped recipe with a table of one's own coded records in it."""

import tomllib
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct, field

from isco_rag.errors import TrainingError
from isco_rag.rerank import PAIR_TOKENS
from isco_rag.train.biencoder import Shape
from isco_rag.train.ngrams import NgramSettings
from isco_rag.train.running import Schedule

Share = Annotated[float, Meta(ge=0, le=1)]


class ListSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How many jobs the cross-encoder reads in training, and how many candidates of each."""

    queries: int = 110_000
    size: int = 6


class Recipe(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything a bundle is made from; see recipe.toml for what each line means."""

    name: str
    taxonomy: Path
    examples: Path
    gold: Path | None = None
    shared: Path | None = None
    pointers: Path | None = None
    evaluation: Path | None = None
    licences: Path | None = None
    own: tuple[Path, ...] = ()
    corrections: Path | None = None
    until: int = 0
    parent: Path | None = None
    base: str = ""
    device: str = ""
    seed: int = 8
    held_out: Share = 0.05
    languages: tuple[str, ...] = ("en",)
    # Of corrections, the share that only fusion and calibration read; of all other rows, the share that the bi-encoder reads again beside them.
    corrections_held: Share = 0.2
    corrections_times: int = 1
    replay: Share = 1.0
    ambiguous: Share = 0.4
    written: int = 1
    told: Share = 0.25
    varied: Share = 0.35
    average: Share = 1.0
    keep: float = 0.0
    # Bundles, or work folders of other recipes, whose encoders read the same rows; the share of the loss that follows what they think together; and
    # whether they are asked about titles that nobody coded, too.
    tutors: tuple[Path, ...] = ()
    tutored: Share = 0.7
    imagined: bool = False
    # How far a row counts by the quality of its source (1: as measured, 0: all rows alike), and of the rows that the encoder would get wrong when
    # training begins, the share that learns to stay away from that very group.
    trust: Share = 1.0
    hard_negatives: Share = 0.0
    encoder: Shape = field(default_factory=Shape)
    distil: Schedule = field(default_factory=Schedule)
    fine_tune: Schedule = field(default_factory=Schedule)
    words: NgramSettings = field(default_factory=NgramSettings)
    reranker_layers: int = 2
    rerank_lists: ListSettings = field(default_factory=ListSettings)
    rerank_train: Schedule = field(default_factory=Schedule)


def load_recipe(path: Path) -> Recipe:
    """The recipe in a TOML file; TrainingError where it is missing, has an unknown line, or names an input that is not there."""
    try:
        recipe = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Recipe, dec_hook=lambda t, v: t(v))
    except (OSError, UnicodeDecodeError) as error:
        raise TrainingError(f"{path}: can't be read ({error}); check the path") from error
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise TrainingError(f"{path}: {error}; isco_rag/train/recipe.toml shows every line") from error
    return checked(recipe, str(path))


def recipe_for(tables: tuple[Path, ...], data: Path, bundle: Path) -> Recipe:
    """The recipe for coded records of one's own: the shipped encoders and examples, trained further with these records in.

    `data` is the project's data folder, `bundle` the one to begin from.
    """
    quick = Schedule(epochs=1.0, rate=1e-4)
    recipe = Recipe(
        name=f"own-{tables[0].stem}",
        taxonomy=data / "isco08",
        examples=data / "examples",
        gold=data / "gold",
        own=tables,
        parent=bundle,
        average=0.5,
        fine_tune=quick,
        # The parent's word model has read half a million texts that are not here: a little, so that it keeps them.
        words=NgramSettings(epochs=2, rate=0.003),
        rerank_train=Schedule(epochs=0.0),
    )
    return checked(recipe, ", ".join(map(str, tables)))


def checked(recipe: Recipe, named: str) -> Recipe:
    """The recipe, if all that it names is there and fits together."""
    r = recipe
    for needed in (r.corrections, r.shared, r.pointers, r.evaluation, r.examples, r.gold, r.taxonomy, r.parent, *r.tutors, *r.own):
        if needed is not None and not needed.exists():
            raise TrainingError(f"{named} names {needed}, which is not there; put it there or change the recipe")
    for tutor in r.tutors:
        if not (tutor / "prototypes.npy").exists():
            raise TrainingError(
                f"{tutor}: is neither a bundle nor a work folder whose encoder is finished; train it first (--stage fine_tune)"
            )
    if r.imagined and not r.tutors:
        raise TrainingError(f"{named}: imagined titles have no codes, so they need tutors; name these or leave the line out")
    if r.parent and r.base:
        raise TrainingError(f"{named}: names both a parent bundle and a base model; training begins from one of them")
    if r.parent and not (r.parent / "weights" / "encoder").is_dir():
        raise TrainingError(f"{r.parent}: holds no weights to train further; name a bundle that was not stripped of them")
    if not (r.parent or r.base) and (r.encoder.max_length < PAIR_TOKENS or not 0 < r.reranker_layers <= r.encoder.layers):
        raise TrainingError(f"{named}: the encoder's max_length must be {PAIR_TOKENS} or more, reranker_layers 1 to the encoder's layers")
    return recipe
