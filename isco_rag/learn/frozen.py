"""Corrections as training data: those that stood at one moment, written once, so that a retraining that is cut off goes on with the same."""

import csv
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from isco_rag.bundle import file_hash
from isco_rag.store.records import Correction
from isco_rag.store.teaching import entry_of
from isco_rag.taxonomy import Taxonomy
from isco_rag.types import Entry

FILE, NOTE = "corrections.csv", "frozen.json"
COLUMNS = ("id", "title", "duties", "industry", "language", "code", "wrong")
# Says which of the entries are gold rows, or near ones, by id.
GoldLike = Callable[[Sequence[Entry]], Collection[str]]


class Frozen(Struct, frozen=True):
    """Corrections up to number `until`: how many teach, how many of them the model had wrong, how many were left out as gold, and the file's hash."""

    until: int
    rows: int
    confused: int
    gold: int
    hash: str


def freeze(found: Sequence[Correction], until: int, taxonomy: Taxonomy, gold_like: GoldLike, folder: Path) -> Frozen:
    """Writes the corrections that are no gold rows to `folder`; what stands there already is taken as it is."""
    if (folder / NOTE).exists():
        return msgspec.json.decode((folder / NOTE).read_bytes(), type=Frozen)
    folder.mkdir(parents=True, exist_ok=True)
    leaks = set(gold_like([entry_of(correction) for correction in found]))
    kept = [correction for correction in found if entry_of(correction).id not in leaks]
    beside = folder / f"{FILE}.part"
    with beside.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for c in kept:
            job = c.job
            rows.writerow(
                (entry_of(c).id, job.title, job.duties, job.industry, job.language[:2].lower(), c.code, confused_with(c, taxonomy))
            )
    beside.replace(folder / FILE)
    confused = sum(bool(confused_with(c, taxonomy)) for c in kept)
    note = Frozen(until, len(kept), confused, len(found) - len(kept), file_hash(folder / FILE))
    (folder / f"{NOTE}.part").write_bytes(msgspec.json.encode(note))
    (folder / f"{NOTE}.part").replace(folder / NOTE)
    return note


def confused_with(correction: Correction, taxonomy: Taxonomy) -> str:
    """The unit group that the model of that time thought likeliest and that is wrong; empty where it was right or had not answered."""
    top = correction.answered.top if correction.answered else ()
    if not top or top[0].code not in taxonomy.leaf_number:
        return ""
    right = taxonomy.ancestor(top[0].code, taxonomy.group(correction.code).level) == correction.code
    return "" if right else top[0].code
