"""What every request handler gets: the engine, the store and the options, and the few steps that several handlers share."""

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import TypeVar

from isco_api.engine import Engine
from isco_api.figures import Figures
from isco_api.limits import Buckets
from isco_api.live import Live
from isco_api.metrics import Meters
from isco_api.options import Options
from isco_api.watch import Watch
from isco_rag.errors import InputError, StoreError, TooLargeError
from isco_rag.learn.suspects import Known, known_titles
from isco_rag.store import users
from isco_rag.store.database import Store
from isco_rag.store.records import User
from isco_rag.store.settings import Running, current
from isco_rag.types import Job, Prediction

log = logging.getLogger("isco_api")
Answer = TypeVar("Answer")
# Who acts where there is no login: the one who runs the service on its own machine.
LOCAL = User(0, "local", "administrator", False, "", "")
# How long it may take until a first user, made by a command beside the running service, ends the single-user mode.
MODE_SECONDS = 1.0
WATCHED = ("api", "batch")


class Service:
    """The parts of a running service."""

    def __init__(self, store: Store, engine: Engine, options: Options, bundle: Path) -> None:
        self.store, self.engine, self.options = store, engine, options
        # The bundle that answers, and the one that does where none was ever promoted.
        self.bundle = self.base = bundle
        # Why the champion does not answer, if it does not.
        self.obstacle = ""
        # That which says so where it is for want of space: what anybody may be told.
        self.no_room = ""
        self.buckets = Buckets()
        self.meters = Meters()
        # Set when the service ends; set when a file waits for the worker of this process.
        self.stopping, self.wake = threading.Event(), threading.Event()
        # Set when corrections may have changed; set when the champion may have.
        self.taught, self.promoted = threading.Event(), threading.Event()
        self.watch = Watch(store, self.stopping)
        self.figures = Figures(store, engine)
        self.live = Live(engine, store, self.taught, self.stopping)
        # Numbers of the files of corrections that this process takes in.
        self.importing: set[int] = set()
        # Held while this process looks for contradictions.
        self.looking = threading.Lock()
        self._imports = ThreadPoolExecutor(1, thread_name_prefix="isco-imports")
        self._files = ThreadPoolExecutor(2, thread_name_prefix="isco-files")
        self._mode = (0.0, False)
        self._known = ("", Known({}, Counter()))

    def single_user(self) -> bool:
        """Whether there is no login: the service listens on loopback only and there is no user."""
        if not self.options.loopback:
            return False
        asked, answer = self._mode
        if monotonic() - asked > MODE_SECONDS:
            with self.store.read() as db:
                answer = not users.exist(db)
            self._mode = (monotonic(), answer)
        return answer

    def known(self) -> Known:
        """The titles that came with the model's index, against which batches of corrections are held; worked out once for each model."""
        classifier = self.engine.bulk
        if self._known[0] != classifier.parts.name:
            self._known = (classifier.parts.name, known_titles(classifier.parts.index.entries))
        return self._known[1]

    def running(self) -> Running:
        """The settings as they stand."""
        with self.store.read() as db:
            return current(db)

    def coded(self, source: str, answers: Sequence[Prediction]) -> None:
        """Counts answers in the meters and, where they are no trial on a page and no file, for monitoring; files are counted at their end."""
        for answer in answers:
            self.meters.predictions.labels(source, answer.grade).inc()
        if source in WATCHED:
            self.watch.note(source, answers)

    def checked(self, job: Job) -> Job:
        """The job, or TooLargeError where a field is longer than is taken."""
        limits = self.options.limits
        for name, most in (("title", limits.title), ("duties", limits.text), ("industry", limits.text), ("id", 200), ("language", 20)):
            length = len(getattr(job, name))
            if length > most:
                raise TooLargeError(f"{name} has {length:,} characters, at most {most:,} are taken; shorten it")
        return job

    def checked_all(self, jobs: list[Job]) -> list[Job]:
        """The jobs of a batch, or an error that names the first that can't be taken."""
        if not jobs:
            raise InputError("the batch is empty; send at least one job")
        if len(jobs) > self.options.limits.batch:
            raise TooLargeError(
                f"the batch has {len(jobs):,} jobs, at most {self.options.limits.batch:,} are taken; upload a file for more"
            )
        for number, job in enumerate(jobs):
            try:
                self.checked(job)
            except TooLargeError as error:
                raise TooLargeError(f"job {number}: {error}") from None
        return jobs

    async def aside(self, work: Callable[..., Answer], *args: object) -> Answer:
        """What `work` returns, for work on files that takes long: two at a time, so that short work elsewhere never waits for it."""
        return await asyncio.get_running_loop().run_in_executor(self._files, work, *args)

    def start_aside(self, work: Callable[..., object], *args: object) -> None:
        """Begins work that nobody waits for, when what was begun before is done."""
        self._imports.submit(work, *args)

    def close(self) -> None:
        """Ends the threads and gives the connections back."""
        self.stopping.set()
        self._files.shutdown(wait=False, cancel_futures=True)
        self._imports.shutdown(wait=True, cancel_futures=True)
        self.wake.set()
        self.promoted.set()
        self.live.close()
        try:
            self.watch.flush()
        except StoreError as error:
            log.warning("counts of the last seconds are lost: %s", error)
        self.engine.close()
        self.store.close()


def start_opening(service: Service, opening: Callable[[], object]) -> threading.Thread:
    """Opens the model beside the server, which answers 'not ready' in the meantime."""

    def work() -> None:
        began = monotonic()
        try:
            opening()
        except Exception:
            log.exception("the model could not be opened")
        else:
            log.info("ready", extra={"bundle": service.engine.name, "seconds": round(monotonic() - began, 2)})

    thread = threading.Thread(target=work, name="isco-open", daemon=True)
    thread.start()
    return thread
