"""The torch backend gives what the exported models give."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from transformers import AutoTokenizer

from isco_rag.encode import SCALE, OnnxEncoder, load_tokenizer, open_session
from isco_rag.errors import BundleError, UsageError
from isco_rag.settings import Settings
from isco_rag.torch_models import open_torch
from isco_rag.train.export import float_onnx, load_weights
from isco_rag.types import Job
from isco_rag.wiring import open_classifier
from tests.checks import TEXTS

JOBS = (Job("nurse"), Job("driver", "drives a lorry from the port to the warehouse"), Job("", "milks cows and repairs fences"))


def test_answers_are_those_of_the_exported_model_to_a_thousandth(bundle_folder: Path, tmp_path: Path) -> None:
    body, _ = load_weights(bundle_folder / "weights")
    words = AutoTokenizer.from_pretrained(bundle_folder / "weights" / "encoder")
    float_onnx(body, words, tmp_path / "model.onnx", 128, pooled=True)
    with ThreadPoolExecutor(1) as pool:
        tokenizer = load_tokenizer(bundle_folder / "encoder" / "tokenizer.json")
        exported = OnnxEncoder(open_session(tmp_path / "model.onnx"), tokenizer, 384, pool, 1)
        ours, theirs = open_torch(bundle_folder / "weights", 128, "cpu")[0].encode(TEXTS), exported.encode(TEXTS)
    np.testing.assert_allclose((ours @ ours.T) / SCALE**2, (theirs @ theirs.T) / SCALE**2, atol=1e-3)


def test_vectors_are_near_those_that_are_served_in_int8(bundle_folder: Path) -> None:
    served = open_classifier(bundle_folder).parts.encoder
    encoder, reranker = open_torch(bundle_folder / "weights", 128, "cpu")
    ours, theirs = encoder.encode(TEXTS), served.encode(TEXTS)
    assert ours.shape == theirs.shape
    cosines = (ours * theirs).sum(1) / SCALE**2
    assert (cosines > 0.97).all()
    assert reranker is not None
    check_reranker_alone(reranker)


def check_reranker_alone(reranker: object) -> None:
    """Batches agree with single pairs to float32's precision."""
    pairs = [(a, b) for a in TEXTS for b in TEXTS]
    together = reranker.score(pairs)  # type: ignore[attr-defined]
    alone = [float(reranker.score([pair])[0]) for pair in pairs]  # type: ignore[attr-defined]
    np.testing.assert_allclose(together, alone, atol=1e-3)


def test_a_classifier_runs_on_it(bundle_folder: Path) -> None:
    found = open_classifier(bundle_folder, Settings(backend="torch", device="cpu")).classify(JOBS)
    assert [p.top[0].code for p in found] == [p.top[0].code for p in open_classifier(bundle_folder).classify(JOBS)]


def test_a_missing_device_or_weights_are_said(tmp_path: Path, bundle_folder: Path) -> None:
    import torch

    with pytest.raises(BundleError, match="restore"):
        open_torch(tmp_path, 128, "cpu")
    if not torch.cuda.is_available():
        with pytest.raises(UsageError, match="not there"):
            open_torch(bundle_folder / "weights", 128, "cuda")
