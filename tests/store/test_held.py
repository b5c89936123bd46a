"""Corrections that wait: outside the index, in nobody's way, until an expert says what becomes of them. In both kinds of database."""

import pytest

from isco_rag.errors import ConflictError, InputError
from isco_rag.store import audit, corrections, imports, reviews
from isco_rag.store.database import Store
from isco_rag.types import Job
from tests.fakes import tiny_taxonomy
from tests.store.records import person, prediction, waiting

TREE = tiny_taxonomy()


def add(store: Store, title: str, code: str, hold: str = "") -> int:
    with store.write() as db:
        return corrections.add(db, TREE, "ann", "batch", Job(title), code, answered=prediction(), hold=hold).id


def states(store: Store) -> dict[int, str]:
    with store.read() as db:
        return {c.id: c.state for c in corrections.listed(db)}


def followed(store: Store) -> set[int]:
    """What a follower has in its index."""
    with store.read() as db:
        last = {step.correction.id: step.state for step in corrections.changes_after(db, 0)}
    return {number for number, state in last.items() if state == "active"}


def test_what_is_held_is_in_no_index_and_disputes_nothing(store: Store) -> None:
    good, held = add(store, "driver", "taxi"), add(store, "Driver", "truck", "it moves a group")
    assert states(store) == {good: "active", held: "held"}
    assert followed(store) == {good}
    with store.read() as db:
        assert corrections.one(db, held).held == "it moves a group"
        assert corrections.counted(db) == {"active": 1, "held": 1}
    assert add(store, "driver!", "truck") == held
    assert add(store, "driver", "sport") not in (good, held)
    assert states(store)[held] == "held"


def test_a_released_one_enters_or_disputes_and_dropping_leaves_the_others_alone(store: Store) -> None:
    good, held, free = add(store, "driver", "taxi"), add(store, "driver", "truck", "why"), add(store, "coach", "sport", "why")
    with store.write() as db:
        assert corrections.release(db, "eve", free).state == "active"
        assert corrections.release(db, "eve", held, "it is").state == "disputed"
        assert corrections.release(db, "eve", held).state == "disputed"
    assert states(store) == {good: "disputed", held: "disputed", free: "active"}
    assert followed(store) == {free}
    with store.write() as db:
        corrections.revert(db, "eve", held)
        with pytest.raises(ConflictError, match="was taken back"):
            corrections.release(db, "eve", held)
        assert [r.action for r in audit.listed(db, subject=f"correction:{held}")] == [
            "correction.revert",
            "correction.release",
            "correction.add",
        ]
        audit.verify(db)
    assert followed(store) == {good, free}
    dropped = add(store, "driver", "sport", "why")
    with store.write() as db:
        corrections.revert(db, "eve", dropped)
    assert followed(store) == {good, free}


def test_a_review_that_comes_to_the_same_releases_what_was_held(store: Store) -> None:
    held = add(store, "driver", "taxi", "why")
    with store.write() as db:
        eve, number = person(db, "eve", "reviewer"), waiting(db, "driver")
        reviews.decide(db, TREE, eve, number, "code", code="taxi")
        found = corrections.one(db, held)
        assert (found.state, found.review_id, found.held) == ("active", number, "")
        assert reviews.settled_texts(db, [corrections.text_key(Job("driver"))]) == {
            corrections.text_key(Job("driver")): ("taxi", f"review {number}")
        }  # fmt: skip
    assert followed(store) == {held}


def test_a_language_that_is_no_code_is_refused(store: Store) -> None:
    with pytest.raises(InputError, match="two letters"), store.write() as db:
        corrections.add(db, TREE, "ann", "api", Job("driver", language="the king's english"), "taxi")


def test_an_unfinished_import_is_found_again_a_finished_one_is_not(store: Store) -> None:
    with store.write() as db:
        first = imports.begin(db, "ann", "a.csv", "d1", 10)
        imports.advance(db, first.id, 0, 5, {"rejected": 1})
        assert imports.begin(db, "ann", "b.csv", "d1", 10).done == 5
        assert imports.begin(db, "bob", "a.csv", "d1", 10).id != first.id
    with pytest.raises(ConflictError, match="elsewhere"), store.write() as db:
        imports.advance(db, first.id, 0, 5, {})
    with store.write() as db:
        done = imports.finish(db, "ann", first.id, {"active": 9}, "row\r\n")
        assert (done.state, done.counts, imports.report(db, first.id)) == ("done", {"active": 9}, "row\r\n")
        assert imports.finish(db, "ann", first.id, {}) == done
        assert imports.begin(db, "ann", "a.csv", "d1", 10).id not in (first.id, done.id)
        assert [r.action for r in audit.listed(db, subject=f"import:{first.id}")] == ["import.finish", "import.begin"]


def test_what_a_person_brought_in_leaves_out_reviews_and_one_import(store: Store) -> None:
    with store.write() as db:
        one = imports.begin(db, "ann", "a.csv", "d", 1).id
        plain = corrections.add(db, TREE, "ann", "api", Job("a b"), "taxi").id
        corrections.add(db, TREE, "eve", "import", Job("c d"), "taxi", import_id=one, by="ann")
        reviews.decide(db, TREE, person(db, "ann"), waiting(db, "driver"), "code", code="taxi")
        assert [c.id for c in corrections.brought(db, ["ann"], "", one)] == [plain]
        assert len(corrections.brought(db, ["ann"], "")) == 2
        assert corrections.brought(db, ["ann"], "2999") == corrections.brought(db, ["eve"], "") == []
