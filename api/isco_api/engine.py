"""The coder behind the requests: answers that never wait for a file that is being coded, and never block the event loop.

Single requests wait in a queue; each of a few threads takes its share of what waits and codes it as one small batch (an answer does not
depend on its batch, so nobody can tell). Files and batch requests run in a lane of their own: the same models and index, another
thread pool, and before each text the single requests are let go first (isco_api.turns).
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import msgspec

from isco_api.turns import Behind, Turns
from isco_rag.classify import Classifier
from isco_rag.encode import OnnxEncoder
from isco_rag.errors import BundleError, LimitError
from isco_rag.explain import explain
from isco_rag.rerank import OnnxReranker
from isco_rag.taxonomy import Taxonomy
from isco_rag.types import Explanation, Job, Prediction

Answer = TypeVar("Answer")
# Rows that a thread takes from the queue at most: more would save little and make the first wait for the last.
MOST = 8
# Rows of a file between which other work may come in. In pieces of 64 a file takes a tenth longer, and single requests beside it are answered no sooner.
PIECE = 256


class Engine:
    """A classifier for many callers at once; `use` gives it another one while it serves."""

    def __init__(self, threads: int, waiting: int = 512) -> None:
        self.threads, self.waiting, self.turns = threads, waiting, Turns(threads)
        self._queue: queue.SimpleQueue[tuple[Job, Future[Prediction]] | None] = queue.SimpleQueue()
        self._lanes: tuple[Classifier, Classifier] | None = None
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="isco-lane")
        self._others = ThreadPoolExecutor(max(2, threads), thread_name_prefix="isco-aside")
        self._many = ThreadPoolExecutor(2, thread_name_prefix="isco-many")
        self._workers = [threading.Thread(target=self._work, name=f"isco-one-{i}", daemon=True) for i in range(threads)]
        for worker in self._workers:
            worker.start()

    def use(self, classifier: Classifier) -> None:
        """Answers with this classifier from now on; what is being answered is finished with the one before."""
        self._lanes = lane(classifier), lane(classifier, self.turns, self._pool, self.threads)

    @property
    def ready(self) -> bool:
        """Whether there is a classifier."""
        return self._lanes is not None

    @property
    def one(self) -> Classifier:
        """The classifier for single requests, which uses no thread but the caller's."""
        return self._ready()[0]

    @property
    def bulk(self) -> Classifier:
        """The classifier for many rows."""
        return self._ready()[1]

    @property
    def taxonomy(self) -> Taxonomy:
        """The classification of the bundle."""
        return self.one.taxonomy

    @property
    def name(self) -> str:
        """The name of the bundle; empty while it is being opened."""
        return self._lanes[0].parts.name if self._lanes else ""

    def _ready(self) -> tuple[Classifier, Classifier]:
        if self._lanes is None:
            raise BundleError("the model is still being opened; ask again in a second")
        return self._lanes

    async def classify(self, job: Job) -> Prediction:
        """The prediction for one job; LimitError where too many wait."""
        self._ready()
        if self._queue.qsize() >= self.waiting:
            raise LimitError("too many requests wait; ask again in a second")
        future: Future[Prediction] = Future()
        self.turns.arrive()
        future.add_done_callback(lambda _: self.turns.leave())
        self._queue.put((job, future))
        return await asyncio.wrap_future(future)

    async def classify_many(self, jobs: Sequence[Job]) -> list[Prediction]:
        """One prediction per job, in order, in pieces between which files and others get their turn."""
        found: list[Prediction] = []
        with self.turns.using():
            for start in range(0, len(jobs), PIECE):
                part = jobs[start : start + PIECE]
                found += await asyncio.get_running_loop().run_in_executor(self._many, self.bulk.classify, part)
        return found

    async def explain(self, job: Job) -> Explanation:
        """The prediction for one job with its evidence."""
        one = self.one
        self.turns.arrive()
        try:
            return await self.aside(explain, one, job)
        finally:
            self.turns.leave()

    async def aside(self, work: Callable[..., Answer], *args: object) -> Answer:
        """What `work` returns, run beside the event loop; for short work, which many wait for."""
        return await asyncio.get_running_loop().run_in_executor(self._others, work, *args)

    def _work(self) -> None:
        while (first := self._queue.get()) is not None:
            taken = [first]
            share = min(MOST, 1 + self._queue.qsize() // self.threads)
            while len(taken) < share:
                try:
                    more = self._queue.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    self._queue.put(None)
                    break
                taken.append(more)
            waiting = [(job, future) for job, future in taken if future.set_running_or_notify_cancel()]
            try:
                answers = self.one.classify([job for job, _ in waiting])
            except Exception as error:
                for _, future in waiting:
                    future.set_exception(error)
            else:
                for (_, future), answer in zip(waiting, answers, strict=True):
                    future.set_result(answer)

    def close(self) -> None:
        """Ends the threads."""
        for _ in self._workers:
            self._queue.put(None)
        self._others.shutdown(cancel_futures=True)
        self._many.shutdown(cancel_futures=True)
        self._pool.shutdown(cancel_futures=True)


def lane(classifier: Classifier, turns: Turns | None = None, pool: ThreadPoolExecutor | None = None, threads: int = 1) -> Classifier:
    """The same classifier whose models run their texts on another pool, or else on the caller's own thread; with `turns` behind single requests."""
    parts, pool = classifier.parts, pool or ThreadPoolExecutor(1)
    encoder, reranker = parts.encoder, parts.reranker

    def behind(session: Any) -> Any:
        return Behind(session, turns) if turns else session

    if isinstance(encoder, OnnxEncoder):
        encoder = OnnxEncoder(behind(encoder.session), encoder.tokenizer, encoder.dimension, pool, threads)
    if isinstance(reranker, OnnxReranker):
        reranker = OnnxReranker(behind(reranker.session), reranker.tokenizer, pool, threads)
    return Classifier(msgspec.structs.replace(parts, encoder=encoder, reranker=reranker), classifier.settings, classifier.known)
