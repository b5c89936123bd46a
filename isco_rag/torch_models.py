"""The encoders in torch, for a GPU: the float weights of a bundle behind the ports of isco_rag.encode and isco_rag.rerank.

Batches of texts of like length run together; padding is masked, so that a text's vector agrees with the one that it gets alone to float32's
precision. The models that are served without a GPU are the same ones with their weights in int8: docs/evaluation.md tells how far apart
the two are.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer

from isco_rag.encode import quantise
from isco_rag.errors import BundleError, UsageError
from isco_rag.ports import Floats
from isco_rag.rerank import PAIR_TOKENS

BATCH = 256


class TorchEncoder:
    """A sentence encoder: mean of the token states, unit length, in whole numbers."""

    def __init__(self, model: Any, tokenizer: Any, max_length: int, device: str) -> None:
        self._model, self._tokenizer, self._max_length, self._device = model.to(device).eval(), tokenizer, max_length, device
        self.dimension = int(model.config.hidden_size)

    def encode(self, texts: Sequence[str]) -> Floats:
        """Whole-number vectors [n, dimension]; a text that stands twice is run once."""
        distinct = list(dict.fromkeys(texts))
        found = _in_batches(distinct, self._run, (len(distinct), self.dimension))
        place = {text: i for i, text in enumerate(distinct)}
        return quantise(found[[place[t] for t in texts]]) if texts else found

    def _run(self, texts: list[str]) -> torch.Tensor:
        tokens = self._tokenizer(texts, padding=True, truncation=True, max_length=self._max_length, return_tensors="pt").to(self._device)
        states = self._model(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]).last_hidden_state
        mask = tokens["attention_mask"].unsqueeze(-1).to(states.dtype)
        return torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1), dim=1)


class TorchReranker:
    """A cross-encoder over pairs."""

    def __init__(self, model: Any, tokenizer: Any, device: str) -> None:
        self._model, self._tokenizer, self._device = model.to(device).eval(), tokenizer, device

    def score(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        """One logit per pair, float32 [n]."""
        return _in_batches(list(pairs), self._run, (len(pairs),))

    def _run(self, pairs: list[tuple[str, str]]) -> torch.Tensor:
        left, right = [a for a, _ in pairs], [b for _, b in pairs]
        tokens = self._tokenizer(left, right, padding=True, truncation=True, max_length=PAIR_TOKENS, return_tensors="pt").to(self._device)
        logits: torch.Tensor = self._model(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]).logits
        return logits[:, 0]


def open_torch(weights: Path, max_length: int, device: str) -> tuple[TorchEncoder, TorchReranker | None]:
    """Both models of a bundle's `weights` folder on a device ("" takes the GPU where there is one); there may be no second.

    UsageError where the device is not there, BundleError where the weights can't be read.
    """
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise UsageError(f'device \'{device}\' is not there; set device = "cpu", or backend = "onnx", which is faster without a GPU')
    try:
        body = AutoModel.from_pretrained(weights / "encoder", add_pooling_layer=False, dtype=torch.float32)
        words = AutoTokenizer.from_pretrained(weights / "encoder")
        encoder = TorchEncoder(body, words, max_length, device)
        if not (weights / "reranker").is_dir():
            return encoder, None
        cross = AutoModelForSequenceClassification.from_pretrained(weights / "reranker", dtype=torch.float32)
    except (OSError, ValueError) as error:
        raise BundleError(f"{weights}: can't be read ({str(error).splitlines()[0]}); restore the bundle") from error
    # The bundle holds the words that both models share once.
    cross.base_model.embeddings.word_embeddings.load_state_dict(body.embeddings.word_embeddings.state_dict())
    return encoder, TorchReranker(cross, words, device)


def _in_batches(items: list[Any], run: Callable[[list[Any]], torch.Tensor], shape: tuple[int, ...]) -> Floats:
    """What `run` gives for the items, in their order, in batches of items of like length."""
    found = np.empty(shape, dtype=np.float32)
    with torch.inference_mode():
        for rows in _batches(items):
            found[rows] = run([items[i] for i in rows]).float().cpu().numpy()
    return found


def _batches(items: list[Any]) -> Iterator[list[int]]:
    order = sorted(range(len(items)), key=lambda i: -len(str(items[i])))
    return (order[i : i + BATCH] for i in range(0, len(order), BATCH))
