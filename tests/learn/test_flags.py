"""Flags: what contradicts itself is found, what does not is left alone."""

import numpy as np
import pytest

from isco_rag.learn.flags import Against, Found, Said, Second, against_neighbours, against_seconds, drift, twins
from isco_rag.learn.voices import Voices, disagreement, voices
from isco_rag.types import Entry, Hit, Job
from tests.fakes import FakeEncoder, tiny_classifier, tiny_taxonomy

TREE = tiny_taxonomy()


def said(ref: str, title: str, code: str, by: str = "ann", at: str = "2026-01-01") -> Said:
    return Said(ref, by, at, Job(title), code)


def found_twins(*decisions: Said) -> list[Found]:
    return twins(TREE, decisions, FakeEncoder().encode([one.job.title for one in decisions]))


def test_nearly_the_same_text_with_codes_that_do_not_go_together_is_flagged_once() -> None:
    a, b = (
        said("review:2", "driver of the long yellow school bus", "taxi"),
        said("correction:1", "driver of the long yellow school buss", "truck", "bob"),
    )
    flags = found_twins(a, b)
    assert [(f.kind, f.key, f.about, f.code) for f in flags] == [
        ("twins", "twins correction:1 review:2", ("correction:1", "review:2"), "truck")
    ]  # fmt: skip
    assert flags[0].why == "nearly the same text is truck for bob and taxi for ann"
    assert found_twins(b, a) == flags


@pytest.mark.parametrize(("title", "code"), [("driver of the long yellow school buss", "A-road"), ("teaches sums", "truck")])
def test_codes_of_one_line_and_texts_that_differ_are_no_twins(title: str, code: str) -> None:
    assert found_twins(said("review:1", "driver of the long yellow school bus", "taxi"), said("review:2", title, code)) == []


def test_vectors_alone_make_no_twins() -> None:
    vectors = np.repeat(FakeEncoder().encode(["c developer"]), 2, axis=0)
    assert twins(TREE, [said("a", "cook of soups", "taxi"), said("b", "welder", "truck")], vectors) == []


def hits(*codes: str, score: float = 0.9) -> list[Hit]:
    return [Hit(Entry(f"e{i}", code, f"example {i}"), score) for i, code in enumerate(codes)]


def test_a_decision_against_four_of_its_nearest_five_is_flagged_with_them() -> None:
    against, flag = against_neighbours(TREE, said("review:3", "driver", "sport"), hits("truck", "truck", "taxi", "truck", "truck"))
    assert against.against
    assert flag is not None
    assert flag.about == ("review:3", "entry:e0", "entry:e1", "entry:e3", "entry:e4")
    assert flag.why == "4 of the 5 nearest coded examples are truck (the nearest at 0.90), ann says sport"


@pytest.mark.parametrize(
    ("code", "near", "answer"),
    [
        ("truck", hits("truck", "truck", "truck", "truck"), False),
        ("A-road", hits("truck", "truck", "truck", "truck"), False),
        ("sport", hits("truck", "truck", "taxi", "taxi"), None),
        ("sport", hits("truck", "truck", "truck", "truck", score=0.5), None),
        ("sport", [], None),
    ],
)
def test_without_near_examples_that_agree_nothing_is_said(code: str, near: list[Hit], answer: bool | None) -> None:
    against, flag = against_neighbours(TREE, said("review:3", "driver", code), near)
    assert (against.against, flag) == (answer, None)


def test_a_texts_own_entries_do_not_count_and_an_entry_counts_once() -> None:
    own = [Hit(Entry(f"o{i}", "truck", "Driver"), 1.0) for i in range(5)]
    mine = [Hit(Entry("correction:3", "truck", "other"), 1.0)]
    twice = hits("truck", "truck", "truck") * 2
    assert against_neighbours(TREE, said("correction:3", "driver", "sport"), [*own, *mine, *twice])[1] is None


def outcomes(by: str, wrong: int, n: int) -> list[Against]:
    return [Against(by, "2026", i < wrong) for i in range(n)]


def test_a_coder_who_differs_beyond_doubt_is_flagged_with_the_interval() -> None:
    flags = drift("the second coder", [*outcomes("ann", 20, 40), *outcomes("bob", 4, 40), *outcomes("cat", 5, 45)], {})
    assert [(f.key, f.about) for f in flags] == [("drift the second coder ann 0", ("coder:ann",))]
    assert "ann is against the second coder in 50% of 40 decisions, the others in 11% of 85" in flags[0].why


def test_chance_few_decisions_and_being_alone_are_no_drift() -> None:
    assert drift("b", [*outcomes("ann", 8, 40), *outcomes("bob", 4, 40)], {}) == []
    assert drift("b", [*outcomes("ann", 20, 29), *outcomes("bob", 0, 100)], {}) == []
    assert drift("b", outcomes("ann", 40, 40), {}) == []


def test_the_share_of_false_alarms_is_small() -> None:
    """Two coders of the same quality: a flag comes in 2.5 % of the trials for either, by the interval's own claim; the sum stays near it."""
    rng = np.random.default_rng(3)
    alarms = 0
    for _ in range(400):
        draws = rng.random((2, 60)) < 0.2
        both = [Against(by, "", bool(wrong)) for by, row in zip(("ann", "bob"), draws, strict=True) for wrong in row]
        alarms += bool(drift("b", both, {}))
    assert alarms / 400 < 0.09


def test_a_closed_round_makes_a_new_key() -> None:
    both = [*outcomes("ann", 30, 40), *outcomes("bob", 4, 40)]
    assert drift("b", both, {"ann": 2})[0].key == "drift b ann 2"


def test_the_first_two_of_a_record_are_compared_and_a_third_is_not() -> None:
    found = against_seconds(TREE, [Second(1, "ann", "t1", "taxi"), Second(2, "ann", "t2", "truck"), Second(1, "bob", "t3", "sport"),
                                   Second(1, "eve", "t4", "sport"), Second(2, "bob", "t5", "A-road")])  # fmt: skip
    assert found == [
        Against("ann", "t1", True, "bob"),
        Against("bob", "t3", True, "ann"),
        Against("ann", "t2", False, "bob"),
        Against("bob", "t5", False, "ann"),
    ]


def test_voices_that_are_sure_and_differ_are_flagged() -> None:
    assert disagreement("prediction:1", "key", "truck", Voices("truck", "truck", "")) is None
    assert disagreement("prediction:1", "key", "truck", Voices("", "truck", "")) is None
    flag = disagreement("prediction:1", "key", "truck", Voices("taxi", "truck", "sport"))
    assert flag is not None
    assert flag.why == "taxi by the very title in the index, truck by the nearest examples, sport by the cross-encoder; truck went out"


def test_the_voices_of_the_real_code_name_the_titles_own_group() -> None:
    heard = voices(tiny_classifier(), [Job("taxi driver"), Job(""), Job("mathematics teacher")])
    assert heard[1] is None
    assert [one.exact for one in heard if one] == ["taxi", "maths"]
    assert [one.neighbours for one in heard if one] == ["taxi", "maths"]
