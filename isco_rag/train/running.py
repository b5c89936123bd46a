"""One way to run a training: bf16 where it pays, length buckets, checkpoints that hold everything, progress told to a function."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from msgspec import Struct
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import TrainerCallback
from transformers.trainer_utils import get_last_checkpoint

from isco_rag.train.batches import LengthBuckets

LOG_EVERY = 50
LOSS_FILE = "loss.safetensors"
Told = Callable[[int, int, float], None]


class Schedule(Struct, frozen=True, forbid_unknown_fields=True):
    """How long and how fast a stage learns."""

    epochs: float = 3.0
    batch: int = 256
    rate: float = 5e-4
    warmup: float = 0.06
    seed: int = 8
    save_every: int = 400


class _Keeper(TrainerCallback):
    """Tells progress, and keeps the loss's own parameters with each checkpoint: the trainer saves the model's alone."""

    def __init__(self, loss: nn.Module, told: Told) -> None:
        self.loss, self.told = loss, told

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:
        if logs and "loss" in logs:
            self.told(state.global_step, state.max_steps, logs["loss"])

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        own = own_parameters(self.loss)
        if own:
            save_file(own, Path(args.output_dir) / f"checkpoint-{state.global_step}" / LOSS_FILE)


def own_parameters(loss: Any) -> dict[str, torch.Tensor]:
    """The parameters that a loss learns beside its model's."""
    inside = {id(p) for p in loss.model.parameters()}
    return {name: p.detach().cpu().clone() for name, p in loss.named_parameters() if id(p) not in inside}


def device(named: str = "") -> str:
    """Where training runs: the device that a recipe names, else the GPU where there is one."""
    return named or ("cuda" if torch.cuda.is_available() else "cpu")


def reduced_precision() -> bool:
    """Whether bfloat16 pays here: a processor without instructions for it multiplies a hundred times slower than in float32."""
    return torch.cuda.is_available() or bool(torch.cpu.get_capabilities().get("avx512_bf16"))


def run_training(
    kind: tuple[type[Any], type[Any]],
    model: Any,
    loss: nn.Module,
    columns: dict[str, list[Any]],
    schedule: Schedule,
    folder: Path,
    told: Told,
) -> None:
    """Trains the model and the loss in place with the trainer and arguments of `kind`.

    A run that was killed goes on from its last checkpoint under `folder`. The first of `columns` is the one whose length makes the buckets.
    """
    trainer_type, arguments_type = kind
    rows = len(next(iter(columns.values())))
    steps = int(schedule.epochs * -(-rows // schedule.batch))
    arguments = arguments_type(
        output_dir=str(folder),
        max_steps=steps,
        per_device_train_batch_size=schedule.batch,
        learning_rate=schedule.rate,
        warmup_steps=int(schedule.warmup * steps),
        lr_scheduler_type="linear",
        weight_decay=0.01,
        bf16=reduced_precision(),
        use_cpu=next(model.parameters()).device.type == "cpu",
        seed=schedule.seed,
        batch_sampler=LengthBuckets,
        logging_steps=LOG_EVERY,
        save_steps=schedule.save_every,
        save_total_limit=1,
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )
    last = get_last_checkpoint(str(folder)) if folder.is_dir() else None
    if last and (Path(last) / LOSS_FILE).exists():
        loss.load_state_dict(load_file(Path(last) / LOSS_FILE), strict=False)
    trainer = trainer_type(
        model=model, args=arguments, train_dataset=Dataset.from_dict(columns), loss=loss, callbacks=[_Keeper(loss, told)]
    )
    trainer.train(resume_from_checkpoint=last)
