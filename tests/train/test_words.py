"""The word model: what it learns, and that its answers are exact."""

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isco_rag.errors import BundleError, TrainingError
from isco_rag.ngrams import NgramModel, grams, load_ngrams, save_ngrams
from isco_rag.train.augment import dressed, inverted, mistyped, shortened, varied
from isco_rag.train.ngrams import NgramSettings, train_ngrams
from tests.checks import check_words

DRIVERS = ("truck driver", "lorry driver", "bus driver", "van driver", "tram driver")
COOKS = ("hotel cook", "ship cook", "pizza cook", "canteen cook", "school cook")
KÖCHE = ("Hotelkoch", "Schiffskoch", "Pizzakoch", "Kantinenkoch", "Schulkoch")


@pytest.fixture(scope="module")
def model() -> NgramModel:
    texts = [*DRIVERS, *COOKS, *KÖCHE] * 8
    labels = ([[0]] * 5 + [[1]] * 4 + [[0, 1]] + [[1]] * 5) * 8
    foreign = np.array([text in KÖCHE for text in texts])
    settings = NgramSettings(buckets=4096, width=16, epochs=20, batch=32)
    return train_ngrams(texts, labels, np.ones(len(texts)), foreign, 2, settings, 1, lambda *_: None)


def test_it_learns_words_and_reads_unseen_texts_and_languages(model: NgramModel) -> None:
    scores = model.scores(["coach driver", "hospital cook", "Krankenhauskoch", "drivr"])
    assert scores.argmax(axis=1).tolist() == [0, 1, 1, 0]
    np.testing.assert_allclose(np.exp(scores).sum(axis=1), 1.0, atol=1e-4)
    assert model.foreign(["taxi driver", "Krankenhauskoch"]).tolist() == [False, True]


def test_it_obeys_the_laws_of_its_port(model: NgramModel) -> None:
    check_words(model)


def test_it_survives_its_file(model: NgramModel, tmp_path: Path) -> None:
    save_ngrams(model, tmp_path / "words.npz")
    again = load_ngrams(tmp_path / "words.npz")
    assert np.array_equal(again.scores(DRIVERS), model.scores(DRIVERS))
    (tmp_path / "words.npz").write_bytes(b"no")
    with pytest.raises(BundleError, match="restore"):
        load_ngrams(tmp_path / "words.npz")


def test_nothing_to_learn_from_is_said() -> None:
    with pytest.raises(TrainingError, match="no text"):
        train_ngrams([], [], np.ones(0), np.zeros(0, bool), 2, NgramSettings(), 1, lambda *_: None)
    with pytest.raises(ValueError, match="power of two"):
        NgramSettings(buckets=1000)


@given(st.text(max_size=60))
def test_every_text_has_grams(text: str) -> None:
    assert grams(text)
    assert grams(text) == grams(text.upper().lower()) or not text.isascii()


@given(st.text(alphabet="abcdefghij klmno", min_size=1, max_size=40), st.integers(0, 10_000))
def test_changed_titles_keep_what_the_work_is(title: str, seed: int) -> None:
    title = " ".join(title.split())
    rng = random.Random(seed)
    assert varied(title, rng, 0.0) == title
    assert bool(varied(title, rng, 1.0)) == bool(title)
    if title:
        assert title in dressed(title, rng)
        assert sorted(inverted(title).replace(",", "").split()) == sorted(title.split())
        word = title.split()[0]
        assert abs(len(mistyped(word, rng)) - len(word)) <= 1
        assert word.startswith(shortened(word, rng).rstrip("."))


def test_it_goes_on_from_another_model_and_keeps_what_it_knew(model: NgramModel) -> None:
    texts = ["zoo keeper", "lion keeper"] * 8
    settings = NgramSettings(buckets=64, width=4, epochs=6, batch=16, rate=0.01)
    further = train_ngrams(texts, [[1]] * 16, np.ones(16), np.zeros(16, bool), 2, settings, 1, lambda *_: None, model)
    assert further.table.shape == model.table.shape
    assert further.scores(["ape keeper"]).argmax() == 1
    assert further.scores(["coach driver", "hospital cook"]).argmax(axis=1).tolist() == [0, 1]


def test_an_average_stands_between_what_it_knew_and_what_it_learned(model: NgramModel) -> None:
    texts = ["coach driver"] * 8

    def further(average: float) -> NgramModel:
        settings = NgramSettings(epochs=6, batch=16, rate=0.01, average=average)
        return train_ngrams(texts, [[1]] * 8, np.ones(8), np.zeros(8, bool), 2, settings, 1, lambda *_: None, model)

    says = [found.scores(texts[:1])[0, 1] for found in (model, further(0.0), further(0.3), further(1.0))]
    assert says[0] == pytest.approx(says[1], abs=0.02)
    assert says[1] < says[2] < says[3]
