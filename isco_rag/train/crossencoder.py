"""The cross-encoder: a small RoBERTa that reads a job beside a candidate and says how well they fit.

It learns from lists (isco_rag.train.lists): for each job the unit groups that retrieval returns for it when nothing has read the job's
occupation, the right one among them. The loss is the cross entropy of picking the right one (listwise softmax, Cao et al. 2007).
"""

import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from msgspec import Struct
from sentence_transformers import CrossEncoder
from sentence_transformers.cross_encoder import CrossEncoderTrainer, CrossEncoderTrainingArguments
from torch import nn
from transformers import AutoModelForSequenceClassification, PreTrainedTokenizerFast

from isco_rag.rerank import PAIR_TOKENS
from isco_rag.train.corpus import Row
from isco_rag.train.running import Schedule, Told, device, run_training

WORDS = "embeddings.word_embeddings.weight"


class JobList(Struct, frozen=True):
    """A job's text and the texts of its candidates; the one numbered `right` is its own."""

    job: str
    candidates: tuple[str, ...]
    right: int


def new_reranker(encoder: Any, tokenizer: PreTrainedTokenizerFast, layers: int, folder: Path, named: str = "") -> CrossEncoder:
    """A cross-encoder that begins as the embeddings and the first layers of the bi-encoder, saved in `folder`.

    After 350 batches the loss of these lists was 1.59 with this start, 1.71 with random layers. The word embeddings stay as they are: they know
    the words already, and a bundle need not hold their weights twice.
    """
    config = type(encoder.config).from_dict(encoder.config.to_dict())
    config.num_hidden_layers = min(layers, encoder.config.num_hidden_layers)
    config.num_labels = 1
    model = AutoModelForSequenceClassification.from_config(config)
    body: Any = model.base_model
    body.embeddings.load_state_dict(encoder.embeddings.state_dict())
    for new, known in zip(body.encoder.layer, encoder.encoder.layer, strict=False):
        new.load_state_dict(known.state_dict())
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return open_cross_encoder(folder, named)


def open_cross_encoder(folder: Path, named: str = "") -> CrossEncoder:
    """A saved cross-encoder, ready to train."""
    found = CrossEncoder(
        str(folder), num_labels=1, max_length=PAIR_TOKENS, device=device(named), model_kwargs={"attn_implementation": "eager"}
    )
    for name, weights in found.named_parameters():
        if name.endswith(WORDS):
            weights.requires_grad_(False)
    return found


def nearest(queries: np.ndarray, known: np.ndarray, k: int, block: int = 512) -> np.ndarray:
    """Row numbers in `known` [m, d] of the k nearest to each query [n, d] by inner product, nearest first, [n, k]."""
    base = torch.from_numpy(known.astype(np.float32)).to(device()).T
    parts = [torch.from_numpy(queries[i : i + block].astype(np.float32)).to(device()) for i in range(0, len(queries), block)]
    return np.concatenate([torch.topk(part @ base, k, dim=1).indices.cpu().numpy() for part in parts])


class ListLoss(nn.Module):
    """Cross entropy of picking the right candidate of a list; all lists are equally long."""

    def __init__(self, model: CrossEncoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, inputs: list[Any], labels: torch.Tensor, **_: Any) -> torch.Tensor:
        jobs, candidates = inputs
        pairs = [(job, text) for job, texts in zip(jobs, candidates, strict=True) for text in texts]
        tokens = {k: v.to(self.model.device) for k, v in self.model.preprocess(pairs).items() if isinstance(v, torch.Tensor)}
        scores = self.model(tokens)["scores"].float().view(len(jobs), -1)
        return nn.functional.cross_entropy(scores, labels.to(scores.device))


def train_reranker(model: CrossEncoder, lists: Sequence[JobList], schedule: Schedule, folder: Path, told: Told) -> None:
    """Trains in place."""
    columns: dict[str, list[Any]] = {
        "job": [x.job for x in lists],
        "candidates": [list(x.candidates) for x in lists],
        "label": [x.right for x in lists],
    }
    run_training((CrossEncoderTrainer, CrossEncoderTrainingArguments), model, ListLoss(model), columns, schedule, folder, told)


def spread(rows: Sequence[Row], n: int, rng: random.Random) -> list[int]:
    """Numbers of at most `n` rows with one code, drawn so that frequent unit groups give up places to rare ones."""
    single = [i for i, row in enumerate(rows) if len(row.codes) == 1]
    count = Counter(rows[i].codes[0] for i in single)
    order = sorted(single, key=lambda i: rng.random() ** (1.0 / (rows[i].weight * count[rows[i].codes[0]] ** -0.4)), reverse=True)
    return order[:n]
