"""One retraining at a time, when the settings want one, up to one correction, with one end."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from isco_rag.store import audit, corrections, retrainings
from isco_rag.store.database import Store
from isco_rag.store.records import Retraining
from isco_rag.store.retrainings import ATTEMPTS
from isco_rag.store.schema import retrainings as table
from isco_rag.store.settings import Running
from isco_rag.types import Job
from tests.fakes import tiny_taxonomy

TREE = tiny_taxonomy()
ALWAYS = Running(retrain_days=1, retrain_corrections=50)


def correct(store: Store, count: int = 50, first: int = 0) -> None:
    with store.write() as db:
        for n in range(first, first + count):
            corrections.add(db, TREE, "ann", "api", Job(f"driver {n}"), "taxi")


def claim(store: Store, worker: str = "a", running: Running = ALWAYS, learned: int = 0) -> Retraining | None:
    with store.write() as db:
        return retrainings.claim(db, worker, running, learned, "base", lambda until: f"base-c{until}")


def newest(store: Store) -> Retraining:
    with store.read() as db:
        return retrainings.listed(db)[0]


def let_time_pass(store: Store) -> None:
    """Leases run out, and the last retraining began long ago."""
    with store.write() as db:
        db.execute(update(table).values(lease="", at="2026-01-01T00:00:00.000Z"))


def close(store: Store, found: Retraining | None, state: str = "done") -> bool:
    assert found is not None
    with store.write() as db:
        return retrainings.close(db, found.worker, found.id, state, "as it went")  # type: ignore[arg-type]


def test_it_is_off_until_it_is_switched_on_and_then_waits_for_enough_corrections(store: Store) -> None:
    correct(store, 49)
    assert claim(store, running=Running()) is None
    assert claim(store) is None
    correct(store, 1, 49)
    assert claim(store, learned=1) is None, "the champion has learned one of them"
    found = claim(store)
    assert found is not None
    assert (found.until, found.corrections, found.model, found.state, found.attempts) == (50, 50, "base-c50", "running", 1)


def test_of_many_that_ask_at_once_one_gets_it(store: Store) -> None:
    correct(store)
    barrier = threading.Barrier(6)

    def ask(n: int) -> Retraining | None:
        barrier.wait(60)
        return claim(store, f"worker {n}")

    with ThreadPoolExecutor(6) as pool:
        found = [one for one in pool.map(ask, range(6)) if one]
    assert len(found) == 1
    assert newest(store).worker == found[0].worker


def test_who_was_followed_by_another_can_say_nothing_of_it_any_more(store: Store) -> None:
    correct(store)
    first = claim(store, "a")
    assert first is not None
    assert claim(store, "b") is None
    let_time_pass(store)
    correct(store, 10, 50)
    second = claim(store, "b")
    assert second is not None
    assert (second.id, second.until, second.attempts) == (first.id, 50, 2), "the same corrections, whatever came since"
    with store.write() as db:
        assert not retrainings.renew(db, "a", first.id)
        assert retrainings.renew(db, "b", first.id)
        retrainings.put_off(db, "a", first.id, "", lost=True)
    assert not close(store, first)
    assert newest(store).state == "running"
    assert close(store, second)
    with store.read() as db:
        rows = [(row.action, row.who) for row in audit.rows(db) if row.action.startswith("retraining")]
        audit.verify(db)
    assert rows == [("retraining.begin", "schedule"), ("retraining.done", "schedule")]


def test_what_came_to_a_model_is_not_learned_again_though_the_gate_refused_it(store: Store) -> None:
    correct(store)
    assert close(store, claim(store))
    assert claim(store) is None, "not on the same day"
    let_time_pass(store)
    correct(store, 49, 50)
    assert claim(store) is None
    correct(store, 1, 99)
    found = claim(store)
    assert found is not None
    assert (found.until, found.corrections) == (100, 50)
    assert close(store, found, "failed")
    let_time_pass(store)
    again = claim(store)
    assert again is not None
    assert (again.id > found.id, again.corrections) == (True, 50), "what failed is tried again at its time"


def test_one_that_is_lost_again_and_again_fails(store: Store) -> None:
    correct(store)
    for attempt in range(1, ATTEMPTS + 1):
        found = claim(store)
        assert found is not None
        assert found.attempts == attempt
        # Every other time its service saw it go.
        if attempt % 2:
            with store.write() as db:
                retrainings.put_off(db, "a", found.id, "no memory", lost=True)
            assert newest(store).state == ("waiting" if attempt < ATTEMPTS else "failed")
        let_time_pass(store)
    if newest(store).state == "running":
        assert claim(store) is None
    assert newest(store).state == "failed"


def test_a_service_that_ends_in_order_costs_no_attempt_and_the_next_goes_on_at_once(store: Store) -> None:
    correct(store)
    for worker in ("a", "b", "c", "d", "e"):
        found = claim(store, worker)
        assert found is not None
        assert (found.attempts, found.until) == (1, 50)
        with store.write() as db:
            retrainings.put_off(db, worker, found.id, "", lost=False)
        assert newest(store).state == "waiting"


@pytest.mark.parametrize(("first", "end", "hours"), [(0, 24, range(24)), (22, 5, (22, 23, 0, 1, 2, 3, 4)), (3, 4, (3,))])
def test_the_hours_of_the_day(first: int, end: int, hours: tuple[int, ...]) -> None:
    running = Running(retrain_days=1, retrain_from=first, retrain_to=end)
    found = [hour for hour in range(24) if retrainings.in_time(running, "", datetime(2026, 5, 1, hour, tzinfo=UTC))]
    assert found == sorted(hours)
