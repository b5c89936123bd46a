"""Who goes first at the models: single requests never wait for a file, a file waits for them but never stands still."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from typing import Any

import pytest
from isco_api import turns as module
from isco_api.engine import Engine
from isco_api.turns import Behind, Turns

from isco_rag.classify import Classifier
from isco_rag.types import Job
from tests.api.conftest import tiny


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits, waits until it is let in."""
    monkeypatch.setattr(module, "LONGEST_WAIT", 600.0)


def until_somebody_waits(turns: Turns) -> None:
    while not turns._changed._waiters:  # type: ignore[attr-defined]
        pass


@pytest.mark.usefixtures("patient")
def test_a_text_of_a_file_goes_behind_the_single_requests_that_are_there() -> None:
    turns, order = Turns(2), list[str]()

    def text() -> None:
        with turns.behind():
            order.append("text")

    for _ in range(2):
        turns.arrive()
    thread = Thread(target=text)
    thread.start()
    until_somebody_waits(turns)
    order.append("single")
    turns.leave()
    thread.join()
    assert order == ["single", "text"]


def test_a_file_goes_on_however_many_single_requests_there_are() -> None:
    turns = Turns(1)
    for _ in range(50):
        turns.arrive()
    entered = []
    for i in range(3):
        with turns.behind():
            entered.append(i)
    assert entered == [0, 1, 2]


@pytest.mark.usefixtures("patient")
def test_there_are_never_more_texts_at_the_models_than_places() -> None:
    turns, seen = Turns(3), list[int]()

    def text(_: int) -> None:
        with turns.behind():
            seen.append(turns._behind)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(text, range(500)))
    assert len(seen) == 500
    assert max(seen) <= 3
    assert turns._behind == 0


def test_a_session_behind_returns_what_the_session_does() -> None:
    class Session:
        def run(self, *given: Any) -> Any:
            return given

    assert Behind(Session(), Turns(1)).run(None, {"a": 1}) == (None, {"a": 1})


def test_answers_are_the_same_in_turn_and_only_files_wait_for_theirs(shipped: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, jobs = Engine(2), [Job(title, id=str(i)) for i, title in enumerate(["welder", "retired", "nurse on a ward", "clerk"] * 4)]
    passed, run = [], Behind.run
    monkeypatch.setattr(Behind, "run", lambda session, *given: passed.append(given) or run(session, *given))

    async def alone() -> list[Any]:
        return list(await asyncio.gather(*(engine.classify(job) for job in jobs)))

    async def both() -> tuple[list[Any], list[Any]]:
        return await asyncio.gather(engine.classify_many(jobs), alone())  # type: ignore[return-value]

    try:
        engine.use(shipped)
        expected = shipped.classify(jobs)
        assert asyncio.run(alone()) == expected
        assert not passed
        assert asyncio.run(both()) == [expected, expected]
        assert len(passed) >= 3
    finally:
        engine.close()


def test_whoever_came_has_left_when_all_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answered, failed or given up: nobody keeps files waiting for ever."""
    engine = Engine(2)

    async def asked() -> None:
        jobs = [Job("lorry driver")] * 40
        tasks = [asyncio.ensure_future(engine.classify(job)) for job in jobs]
        await asyncio.sleep(0)
        for task in tasks[::3]:
            task.cancel()
        await asyncio.gather(*tasks, engine.explain(jobs[0]), return_exceptions=True)

    try:
        engine.use(tiny())
        asyncio.run(asked())
        with monkeypatch.context() as patched:
            patched.setattr(Classifier, "classify", lambda *_: 1 / 0)
            asyncio.run(asked())
        engine._queue.put(None)
        engine._queue.put(None)
        for worker in engine._workers:
            worker.join()
        assert engine.turns._first == 0
    finally:
        engine.close()
