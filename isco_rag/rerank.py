"""Jobs beside candidates, read together by a cross-encoder: the last word on which of a few unit groups it is."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime as ort
from tokenizers import Tokenizer

from isco_rag.encode import load_tokenizer, open_session, run_each
from isco_rag.ports import Floats
from isco_rag.taxonomy import Group

PAIR_TOKENS = 96


def job_side(title: str, duties: str) -> str:
    """What the cross-encoder reads of a job: the title and the first 32 words of the picked duties."""
    return f"{title}. {' '.join(duties.split(' ')[:32])}" if duties else title


def candidate_side(group: Group, nearest: Sequence[str]) -> str:
    """What it reads of a candidate: the group's title, up to two of its nearest examples, the head of its definition."""
    parts = [group.title, *nearest[:2], " ".join(group.definition.split(" ")[:12])]
    return " / ".join(part.lower() for part in parts if part)


class OnnxReranker:
    """A cross-encoder over pairs; each pair runs alone, for the reason that isco_rag.encode gives."""

    def __init__(self, session: ort.InferenceSession, tokenizer: Tokenizer, pool: ThreadPoolExecutor, threads: int) -> None:
        self.session, self.tokenizer = session, tokenizer
        self._pool, self._threads = pool, threads

    def score(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        """One logit per pair, float32 [n]."""
        if not pairs:
            return np.empty(0, dtype=np.float32)
        ids = [e.ids for e in self.tokenizer.encode_batch(list(pairs))]
        return np.array(run_each(self._pool, self._one, ids, self._threads), dtype=np.float32)

    def _one(self, ids: list[int]) -> float:
        tokens = np.array([ids], dtype=np.int64)
        return float(self.session.run(None, {"input_ids": tokens, "attention_mask": np.ones_like(tokens)})[0].ravel()[0])


def open_reranker(folder: Path, pool: ThreadPoolExecutor, threads: int) -> OnnxReranker:
    """The cross-encoder in a bundle's folder (model.onnx, tokenizer.json)."""
    return OnnxReranker(open_session(folder / "model.onnx"), load_tokenizer(folder / "tokenizer.json"), pool, threads)
