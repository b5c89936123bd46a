"""A challenger made of a bundle and the corrections: both encoders, the word model, fusion and calibration trained further.

frozen corrections + the bundle's own examples -> a plan that fits the time -> the stages of isco_rag.train -> a bundle in the models folder

Everything comes from the parent's bundle and the database, so an installation needs neither the checkout nor a list of texts. Each step leaves
its result in the work folder; a run that was killed goes on there.
"""

import csv
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout
from isco_index.flat import index_rows
from msgspec import Struct

from isco_rag.bundle import MANIFEST, file_hash, read_manifest
from isco_rag.errors import ConflictError, TrainingError
from isco_rag.learn.budget import LIST_SIZE, TIMES, Plan, Sizes, Speeds, measure, plan
from isco_rag.learn.frozen import FILE, Frozen, GoldLike, freeze
from isco_rag.learn.places import manifest_of, name_after
from isco_rag.store.records import Correction
from isco_rag.taxonomy import load_taxonomy
from isco_rag.train.assemble import assemble
from isco_rag.train.kitchen import Kitchen, Report
from isco_rag.train.ngrams import NgramSettings
from isco_rag.train.recipe import ListSettings, Recipe, checked
from isco_rag.train.running import Schedule
from isco_rag.types import Entry, Manifest

ORDER, RECIPE = "order.json", "recipe.json"
# With fewer corrections nothing is learned that the index does not know already.
LEAST = 50
BATCH = 64
# Of 1e-4 and 2e-4, and of these shares of the new weights in the average with the old.
RATE, AVERAGE = 2e-4, 0.7
# After 3,000 corrections, generated advertisements fell by 2.2 points with a word model learned wholly, by 0.1 with the old one, and by 0.7 (not
# distinguishable from none) at this share, which gains as much on the corrected kind.
WORDS = NgramSettings(epochs=2, rate=0.005, average=0.3)
SAVE_EVERY = 50


class Order(Struct, frozen=True):
    """What is to be made of what: the folder of the bundle to begin at, the last correction, the time in seconds, and where it goes."""

    parent: Path
    until: int
    seconds: float
    work: Path
    models: Path
    gold: Path | None = None
    name: str = ""


def retrain(order: Order, taught: Sequence[Correction], gold_like: GoldLike, report: Report) -> Manifest:
    """The manifest of the challenger, which stands in the models folder when it is whole; TrainingError where there is too little to learn."""
    parent = read_manifest(order.parent, with_weights=True)
    name = order.name or name_after(parent.name, order.until)
    place = order.models / name
    if (place / MANIFEST).exists():
        report.say(f"{name} is there already")
        return manifest_of(place)
    order.work.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(order.work.with_suffix(".lock"), timeout=0):
            return _made(order, name, taught, gold_like, report)
    except Timeout:
        raise ConflictError(f"{order.work}: another retraining is running; wait until it is done") from None


def _made(order: Order, name: str, taught: Sequence[Correction], gold_like: GoldLike, report: Report) -> Manifest:
    _begin(order, name)
    place = order.models / name
    taxonomy = load_taxonomy(order.parent / "taxonomy")
    frozen = freeze(taught, order.until, taxonomy, gold_like, order.work)
    if frozen.rows < LEAST:
        raise TrainingError(
            f"{frozen.rows} corrections are too few to train on, at least {LEAST} are needed; correct more, the index knows them at once"
        )
    report.say(_told(frozen))
    recipe = _planned(order, name, frozen, report)
    order.models.mkdir(parents=True, exist_ok=True)
    assemble(Kitchen(recipe, order.work / "kitchen", report), place, lambda classifier: ())
    shutil.rmtree(order.work, ignore_errors=True)
    return manifest_of(place)


def _begin(order: Order, name: str) -> None:
    """Empties the work folder unless it holds this very retraining."""
    note = order.work / ORDER
    wanted = msgspec.json.encode([name, file_hash(order.parent / MANIFEST), order.until])
    if not note.exists() or note.read_bytes() != wanted:
        # What a killed one left half made is nobody's now.
        for left in (order.work, *order.models.glob("*.new")):
            shutil.rmtree(left, ignore_errors=True)
        order.work.mkdir(parents=True)
        note.write_bytes(wanted)


def _told(frozen: Frozen) -> str:
    left = f"; {frozen.gold:,} more are gold rows or near them and teach nothing" if frozen.gold else ""
    return f"{frozen.rows:,} corrections up to number {frozen.until}, {frozen.confused:,} of which the model had wrong{left}"


def _planned(order: Order, name: str, frozen: Frozen, report: Report) -> Recipe:
    """The recipe; planned once, so that a run that goes on does what it began."""
    path = order.work / RECIPE
    if not path.exists():
        entries = read_entries(order.parent)
        replay, own = write_replay(entries, order.work)
        speeds = measure(order.parent, [e.title or e.duties for e in entries])
        planned = plan(order.seconds, speeds, _sizes(entries, frozen))
        report.say(_pace(speeds))
        for line in planned.said:
            report.say(line)
        part = path.with_suffix(".part")
        part.write_bytes(msgspec.json.encode(recipe_of(order, name, planned, replay, own), enc_hook=str))
        part.replace(path)
    return checked(msgspec.json.decode(path.read_bytes(), type=Recipe, dec_hook=lambda kind, value: kind(value)), str(order.parent))


def _pace(speeds: Speeds) -> str:
    return f"this machine learns {speeds.learned:,.0f} texts and {speeds.pairs:,.0f} pairs a second and embeds {speeds.embedded:,.0f} texts"


def _sizes(entries: Sequence[Entry], frozen: Frozen) -> Sizes:
    held = round(frozen.rows * Recipe("", Path(), Path()).corrections_held)
    return Sizes(frozen.rows - held, sum(_is_example(e) for e in entries), len(index_rows(entries)[0]) + 2 * frozen.rows, held)


def recipe_of(order: Order, name: str, planned: Plan, replay: Path, own: tuple[Path, ...]) -> Recipe:
    """What the stages are run with."""
    return Recipe(
        name=name, taxonomy=order.parent / "taxonomy", examples=replay, gold=order.gold, own=own, corrections=order.work / FILE,
        parent=order.parent, average=AVERAGE, written=1, corrections_times=TIMES, replay=planned.replay, until=order.until,
        fine_tune=Schedule(epochs=planned.epochs, batch=BATCH, rate=RATE, save_every=SAVE_EVERY), words=WORDS,
        rerank_lists=ListSettings(queries=planned.lists, size=LIST_SIZE),
        rerank_train=Schedule(epochs=1.0 if planned.lists else 0.0, batch=BATCH // 4, rate=5e-5, save_every=SAVE_EVERY),
    )  # fmt: skip


def read_entries(bundle: Path) -> list[Entry]:
    """The entries of a bundle's index."""
    with (bundle / "index" / "entries.jsonl").open("rb") as file:
        return [msgspec.json.decode(line, type=Entry) for line in file]


def _is_example(entry: Entry) -> bool:
    return entry.id.partition(":")[0] not in ("group", "definition", "task")


def write_replay(entries: Sequence[Entry], work: Path) -> tuple[Path, tuple[Path, ...]]:
    """The parent's examples as files that a recipe reads: a folder of the written ones, and a table of those of one's own, if any."""
    folder, own = work / "replay", work / "own.csv"
    folder.mkdir(parents=True, exist_ok=True)
    examples = [e for e in entries if _is_example(e)]
    owned = [e for e in examples if e.source != "written"]
    _write(
        folder / "examples.csv", ("id", "title", "duties", "industry", "code"),
        [(e.id, e.title, e.duties, "", e.code) for e in examples if e.source == "written"],
    )  # fmt: skip
    if owned:
        _write(own, ("title", "duties", "code"), [(e.title, e.duties, e.code) for e in owned])
    return folder, (own,) if owned else ()


def _write(path: Path, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([columns, *rows])
