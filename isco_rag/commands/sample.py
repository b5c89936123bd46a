"""An institution's own coded sample, as calibration and thresholds read it."""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np
from isco_eval.gold import read_gold
from msgspec import Struct
from numpy.typing import NDArray

from isco_rag.classify import CHUNK, Classifier
from isco_rag.errors import TrainingError
from isco_rag.fallback import for_review
from isco_rag.settings import Thresholds
from isco_rag.text import key, title_text
from isco_rag.types import Job, Prediction


class OwnSample(Struct, frozen=True):
    """Jobs, their unit groups, a number for each distinct text; `left_out` says how many rows do not serve, by reason."""

    jobs: tuple[Job, ...]
    codes: tuple[str, ...]
    texts: tuple[int, ...]
    left_out: dict[str, int]


def read_sample(paths: Sequence[Path], classifier: Classifier) -> OwnSample:
    """The coded rows of the files that can tell how good the classifier is: with whole codes, and not standing in its index.

    A row that is in the index finds itself, and would make every confidence look too small.
    """
    known = {(key(title_text(e.title)), key(e.duties)) for e in classifier.parts.index.entries}
    jobs, codes, texts = [], [], []
    left_out: dict[str, int] = {}
    numbers: dict[tuple[str, str, str], int] = {}
    for path in dict.fromkeys(paths):
        gold = read_gold(path, classifier.taxonomy)
        for job, code in zip(gold.jobs, gold.codes, strict=True):
            identity = (key(title_text(job.title)), key(job.duties), key(job.industry))
            short = code not in classifier.taxonomy.leaf_number
            if short or identity[:2] in known:
                reason = "with a code above the lowest level" if short else "that stand in the index"
                left_out[reason] = left_out.get(reason, 0) + 1
                continue
            jobs.append(job)
            codes.append(code)
            texts.append(numbers.setdefault(identity, len(numbers)))
    return OwnSample(tuple(jobs), tuple(codes), tuple(texts), left_out)


class CodedSample(Struct, frozen=True):
    """Predictions for a sample [n], whether what they emit is right at its own level [n], and the thresholds that they were made with."""

    predictions: tuple[Prediction, ...]
    right: NDArray[np.bool_]
    thresholds: Thresholds

    def untouched(self, automatic: float) -> NDArray[np.bool_]:
        """The rows [n] that no one looks at where the threshold `automatic` is this."""
        thresholds = msgspec.structs.replace(self.thresholds, automatic=automatic)
        return np.array([not for_review(p.grade, p.confidence, thresholds) for p in self.predictions])


def code_sample(classifier: Classifier, own: OwnSample, progress: Callable[[int], None]) -> CodedSample:
    """The sample coded; `progress` is told how many rows were done. TrainingError where there are none."""
    if not own.jobs:
        raise TrainingError("no coded row is left to measure on; look at what is left out and bring others")
    predictions: list[Prediction] = []
    for start in range(0, len(own.jobs), CHUNK):
        predictions += classifier.classify(own.jobs[start : start + CHUNK])
        progress(len(own.jobs[start : start + CHUNK]))
    right = [bool(p.code) and p.code == classifier.taxonomy.ancestor(code, p.level) for p, code in zip(predictions, own.codes, strict=True)]
    return CodedSample(tuple(predictions), np.array(right), classifier.settings.thresholds)
