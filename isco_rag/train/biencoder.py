"""The bi-encoder: a compact RoBERTa that first learns a teacher's geometry, then the classification.

Step 1 (`distil`): the student's embedding of each text is drawn to the teacher's, and the similarities within a batch to the teacher's
similarities (relational distillation, Park et al. 2019). Step 2 (`fine_tune`): a cosine softmax over one learned prototype per unit group
with label smoothing, partial labels as the log of the summed probability of their candidates, plus the distillation loss towards the
embeddings from before, which keeps what the coded texts do not teach. Where tutors are named, part of the loss follows what several
fine-tuned encoders think of a text together, of texts too that nobody has coded.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from msgspec import Struct
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
from torch import nn
from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaModel

from isco_rag.train.running import Schedule, Told, device, reduced_precision, run_training

# The cosine that a hard negative begins ahead with.
HEAD_START = 0.1
# What cosines are multiplied by before they become probabilities.
SCALE = 20.0


class Shape(Struct, frozen=True, forbid_unknown_fields=True):
    """Size of a RoBERTa encoder."""

    layers: int = 4
    hidden: int = 384
    heads: int = 12
    vocab: int = 16_000
    max_length: int = 128


def new_encoder(shape: Shape, tokenizer: PreTrainedTokenizerFast, folder: Path, named: str = "") -> SentenceTransformer:
    """A RoBERTa with random weights behind mean pooling and normalisation, saved under `folder`."""
    config = RobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=4 * shape.hidden,
        max_position_embeddings=shape.max_length + 2,
        type_vocab_size=1,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    RobertaModel(config, add_pooling_layer=False).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return as_sentence_encoder(folder, shape.max_length, named)


def as_sentence_encoder(folder: Path, max_length: int, named: str = "") -> SentenceTransformer:
    """Any RoBERTa or XLM-R checkpoint as a sentence encoder: mean of the token states, unit length."""
    # Measured on a CPU: the backward pass of eager attention takes half the time of the fused one in bfloat16.
    body = Transformer(str(folder), max_seq_length=max_length, model_kwargs={"attn_implementation": "eager"})
    width = body.auto_model.config.hidden_size
    return SentenceTransformer(modules=[body, Pooling(width, "mean"), Normalize()], device=device(named))


def quick_attention(model: Any) -> None:
    """Switches a loaded encoder to the attention that trains faster (see `as_sentence_encoder`)."""
    model[0].auto_model.set_attn_implementation("eager")


def hold_words(model: Any) -> None:
    """Keeps the word embeddings as they are; the layers above learn."""
    model[0].auto_model.embeddings.word_embeddings.weight.requires_grad_(False)


def embed(model: SentenceTransformer, texts: Sequence[str], batch: int = 256) -> np.ndarray:
    """Embeddings of the texts, float16 [n, hidden], unit length."""
    with torch.autocast(model.device.type, torch.bfloat16, enabled=reduced_precision()):
        found = model.encode(list(texts), batch_size=batch, normalize_embeddings=True, show_progress_bar=True)
    return np.asarray(found, dtype=np.float16)


class DistilLoss(nn.Module):
    """1 - cosine to the target, plus `relation` times the squared error of the similarities within the batch.

    A student of another width than its teacher learns the similarities alone.
    """

    def __init__(self, model: SentenceTransformer, targets: np.ndarray, relation: float = 10.0) -> None:
        super().__init__()
        self.model = model
        self.targets = targets
        self.relation = relation

    def forward(self, features: Iterable[dict[str, torch.Tensor]], labels: torch.Tensor) -> torch.Tensor:
        """The mean loss of a batch; `labels` are row numbers of `targets`."""
        student = self.model(next(iter(features)))["sentence_embedding"].float()
        return self.between(student, labels)

    def between(self, student: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        teacher = torch.from_numpy(self.targets[rows.cpu().numpy()].astype(np.float32)).to(student.device)
        relation = self.relation * (student @ student.T - teacher @ teacher.T).square().mean()
        if student.shape[1] != teacher.shape[1]:
            return relation
        return 1.0 - (student * teacher).sum(1).mean() + relation


class PrototypeLoss(nn.Module):
    """Cosine softmax over one prototype per class, with partial labels, label smoothing and, if `keep`, the distillation term.

    `candidates` [n, classes] marks the classes of which one is right, `weights` [n] is the trust in each row, `targets` [n, d] are the
    embeddings from before. `wrong` [n] numbers the class that a row was confused with (-1: none): it gets HEAD_START, so that the right one has
    to be nearer by so much (additive margin softmax, Wang et al. 2018). `soft` [n, classes] is what tutors think of each row, as log probabilities:
    `tutored` of the loss is the cross-entropy to it (Hinton et al. 2015).
    """

    def __init__(
        self,
        model: SentenceTransformer,
        prototypes: np.ndarray,
        candidates: np.ndarray,
        weights: np.ndarray,
        targets: np.ndarray | None = None,
        scale: float = SCALE,
        smoothing: float = 0.1,
        keep: float = 0.0,
        wrong: np.ndarray | None = None,
        soft: np.ndarray | None = None,
        tutored: float = 0.0,
    ) -> None:
        super().__init__()
        self.model = model
        self.wrong = np.full(len(candidates), -1) if wrong is None else wrong
        self.prototypes = nn.Parameter(torch.from_numpy(prototypes.astype(np.float32)))
        self.candidates, self.weights = candidates, weights
        self.scale, self.smoothing, self.keep = scale, smoothing, keep
        self.soft, self.tutored = soft, tutored
        self.distil = DistilLoss(model, targets) if keep and targets is not None else None

    def forward(self, features: Iterable[dict[str, torch.Tensor]], labels: torch.Tensor) -> torch.Tensor:
        """The weighted mean loss of a batch; `labels` are row numbers."""
        student = self.model(next(iter(features)))["sentence_embedding"].float()
        rows = labels.cpu().numpy()
        logits = self.scale * student @ nn.functional.normalize(self.prototypes, dim=1).T
        wrong = self.wrong[rows]
        confused = np.flatnonzero(wrong >= 0)
        if len(confused):
            start = torch.zeros_like(logits)
            start[torch.from_numpy(confused), torch.from_numpy(wrong[confused])] = self.scale * HEAD_START
            logits = logits + start
        log_p = logits.log_softmax(1)
        mask = torch.from_numpy(self.candidates[rows]).to(student.device)
        weight = torch.from_numpy(self.weights[rows]).to(student.device)
        right = log_p.masked_fill(~mask, -torch.inf).logsumexp(1)
        loss = -((1 - self.smoothing) * right + self.smoothing * log_p.mean(1))
        if self.soft is not None:
            opinion = torch.from_numpy(self.soft[rows].astype(np.float32)).to(student.device).softmax(1)
            loss = (1 - self.tutored) * loss - self.tutored * (opinion * log_p).sum(1)
        coded: torch.Tensor = (weight * loss).sum() / weight.sum()
        return coded + self.keep * self.distil.between(student, labels) if self.distil else coded


def open_tutor(folder: Path, max_length: int, named: str = "") -> tuple[SentenceTransformer, np.ndarray]:
    """The encoder of a bundle or of a work folder, and its prototypes, float32 [classes, hidden], unit length."""
    if (folder / "weights").is_dir():
        model = as_sentence_encoder(folder / "weights" / "encoder", max_length, named)
    else:
        model = SentenceTransformer(str(folder / "encoder"), device=device(named))
        quick_attention(model)
    prototypes = np.load(folder / "prototypes.npy").astype(np.float32)
    return model, prototypes / np.linalg.norm(prototypes, axis=1, keepdims=True)


def log_probabilities(vectors: np.ndarray, prototypes: np.ndarray, scale: float = SCALE) -> np.ndarray:
    """The log probability of each class for each vector by its cosines, float32 [n, classes], as PrototypeLoss has them."""
    found: np.ndarray = scale * vectors.astype(np.float32) @ prototypes.T
    return found - np.log(np.exp(found).sum(1, keepdims=True))


def confused(vectors: np.ndarray, prototypes: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """The hard negative of each row [n]: the class nearest to its vector of those that it does not belong to; -1 where the right one is ahead.

    A class counts as ahead when its cosine is larger by HEAD_START, as it has to be in the loss.
    """
    found = np.full(len(vectors), -1)
    for start in range(0, len(vectors), 8192):
        part = slice(start, start + 8192)
        cosines, right = vectors[part].astype(np.float32) @ prototypes.T, candidates[part]
        others = np.where(right, -np.inf, cosines)
        near = others.argmax(1)
        behind = others.max(1) + HEAD_START > np.where(right, cosines, -np.inf).max(1)
        found[part] = np.where(behind, near, -1)
    return found


def train_encoder(model: SentenceTransformer, loss: nn.Module, texts: Sequence[str], schedule: Schedule, folder: Path, told: Told) -> None:
    """Trains in place; the loss sees the number of each text as its label."""
    columns: dict[str, list[Any]] = {"text": list(texts), "label": list(range(len(texts)))}
    run_training((SentenceTransformerTrainer, SentenceTransformerTrainingArguments), model, loss, columns, schedule, folder, told)
