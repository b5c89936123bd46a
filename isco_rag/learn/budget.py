"""How much a retraining reads in the time that it is given, from speeds measured on this machine just before."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from msgspec import Struct

from isco_rag.text import title_text
from isco_rag.train import biencoder, export
from isco_rag.wiring import open_bundle_encoder

# Of the time given, what is planned with: words, export, fitting and what a machine does besides take the rest.
PLANNED = 0.7
# Of what is left for training, the share of the bi-encoder; the cross-encoder has the last word on few records.
ENCODER_SHARE = 0.65
# How often the bi-encoder reads each correction, changed anew each time as people change titles.
TIMES = 3
# Vectors for each row that the last layer is fitted on: title, duties and both, and the few candidates that the cross-encoder reads.
FIT_COST = 8
# Lists of the cross-encoder for each correction: its own, and one of a known example against forgetting.
LISTS = 2
LIST_SIZE = 6
SAMPLE = 64
ROUNDS = 3


class Speeds(Struct, frozen=True):
    """Texts a second that the bi-encoder learns, pairs a second that the cross-encoder learns, texts a second that are embedded."""

    learned: float
    pairs: float
    embedded: float


class Sizes(Struct, frozen=True):
    """What there is to read: corrections, known examples, texts of the index, and rows that the last layer is fitted on."""

    corrections: int
    examples: int
    indexed: int
    fitted: int


class Plan(Struct, frozen=True):
    """What is read: passes over the corrections, share of the known examples beside them, lists of the cross-encoder; `said` tells what is left out."""

    epochs: float
    replay: float
    lists: int
    said: tuple[str, ...]


def plan(seconds: float, speeds: Speeds, sizes: Sizes) -> Plan:
    """What fits into the time: corrections first, then lists, then known examples.

    >>> rich = plan(1800, Speeds(200, 500, 800), Sizes(1000, 20_000, 40_000, 1200)); (rich.epochs, rich.replay, rich.lists, rich.said)
    (1.0, 1.0, 2000, ())
    >>> poor = plan(600, Speeds(60, 100, 400), Sizes(10_000, 20_000, 60_000, 3000)); poor.replay < 0.5 and poor.epochs < 1 and len(poor.said)
    3
    """
    left = max(PLANNED * seconds - (sizes.indexed + FIT_COST * sizes.fitted) / speeds.embedded, 0.0)
    texts = ENCODER_SHARE * left * speeds.learned
    wanted = TIMES * sizes.corrections
    # Beside the corrections at least a third as many known examples: without them the old is forgotten.
    least = min(sizes.examples, sizes.corrections)
    epochs = min(1.0, texts / max(wanted + least, 1))
    replay = min(1.0, max(texts - wanted * epochs, least * epochs) / max(sizes.examples, 1))
    lists = min(LISTS * sizes.corrections, int((1 - ENCODER_SHARE) * left * speeds.pairs / LIST_SIZE))
    said = []
    if epochs < 1:
        said.append(f"the bi-encoder reads {epochs:.0%} of a pass over the corrections; give it more time with --budget")
    if replay < 1:
        said.append(f"of the known examples {replay:.0%} are read again beside the corrections")
    if lists < LISTS * sizes.corrections:
        said.append(f"the cross-encoder reads {lists:,} lists of {LISTS * sizes.corrections:,}")
    return Plan(round(epochs, 3), round(replay, 3), lists, tuple(said))


def measure(bundle: Path, texts: Sequence[str], seed: int = 8) -> Speeds:
    """The speeds of a bundle's models on this machine now, on a few of the texts that they will read."""
    rng = random.Random(seed)
    sample = [title_text(t) or t for t in rng.sample(list(texts), min(SAMPLE, len(texts)))]
    encoder = biencoder.as_sentence_encoder(bundle / "weights" / "encoder", 128)
    learned = _pace(len(sample), lambda: _learn(encoder, sample))
    body = export.load_weights(bundle / "weights")[1]
    assert body is not None
    pairs = [(a, f"{a} / {b} / {b}") for a, b in zip(sample, reversed(sample), strict=True)]
    tokens = dict(encoder.tokenizer([f"{a} {b}" for a, b in pairs], padding=True, truncation=True, max_length=96, return_tensors="pt"))
    read = _pace(len(pairs), lambda: body(**tokens).logits.sum().backward())
    served = open_bundle_encoder(bundle)[0]
    return Speeds(learned, read, _pace(len(sample), lambda: served.encode(sample)))


def _learn(encoder: Any, texts: Sequence[str]) -> None:
    features = {k: v for k, v in encoder.preprocess(list(texts)).items() if isinstance(v, torch.Tensor)}
    encoder(features)["sentence_embedding"].sum().backward()


def _pace(rows: int, work: Callable[[], object]) -> float:
    """Rows a second, the best of a few rounds after one to warm up."""
    work()
    took = []
    for _ in range(ROUNDS):
        began = perf_counter()
        work()
        took.append(perf_counter() - began)
    return rows / max(min(took), 1e-6)
