"""The cross-encoder: a small RoBERTa that reads a job beside a candidate and says how well they fit.

It learns from lists: for each job the unit groups that a retriever returns for it when the job's whole occupation is left out of the
index, the right one among them. The loss is the cross entropy of picking the right one (listwise softmax, Cao et al. 2007).
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
from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaForSequenceClassification, RobertaModel

from isco_rag.rerank import PAIR_TOKENS, candidate_side
from isco_rag.taxonomy import Taxonomy
from isco_rag.train.corpus import Row
from isco_rag.train.running import Schedule, Told, device, run_training

WORDS = "embeddings.word_embeddings.weight"


class JobList(Struct, frozen=True):
    """A job's text and the texts of its candidates; the one numbered `right` is its own."""

    job: str
    candidates: tuple[str, ...]
    right: int


def new_reranker(encoder: RobertaModel, tokenizer: PreTrainedTokenizerFast, layers: int, folder: Path) -> CrossEncoder:
    """A cross-encoder that begins as the embeddings and the first layers of the bi-encoder, saved in `folder`.

    After 350 batches the loss of these lists was 1.59 with this start, 1.71 with random layers. The word embeddings stay as they are: they know
    the words already, and a bundle need not hold their weights twice.
    """
    config = RobertaConfig.from_dict(encoder.config.to_dict())
    config.num_hidden_layers = layers
    config.num_labels = 1
    model = RobertaForSequenceClassification(config)
    model.roberta.embeddings.load_state_dict(encoder.embeddings.state_dict())
    for new, known in zip(model.roberta.encoder.layer, encoder.encoder.layer, strict=False):
        new.load_state_dict(known.state_dict())
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return open_cross_encoder(folder)


def open_cross_encoder(folder: Path) -> CrossEncoder:
    """A saved cross-encoder, ready to train."""
    found = CrossEncoder(str(folder), num_labels=1, max_length=PAIR_TOKENS, device=device(), model_kwargs={"attn_implementation": "eager"})
    for name, weights in found.named_parameters():
        if name.endswith(WORDS):
            weights.requires_grad_(False)
    return found


def make_lists(
    taxonomy: Taxonomy,
    rows: Sequence[Row],
    texts: Sequence[str],
    vectors: np.ndarray,
    queries: Sequence[int],
    size: int,
    rng: random.Random,
) -> list[JobList]:
    """One list per query row: the unit groups nearest to it without its own occupation, the right one always among them.

    `vectors` [n, d] embed `texts`, the texts of `rows`; neighbours come from titles with one code. Of the titles shown beside a
    candidate some are left out at random, so that the model also reads candidates that have no near example.
    """
    known = [i for i, row in enumerate(rows) if row.is_title and len(row.codes) == 1]
    found = nearest(vectors[list(queries)], vectors[known], 96)
    lists = []
    for query, hits in zip(queries, found, strict=True):
        job = rows[query]
        near: dict[str, list[str]] = {}
        for hit in hits:
            other = rows[known[hit]]
            if other.occupation != job.occupation and texts[known[hit]] != texts[query]:
                near.setdefault(other.codes[0], []).append(other.text)
        own = job.codes[0]
        order = list(near)[:size]
        if own not in order:
            order = [*order[: size - 1], own]
        if len(order) < size:
            continue
        rng.shuffle(order)
        shown = [near.get(code, [])[: rng.choice((0, 1, 2, 2, 2))] for code in order]
        candidates = tuple(candidate_side(taxonomy.group(code), titles) for code, titles in zip(order, shown, strict=True))
        lists.append(JobList(texts[query], candidates, order.index(own)))
    return lists


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
