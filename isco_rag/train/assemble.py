"""What a kitchen cooked, put together: exported models, index, fusion and calibration in a bundle that replaces the old one when it is whole."""

import csv
import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
from isco_index import FlatIndex, build_index, load_index, save_index
from transformers import AutoModel, AutoModelForSequenceClassification

from isco_rag.bundle import MANIFEST, file_hash, read_manifest, swap_in, write_manifest
from isco_rag.calibrate import Temperature
from isco_rag.classify import Classifier
from isco_rag.conformal import Conformal
from isco_rag.encode import quantise
from isco_rag.errors import TrainingError
from isco_rag.fuse import FEATURES, REGIMES, USED, Fusion
from isco_rag.rerank import PAIR_TOKENS
from isco_rag.settings import Settings
from isco_rag.taxonomy import Taxonomy
from isco_rag.train import crossencoder, export
from isco_rag.train.corpus import CORRECTED, Row
from isco_rag.train.gather import OWNED, held_jobs
from isco_rag.train.kitchen import TEACHER, Kitchen
from isco_rag.train.last import EVEN, NO_SETS, LastLayer, learned
from isco_rag.train.refit import relearned
from isco_rag.types import Entry, Manifest, Metric
from isco_rag.wiring import open_classifier, with_index

# Measures a finished classifier; the caller brings it, because training does not know the evaluation.
Judge = Callable[[Classifier], tuple[Metric, ...]]


def assemble(kitchen: Kitchen, place: Path, judge: Judge) -> Path:
    """The bundle with the figures that the judge found, put in `place` when it is whole; what stood there stays if anything fails before."""
    if kitchen.recipe.base == TEACHER:
        raise TrainingError(
            f"{TEACHER} is a tutor: its weights go into no bundle; run --stage fine_tune and name the work folder among tutors"
        )
    new = place.with_name(place.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    kitchen.fine_tune()
    kitchen.words()
    kitchen.reranker()
    kitchen.report.say("exporting")
    _export(kitchen, new)
    _fit(kitchen, new)
    _licences(new, kitchen.recipe.name, _sources(kitchen))
    write_manifest(new, _manifest(kitchen))
    kitchen.report.say("measuring")
    write_manifest(new, msgspec.structs.replace(_manifest(kitchen), figures=judge(open_classifier(new))))
    swap_in(new, place)
    return place


def refit(kitchen: Kitchen, place: Path, judge: Judge) -> Path:
    """The bundle in `place` with fusion, calibration and sets learned anew on the recipe's held-out rows; its models and its index stay."""
    new, known = place.with_name(place.name + ".new"), read_manifest(place)
    shutil.rmtree(new, ignore_errors=True)
    shutil.copytree(place, new)
    _learn(kitchen, new, load_index(place / "index"), _begin(kitchen))
    _licences(new, kitchen.recipe.name, known.sources)
    manifest = msgspec.structs.replace(_manifest(kitchen), parent=known.name, sources=known.sources)
    write_manifest(new, manifest)
    kitchen.report.say("measuring")
    write_manifest(new, msgspec.structs.replace(manifest, figures=judge(open_classifier(new))))
    swap_in(new, place)
    return place


def _export(kitchen: Kitchen, new: Path) -> None:
    work, words = kitchen.work, kitchen.tokenizer()
    encoder = AutoModel.from_pretrained(work / "encoder", add_pooling_layer=False, attn_implementation="eager")
    export.export(encoder, words, new / "encoder", int(kitchen.fine_tune().max_seq_length or 0), pooled=True)
    export.save_weights(encoder, words, new / "weights" / "encoder")
    cross = AutoModelForSequenceClassification.from_pretrained(work / "reranker", attn_implementation="eager")
    export.export(cross, words, new / "reranker", PAIR_TOKENS, pooled=False)
    export.save_weights(cross, words, new / "weights" / "reranker", without=crossencoder.WORDS)
    shutil.copytree(kitchen.recipe.taxonomy, new / "taxonomy")
    shutil.copy(work / "words.npz", new / "words.npz")
    np.save(new / "prototypes.npy", quantise(np.load(work / "prototypes.npy")).astype(np.int8))


def _fit(kitchen: Kitchen, new: Path) -> None:
    """Builds the index and learns fusion and calibration."""
    data = kitchen.data
    owned = [row for row in data.train + data.held if row.source in OWNED and len(row.codes) == 1]
    begin = _begin(kitchen)
    _write(new, msgspec.structs.replace(begin, calibrator=EVEN, sets=NO_SETS))
    width = np.load(new / "prototypes.npy", mmap_mode="r").shape[1]
    save_index(FlatIndex([], np.zeros((0, width), np.int8), np.zeros(0, np.int64)), new / "index")
    write_manifest(new, _manifest(kitchen))
    whole = build_index(entries_of(kitchen.taxonomy, owned), open_classifier(new).parts.encoder)
    _learn(kitchen, new, whole, begin)
    # Corrections are the database's: they join the index of whoever has them.
    save_index(whole.without({row.occupation for row in owned if row.source == CORRECTED}), new / "index")


def _learn(kitchen: Kitchen, new: Path, index: FlatIndex, begin: LastLayer) -> None:
    """Learns fusion, calibration and sets on held-out rows, whose own examples are outside the index meanwhile."""
    held = kitchen.data.held
    _write(new, msgspec.structs.replace(begin, calibrator=EVEN, sets=NO_SETS))
    write_manifest(new, _manifest(kitchen))
    classifier = with_index(open_classifier(new, Settings()), index.without({row.occupation for row in held if row.source in OWNED}))
    kitchen.report.say("fitting fusion and calibration")
    if kitchen.recipe.corrections:
        rows = held_jobs([row for row in held if row.source == CORRECTED and len(row.codes) == 1], kitchen.recipe.seed)
        found = relearned(classifier, rows, begin)
    else:
        found = learned(classifier, held_jobs(held, kitchen.recipe.seed), begin)
    kitchen.report.say(
        f"fusion {found.fusion.weights}\nreranker {found.fusion.rerank}\ntrust in corrections {found.fusion.taught}\n"
        f"temperatures {found.calibrator.temperatures}, slope {found.calibrator.slope}"
    )
    _write(new, found)


def _begin(kitchen: Kitchen) -> LastLayer:
    """What stands where there are too few rows to fit anything: the parent's last layer, or equal weights."""
    parent, equal = kitchen.recipe.parent, LastLayer(first_fusion(), EVEN, NO_SETS)
    if not parent:
        return equal
    fusion = msgspec.json.decode((parent / "fusion.json").read_bytes(), type=Fusion)
    # A bundle of an older format knows less evidence.
    if len(fusion.weights) != len(REGIMES) or len(fusion.weights[0]) != len(FEATURES):
        return equal
    calm = msgspec.json.decode((parent / "calibrator.json").read_bytes(), type=Temperature)
    if not kitchen.recipe.corrections:
        return LastLayer(msgspec.structs.replace(fusion, rerank=equal.fusion.rerank), calm, NO_SETS)
    return LastLayer(fusion, calm, msgspec.json.decode((parent / "conformal.json").read_bytes(), type=Conformal))


def _write(folder: Path, last: LastLayer) -> None:
    (folder / "fusion.json").write_bytes(msgspec.json.encode(last.fusion))
    (folder / "calibrator.json").write_bytes(msgspec.json.encode(last.calibrator))
    (folder / "conformal.json").write_bytes(msgspec.json.encode(last.sets))


def _manifest(kitchen: Kitchen) -> Manifest:
    r = kitchen.recipe
    return Manifest(
        format=0,
        name=r.name,
        created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        classification=f"{kitchen.taxonomy.heading.name} {kitchen.taxonomy.heading.version}",
        files={},
        parent=kitchen.parent.name if kitchen.parent else "",
        recipe=msgspec.to_builtins(r, enc_hook=str),
        inputs=kitchen.inputs(),
        sources=_sources(kitchen),
        parent_hash=file_hash(r.parent / MANIFEST) if r.parent else "",
        until=r.until,
        corrections=sum(row.source == CORRECTED for row in kitchen.data.train + kitchen.data.held),
    )


def _sources(kitchen: Kitchen) -> dict[str, str]:
    """Terms of each published source that rows were read from, those of the parent among them."""
    used = {row.source for row in kitchen.data.train} - set(OWNED)
    licences = kitchen.recipe.licences
    if licences is None or not licences.exists():
        found = dict.fromkeys(sorted(used), "not stated")
    else:
        with licences.open(encoding="utf-8", newline="") as file:
            found = {r["source"]: r["licence"] for r in csv.DictReader(file) if r["source"] in used}
    return (kitchen.parent.sources if kitchen.parent else {}) | found


def _licences(folder: Path, name: str, sources: dict[str, str]) -> None:
    lines = "\n".join(f"| {source} | {terms} |" for source, terms in sources.items())
    text = (
        f"# Whose work is in {name}\n\n"
        "The weights, the index and the calibration were made by the project and stand under its MIT licence. The encoders were trained on "
        "texts of these publishers, none of which is in the bundle itself; they are acknowledged with thanks:\n\n"
        f"| source | publisher and terms |\n|---|---|\n{lines}\n\n"
        "The teacher of the distillation was all-MiniLM-L6-v2 (sentence-transformers, Apache License 2.0), a tutor's beginning too where the "
        "recipe names tutors; none of its weights is in the bundle.\n"
    )
    (folder / "LICENCES.md").write_text(text, encoding="utf-8")


def first_fusion() -> Fusion:
    """Equal weights of what each regime has evidence for, the reranker heard everywhere: where fitting starts."""
    weights = tuple(tuple(0.3 if f in used else 0.0 for f in range(len(FEATURES))) for used in USED)
    return Fusion(weights, ((1.0, 0.2),) * len(REGIMES))


def entries_of(taxonomy: Taxonomy, owned: Sequence[Row]) -> list[Entry]:
    """The index of what the project and the institution own: titles, definitions and tasks of the lowest groups, then the examples."""
    leaves = [taxonomy.group(code) for code in taxonomy.leaves]
    entries = [Entry(f"group:{g.code}", g.code, g.title, source=taxonomy.heading.name) for g in leaves]
    entries += [Entry(f"definition:{g.code}", g.code, "", g.definition, taxonomy.heading.name) for g in leaves]
    entries += [
        Entry(f"task:{g.code}:{i}", g.code, "", task, taxonomy.heading.name) for g in leaves for i, task in enumerate(g.tasks, 1)
    ]  # fmt: skip
    return entries + [
        Entry(row.occupation, row.codes[0], row.text, row.told, row.source) for row in sorted(owned, key=lambda row: row.occupation)
    ]
