"""What the words and the spelling of a text say of it: a linear classifier over hashed n-grams (Joulin et al. 2017, "Bag of tricks").

Words, pairs of words and runs of three to five letters each have a row of a small table; a text is the mean of its rows, and a linear
layer turns the mean into log probabilities of all unit groups. It learns in minutes what an encoder needs hours for, which word stands for
which group, in whatever language it read titles of, and errs elsewhere than the encoder does. One more output tells foreign from English.

All numbers are whole: sums of rows are exact, and so are the products with the output layer (2,047 x 127 x 64 rows is less than 2^24), so
that a title's scores do not depend on the titles beside it.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from zlib import crc32

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from isco_rag.errors import BundleError
from isco_rag.ports import Floats, Ints
from isco_rag.text import key

LENGTHS = (3, 4, 5)
# The largest whole number of a mean, such that a product with 64 weights of up to 127 stays exact in float32.
LARGEST = 2047
# Below this a log probability says no more than "no".
FLOOR = -14.0


def grams(text: str) -> list[str]:
    """Words, pairs of words, and runs of letters of a text's words with their ends marked.

    >>> grams("Cook, chef")
    ['=cook', '<co', 'coo', 'ook', 'ok>', '<coo', 'cook', 'ook>', '<cook', 'cook>', '=chef', '<ch', 'che', 'hef', 'ef>', '<che', 'chef', 'hef>', '<chef', 'chef>', 'cook chef']
    """
    words = key(text).split(" ")
    found = []
    for word in words:
        found.append(f"={word}")
        ends = f"<{word}>"
        found += [ends[i : i + n] for n in LENGTHS if len(ends) > n for i in range(len(ends) - n + 1)]
    return found + [f"{a} {b}" for a, b in pairwise(words)]


def buckets(text: str, size: int) -> Ints:
    """The rows of a table of `size` rows (a power of two) that a text's n-grams fall into."""
    return np.array([crc32(gram.encode()) & (size - 1) for gram in grams(text)], dtype=np.int64)


class NgramModel(Struct, frozen=True):
    """`table` [buckets, width] and `output` [width, classes + 1] in whole numbers, each `steps` of which make one; `bias` [classes + 1].

    The last output is the log odds that a text is not English.
    """

    table: NDArray[np.int8]
    output: NDArray[np.int8]
    bias: Floats
    steps: tuple[float, float]

    def scores(self, texts: Sequence[str]) -> Floats:
        """Log probability of every class for each text, [n, classes]."""
        logits = self._logits(texts)[:, :-1]
        logits -= logits.max(axis=1, keepdims=True)
        logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
        found: Floats = np.maximum(logits, FLOOR).astype(np.float32)
        return found

    def foreign(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Whether each text is likelier another language than English, [n]."""
        found: NDArray[np.bool_] = self._logits(texts)[:, -1] > 0
        return found

    def _logits(self, texts: Sequence[str]) -> NDArray[np.float64]:
        means = np.empty((len(texts), self.table.shape[1]), dtype=np.float32)
        for i, text in enumerate(texts):
            rows = self.table[buckets(text, len(self.table))]
            means[i] = rows.sum(axis=0, dtype=np.int64) / len(rows)
        scale = LARGEST / 127.0
        products = np.rint(means * np.float32(scale)) @ self.output.astype(np.float32)
        found: NDArray[np.float64] = products.astype(np.float64) / (scale * self.steps[0] * self.steps[1]) + self.bias
        return found


def whole(table: Floats, output: Floats, bias: Floats) -> NgramModel:
    """The model with its weights rounded to whole numbers; the few beyond the 99.99th percentile are cut."""
    steps = tuple(127.0 / max(float(np.quantile(np.abs(part), 0.9999)), 1e-9) for part in (table, output))
    small = [np.clip(np.rint(part * step), -127, 127).astype(np.int8) for part, step in zip((table, output), steps, strict=True)]
    return NgramModel(small[0], small[1], bias.astype(np.float32), (steps[0], steps[1]))


def save_ngrams(model: NgramModel, path: Path) -> None:
    """Writes the model as one npz file."""
    np.savez(path, table=model.table, output=model.output, bias=model.bias, steps=np.array(model.steps))


def load_ngrams(path: Path) -> NgramModel:
    """The model in a file; BundleError where it can't be read."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return NgramModel(file["table"], file["output"], file["bias"], (float(file["steps"][0]), float(file["steps"][1])))
    except (OSError, ValueError, KeyError) as error:
        raise BundleError(f"{path}: can't be read ({error}); restore the bundle") from error
