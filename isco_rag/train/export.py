"""Trained models to ONNX: float32 first, then dynamic int8 for serving."""

import warnings
from pathlib import Path
from typing import Any

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.shape_inference import quant_pre_process
from tokenizers import Tokenizer
from torch import nn
from transformers import AutoModel, AutoModelForSequenceClassification, PreTrainedModel, PreTrainedTokenizerFast

MAX_SHARD = "15MB"


class _Pooled(nn.Module):
    """Mean of the token states, scaled to unit length."""

    def __init__(self, body: PreTrainedModel) -> None:
        super().__init__()
        self.body = body

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        states = self.body(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(states.dtype)
        return nn.functional.normalize((states * mask).sum(1) / mask.sum(1), dim=1)


class _Logit(nn.Module):
    """The logit of a pair."""

    def __init__(self, body: PreTrainedModel) -> None:
        super().__init__()
        self.body = body

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return self.body(input_ids=input_ids, attention_mask=attention_mask).logits


def float_onnx(body: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, path: Path, max_length: int, *, pooled: bool) -> None:
    """Writes a model in float32; it gives a sentence vector if `pooled`, else a logit."""
    model = (_Pooled if pooled else _Logit)(body.float().cpu().eval())
    sample = tokenizer(["truck driver", "teaches mathematics at a school"], return_tensors="pt", padding=True)
    dims = {0: torch.export.Dim("rows"), 1: torch.export.Dim("tokens", max=max_length)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            (sample["input_ids"], sample["attention_mask"]),
            str(path),
            input_names=["input_ids", "attention_mask"],
            output_names=["sentence_vector" if pooled else "pair_logit"],
            dynamic_shapes={"input_ids": dims, "attention_mask": dims},
            dynamo=True,
            external_data=False,
            verbose=False,
        )


def export(body: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, folder: Path, max_length: int, *, pooled: bool) -> None:
    """Writes `model.onnx` (int8 weights, embeddings too) and `tokenizer.json`, which cuts at `max_length` tokens."""
    folder.mkdir(parents=True, exist_ok=True)
    raw, ready = folder / "float.onnx", folder / "ready.onnx"
    float_onnx(body, tokenizer, raw, max_length, pooled=pooled)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quant_pre_process(str(raw), str(ready), skip_symbolic_shape=True)
        quantize_dynamic(
            str(ready),
            str(folder / "model.onnx"),
            weight_type=QuantType.QInt8,
            per_channel=True,
            extra_options={"MatMulConstBOnly": True},
        )
    raw.unlink()
    ready.unlink()
    served = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    served.enable_truncation(max_length)
    (folder / "tokenizer.json").write_text(served.to_str(), encoding="utf-8")


def load_weights(folder: Path) -> tuple[Any, Any | None]:
    """Bi-encoder and cross-encoder of a bundle's `weights` folder, in float32, ready for further training; None where there is no second."""
    encoder = AutoModel.from_pretrained(folder / "encoder", add_pooling_layer=False, dtype=torch.float32)
    if not (folder / "reranker").is_dir():
        return encoder, None
    cross = AutoModelForSequenceClassification.from_pretrained(folder / "reranker", dtype=torch.float32)
    cross.base_model.embeddings.word_embeddings.load_state_dict(encoder.embeddings.word_embeddings.state_dict())
    return encoder, cross


def save_weights(body: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, folder: Path, without: str = "") -> None:
    """The weights for further training, as float16 safetensors in shards that git takes, with configuration and tokenizer.

    Weights whose name ends in `without` are left out: the reranker's word embeddings are the encoder's.
    """
    kept = {name: w.half() for name, w in body.state_dict().items() if not (without and name.endswith(without))}
    body.save_pretrained(folder, state_dict=kept, max_shard_size=MAX_SHARD)
    tokenizer.save_pretrained(folder)
