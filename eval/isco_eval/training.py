"""What a bundle was trained on, as far as it can be looked at here: the list of coded texts that its manifest names."""

from pathlib import Path

from msgspec import Struct

from isco_eval.gold import read_titles
from isco_eval.leakage import Texts, title_key
from isco_rag.bundle import file_hash
from isco_rag.tables import choose_columns, read_form, read_rows
from isco_rag.taxonomy import Taxonomy
from isco_rag.text import key, title_text, uninvert
from isco_rag.types import Manifest
from isco_rag.wiring import data_folder


class Training(Struct, frozen=True):
    """Titles of the training data, or none of them; `said` tells what was looked at, or why nothing was."""

    texts: Texts | None
    said: str


def open_training(manifest: Manifest, taxonomy: Taxonomy, path: Path | None = None) -> Training:
    """The English titles of the list that the bundle was trained on, less those that training itself dropped.

    Training drops every title that equals a row of the evaluation folders that its recipe names; what is near such a row stays in it.
    """
    named = manifest.recipe.get("shared")
    root = data_folder().parent
    place = path or (root / str(named) if named else None)
    if place is None or not place.is_file():
        return Training(None, f"not looked at: {named or 'a list of coded texts'} is not on this machine")
    wanted = manifest.inputs.get(place.name)
    if wanted and file_hash(place) != wanted:
        said = f"{place.name}, which is not the file that the bundle was trained on (another hash)"
    else:
        said = f"titles of {place.name} in English"
    dropped: set[str] = set()
    for folder in (manifest.recipe.get("gold"), manifest.recipe.get("evaluation")):
        if folder and (root / str(folder)).is_dir():
            dropped |= _title_rows(root / str(folder))
    titles = [e for e in read_titles(place, taxonomy) if not {key(e.title), key(title_text(e.title))} & dropped]
    return Training(Texts(titles), f"{said} ({len(titles):,} titles)")


def _title_rows(folder: Path) -> set[str]:
    """Keys of the rows of the CSV files in a folder and below that are a title alone, as isco_rag.train.corpus.read_gold_keys makes them."""
    keys: set[str] = set()
    for path in sorted(folder.rglob("*.csv")):
        form = read_form(path)
        columns = choose_columns(form, path, {})
        for row in read_rows(path, form):
            title = row[columns["title"]] if "title" in columns else ""
            if title and not ("duties" in columns and row[columns["duties"]]):
                keys |= {key(title), key(uninvert(title)), key(title_text(title)), title_key(title)}
    return keys
