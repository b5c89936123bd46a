"""The seams of the coder: what each part must do, whoever does it. Fakes for all of them are in tests/fakes.py."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from isco_rag.types import Entry

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


class Encoder(Protocol):
    """Turns texts into vectors; a text's vector does not depend on the texts beside it."""

    dimension: int

    def encode(self, texts: Sequence[str]) -> Floats:
        """Integer-valued vectors [n, dimension] whose inner products, divided by `SCALE` squared, are cosines."""
        ...


class Index(Protocol):
    """Coded texts that can be searched by vector."""

    @property
    def entries(self) -> Sequence[Entry]:
        """The entries, in the order of their numbers."""
        ...

    def search(self, vectors: Floats, k: int) -> tuple[Floats, Ints]:
        """Cosines and entry numbers [n, k], nearest first, ties by entry id; entry number -1 where there are fewer."""
        ...


class WordModel(Protocol):
    """Says from a text's words and spelling which classes it may belong to."""

    def scores(self, texts: Sequence[str]) -> Floats:
        """Log probability of every class for each text, [n, classes]; a text's scores do not depend on the texts beside it."""
        ...

    def foreign(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Whether each text is likelier another language than the index speaks, [n]."""
        ...


class Reranker(Protocol):
    """Reads a job beside a candidate's description."""

    def score(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        """One logit per pair [n]; higher is better; a pair's score does not depend on the pairs beside it."""
        ...


class Calibrator(Protocol):
    """Makes probabilities mean what they say."""

    def apply(self, probabilities: NDArray[np.float64], regimes: Ints) -> NDArray[np.float64]:
        """Calibrated probabilities, same shape [n, codes], rows still sum to one, order within a row kept."""
        ...
