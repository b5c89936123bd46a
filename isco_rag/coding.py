"""A file of jobs coded: every input column comes back, with the answer's columns behind them."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

from msgspec import Struct

from isco_rag.classify import CHUNK, Classifier
from isco_rag.errors import UsageError
from isco_rag.tables import Form, read_rows, write_rows
from isco_rag.types import Job, Prediction

COLUMNS = (
    "isco_code", "isco_title", "isco_level", "isco_confidence", "isco_grade", "isco_review",
    "isco_unit_1", "isco_unit_1_confidence", "isco_unit_2", "isco_unit_2_confidence", "isco_unit_3", "isco_unit_3_confidence",
    "isco_reason", "isco_bundle",
)  # fmt: skip
# Answers kept for texts that come again, the latest ones.
REMEMBERED = 100_000


class Summary(Struct):
    """What came of a file: rows by grade, rows for review, texts that were coded."""

    rows: int = 0
    distinct: int = 0
    review: int = 0
    grades: dict[str, int] = {}
    levels: dict[int, int] = {}


def code_file(
    classifier: Classifier,
    source: Path,
    target: Path,
    form: Form,
    columns: dict[str, int],
    progress: Callable[[int, Sequence[tuple[Job, Prediction]]], None],
) -> Summary:
    """Codes `source` into `target`, streaming; `progress` is told how many rows were done and sees their predictions.

    The rows of the target are those of the source, in order. A text that stands twice is coded once. If anything fails, no target is left.
    """
    if target.exists() and target.samefile(source):
        raise UsageError(f"{target}: the output can't be the input; choose another name with -o")
    taken = [name for name in COLUMNS if name in form.header]
    if taken:
        raise UsageError(f"{source}: already has the column {taken[0]}; rename it or code the original file")
    summary, known = Summary(grades={}, levels={}), Remembered()
    with write_rows(target, form, COLUMNS) as writer:
        rows = read_rows(source, form)
        while part := list(islice(rows, CHUNK)):
            jobs = [job_of(row, columns) for row in part]
            predictions = known.classify(classifier, jobs)
            summary.distinct = known.distinct
            for row, prediction in zip(part, predictions, strict=True):
                writer.writerow([*row, *cells(prediction)])
                summary.grades[prediction.grade] = summary.grades.get(prediction.grade, 0) + 1
                summary.levels[prediction.level] = summary.levels.get(prediction.level, 0) + 1
                summary.review += prediction.review
            summary.rows += len(part)
            progress(len(part), list(zip(jobs, predictions, strict=True)))
    return summary


def job_of(row: Sequence[str], columns: dict[str, int]) -> Job:
    """The job that stands in a row, with each field from its column."""
    return Job(**{field: row[number] for field, number in columns.items()})


class Remembered:
    """Answers for texts that came before, the latest ones: a text that stands twice is coded once. `distinct` counts those that were coded."""

    def __init__(self, most: int = REMEMBERED) -> None:
        self.most, self.distinct = most, 0
        self._known = OrderedDict[bytes, Prediction]()

    def classify(self, classifier: Classifier, jobs: Sequence[Job]) -> list[Prediction]:
        """One prediction for each job, in order."""
        keys = [_digest(job) for job in jobs]
        fresh = {k: job for k, job in zip(keys, jobs, strict=True) if k not in self._known}
        self.distinct += len(fresh)
        self._known.update(zip(fresh, classifier.classify(list(fresh.values())) if fresh else (), strict=True))
        found = [self._known[k] for k in keys]
        while len(self._known) > self.most:
            self._known.popitem(last=False)
        return found


def _digest(job: Job) -> bytes:
    """What stands for a job's text among those remembered: texts may be long, digests are not."""
    return hashlib.blake2b(
        "\x00".join((job.title, job.duties, job.industry, job.language)).encode("utf-8", "surrogatepass"), digest_size=16
    ).digest()


def cells(prediction: Prediction) -> list[str]:
    """The cells of one prediction, in the order of COLUMNS; confidences with four decimals, empty where there is nothing to say."""
    coded = bool(prediction.code)
    units = [cell for c in prediction.top for cell in (c.code, f"{c.probability:.4f}")]
    return [
        prediction.code,
        prediction.title,
        str(prediction.level) if coded else "",
        f"{prediction.confidence:.4f}" if coded else "",
        prediction.grade,
        "true" if prediction.review else "false",
        *(units + [""] * (6 - len(units))),
        prediction.reason,
        prediction.bundle,
    ]
