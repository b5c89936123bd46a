"""Tutors: what fine-tuned encoders think together of texts, of titles too that nobody has coded, guides another one."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from isco_rag.errors import TrainingError
from isco_rag.train import biencoder, gather, kitchen
from isco_rag.train.assemble import assemble
from isco_rag.train.augment import imagined
from isco_rag.train.biencoder import PrototypeLoss, log_probabilities
from isco_rag.train.corpus import Row
from isco_rag.train.kitchen import Kitchen, Report
from isco_rag.train.recipe import load_recipe

PROTOTYPES = np.eye(3, dtype=np.float32)
QUIET = Report(lambda _: None, lambda *_: None)


class Fixed(torch.nn.Module):
    """A model whose embeddings are learned directly."""

    def __init__(self, vectors: np.ndarray) -> None:
        super().__init__()
        self.vectors = torch.nn.Parameter(torch.from_numpy(vectors.astype(np.float32)))

    def forward(self, features: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {"sentence_embedding": torch.nn.functional.normalize(self.vectors, dim=1)}


def unit(vectors: list[list[float]]) -> np.ndarray:
    found = np.array(vectors, dtype=np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def loss_of(vectors: np.ndarray, soft: np.ndarray, tutored: float = 1.0) -> PrototypeLoss:
    every = np.ones((len(vectors), 3), dtype=bool)
    return PrototypeLoss(Fixed(vectors), PROTOTYPES, every, np.ones(len(vectors), np.float32), soft=soft, tutored=tutored, smoothing=0.0)


def value(loss: PrototypeLoss) -> torch.Tensor:
    return loss([{}], torch.arange(len(loss.weights)))


def test_log_probabilities_are_the_softmax_that_the_loss_learns() -> None:
    vectors = unit([[1, 0.2, 0], [0.5, 0.5, 0.4]])
    found = log_probabilities(vectors, PROTOTYPES)
    np.testing.assert_allclose(np.exp(found).sum(1), 1.0, rtol=1e-5)
    candidates = np.eye(3, dtype=bool)[:2]
    loss = PrototypeLoss(Fixed(vectors), PROTOTYPES, candidates, np.ones(2, np.float32), smoothing=0.0)
    np.testing.assert_allclose(value(loss).item(), -found[[0, 1], [0, 1]].mean(), rtol=1e-4)


def test_a_student_that_thinks_as_its_tutors_has_nothing_to_learn_from_them() -> None:
    vectors = unit([[1, 0.9, 0.2], [0.1, 0.8, 0.9]])
    same = loss_of(vectors, log_probabilities(vectors, PROTOTYPES))
    value(same).backward()
    assert same.model.vectors.grad.abs().max() < 1e-4
    other = loss_of(vectors, log_probabilities(vectors[:, ::-1], PROTOTYPES))
    value(other).backward()
    assert other.model.vectors.grad.abs().max() > 0.1
    # Cross-entropy is least where the two agree (Gibbs).
    assert value(same) < value(loss_of(vectors[::-1].copy(), log_probabilities(vectors, PROTOTYPES)))


def test_texts_without_codes_teach_by_tutors_alone() -> None:
    vectors = unit([[1, 0.9, 0.2]])
    soft = log_probabilities(vectors[:, ::-1], PROTOTYPES)
    assert value(loss_of(vectors, soft, tutored=0.0)).item() == pytest.approx(0.0, abs=1e-5)
    assert value(loss_of(vectors, soft, tutored=0.5)).item() == pytest.approx(value(loss_of(vectors, soft)).item() / 2, rel=1e-4)


@given(st.lists(st.sampled_from(["kiln", "loom", "drone"]), min_size=1, max_size=5), st.integers(0, 20), st.integers(0, 99))
def test_every_word_comes_into_three_imagined_titles(words: list[str], crossed: int, seed: int) -> None:
    titles = ["head cook", "nurse", "bus driver"]
    found = imagined(words, titles, crossed, random.Random(seed))
    assert found == imagined(words, titles, crossed, random.Random(seed))
    assert len(found) == 3 * len(words) + crossed
    for i, word in enumerate(words):
        assert all(word in title.split() for title in found[3 * i : 3 * i + 3])
    known = set(" ".join(titles).split())
    assert all(set(title.split()) <= known for title in found[3 * len(words) :])


def test_a_recipe_with_tutors_asks_them_about_titles_that_are_nowhere_else(workshop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kitchen, "whole_words", lambda: ["pilot", "nurse", "pizza cook", "lorry driver"])
    monkeypatch.setattr(gather, "CROSSED", 12)
    plain = (workshop / "recipe.toml").read_text()
    Kitchen(load_recipe(workshop / "recipe.toml"), workshop / "tutor", QUIET).fine_tune()
    (workshop / "recipe.toml").write_text(f'tutors = ["{workshop / "tutor"}"]\nimagined = true\n{plain}')
    said: list[str] = []
    run = Kitchen(load_recipe(workshop / "recipe.toml"), workshop / "work", Report(said.append, lambda *_: None))
    bundle = assemble(run, workshop / "bundle", lambda _: ())
    assert any("embeds" in line for line in said)
    assert "tutor/prototypes.npy" in run.inputs()
    assert (bundle / "manifest.json").exists()
    made_up = gather.imagined_rows(run.data, kitchen.whole_words(), gather.apart(run.recipe, run.data), random.Random(1))
    texts = {row.text for row in made_up}
    # Both are evaluation rows.
    assert "pilot" in texts
    assert not {"pizza cook", "lorry driver"} & texts
    assert not {row.text for row in run.data.held} & texts
    assert {row.codes for row in made_up} == {()}
    assert len(np.load(workshop / "work" / "tutors.npy")) > len(made_up)


def test_tutors_that_are_none_and_bundles_of_a_tutor_are_refused(workshop: Path) -> None:
    recipe = workshop / "recipe.toml"
    plain = recipe.read_text()
    for line, says in (
        (f'tutors = ["{workshop / "gone"}"]', "not there"),
        (f'tutors = ["{workshop / "examples"}"]', "train it first"),
        ("imagined = true", "need tutors"),
    ):
        recipe.write_text(f"{line}\n{plain}")
        with pytest.raises(TrainingError, match=says):
            load_recipe(recipe)
    recipe.write_text(f'base = "{kitchen.TEACHER}"\n{plain}')
    with pytest.raises(TrainingError, match="go into no bundle"):
        assemble(Kitchen(load_recipe(recipe), workshop / "none", QUIET), workshop / "bundle", lambda _: ())
    assert not (workshop / "bundle").exists()


def test_a_changed_title_that_became_an_evaluation_row_is_not_read(workshop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    rows = kitchen.encoder_rows
    became = [Row("pizza cook", ("2112",), "title", "written", "x1"), Row("pizza cook at sea", ("2112",), "title", "written", "x2")]
    monkeypatch.setattr(kitchen, "encoder_rows", lambda *given: [*rows(*given), *became])
    monkeypatch.setattr(biencoder, "train_encoder", lambda model, loss, texts, *_: read.extend(texts))
    Kitchen(load_recipe(workshop / "recipe.toml"), workshop / "work", QUIET).fine_tune()
    assert "pizza cook at sea" in read
    assert "pizza cook" not in read
