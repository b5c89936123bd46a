"""The engine: many callers get what each would get alone, also while the classifier is replaced; its errors reach who asked."""

import asyncio
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from isco_api.engine import Engine

from isco_rag.classify import Classifier
from isco_rag.types import Job
from tests.api.conftest import tiny

JOBS = [Job(title, id=str(i)) for i, title in enumerate(["lorry driver", "taxi driver", "retired", "sport teacher", ""] * 30)]


@pytest.fixture
def engine() -> Iterator[Engine]:
    found = Engine(2)
    found.use(tiny())
    yield found
    found.close()


async def all_at_once(engine: Engine) -> list[Any]:
    return list(await asyncio.gather(*(engine.classify(job) for job in JOBS), return_exceptions=True))


def test_answers_at_once_are_those_alone(engine: Engine) -> None:
    alone = tiny().classify(JOBS)
    assert asyncio.run(all_at_once(engine)) == alone
    assert asyncio.run(engine.classify_many(JOBS)) == alone


def test_each_answer_is_wholly_of_one_classifier_while_it_is_replaced(engine: Engine) -> None:
    other = Classifier(msgspec.structs.replace(tiny().parts, name="other"), tiny().settings)
    old, new = tiny().classify(JOBS), other.classify(JOBS)

    async def replace() -> None:
        for classifier in (other, tiny(), other):
            await asyncio.sleep(0)
            engine.use(classifier)

    async def both() -> list[Any]:
        return (await asyncio.gather(all_at_once(engine), replace()))[0]

    for i, answer in enumerate(asyncio.run(both())):
        assert answer in (old[i], new[i])
    assert engine.name == "other"


def test_a_failure_reaches_those_who_asked_and_the_engine_goes_on(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    with monkeypatch.context() as patched:
        patched.setattr(Classifier, "classify", broken)
        assert {type(answer) for answer in asyncio.run(all_at_once(engine))} == {RuntimeError}
    assert asyncio.run(engine.classify(JOBS[0])) == tiny().classify(JOBS[:1])[0]
