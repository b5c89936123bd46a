"""Corrections: once each, disputed where two contradict, and told to followers in the order of commit."""

import random

import pytest

from isco_rag.errors import ConflictError, InputError, NotFoundError, TooLargeError, UnknownCodeError
from isco_rag.store import audit, corrections
from isco_rag.store.database import Store
from isco_rag.types import Job
from tests.fakes import tiny_taxonomy
from tests.store.records import prediction

TREE = tiny_taxonomy()


def add(store: Store, title: str, code: str) -> int:
    with store.write() as db:
        return corrections.add(db, TREE, "ann", "api", Job(title), code, answered=prediction()).id


def states(store: Store) -> dict[int, str]:
    with store.read() as db:
        return {c.id: c.state for c in corrections.listed(db)}


def followed(store: Store) -> dict[int, str]:
    """What a follower knows that applied every change in order."""
    with store.read() as db:
        return {step.correction.id: step.state for step in corrections.changes_after(db, 0)}


def test_the_same_text_and_code_stands_once(store: Store) -> None:
    assert add(store, "Cab driver", "taxi") == add(store, "cab  driver!", "taxi")
    with store.read() as db:
        assert corrections.last_change(db) == 1
        assert len(audit.listed(db, action="correction.add")) == 1


def test_contradictions_are_disputed_until_one_is_taken_back(store: Store) -> None:
    first, second = add(store, "driver", "taxi"), add(store, "Driver", "truck")
    assert states(store) == {first: "disputed", second: "disputed"} == followed(store)
    with store.write() as db:
        assert [c.id for c in corrections.disputed_with(db, corrections.one(db, first))] == [second]
        corrections.revert(db, "eve", second, "no lorry")
    assert states(store) == {first: "active", second: "reverted"} == followed(store)


def test_a_dispute_of_three_is_decided_at_once(store: Store) -> None:
    numbers = [add(store, "driver", code) for code in ("taxi", "truck", "sport")]
    with store.write() as db:
        assert corrections.adjudicate(db, "eve", numbers[1], "looked it up").state == "active"
        with pytest.raises(ConflictError, match="not disputed"):
            corrections.adjudicate(db, "eve", numbers[1], "again")
    assert states(store) == {numbers[0]: "reverted", numbers[1]: "active", numbers[2]: "reverted"} == followed(store)


def test_a_reverted_correction_can_come_again(store: Store) -> None:
    first = add(store, "driver", "taxi")
    for _ in range(2):
        with store.write() as db:
            corrections.revert(db, "ann", first)
    assert add(store, "driver", "taxi") != first
    with store.read() as db:
        assert len(audit.listed(db, action="correction.revert")) == 1


def test_followers_that_look_at_any_time_know_the_same(store: Store) -> None:
    rng = random.Random(5)
    known: dict[int, str] = {}
    seen = 0
    for _ in range(40):
        if rng.random() < 0.6 or not known:
            add(store, f"job {rng.randrange(6)}", rng.choice(TREE.leaves))
        else:
            with store.write() as db:
                corrections.revert(db, "eve", rng.choice(list(known)))
        if rng.random() < 0.5:
            with store.read() as db:
                for step in corrections.changes_after(db, seen):
                    known[step.correction.id], seen = step.state, step.id
    with store.read() as db:
        for step in corrections.changes_after(db, seen):
            known[step.correction.id] = step.state
    assert known == states(store) == followed(store)


@pytest.mark.parametrize(
    ("job", "code", "error"),
    [
        (Job("driver"), "9999", UnknownCodeError),
        (Job("driver"), "", InputError),
        (Job(""), "taxi", InputError),
        (Job("n/a", "-"), "taxi", InputError),
        (Job("driver", "x" * 50_001), "taxi", TooLargeError),
    ],
)
def test_what_can_not_teach_is_refused(store: Store, job: Job, code: str, error: type) -> None:
    with pytest.raises(error), store.write() as db:
        corrections.add(db, TREE, "ann", "api", job, code)
    assert states(store) == {}


def test_short_codes_long_texts_and_odd_characters_are_taken(store: Store) -> None:
    with store.write() as db:
        found = corrections.add(db, TREE, "ann", "api", Job("driver\x00 ☃", "x" * 50_000), "A-road", reason="a\x00b")
        assert (found.job.title, found.code, found.reason) == ("driver ☃", "A-road", "ab")
        with pytest.raises(NotFoundError):
            corrections.one(db, found.id + 1)
