"""Flags in the store, looked for by real code over fake models, in both kinds of database."""

import pytest

from isco_rag import flagging
from isco_rag.errors import InputError, NotFoundError
from isco_rag.flagging import raise_flags
from isco_rag.learn.flags import Found, Second
from isco_rag.learn.voices import Voices
from isco_rag.store import audit, corrections, flags, predictions, reviews
from isco_rag.store.database import Store
from isco_rag.types import Job
from tests.fakes import tiny_classifier, tiny_taxonomy
from tests.store.records import person, prediction, waiting

TREE = tiny_taxonomy()


def found(key: str, code: str = "taxi", weight: float = 1.0, about: tuple[str, ...] = ("review:1",)) -> Found:
    return Found("neighbours", key, f"why {key}", code, about, weight)


def look(store: Store) -> tuple[int, int]:
    return raise_flags(store, tiny_classifier(), "eve", lambda _: None)


def test_a_flag_is_raised_once_open_or_closed(store: Store) -> None:
    with store.write() as db:
        assert flags.raise_all(db, "eve", [found("a"), found("b"), found("a")]) == 2
        assert flags.raise_all(db, "eve", [found("b"), found("c", "sport", 2.0)]) == 1
        assert [f.why for f in flags.listed(db)] == ["why c", "why a", "why b"]
        assert [f.why for f in flags.listed(db, codes=["sport", "maths"])] == ["why c"]
        closed = flags.close(db, "ann", flags.listed(db)[0].id, "looked it up")
        assert (closed.state, closed.closed_by, closed.reason) == ("closed", "ann", "looked it up")
        assert flags.close(db, "bob", closed.id, "again") == closed
        assert flags.raise_all(db, "eve", [found("c")]) == 0
        assert flags.listed(db, state="closed") == [closed]
        assert flags.counted(db) == {"neighbours": 2}
        assert [row.action for row in audit.listed(db)] == ["flag.close", "flags.raise", "flags.raise"]
        with pytest.raises(InputError, match="say why"):
            flags.close(db, "ann", 1, " ")
        with pytest.raises(NotFoundError):
            flags.close(db, "ann", 99, "x")


def test_what_was_taken_back_closes_its_flags_and_no_others(store: Store) -> None:
    with store.write() as db:
        one = corrections.add(db, TREE, "ann", "api", Job("a b"), "taxi").id
        flags.raise_all(db, "eve", [found("a", about=(f"correction:{one}",)), found("b", about=("review:1", f"correction:{one}"))])
        assert flags.close_settled(db, "eve") == 0
        corrections.revert(db, "eve", one)
        assert flags.close_settled(db, "eve") == 1
        assert [f.why for f in flags.listed(db)] == ["why b"]


def test_decisions_of_reviews_and_corrections_are_compared(store: Store) -> None:
    with store.write() as db:
        ann = person(db, "ann")
        number = waiting(db, "driver of the long yellow school bus")
        reviews.decide(db, TREE, ann, number, "code", code="taxi")
        corrections.add(db, TREE, "bob", "api", Job("driver of the long yellow school buss"), "sport")
        corrections.add(db, TREE, "bob", "batch", Job("driver of the long yellow school buss"), "maths", hold="why")
    assert look(store) == (1, 0)
    assert look(store) == (0, 0)
    with store.read() as db:
        (flag,) = flags.listed(db)
        assert set(flag.about) == {"correction:2", f"review:{number}"}
        told = flags.told(db, flag.about)
        assert {ref: (one.code, one.by) for ref, one in told.items() if ref in flag.about} == {
            "correction:2": ("sport", "bob"), f"review:{number}": ("taxi", "ann"),
        }  # fmt: skip
        assert told[f"review:{number}"].text == "driver of the long yellow school bus"
    with store.write() as db:
        corrections.revert(db, "bob", 2)
    assert look(store) == (0, 1)


def test_answers_that_nobody_settled_are_heard_voice_by_voice(store: Store) -> None:
    with store.write() as db:
        kept = predictions.keep(
            db, "ann", "api", [(0, Job("taxi driver"), prediction("truck")), (0, Job("lorry driver"), prediction("truck"))]
        )
        assert [one.id for one in flags.undecided(db, 10)] == kept[::-1]
        reviews.open_reviews(db, kept, "test")
        reviews.decide(db, TREE, person(db, "ann"), 1, "code", code="taxi")
        assert len(flags.undecided(db, 10)) == 1


def test_a_text_that_came_often_is_flagged_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isco_rag.flagging.voices", lambda _, jobs: [Voices("taxi", "truck", "")] * len(jobs))
    with store.write() as db:
        kept = predictions.keep(db, "ann", "api", [(0, Job(title), prediction()) for title in ("cab man", "bus man", "Cab man!")])
    assert look(store) == (2, 0)
    with store.write() as db:
        assert {flag.about for flag in flags.listed(db, kind="voices")} == {(f"prediction:{number}",) for number in kept[1:]}
        predictions.keep(db, "ann", "api", [(0, Job("CAB MAN"), prediction())])
    assert look(store) == (0, 0)


def test_a_coder_who_drifts_is_flagged_and_after_closing_only_by_what_comes_then(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isco_rag.learn.flags.ENOUGH", 4)
    said = {"ann": "sport", "bob": "taxi", "cat": "taxi"}
    with store.write() as db:
        people = {name: person(db, name) for name in said}
        for i, pair in enumerate([("ann", "bob"), ("cat", "bob")] * 12):
            number = waiting(db, f"record {i}", coders=2)
            for name in pair:
                reviews.decide(db, TREE, people[name], number, "code", code=said[name])
        assert flags.seconds(db)[0] == Second(1, "ann", flags.seconds(db)[0].at, "sport")
    look(store)
    with store.write() as db:
        (flag,) = flags.listed(db, kind="drift")
        assert flag.about == ("coder:ann",)
        assert "ann is against the second coder in 100% of 12 decisions, the others in 33% of 36" in flag.why
        flags.close(db, "eve", flag.id, "was told")
        count, last = flags.rounds(db, "the second coder")
        assert (count, set(last)) == ({"ann": 1}, {"ann"})
    look(store)
    with store.read() as db:
        assert flags.listed(db, kind="drift") == []


def test_the_same_text_is_heard_looked_for_and_flagged_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[list[Job]] = []

    def disagreeing(_: object, jobs: list[Job]) -> list[Voices]:
        heard.append(jobs)
        return [Voices("taxi", "truck", "") for _ in jobs]

    monkeypatch.setattr(flagging, "voices", disagreeing)
    with store.write() as db:
        ann = person(db, "ann")
        kept = [Job("driver", id=str(n)) for n in range(3)] + [Job("driver", "of a bus")]
        numbers = predictions.keep(db, "ann", "api", [(n, job, prediction()) for n, job in enumerate(kept)])
        for n in range(3):
            reviews.decide(db, TREE, ann, waiting(db, f"teaches sums {'!' * n}"), "code", code="maths")
    classifier, texts = tiny_classifier(), []
    encode = classifier.parts.encoder.encode
    monkeypatch.setattr(classifier.parts.encoder, "encode", lambda given: texts.extend(given) or encode(given), raising=False)
    read: list[int] = []
    raise_flags(store, classifier, "eve", read.append)
    assert [sorted((job.title, job.duties) for job in jobs) for jobs in heard] == [[("driver", ""), ("driver", "of a bus")]]
    assert len(texts) == len(set(texts))
    assert sum(read) == len(kept) + 3
    with store.read() as db:
        # Of three answers to the same text the last one.
        assert {f.about for f in flags.listed(db, kind="voices")} == {(f"prediction:{n}",) for n in numbers[2:]}
