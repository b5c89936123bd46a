"""What a bundle was fitted on, as far as it can be looked at here: the rows of its recipe, gathered again as training gathered them."""

from pathlib import Path

import msgspec
from msgspec import Struct

from isco_eval.leakage import Texts
from isco_rag.bundle import MANIFEST, file_hash, read_manifest
from isco_rag.taxonomy import Taxonomy
from isco_rag.train.corpus import Row
from isco_rag.train.gather import SETS, gather, held_jobs
from isco_rag.types import Entry, Manifest
from isco_rag.wiring import data_folder


class Training(Struct, frozen=True):
    """Texts of the training data, or none of them; `said` tells what was looked at, or why nothing was."""

    texts: Texts | None
    said: str


class Named(Struct, frozen=True):
    """What of a recipe says which rows there are; see isco_rag.train.recipe.Recipe, which needs torch."""

    shared: Path | None = None
    pointers: Path | None = None
    examples: Path = Path("data/examples")
    own: tuple[Path, ...] = ()
    corrections: Path | None = None
    evaluation: Path | None = None
    gold: Path | None = None
    parent: Path | None = None
    languages: tuple[str, ...] = ("en",)
    held_out: float = 0.05
    corrections_held: float = 0.2
    seed: int = 8


def open_training(manifest: Manifest, taxonomy: Taxonomy, path: Path | None = None) -> Training:
    """The texts that encoders, word model, fusion and calibration of a bundle were fitted on, in every language.

    Rows that training set apart for the conformal sets, or did not read at all, are not among them; nor are those that it dropped because they
    equal a row of the evaluation folders that its recipe names. What is near such a row stays in it.
    """
    root = data_folder().parent
    recipe = msgspec.convert(manifest.recipe, Named, dec_hook=lambda kind, value: kind(value))
    shared = path or (root / recipe.shared if recipe.shared else None)
    parent = root / recipe.parent if recipe.parent else None
    if shared is None and parent and (parent / MANIFEST).is_file():
        # A bundle that learned corrections alone knows what its parent read.
        found = open_training(read_manifest(parent), taxonomy)
        return Training(found.texts, f"{found.said}; as its parent {parent.name}")
    if shared is None or not shared.is_file():
        return Training(None, f"not looked at: {recipe.shared or 'a list of coded texts'} is not on this machine")
    places = {
        field: (root / named if named else None)
        for field, named in (("pointers", recipe.pointers), ("corrections", recipe.corrections), ("evaluation", recipe.evaluation), ("gold", recipe.gold))
    }  # fmt: skip
    own = tuple(root / table for table in recipe.own)
    absent = [str(place) for place in (*places.values(), *own) if place and not place.exists()]
    here = {field: place for field, place in places.items() if place and place.exists()}
    rows = _fitted_on(
        Named(
            shared, examples=root / recipe.examples, own=tuple(table for table in own if table.exists()), languages=recipe.languages,
            held_out=recipe.held_out, corrections_held=recipe.corrections_held, seed=recipe.seed, **here,
        ),
        taxonomy,
    )  # fmt: skip
    said = f"{len(rows):,} texts of {shared.name}, examples and what else the bundle was fitted on"
    wanted = manifest.inputs.get(f"{shared.parent.name}/{shared.name}")
    if wanted and file_hash(shared) != wanted:
        said += f"; {shared.name} is not the file of its training (another hash)"
    if absent:
        said += f"; not looked at, because not here: {', '.join(absent)}"
    return Training(Texts([_text(row) for row in rows]), said)


def _fitted_on(recipe: Named, taxonomy: Taxonomy) -> list[Row]:
    data = gather(recipe, taxonomy)
    held = held_jobs(data.held, recipe.seed)
    read = {id(row): row for row, part in zip(held.rows, held.parts, strict=True) if part != SETS}
    return [*data.train, *read.values()]


def _text(row: Row) -> Entry:
    """The row as the leakage check compares it: tasks and descriptions are duties; its id is that of its occupation, which says nothing of its text."""
    title, duties = (row.text, row.duties) if row.is_title else ("", row.text)
    ident = row.occupation if row.source == "written" else f"{row.source}:{row.occupation}"
    return Entry(ident, "/".join(row.codes), title, duties, row.source)
