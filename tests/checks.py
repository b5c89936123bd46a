"""Laws that every implementation of a port obeys; the tests of each implementation call them."""

from collections.abc import Sequence

import numpy as np

from isco_rag.encode import SCALE
from isco_rag.ports import Calibrator, Encoder, Index, Reranker, WordModel

TEXTS = (
    "truck driver",
    "primary school teacher",
    "nurse",
    "drives a lorry from the port to the warehouse and back every day, loads and unloads",
)


def check_encoder(encoder: Encoder, texts: Sequence[str] = TEXTS, tolerance: float = 0.03) -> None:
    """Whole numbers in int8's range, unit length, one vector per text in order, and no dependence on the texts beside it."""
    together = encoder.encode(texts)
    assert together.shape == (len(texts), encoder.dimension)
    assert np.array_equal(together, np.rint(together))
    assert np.abs(together).max() <= 127
    np.testing.assert_allclose(np.linalg.norm(together, axis=1) / SCALE, 1.0, atol=tolerance)
    for i, text in enumerate(texts):
        assert np.array_equal(encoder.encode([text])[0], together[i])
    assert np.array_equal(encoder.encode(list(reversed(texts))), together[::-1])
    assert encoder.encode([]).shape == (0, encoder.dimension)


def check_index(index: Index, encoder: Encoder) -> None:
    """A title finds its own entry first, at cosine one; hits fall; the batch does not matter; more than there is gives -1."""
    titled = [i for i, e in enumerate(index.entries) if e.title][:20]
    vectors = encoder.encode([index.entries[i].title.lower() for i in titled])
    cosines, entries = index.search(vectors, 5)
    assert cosines.shape == entries.shape == (len(titled), 5)
    for row, i in enumerate(titled):
        assert index.entries[entries[row, 0]].title.lower() == index.entries[i].title.lower()
    np.testing.assert_allclose(cosines[:, 0], 1.0, atol=0.03)
    assert (np.diff(cosines, axis=1) <= 0).all()
    for row in range(len(titled)):
        alone = index.search(vectors[row : row + 1], 5)
        assert np.array_equal(alone[0][0], cosines[row])
        assert np.array_equal(alone[1][0], entries[row])
    many = index.search(vectors[:1], 100_000)[1][0]
    assert many[-1] == -1


def check_words(words: WordModel) -> None:
    """Log probabilities, one row per text in order, and no dependence on the texts beside it."""
    together = words.scores(TEXTS)
    assert together.shape[0] == len(TEXTS)
    assert (together <= 1e-6).all()
    assert words.foreign(TEXTS).shape == (len(TEXTS),)
    for i, text in enumerate(TEXTS):
        assert np.array_equal(words.scores([text])[0], together[i])
    assert np.array_equal(words.scores(tuple(reversed(TEXTS))), together[::-1])


def check_reranker(reranker: Reranker) -> None:
    """One finite score per pair, in order, and no dependence on the pairs beside it."""
    pairs = [(a, b) for a in TEXTS for b in TEXTS]
    scores = reranker.score(pairs)
    assert scores.shape == (len(pairs),)
    assert np.isfinite(scores).all()
    assert [float(reranker.score([pair])[0]) for pair in pairs] == scores.tolist()
    assert reranker.score([]).shape == (0,)


def check_calibrator(calibrator: Calibrator, classes: int = 7) -> None:
    """Rows sum to one, the order within a row stays, relabelling the classes relabels the answer."""
    rng = np.random.default_rng(3)
    p = rng.dirichlet(np.full(classes, 0.3), 50)
    regimes = rng.integers(0, 4, 50)
    found = calibrator.apply(p, regimes)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-9)
    assert np.array_equal(np.argsort(found, axis=1, kind="stable")[:, -1], np.argsort(p, axis=1, kind="stable")[:, -1])
    shuffle = rng.permutation(classes)
    np.testing.assert_allclose(calibrator.apply(p[:, shuffle], regimes), found[:, shuffle], atol=1e-12)
