"""Reviews: one coder, two blind ones and a third, undo, identical texts, what becomes a correction."""

import pytest
from sqlalchemy import func, select

from isco_rag.errors import AccessError, ConflictError, InputError, NotFoundError, UnknownCodeError
from isco_rag.store import assignments, audit, corrections, quality, reviews
from isco_rag.store.database import Store
from isco_rag.store.records import User
from isco_rag.store.reviews import Filter
from isco_rag.store.schema import decisions
from tests.fakes import tiny_taxonomy
from tests.store.records import person, waiting

TREE = tiny_taxonomy()


@pytest.fixture
def people(store: Store) -> dict[str, User]:
    with store.write() as db:
        return {name: person(db, name, "reviewer" if name == "eve" else "coder") for name in ("ann", "bob", "cat", "eve")}


def test_one_coder_decides_and_the_new_code_teaches(store: Store, people: dict[str, User]) -> None:
    with store.write() as db:
        number = waiting(db, "cab driver")
        found = reviews.decide(db, TREE, people["ann"], number, "code", code="taxi", reason="fare")
    assert (found.state, found.final_code, found.closed_by) == ("done", "taxi", "ann")
    with store.read() as db:
        [taught] = corrections.listed(db)
        assert (taught.code, taught.by, taught.source, taught.review_id, taught.state) == ("taxi", "ann", "review", number, "active")
        assert taught.answered is not None
        assert taught.answered.code == "truck"
        assert taught.bundle == "tiny"


def test_a_confirmed_code_teaches_nothing(store: Store, people: dict[str, User]) -> None:
    with store.write() as db:
        reviews.decide(db, TREE, people["ann"], waiting(db, "lorry driver"), "code", code="truck")
        assert corrections.listed(db) == []


def test_the_same_decision_twice_counts_once(store: Store, people: dict[str, User]) -> None:
    with store.write() as db:
        number = waiting(db, "cab driver")
    for _ in range(3):
        with store.write() as db:
            found = reviews.decide(db, TREE, people["ann"], number, "code", code="taxi")
    assert len(found.decisions) == 1
    with store.read() as db:
        assert len(corrections.listed(db)) == 1
        assert [row.action for row in audit.listed(db, subject=f"review:{number}")] == ["review.code"]
    with pytest.raises(ConflictError, match="undo"), store.write() as db:
        reviews.decide(db, TREE, people["ann"], number, "code", code="sport")


def test_undo_opens_again_and_takes_back_what_was_taught(store: Store, people: dict[str, User]) -> None:
    with store.write() as db:
        number = waiting(db, "cab driver")
        reviews.decide(db, TREE, people["ann"], number, "code", code="taxi")
        found = reviews.undo(db, TREE, people["ann"], number)
        assert (found.state, found.final_code, found.closed_by) == ("open", "", "")
        assert [d.undone != "" for d in found.decisions] == [True]
        assert [c.state for c in corrections.listed(db)] == ["reverted"]
        with pytest.raises(ConflictError, match="nothing of yours"):
            reviews.undo(db, TREE, people["ann"], number)
        again = reviews.decide(db, TREE, people["ann"], number, "code", code="sport")
        assert (again.final_code, len(again.decisions)) == ("sport", 2)
        assert [(c.code, c.state) for c in corrections.listed(db)] == [("sport", "active"), ("taxi", "reverted")]


def test_identical_texts_are_decided_once(store: Store, people: dict[str, User]) -> None:
    with store.write() as db:
        first, same, other = waiting(db, "Cab driver!"), waiting(db, "cab  DRIVER"), waiting(db, "nurse")
        assert reviews.one(db, first, people["ann"]).identical == 1
        reviews.decide(db, TREE, people["ann"], first, "not_codable", reason="test")
        follower = reviews.one(db, same, people["ann"])
        assert (follower.state, follower.same_as, follower.final_reason) == ("done", first, "test")
        assert reviews.one(db, other, people["ann"]).state == "open"
        reviews.undo(db, TREE, people["ann"], first)
        assert {reviews.one(db, n, people["ann"]).state for n in (first, same)} == {"open"}


def test_two_coders_are_blind_and_a_third_decides(store: Store, people: dict[str, User]) -> None:
    ann, bob, cat, eve = (people[name] for name in ("ann", "bob", "cat", "eve"))
    with store.write() as db:
        number = waiting(db, "driver", coders=2)
        assert reviews.decide(db, TREE, ann, number, "code", code="taxi").state == "open"
        assert reviews.one(db, number, bob).decisions == ()
        assert reviews.one(db, number, eve).decisions == ()
        assert corrections.listed(db) == []
        found = reviews.decide(db, TREE, bob, number, "code", code="truck")
        assert (found.state, [d.by for d in found.decisions]) == ("dispute", ["bob"])
        assert len(reviews.one(db, number, eve).decisions) == 2
    for user in (cat, ann):
        with pytest.raises(ConflictError), store.write() as db:
            reviews.decide(db, TREE, user, number, "code", code="maths")
    with store.write() as db:
        found = reviews.decide(db, TREE, eve, number, "code", code="sport")
        assert (found.state, found.final_code, found.closed_by) == ("done", "sport", "eve")
        assert [(d.by, d.code) for d in found.decisions] == [("ann", "taxi"), ("bob", "truck"), ("eve", "sport")]
        agreement = {a.level: a.same.value for a in quality.measure(db, TREE).agreement}
        assert agreement == {1: 1.0, 2: 1.0, 3: 0.0}


def test_two_coders_who_agree_settle_it(store: Store, people: dict[str, User]) -> None:
    with store.write() as db:
        number = waiting(db, "driver", coders=2)
        reviews.decide(db, TREE, people["ann"], number, "code", code="taxi")
        found = reviews.decide(db, TREE, people["bob"], number, "code", code="taxi")
        assert (found.state, found.final_code) == ("done", "taxi")
        assert len(found.decisions) == 2


def test_a_reviewer_may_overrule_a_coder_may_not(store: Store, people: dict[str, User]) -> None:
    with store.write() as db:
        number = waiting(db, "driver")
        reviews.decide(db, TREE, people["ann"], number, "code", code="taxi")
    with pytest.raises(ConflictError, match="a reviewer may"), store.write() as db:
        reviews.decide(db, TREE, people["bob"], number, "code", code="sport")
    with store.write() as db:
        assert reviews.decide(db, TREE, people["eve"], number, "code", code="sport").final_code == "sport"
        assert [(c.code, c.state) for c in corrections.listed(db)] == [("sport", "active"), ("taxi", "reverted")]
        assert reviews.undo(db, TREE, people["eve"], number).final_code == "taxi"
        assert {(c.code, c.state) for c in corrections.listed(db) if c.state == "active"} == {("taxi", "active")}


@pytest.mark.parametrize(
    ("kind", "said", "error"),
    [
        ("code", {}, InputError),
        ("code", {"code": "nope"}, UnknownCodeError),
        ("not_codable", {}, InputError),
        ("not_codable", {"reason": "r", "code": "taxi"}, InputError),
        ("comment", {}, InputError),
        ("comment", {"comment": "x" * 3000}, InputError),
    ],
)
def test_senseless_decisions_are_refused(store: Store, people: dict[str, User], kind: str, said: dict[str, str], error: type) -> None:
    with store.write() as db:
        number = waiting(db, "driver")
    with pytest.raises(error), store.write() as db:
        reviews.decide(db, TREE, people["ann"], number, kind, **said)  # type: ignore[arg-type]
    with store.read() as db:
        assert db.execute(select(func.count()).select_from(decisions)).scalar_one() == 0
        with pytest.raises(NotFoundError):
            reviews.one(db, 10**9, people["ann"])


def test_the_queue_is_most_useful_first_and_leaves_out_what_is_not_mine(store: Store, people: dict[str, User]) -> None:
    ann = people["ann"]
    with store.write() as db:
        sure, unsure, middle = (waiting(db, f"job {c}", confidence=c) for c in (0.9, 0.1, 0.5))
        assert [r.id for r in reviews.queue(db, TREE, ann, Filter())] == [unsure, middle, sure]
        reviews.decide(db, TREE, ann, unsure, "skip")
        assert [r.id for r in reviews.queue(db, TREE, ann, Filter())] == [middle, sure, unsure]
        assert assignments.assign(db, "eve", [middle], "bob") == 1
        assert [r.id for r in reviews.queue(db, TREE, ann, Filter())] == [sure, unsure]
        assert [r.id for r in reviews.queue(db, TREE, people["bob"], Filter(assigned="bob"))] == [middle]
        with pytest.raises(AccessError, match="assigned to bob"):
            reviews.decide(db, TREE, ann, middle, "code", code="taxi")
        reviews.decide(db, TREE, ann, sure, "flag")
        assert [r.id for r in reviews.queue(db, TREE, ann, Filter(flagged=True))] == [sure]
        reviews.undo(db, TREE, ann, sure)
        assert reviews.queue(db, TREE, ann, Filter(flagged=True)) == []
        assert len(reviews.queue(db, TREE, ann, Filter(group="A"), mine=False)) == 3
        assert reviews.queue(db, TREE, ann, Filter(group="B"), mine=False) == []
        assert reviews.queue(db, TREE, ann, Filter(grade="high"), mine=False) == []


def test_quality_counts_what_people_upheld(store: Store, people: dict[str, User]) -> None:
    said = [("taxi", "taxi"), ("taxi", "truck"), ("truck", "truck"), ("sport", "sport"), ("truck", "taxi")]
    with store.write() as db:
        for i, (machine, final) in enumerate(said):
            reviews.decide(db, TREE, people["ann"], waiting(db, f"job {i}", code=machine), "code", code=final)
        waiting(db, "left")
        shorter = waiting(db, "group", code="A-road", level=2)
        reviews.decide(db, TREE, people["ann"], shorter, "code", code="taxi")
        found = quality.measure(db, TREE)
    assert (found.accuracy.n, round(found.accuracy.value, 4)) == (6, round(4 / 6, 4))
    assert {m.name: (m.value, m.n) for m in found.by_group} == {"A": (0.6, 5), "B": (1.0, 1)}
    assert found.accuracy.low < found.accuracy.value < found.accuracy.high
    assert {(c.machine, c.people, c.count) for c in found.confusions} == {("taxi", "truck", 1), ("truck", "taxi", 1)}
    assert found.backlog == {"open": 1, "dispute": 0, "done": 6}
    assert found.by_coder == {"ann": 6}
    assert sum(day.decided for day in found.days) == 6


def test_records_are_dealt_out_evenly_and_taken_back(store: Store, people: dict[str, User]) -> None:
    with store.write() as db:
        numbers = [waiting(db, f"job {i}", confidence=i / 10) for i in range(1, 8)]
        reviews.decide(db, TREE, people["eve"], numbers[6], "code", code="truck")
        dealt = assignments.deal(db, TREE, "eve", Filter(unassigned=True), ["ann", "bob"], 5)
        assert dealt == {"ann": 3, "bob": 2}
        # The most useful went out, one to each in turn.
        held = {name: [r.id for r in reviews.queue(db, TREE, people["eve"], Filter(assigned=name), mine=False)] for name in ("ann", "bob")}
        assert held == {"ann": numbers[0:5:2], "bob": numbers[1:5:2]}
        assert assignments.fitting(db, TREE, Filter(unassigned=True)) == 1
        assert assignments.deal(db, TREE, "eve", Filter(unassigned=True, group="B"), ["ann"], 5) == {"ann": 0}
        assert [r.id for r in reviews.queue(db, TREE, people["ann"], Filter())] == [*numbers[0:5:2], numbers[5]]
        reviews.decide(db, TREE, people["ann"], numbers[0], "code", code="truck")
        assert {one.user: (one.waiting, one.decided) for one in assignments.loads(db)} == {
            "ann": (2, 1), "bob": (2, 0), "cat": (0, 0), "eve": (0, 1)
        }  # fmt: skip
        assert assignments.deal(db, TREE, "eve", Filter(assigned="bob"), [], 50) == {"": 2}
        assert [one.waiting for one in assignments.loads(db)] == [2, 0, 0, 0]
        assert [(row.subject, row.after) for row in audit.listed(db, action="review.assign")] == [
            ("reviews:2", ""), ("reviews:2", "bob"), ("reviews:3", "ann")
        ]  # fmt: skip


def test_only_who_can_review_is_given_anything(store: Store, people: dict[str, User]) -> None:
    with store.write() as db:
        waiting(db, "driver")
        person(db, "vic", "viewer")
        for names, count, error in ((["vic"], 1, InputError), (["nobody"], 1, NotFoundError), (["ann"], 0, InputError)):
            with pytest.raises(error):
                assignments.deal(db, TREE, "eve", Filter(), names, count)
        assert {one.user for one in assignments.loads(db)} == {"ann", "bob", "cat", "eve"}


def test_the_second_of_two_coders_is_not_kept_out_by_the_first_ones_assignment(store: Store, people: dict[str, User]) -> None:
    ann, bob = people["ann"], people["bob"]
    with store.write() as db:
        number = waiting(db, "driver", coders=2)
        assignments.deal(db, TREE, "eve", Filter(), ["ann"], 1)
        assert reviews.queue(db, TREE, bob, Filter()) == []
        with pytest.raises(AccessError):
            reviews.decide(db, TREE, bob, number, "code", code="taxi")
        reviews.decide(db, TREE, ann, number, "code", code="taxi")
        assert [r.id for r in reviews.queue(db, TREE, bob, Filter())] == [number]
        # Dealt out again it goes to those who have not answered.
        assert assignments.deal(db, TREE, "eve", Filter(), ["ann"], 1) == {"ann": 0}
        assert assignments.deal(db, TREE, "eve", Filter(), ["ann", "bob"], 1) == {"ann": 0, "bob": 1}
        assert reviews.decide(db, TREE, bob, number, "code", code="taxi").state == "done"


def test_who_codes_blind_gets_records_in_the_order_of_their_coming(store: Store, people: dict[str, User]) -> None:
    with store.write() as db:
        numbers = [waiting(db, f"job {i}", confidence=c) for i, c in enumerate((0.9, 0.1, 0.5))]
        assert [r.id for r in reviews.queue(db, TREE, people["ann"], Filter(), blind=True)] == numbers
        reviews.decide(db, TREE, people["ann"], numbers[0], "skip")
        assert [r.id for r in reviews.queue(db, TREE, people["ann"], Filter(), blind=True)] == [*numbers[1:], numbers[0]]


def test_the_pace_is_the_median_of_what_decisions_took(store: Store, people: dict[str, User]) -> None:
    with store.write() as db:
        for i, spent in enumerate((2000, 4000, 90_000, 0)):
            reviews.decide(db, TREE, people["ann"], waiting(db, f"job {i}"), "code", code="truck", milliseconds=spent)
        assert assignments.pace(db) == {"ann": 4.0}
