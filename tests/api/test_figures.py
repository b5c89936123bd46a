"""Figures of people's decisions that a process keeps are those that the rows give, in whatever process and order people decided."""

from random import Random

import numpy as np
import pytest
from isco_api.engine import Engine
from isco_api.figures import MOST, Figures

from isco_rag.errors import CoderError
from isco_rag.learn import looking
from isco_rag.learn.filling import fill_from_kept
from isco_rag.store import predictions, quality, reviews
from isco_rag.store.database import Store
from isco_rag.store.records import User
from isco_rag.types import Job
from tests.api.conftest import tiny
from tests.fakes import tiny_taxonomy
from tests.store.records import person, prediction, waiting

TREE = tiny_taxonomy()
CODES = ("truck", "taxi", "sport", "maths", "A-road")
SINCE = ("", "2000-01-01", "2100-01-01")


@pytest.fixture
def two(store: Store) -> list[Figures]:
    """What two processes keep of one database."""
    found = []
    for _ in range(2):
        engine = Engine(1)
        engine.use(tiny())
        found.append(Figures(store, engine))
    return found


def act(store: Store, people: list[User], chance: Random) -> None:
    """Somebody does something: decides, undoes, skips, flags, keeps a prediction, puts one into the queue, draws some."""
    who, what = chance.choice(people), chance.random()
    code = chance.choice(CODES)
    if what < 0.1:
        kept = prediction(chance.choice(CODES[:4]), chance.choice((0.6, 0.95)), "low")
        with store.write() as db:
            predictions.keep(db, who.name, "api", [(0, Job(f"kept {chance.random()}"), kept)])
    elif what < 0.15:
        fill_from_kept(store, who.name, lambda jobs: np.ones((len(jobs), 2)), most=3)
    else:
        with store.write() as db:
            if what < 0.4:
                waiting(db, f"job {chance.randrange(8)}", chance.choice((1, 2)), code=chance.choice(CODES[:4]), confidence=chance.random())
            elif what < 0.85:
                kind = chance.choice(("code", "code", "code", "not_codable", "skip", "flag"))
                number = chance.randrange(1, 40)
                reviews.decide(
                    db, TREE, who, number, kind, code=code if kind == "code" else "",  # type: ignore[arg-type]
                    reason="retired" if kind == "not_codable" else "", milliseconds=chance.randrange(9000),
                )  # fmt: skip
            else:
                reviews.undo(db, TREE, who, chance.randrange(1, 40))


def test_what_is_kept_is_what_the_rows_give(store: Store, two: list[Figures]) -> None:
    chance = Random(5)
    with store.write() as db:
        people = [person(db, name, "reviewer") for name in ("ann", "bob", "eve")]
    changed = []
    for _ in range(150):
        try:
            act(store, people, chance)
        except CoderError:
            # Undone twice, decided already, not there: what people try, and the service refuses.
            continue
        for since in SINCE:
            with store.read() as db:
                fresh, told = quality.measure(db, TREE, since), quality.decided(db, TREE, since)
            asked = chance.choice(two)
            assert asked.quality(since) == fresh
            assert asked.decided(TREE, since) == told
            assert asked.plan(since) == looking.plan_of(store, TREE, dict.fromkeys(TREE.leaves, 1), since, MOST)
            changed.append((since, fresh.accuracy.n, fresh.untouched.drawn))
    assert len({n for since, n, _ in changed if not since}) > 5
    assert max(drawn for *_, drawn in changed) > 0


def test_nothing_is_worked_out_again_as_long_as_nobody_decides(store: Store, two: list[Figures], monkeypatch: pytest.MonkeyPatch) -> None:
    with store.write() as db:
        ann = person(db, "ann")
        number = waiting(db, "driver")
    first = two[0].decided(TREE, "")
    with monkeypatch.context() as patch:
        patch.setattr(quality, "reviewed", lambda *_: pytest.fail("the reviews were read again"))
        assert two[0].decided(TREE, "") is first
        with store.write() as db:
            waiting(db, "another")
        assert two[0].quality("").backlog["open"] == 2
    with store.write() as db:
        reviews.decide(db, TREE, ann, number, "code", code="taxi")
    assert two[0].quality("").accuracy.n == 1
