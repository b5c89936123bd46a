"""The held-out rows of a bundle's recipe as gold files: rows that no encoder, no fusion and no calibration was fitted on.

Training sets rows apart by rules that depend on its inputs and its seed alone (isco_rag.train.gather), so the very rows come out again:

- mixed.csv: the quarter of the held-out rows that only conformal sets were fitted on, of every source as they come: English titles of the
  published lists, titles of other languages, written examples with and without their titles;
- languages.csv: held-out titles of other languages that nothing was fitted on.

A text that stands among the rows which an encoder, fusion or calibration read is left out, so are duties that stand there, with another title or
none, and each text is taken once under a code.
"""

import csv
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from isco_eval.suite import PART, suite_folders
from isco_rag.bundle import file_hash
from isco_rag.errors import AbsentError, EvaluationError
from isco_rag.taxonomy import load_taxonomy
from isco_rag.text import key
from isco_rag.train.corpus import Row
from isco_rag.train.gather import INDEXED, SETS, gather, held_jobs
from isco_rag.train.recipe import Recipe
from isco_rag.types import Job, Manifest

HEADER = ("id", "title", "duties", "industry", "isco08_code", "language", "source", "untold")


def default_folder() -> Path:
    """Where the shipped suites look for these files: output/held of the checkout."""
    return suite_folders()[-1].parent.parent / "output" / "held"


def write_held(manifest: Manifest, root: Path, folder: Path) -> dict[str, Counter[str]]:
    """Writes both files into `folder`; how many rows each has, mixed.csv by source and languages.csv by language.

    Paths of the recipe are relative to `root`. AbsentError where an input is not here, EvaluationError where it is not the one of the training.
    """
    recipe = recipe_of(manifest, root)
    data = gather(recipe, load_taxonomy(recipe.taxonomy))
    held = held_jobs(data.held, recipe.seed)
    read = {_said(job) for job, part in zip(held.jobs, held.parts, strict=True) if part != SETS}
    read |= {(key(row.text), key(row.duties), key(row.industry)) for row in data.train if row.is_title}
    titles, duties = {title for title, _, _ in read}, {duties for _, duties, _ in read}

    def unread(job: Job) -> bool:
        # An example with and without its title are two rows of one account, and each serves for what is drawn for it.
        return _said(job) not in read and (key(job.duties) not in duties if job.duties else key(job.title) not in titles)

    mixed = [(row, job) for row, job, part in zip(held.rows, held.jobs, held.parts, strict=True) if part == SETS and unread(job)]
    spare = [(row, job) for row in data.spare if unread(job := Job(row.text, language=row.language))]
    folder.mkdir(parents=True, exist_ok=True)
    return {
        "mixed.csv": _write(folder / "mixed.csv", mixed, "source"),
        "languages.csv": _write(folder / "languages.csv", spare, "language"),
    }


def recipe_of(manifest: Manifest, root: Path) -> Recipe:
    """The recipe that a bundle was made by, with its paths under `root`; its inputs are those of the training, by their hashes."""
    named = msgspec.convert(manifest.recipe, Recipe, dec_hook=lambda kind, value: kind(value))
    places = {
        field: root / path
        for field in ("taxonomy", "examples", "gold", "shared", "pointers", "evaluation")
        if (path := getattr(named, field))
    }
    absent = [str(path) for path in places.values() if not path.exists()]
    if absent or named.own:
        raise AbsentError(
            f"the held-out rows of {manifest.name} can't be found again: {', '.join([*absent, *map(str, named.own)])} must be here as in its "
            "training; put them there, or measure on another suite"
        )
    for field in ("shared", "pointers"):
        path = places.get(field)
        if path and (wanted := manifest.inputs.get(f"{path.parent.name}/{path.name}")) and file_hash(path) != wanted:
            raise EvaluationError(
                f"{path}: is not the file that {manifest.name} was trained on (the manifest names {wanted}, the file has {file_hash(path)}); restore it"
            )
    return msgspec.structs.replace(named, **places, licences=None, parent=None)


def _write(path: Path, pairs: Sequence[tuple[Row, Job]], counted: str) -> Counter[str]:
    rows = list(_distinct(pairs))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(
            [ident, job.title, job.duties, job.industry, row.codes[0], row.language, row.source, ""] for ident, row, job in rows
        )
    return Counter(getattr(row, counted) for _, row, _ in rows)


def _distinct(pairs: Sequence[tuple[Row, Job]]) -> Iterator[tuple[str, Row, Job]]:
    """Each text once under a code and a language, with its id: an example's own, or a hash of what it is."""
    seen: set[tuple[object, ...]] = set()
    for row, job in pairs:
        told = (row.language, row.codes, *_said(job))
        if told not in seen:
            seen.add(told)
            ident = row.occupation if row.source in INDEXED else _digest(row)
            yield ident + ("" if job.title == row.text else f"{PART}told"), row, job


def _said(job: Job) -> tuple[str, str, str]:
    return key(job.title), key(job.duties), key(job.industry)


def _digest(row: Row) -> str:
    told = "|".join((row.source, row.occupation, row.codes[0], row.language, key(row.text)))
    return f"{row.source}:{hashlib.blake2b(told.encode(), digest_size=6).hexdigest()}"
