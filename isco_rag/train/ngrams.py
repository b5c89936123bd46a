"""Trains the word model (isco_rag/ngrams.py): softmax over unit groups with partial labels and n-grams left out at random."""

from collections.abc import Sequence

import numpy as np
import torch
from msgspec import Struct
from torch import nn

from isco_rag.errors import TrainingError
from isco_rag.ngrams import LARGEST, NgramModel, buckets, whole
from isco_rag.train.running import LOG_EVERY, Told


class NgramSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Size of the model and how it learns.

    `dropout` is the share of a text's n-grams that a step does not see, `language` weighs telling English apart, and `average` is the share of
    the end in the average with what training began at, if with a model (Wortsman et al. 2022).
    """

    buckets: int = 2**18
    width: int = 64
    epochs: int = 4
    batch: int = 512
    rate: float = 0.02
    dropout: float = 0.3
    smoothing: float = 0.05
    language: float = 0.3
    average: float = 1.0

    def __post_init__(self) -> None:
        if self.buckets & (self.buckets - 1) or self.width * LARGEST * 127 >= 2**24:
            raise ValueError("buckets must be a power of two and width at most 64")


class Bags(Struct):
    """Ragged lists of whole numbers: row i is `flat[starts[i] : starts[i + 1]]`."""

    flat: np.ndarray
    starts: np.ndarray

    def take(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The numbers of these rows one after the other, and the place in `rows` that each belongs to."""
        counts = self.starts[rows + 1] - self.starts[rows]
        owner = np.repeat(np.arange(len(rows)), counts)
        first = np.cumsum(counts) - counts
        return self.flat[np.arange(counts.sum()) - np.repeat(first - self.starts[rows], counts)], owner


def bags(rows: Sequence[np.ndarray]) -> Bags:
    """Bags of the rows."""
    return Bags(np.concatenate(rows), np.concatenate([[0], np.cumsum([len(row) for row in rows])]))


def train_ngrams(
    texts: Sequence[str],
    candidates: Sequence[Sequence[int]],
    weights: np.ndarray,
    foreign: np.ndarray,
    classes: int,
    settings: NgramSettings,
    seed: int,
    told: Told,
    begin: NgramModel | None = None,
) -> NgramModel:
    """The model learned from texts, each with the class numbers of which one is right, the trust in its row, and whether it is not English.

    It begins at `begin`, whose size it takes, or at random.
    """
    if not texts:
        raise TrainingError("there is no text to learn words from; add coded titles")
    s, rng = settings, np.random.default_rng(seed)
    size, width = begin.table.shape if begin else (s.buckets, s.width)
    found, right = bags([buckets(text, size) for text in texts]), bags([np.array(c) for c in candidates])
    torch.manual_seed(seed)
    table = nn.EmbeddingBag(size, width, mode="mean", sparse=True)
    output = nn.Linear(width, classes + 1)
    parameters = [*table.parameters(), *output.parameters()]
    if begin:
        known = (begin.table / np.float32(begin.steps[0]), begin.output.T / np.float32(begin.steps[1]), begin.bias.copy())
        before = [torch.from_numpy(part) for part in known]
        for parameter, weight in zip(parameters, before, strict=True):
            parameter.data.copy_(weight)
    else:
        nn.init.normal_(table.weight, std=0.3)
        nn.init.zeros_(output.weight)
    optimisers = [torch.optim.SparseAdam(table.parameters(), s.rate), torch.optim.Adam(output.parameters(), s.rate)]
    per_epoch = -(-len(texts) // s.batch)
    steps = s.epochs * per_epoch
    recent: list[float] = []
    for step in range(steps):
        if step % per_epoch == 0:
            order = rng.permutation(len(texts))
        rows = order[(step % per_epoch) * s.batch : (step % per_epoch + 1) * s.batch]
        for optimiser in optimisers:
            for group in optimiser.param_groups:
                group["lr"] = s.rate * max(1.0 - step / steps, 0.005)
            optimiser.zero_grad()
        numbers, owner = found.take(rows)
        seen = rng.random(len(numbers)) >= s.dropout
        counts = np.bincount(owner[seen], minlength=len(rows))
        logits = output(table(torch.from_numpy(numbers[seen]), torch.from_numpy(np.cumsum(counts) - counts)))
        log_p = logits[:, :-1].log_softmax(1)
        mask = torch.full_like(log_p, -torch.inf)
        classes_of, owner = right.take(rows)
        mask[torch.from_numpy(owner), torch.from_numpy(classes_of)] = 0.0
        each = -((1 - s.smoothing) * (log_p + mask).logsumexp(1) + s.smoothing * log_p.mean(1))
        weight = torch.from_numpy(weights[rows].astype(np.float32))
        other = nn.functional.binary_cross_entropy_with_logits(logits[:, -1], torch.from_numpy(foreign[rows].astype(np.float32)))
        loss = (weight * each).sum() / weight.sum() + s.language * other
        loss.backward()
        for optimiser in optimisers:
            optimiser.step()
        recent.append(loss.item())
        if len(recent) == LOG_EVERY or step == steps - 1:
            told(step + 1, steps, sum(recent) / len(recent))
            recent = []
    if begin:
        for parameter, weight in zip(parameters, before, strict=True):
            parameter.data.lerp_(weight, 1.0 - s.average)
    return whole(table.weight.detach().numpy(), output.weight.detach().numpy().T, output.bias.detach().numpy())
