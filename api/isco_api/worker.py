"""The worker: takes files from the queue, codes them chunk by chunk, and tidies up what is over its time."""

import logging
import os
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from tempfile import NamedTemporaryFile
from time import monotonic, time

from isco_api.drawing import FileDraw, draw_from_file, store_draw
from isco_api.engine import PIECE
from isco_api.service import Service
from isco_rag.coding import Remembered, job_of
from isco_rag.errors import CoderError, StoreError
from isco_rag.formula import unguarded
from isco_rag.store import jobs, predictions, reviews
from isco_rag.store.records import FileJob
from isco_rag.store.settings import current
from isco_rag.tables import Form, read_rows
from isco_rag.types import Job, Prediction

log = logging.getLogger("isco_api.worker")
# How often the queue is looked at when nobody in this process has called.
IDLE_SECONDS = 1.0
RENEW_SECONDS = jobs.LEASE_SECONDS / 4
TIDY_SECONDS = 600.0
REMEMBERED = 50_000
# No upload and no download takes this long.
LEFT_SECONDS = 86_400


class Lost(Exception):  # noqa: N818
    """The claim on a job is gone: somebody cancelled it, or another worker has it."""


class Worker:
    """Codes the files of the queue, one at a time, in a thread of its own."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self._thread = threading.Thread(target=self._run, name="isco-worker", daemon=True)
        self._tidied = -TIDY_SECONDS

    def start(self) -> None:
        """Begins to work."""
        self._thread.start()

    def stop(self) -> None:
        """Ends after the piece at hand; the job goes back to the queue."""
        self.service.stopping.set()
        self.service.wake.set()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        while not self.service.stopping.is_set():
            try:
                busy = self.service.engine.ready and self.step()
                if monotonic() - self._tidied > TIDY_SECONDS:
                    self.tidy()
            except StoreError as error:
                log.warning("the worker waits: %s", error)
                busy = False
            except Exception:
                log.exception("the worker failed")
                busy = False
            if not busy:
                self.service.wake.wait(IDLE_SECONDS)
                self.service.wake.clear()

    def step(self) -> bool:
        """Works on the next job of the queue, if there is one; whether there was."""
        with self.service.store.write() as db:
            job = jobs.claim(db, self.name)
        if job is None:
            return False
        began = monotonic()
        told = {"job": job.id, "rows": job.rows, "from": job.done}
        try:
            self._code(job)
            log.info("file coded", extra={**told, "seconds": round(monotonic() - began, 1)})
        except Lost:
            log.info("file given up", extra=told)
        except StoreError:
            # The claim runs out by itself, and the file goes on behind its last stored chunk.
            raise
        except CoderError as error:
            self._fail(job, str(error), final=True)
        except Exception as error:
            log.exception("file failed", extra=told)
            self._fail(job, f"the coder failed ({type(error).__name__}); the log of the service tells more", final=False)
        return True

    def _fail(self, job: FileJob, error: str, *, final: bool) -> None:
        with self.service.store.write() as db:
            state = jobs.fail(db, self.name, job.id, error, final=final)
        log.warning("file %s", state, extra={"job": job.id})

    def _code(self, job: FileJob) -> None:
        with self.service.engine.turns.using(), uploaded_file(self.service, job.id) as (path, form):
            known = Remembered(REMEMBERED)
            rows = islice(read_rows(path, form), job.done, None)
            done, last = job.done, monotonic()
            while part := list(islice(rows, jobs.CHUNK)):
                given = [job_in(row, job.columns) for row in part]
                answers: list[Prediction] = []
                # One model and one index for the whole chunk, whatever comes meanwhile.
                coder = self.service.engine.bulk
                for start in range(0, len(given), PIECE):
                    answers += known.classify(coder, given[start : start + PIECE])
                    if self.service.stopping.is_set():
                        with self.service.store.write() as db:
                            jobs.release(db, self.name)
                        raise Lost
                    if monotonic() - last > RENEW_SECONDS:
                        self._renew(job)
                        last = monotonic()
                self._store(job, done, given, answers, coder.parts.name)
                done, last = done + len(part), monotonic()
            drawn = self._draw(job, path, form)
        with self.service.store.write() as db:
            running = current(db)
            if not jobs.finish(db, self.name, job.id, running.result_days):
                raise Lost
            if drawn:
                store_draw(db, job, self.service.engine.name, drawn, running)

    def _draw(self, job: FileJob, path: Path, form: Form) -> FileDraw | None:
        """What the file gives to review and monitoring; a file is finished without it where that fails."""
        try:
            return draw_from_file(self.service, job, path, form, job_in, lambda: self._renew(job))
        except (Lost, StoreError):
            raise
        except Exception:
            log.exception("nothing was drawn from a file", extra={"job": job.id})
            return None

    def _renew(self, job: FileJob) -> None:
        with self.service.store.write() as db:
            if not jobs.renew(db, self.name, job.id):
                raise Lost

    def _store(self, job: FileJob, done: int, given: Sequence[Job], answers: list[Prediction], model: str) -> None:
        """A chunk, its count, and its rows for review, in one transaction."""
        wanted = [(done + i, j, p) for i, (j, p) in enumerate(zip(given, answers, strict=True)) if p.grade in job.fill]
        with self.service.store.write() as db:
            if not jobs.checkpoint(db, self.name, job.id, done, answers, model):
                raise Lost
            kept = predictions.keep(db, job.owner, "file", wanted, job.id)
            reviews.open_reviews(db, kept, "the grade is among those that go to review", current(db).coders)
        self.service.coded("file", answers)

    def tidy(self) -> None:
        """Removes results that are over their time, and files that a killed process left behind."""
        self._tidied = monotonic()
        with self.service.store.write() as db:
            count = jobs.purge(db)
        if count:
            log.info("results removed after their time", extra={"jobs": count})
        for left in (self.service.store.folder / "tmp").iterdir():
            with suppress(OSError):
                if time() - left.stat().st_mtime > LEFT_SECONDS:
                    left.unlink()


def job_in(row: Sequence[str], columns: dict[str, int]) -> Job:
    """The job in a row. What a spreadsheet's guard put in front of a cell is taken off; overlong texts are read up to a limit."""
    return job_of([unguarded(cell)[: predictions.LONGEST] for cell in row], columns)


@contextmanager
def uploaded_file(service: Service, number: str) -> Iterator[tuple[Path, Form]]:
    """The uploaded file of a job on disk for the time of a with block, and its form."""
    with NamedTemporaryFile(dir=service.store.folder / "tmp", prefix="job-") as file:
        with service.store.read() as db:
            form = jobs.form_of(db, number)
            for piece in jobs.uploaded(db, number):
                file.write(piece)
        file.flush()
        yield Path(file.name), form
