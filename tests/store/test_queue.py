"""The order of the queue and what comes next in it, against the whole queue sorted in Python."""

from random import Random
from typing import Any

import pytest
from sqlalchemy import Connection, Row, select

from isco_rag.store import assignments, reviews
from isco_rag.store.database import Store
from isco_rag.store.records import DecisionKind, User
from isco_rag.store.reviews import ANSWERS, Filter
from isco_rag.store.schema import decisions, predictions
from isco_rag.store.schema import reviews as table
from tests.fakes import tiny_taxonomy
from tests.store.records import person, waiting

TREE = tiny_taxonomy()
ACTS: tuple[DecisionKind, ...] = ("code", "code", "not_codable", "skip", "skip", "flag")


def sorted_out(db: Connection, name: str, *, blind: bool = False) -> list[int]:
    """The numbers of what somebody can decide now, as the docstring of the queue says it."""
    said = db.execute(select(decisions).where(decisions.c.undone == "")).all()

    def answered(number: int, by: str) -> bool:
        return any(d.review_id == number and d.by == by and d.kind in ANSWERS for d in said)

    def place(row: Row[Any]) -> tuple[Any, ...]:
        skips = sum(d.review_id == row.id and d.by == name and d.kind == "skip" for d in said)
        return skips, row.assigned != name, 0 if blind else -row.score, row.id

    rows = [row for row in db.execute(select(table)) if row.state == "open" and not answered(row.id, name)]
    return [row.id for row in sorted((r for r in rows if r.assigned in ("", name) or answered(r.id, r.assigned)), key=place)]


def ranked(db: Connection, user: User, limit: int = 100, **how: object) -> list[int]:
    return reviews.ranked(db, TREE, user, Filter(), limit, **how)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", [1, 2])
def test_the_queue_and_what_follows_a_decision_are_those_of_the_sorted_records(store: Store, seed: int) -> None:
    chance = Random(seed)
    with store.write() as db:
        people = [person(db, name, "reviewer" if name == "eve" else "coder") for name in ("ann", "bob", "eve")]
        for _ in range(24):
            # Few texts and few scores, so that there are identical records and ties.
            waiting(db, f"job {chance.randrange(12)}", chance.choice((1, 1, 2)), confidence=chance.choice((0.1, 0.3, 0.5)))
        texts = {row.id: row.text_key for row in db.execute(select(table.c.id, predictions.c.text_key).join(predictions))}
        foretold = 0
        for _ in range(40):
            user = chance.choice(people)
            mine = sorted_out(db, user.name)
            if chance.random() < 0.15:
                assignments.deal(db, TREE, "eve", Filter(unassigned=chance.random() < 0.5), [chance.choice(("ann", "bob"))], 3)
            elif chance.random() < 0.15 and any(d.by == user.name and not d.undone for d in db.execute(select(decisions))):
                done = [d.review_id for d in db.execute(select(decisions)) if d.by == user.name and not d.undone]
                reviews.undo(db, TREE, user, chance.choice(done))
            elif mine:
                number, kind = mine[0], chance.choice(ACTS)
                next_one = ranked(db, user, 1, after=number)
                code = chance.choice(("truck", "taxi")) if kind == "code" else ""
                reviews.decide(db, TREE, user, number, kind, code=code, reason="retired" if kind == "not_codable" else "")
                if kind != "flag":
                    assert next_one == [n for n in sorted_out(db, user.name) if texts[n] != texts[number]][:1]
                    foretold += bool(next_one)
            for one in people:
                whole = sorted_out(db, one.name)
                assert ranked(db, one) == whole
                assert [ranked(db, one, limit) for limit in (1, 5)] == [whole[:1], whole[:5]]
                assert ranked(db, one, blind=True) == sorted_out(db, one.name, blind=True)
                any_one = chance.choice(list(texts))
                assert ranked(db, one, 1, only=any_one) == [any_one] * (any_one in whole)
            assert [review.id for review in reviews.queue(db, TREE, user, Filter())] == sorted_out(db, user.name)[:20]
        assert foretold > 5
