"""A file that is coded gives some of its rows to people, and its counts to monitoring, in the transaction that ends it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from time import monotonic
from typing import TypeVar

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from sqlalchemy import Connection

from isco_api.engine import PIECE
from isco_api.service import Service
from isco_rag.classify import Classifier
from isco_rag.learn import filling
from isco_rag.learn.filling import Answered, Draw, Rows
from isco_rag.store import frames, jobs, predictions, tallies
from isco_rag.store.clock import now
from isco_rag.store.records import FileJob
from isco_rag.store.settings import Running
from isco_rag.store.tallies import Tally
from isco_rag.tables import Form, read_rows
from isco_rag.types import Job, Prediction

Item = TypeVar("Item")


class FileDraw(Struct):
    """What ends a file: its columns, what was drawn, the drawn rows themselves, vectors of its pool, and its counts."""

    rows: Rows
    draw: Draw
    drawn: list[tuple[int, Job, Prediction]]
    vectors: NDArray[np.floating]
    tally: Tally


def draw_from_file(
    service: Service, job: FileJob, path: Path, form: Form, job_of: Callable[[Sequence[str], dict[str, int]], Job], renew: Callable[[], None]
) -> FileDraw:  # fmt: skip
    """Draws from a file whose rows are all coded and stored. The same file is drawn from in the same way if that is done again."""
    tally = Tally()
    with service.store.read() as db:
        rows = filling.columns_of(steadily(jobs.results(db, job.id, Answered), renew), job.fill, tally)
    found = filling.draw(rows, service.running(), job.id)
    wanted = {*found.pool.tolist(), *(one.row for one in found.records)}
    texts = {number: job_of(row, job.columns) for number, row in enumerate(steadily(read_rows(path, form), renew)) if number in wanted}
    vectors = vectors_of(service.engine.bulk, [texts[number] for number in found.pool.tolist()])
    filling.add_diverse(found, rows, vectors)
    numbers = sorted(one.row for one in found.records)
    with service.store.read() as db:
        answers = jobs.answers_of(db, job.id, numbers)
    renew()
    return FileDraw(rows, found, [(number, texts[number], answers[number]) for number in numbers], vectors, tally)


def steadily(items: Iterable[Item], renew: Callable[[], None]) -> Iterator[Item]:
    """The items as they come; the claim on the file is renewed while they do."""
    last = monotonic()
    for item in items:
        yield item
        if monotonic() - last > jobs.LEASE_SECONDS / 4:
            renew()
            last = monotonic()


def store_draw(db: Connection, job: FileJob, bundle: str, found: FileDraw, running: Running) -> None:
    """Keeps what was drawn and counts the file; the caller's transaction is the one that ends the file, so it is done once."""
    day = now()[:10]
    tallies.store_tally(db, day, bundle, "file", found.tally)
    tallies.store_centre(db, day, bundle, int(found.rows.codable.sum()), found.vectors)
    kept = predictions.keep(db, job.owner, "file", found.drawn, job.id)
    chosen = filling.picked(found.draw, found.rows, {row: number for (row, _, _), number in zip(found.drawn, kept, strict=True)})
    frames.open_drawn(db, found.draw.strata, chosen, bundle, running.coders, job_id=job.id)


def vectors_of(classifier: Classifier, given: Sequence[Job]) -> NDArray[np.floating]:
    """The vector of all that each job says [n, d], in pieces between which others get their turn."""
    texts = [prepared.told for prepared in map(classifier.prepare, given)]
    distinct = [text for text in dict.fromkeys(texts) if text]
    known: dict[str, NDArray[np.float32]] = {"": np.zeros(classifier.parts.encoder.dimension, np.float32)}
    for start in range(0, len(distinct), PIECE):
        part = distinct[start : start + PIECE]
        known.update(zip(part, classifier.parts.encoder.encode(part), strict=True))
    return np.array([known[text] for text in texts]).reshape(len(texts), classifier.parts.encoder.dimension)
