"""Batches of texts of like length, in an order that a seed fixes."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sentence_transformers.base.sampler import DefaultBatchSampler


class LengthBuckets(DefaultBatchSampler):
    """Batches of rows whose first column is about equally long, shuffled by seed and epoch.

    Padding is what training on short texts loses most time on. Lengths get noise of a fifth, so that batches differ between epochs.
    """

    def __init__(self, dataset: Any, batch_size: int, drop_last: bool = False, seed: int = 0, **_: Any) -> None:
        super().__init__(dataset, batch_size=batch_size, drop_last=False, seed=seed)
        column = dataset[next(name for name in dataset.column_names if name != "label")]
        self.lengths = np.array([len(text) for text in column], dtype=np.float64)
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-len(self.lengths) // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        rng = np.random.default_rng((self.seed or 0, self.epoch))
        order = np.argsort(self.lengths * rng.uniform(0.8, 1.2, len(self.lengths)), kind="stable")
        batches = [order[i : i + self.batch_size] for i in range(0, len(order), self.batch_size)]
        for i in rng.permutation(len(batches)):
            yield batches[i].tolist()
