"""What waits for an expert: contradictions, and moves of a group; and what does not."""

import random

import msgspec
import pytest

from isco_rag.learn.suspects import Proposal, known_titles, related, suspects
from isco_rag.settings import Holding
from isco_rag.types import Entry
from tests.fakes import tiny_entries, tiny_taxonomy

TREE = tiny_taxonomy()
KNOWN = known_titles([*tiny_entries(), *(Entry(f"t{i}", "truck", f"truck number {i}") for i in range(20))])


def rows(titles: list[str], code: str, *, by: str = "ann", said: str = "", sure: float = 0.0, more: bool = False) -> list[Proposal]:
    return [Proposal(i, by, title, more, title, code, said, sure) for i, title in enumerate(titles)]


def test_codes_on_one_line_of_the_tree_go_together() -> None:
    for one, other, same in (
        ("truck", "truck", True),
        ("truck", "A-road", True),
        ("A", "truck", True),
        ("truck", "taxi", False),
        ("B", "taxi", False),
    ):
        assert related(TREE, one, other) is related(TREE, other, one) is same
    assert related(TREE, "gone", "gone")
    assert not related(TREE, "gone", "truck")


def test_a_row_against_the_very_title_of_the_index_waits_unless_it_says_more() -> None:
    assert suspects(TREE, rows(["truck driver"], "sport"), KNOWN, {}) == {0: "the index has this very title under truck"}
    assert suspects(TREE, rows(["truck driver"], "sport", more=True), KNOWN, {}) == {}
    for code in ("truck", "A-road", "A"):
        assert suspects(TREE, rows(["truck driver"], code), KNOWN, {}) == {}


def test_a_title_of_two_groups_contradicts_neither() -> None:
    both = known_titles([Entry("a", "truck", "driver"), Entry("b", "taxi", "Driver!")])
    assert suspects(TREE, rows(["driver"], "taxi"), both, {}) == suspects(TREE, rows(["driver"], "truck"), both, {}) == {}
    assert suspects(TREE, rows(["driver"], "sport"), both, {}) == {0: "the index has this very title under taxi, truck"}


def test_a_row_against_a_settled_review_waits() -> None:
    settled = {"night work": ("taxi", "review 7")}
    assert suspects(TREE, rows(["night work"], "sport"), KNOWN, settled) == {0: "review 7 settled this text as taxi"}
    assert suspects(TREE, rows(["night work"], "A-road"), KNOWN, settled) == {}


def test_moving_a_tenth_of_a_groups_titles_is_seen_through_what_else_the_rows_say() -> None:
    """22 titles of the group are known; rows that say more than a title are no contradiction one by one."""
    titles = [f"truck number {i}" for i in range(5)]
    found = suspects(TREE, rows(titles, "sport", more=True), KNOWN, {})
    assert found == dict.fromkeys(range(5), "ann moves 5 of the 22 known titles of truck to sport")
    assert suspects(TREE, rows(titles[:4], "sport", more=True), KNOWN, {}) == {}
    assert suspects(TREE, rows(titles, "A-road", more=True), KNOWN, {}) == {}


def test_moving_most_texts_that_the_model_has_in_a_group_is_seen_in_other_words() -> None:
    reworded = [f"hauls goods, way {i}" for i in range(12)]
    found = suspects(TREE, rows(reworded, "sport", said="truck", sure=0.7), KNOWN, {})
    assert set(found) == set(range(12))
    assert found[0] == "ann moves 12 of 12 texts that the model takes for truck to sport"
    assert suspects(TREE, rows(reworded[:9], "sport", said="truck", sure=0.7), KNOWN, {}) == {}
    assert suspects(TREE, rows(reworded, "sport", said="truck", sure=0.3), KNOWN, {}) == {}


def test_once_a_move_is_seen_its_unsure_rows_wait_too_and_others_do_not() -> None:
    batch = [
        *(Proposal(i, "ann", f"way {i}", False, f"way {i}", "sport", "truck", 0.9) for i in range(12)),
        Proposal(50, "ann", "unsure", False, "unsure", "sport", "truck", 0.2),
        Proposal(51, "bob", "other", False, "other", "sport", "truck", 0.9),
        Proposal(52, "ann", "elsewhere", False, "elsewhere", "maths", "truck", 0.9),
    ]
    assert set(suspects(TREE, batch, KNOWN, {})) == {*range(12), 50}


def test_many_small_batches_are_one_large_one() -> None:
    earlier = rows([f"way {i}" for i in range(9)], "sport", said="truck", sure=0.9)
    last = [Proposal(99, "ann", "way 9", False, "way 9", "sport", "truck", 0.9)]
    assert suspects(TREE, last, KNOWN, {}) == {}
    assert set(suspects(TREE, last, KNOWN, {}, earlier)) == {99}
    assert suspects(TREE, [Proposal(99, "bob", "w", False, "w", "sport", "truck", 0.9)], KNOWN, {}, earlier) == {}


def test_the_same_text_again_and_again_counts_once() -> None:
    batch = [Proposal(i, "ann", "night work", False, "night work", "sport", "truck", 0.9) for i in range(40)]
    assert suspects(TREE, batch, KNOWN, {}) == {}


def honest(wrong: float, rows: int = 2000, groups: int = 40) -> list[Proposal]:
    """What a coder brings who differs from the model in some rows of each group, in all directions."""
    rng = random.Random(5)
    found = []
    for i in range(rows):
        said = f"g{i % groups}"
        code = f"g{rng.randrange(groups)}" if rng.random() < wrong else said
        found.append(Proposal(i, "ann", f"t{i}", False, f"t{i}", code, said, rng.choice((0.4, 0.6, 0.8))))
    return found


@pytest.mark.parametrize("wrong", [0.0, 0.2, 0.45])
def test_a_noisy_but_honest_coder_is_not_held(wrong: float) -> None:
    assert suspects(TREE, honest(wrong), KNOWN, {}) == {}


@pytest.mark.parametrize("wrong", [0.0, 0.45])
@pytest.mark.parametrize("good", [0, 50])
def test_a_move_is_seen_among_any_number_of_good_rows_of_the_same_group(wrong: float, good: int) -> None:
    """The share of the group's own rows says nothing then: what counts is that the model is certain of so many, and of the person's rows in all."""
    batch = honest(wrong)
    batch += [Proposal(3000 + i, "ann", f"good {i}", False, f"good {i}", "g1", "g1", 0.8) for i in range(good)]
    moved = [Proposal(4000 + i, "ann", f"moved {i}", False, f"moved {i}", "g2", "g1", 0.75) for i in range(14)]
    unsure = Proposal(5000, "ann", "unsure", False, "unsure", "g2", "g1", 0.2)
    found = suspects(TREE, [*batch, *moved, unsure], KNOWN, {})
    assert {4000 + i for i in range(14)} | {5000} <= set(found)
    assert all((row.said, row.code) == ("g1", "g2") for row in batch if row.number in found), "nothing else waits"
    assert "texts that the model is certain are g1 to g2" in found[4000]
    # As many in the name of somebody else, or of which the model is less sure, are no such move.
    for other in ({"by": "bob"}, {"probability": 0.6}):
        fewer = [msgspec.structs.replace(row, **other) for row in moved[5:]]
        assert not set(suspects(TREE, [*batch, *moved[:5], *fewer], KNOWN, {})) & set(range(4000, 4014))


def test_the_order_of_the_rows_does_not_matter() -> None:
    batch = [*rows([f"truck number {i}" for i in range(8)], "sport", more=True, said="taxi", sure=0.9)]
    batch += [Proposal(100 + i, "bob", f"x{i}", False, f"x{i}", "maths", "truck", 0.6) for i in range(15)]
    expected = suspects(TREE, batch, KNOWN, {})
    for seed in range(5):
        mixed = batch[:]
        random.Random(seed).shuffle(mixed)
        assert suspects(TREE, mixed, KNOWN, {}) == expected


def test_thresholds_are_settings() -> None:
    titles = [f"truck number {i}" for i in range(3)]
    assert len(suspects(TREE, rows(titles, "sport", more=True), KNOWN, {}, (), Holding(titles=3))) == 3
