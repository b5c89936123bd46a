"""The machine's answers, hidden from those who are to decide without them (docs/decisions/0023-hidden-answers.md).

Routes that do nothing but tell an answer say `tells=True`, and the guard refuses them (isco_api.access). What other routes return goes through
`seen`, which leaves out what the machine said and what lets it be guessed.
"""

import csv
import io
from collections.abc import Sequence
from typing import Any, TypeVar

from msgspec.structs import replace

from isco_api.access import Caller
from isco_rag.correcting import Outcome
from isco_rag.correction_tables import REPORT
from isco_rag.store.records import Correction, FileJob, JobSummary, Kept, Review
from isco_rag.types import Prediction

Record = TypeVar("Record", Review, Kept, Correction, Outcome, FileJob)
# Why a correction is held tells what the model, or the title's own entry, says.
HELD = "an expert is to look at it"


def seen(caller: Caller, record: Record) -> Record:
    """The record as the caller may see it."""
    return _HIDE[type(record)](record) if caller.blind else record


def seen_all(caller: Caller, records: Sequence[Record]) -> list[Record]:
    """The records as the caller may see them."""
    return [seen(caller, record) for record in records]


def seen_report(caller: Caller, text: str) -> str:
    """The report of an import as the caller may see it."""
    if not caller.blind or not text:
        return text
    outcome, why = REPORT.index("outcome"), REPORT.index("why")
    file = io.StringIO()
    writer = csv.writer(file)
    for row in csv.reader(io.StringIO(text, newline="")):
        writer.writerow([HELD if i == why and row[outcome] == "held" else cell for i, cell in enumerate(row)])
    return file.getvalue()


def _prediction(said: Prediction) -> Prediction:
    return replace(said, code="", title="", level=0, confidence=0.0, grade="not_codable", review=True, top=(), reason="", near=0.0)


def _kept(record: Kept) -> Kept:
    return replace(record, prediction=_prediction(record.prediction))


def _review(review: Review) -> Review:
    """Without why it is here, its place and its weight too: how likely a record was to be drawn tells its band, its design how sure the machine was."""
    return replace(review, why="", score=0.0, weight=1.0, design="", record=_kept(review.record))


def _correction(found: Correction) -> Correction:
    return replace(found, answered=None, held=HELD if found.held else "")


def _outcome(found: Outcome) -> Outcome:
    return replace(found, reason=HELD) if found.outcome == "held" else found


def _job(job: FileJob) -> FileJob:
    return replace(job, summary=JobSummary())


_HIDE: dict[type, Any] = {Review: _review, Kept: _kept, Correction: _correction, Outcome: _outcome, FileJob: _job}
