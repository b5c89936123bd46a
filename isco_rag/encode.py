"""Texts to vectors with an ONNX model: the encoder that serves.

Each text runs through the model alone and without padding, several at a time on threads. Dynamic int8 quantisation takes its scale from
the whole input, so a text that shared a batch would get another vector than alone (measured: differences of 1e-3); alone it always gets
the same, and with a model this small one text at a time costs a sixth of the speed of batches.

Vectors are unit vectors times `SCALE`, rounded to whole numbers of at most 127. Inner products of whole numbers are exact in float32 up to
2^24, in any order of summation, so a similarity does not depend on the library, the batch or the machine's vector width.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from tokenizers import Tokenizer

from isco_rag.ports import Floats

# 127 / 400 = 0.3: no component of a 384-dimensional unit vector of the trained encoder reaches it (largest in the shipped index: 0.28).
SCALE = 400.0


def quantise(vectors: Floats) -> Floats:
    """Unit vectors as whole numbers from -127 to 127, float32, same shape."""
    whole: Floats = np.clip(np.rint(vectors * SCALE), -127, 127).astype(np.float32)
    return whole


def open_session(path: Path) -> ort.InferenceSession:
    """An inference session that runs one request on one thread; callers bring the threads."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run_each(pool: ThreadPoolExecutor, one: Callable[[Any], Any], items: Sequence[Any], threads: int) -> list[Any]:
    """`one` of each item, in order, in as many interleaved stripes as there are threads."""
    if len(items) < 2 or threads < 2:
        return [one(item) for item in items]
    found: list[Any] = [None] * len(items)

    def stripe(start: int) -> None:
        for i in range(start, len(items), threads):
            found[i] = one(items[i])

    list(pool.map(stripe, range(threads)))
    return found


class OnnxEncoder:
    """A sentence encoder; see the module's head for why texts run one by one."""

    def __init__(self, session: ort.InferenceSession, tokenizer: Tokenizer, dimension: int, pool: ThreadPoolExecutor, threads: int) -> None:
        self.session, self.tokenizer, self.dimension = session, tokenizer, dimension
        self._pool, self._threads = pool, threads

    def encode(self, texts: Sequence[str]) -> Floats:
        """Whole-number vectors [n, dimension]; a text that stands twice is run once."""
        distinct = list(dict.fromkeys(texts))
        ids = [e.ids for e in self.tokenizer.encode_batch(distinct)]
        order = sorted(range(len(ids)), key=lambda i: -len(ids[i]))
        vectors = np.empty((len(distinct), self.dimension), dtype=np.float32)
        for i, vector in zip(order, run_each(self._pool, self._one, [ids[i] for i in order], self._threads), strict=True):
            vectors[i] = vector
        place = {text: i for i, text in enumerate(distinct)}
        return quantise(vectors[[place[t] for t in texts]]) if texts else vectors

    def _one(self, ids: list[int]) -> Floats:
        tokens = np.array([ids], dtype=np.int64)
        vector: Floats = self.session.run(None, {"input_ids": tokens, "attention_mask": np.ones_like(tokens)})[0][0]
        return vector


def open_encoder(folder: Path, pool: ThreadPoolExecutor, threads: int) -> OnnxEncoder:
    """The encoder in a bundle's folder (model.onnx, tokenizer.json)."""
    tokenizer = load_tokenizer(folder / "tokenizer.json")
    session = open_session(folder / "model.onnx")
    return OnnxEncoder(session, tokenizer, int(session.get_outputs()[0].shape[-1]), pool, threads)


def load_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer; it cuts at the length that its file names, which is what its model can take, and never pads."""
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    return tokenizer


def token_limit(folder: Path) -> int:
    """The number of tokens at which a bundle's encoder cuts a text."""
    truncation = load_tokenizer(folder / "tokenizer.json").truncation
    return int(truncation["max_length"]) if truncation else 512
