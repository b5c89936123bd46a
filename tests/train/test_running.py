"""A training that was killed goes on where it was, with all that it had learned."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from isco_rag.train import biencoder, running
from isco_rag.train.running import LOSS_FILE, Schedule, own_parameters
from isco_rag.train.tokenizer import train_tokenizer

TEXTS = [f"{who} who {what} number {i}" for i in range(20) for who in ("cook", "nurse") for what in ("works", "rests")]


class KilledError(Exception):
    pass


def prototype_loss(folder: Path) -> biencoder.PrototypeLoss:
    torch.manual_seed(0)
    shape = biencoder.Shape(layers=1, hidden=32, heads=2, vocab=300, max_length=32)
    model = biencoder.new_encoder(shape, train_tokenizer(TEXTS, 300, 32, folder / "words"), folder / "new")
    candidates = np.array([[text.startswith("cook"), text.startswith("nurse")] for text in TEXTS])
    rng = np.random.default_rng(0)
    targets = rng.normal(size=(len(TEXTS), 32)).astype(np.float16)
    return biencoder.PrototypeLoss(model, rng.normal(size=(2, 32)), candidates, np.ones(len(TEXTS), np.float32), targets)


def test_a_killed_training_goes_on_with_its_prototypes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "LOG_EVERY", 1)
    schedule, steps = Schedule(epochs=4.0, batch=8, rate=1e-2, save_every=10), []

    def killer(step: int, last: int, loss: float) -> None:
        if step == 15:
            raise KilledError

    loss = prototype_loss(tmp_path)
    with pytest.raises(KilledError):
        biencoder.train_encoder(loss.model, loss, TEXTS, schedule, tmp_path / "run", killer)
    kept = load_file(tmp_path / "run" / "checkpoint-10" / LOSS_FILE)

    fresh = prototype_loss(tmp_path)
    begun: dict[str, torch.Tensor] = {}

    def watch(step: int, last: int, loss: float) -> None:
        begun.update(own_parameters(fresh) if not begun else {})
        steps.append(step)

    biencoder.train_encoder(fresh.model, fresh, TEXTS, schedule, tmp_path / "run", watch)
    assert steps[0] == 11
    assert steps[-1] == 40
    # After one more step the prototypes are still near what was kept, and far from a fresh start.
    moved = (begun["prototypes"] - kept["prototypes"]).abs().max()
    restarted = (own_parameters(prototype_loss(tmp_path))["prototypes"] - kept["prototypes"]).abs().max()
    assert moved < restarted / 3
