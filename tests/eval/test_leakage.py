"""The leakage check on cases that a person would decide."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from isco_eval.leakage import NEAR, SHARED, Collection, Texts, find_leaks, trigrams

from isco_rag.types import Entry, Job

KNOWN = [
    Entry("e1", "1", "Technician, engineering: electrical"),
    Entry("e2", "1", "money lender"),
    Entry("e3", "2", "medicle secretary"),
    Entry("e4", "2", "Cowman", "milks the cows at four in the morning and mends the fences"),
    Entry("e5", "3", "", "drives a lorry with containers from the port to the warehouse"),
    Entry("e6", "3", "electronics technician"),
    Entry("e7", "3", "wood grader"),
    Entry("e8", "4", "cleaner", "cleaning"),
    Entry("e9", "5", "Manager, nursery"),
]


@pytest.mark.parametrize(
    ("job", "wanted"),
    [
        (Job("money lender"), ("e2", "exact")),
        (Job("MONEY  Lender (m/f/d)"), ("e2", "normalised")),
        (Job("Moneylender"), ("e2", "near")),
        (Job("medical secretery"), ("e3", "near")),
        (Job("electrical engineering technician"), ("e1", "near")),
        (Job("cowman"), ("e4", "normalised")),
        (Job("nursery manager"), ("e9", "normalised")),
        (Job("farm hand", "milks the cows at four in the morning and mends the fences"), ("e4", "exact")),
        (Job("", "drives a lorry with containers from the port to the warehouse"), ("e5", "exact")),
        (Job("electrical technician"), None),
        (Job("food grader"), None),
        (Job("window cleaner"), None),
        (Job("porter", "cleaning"), None),
        (Job(""), None),
    ],
)
def test_a_row_is_known_when_a_person_would_say_so(job: Job, wanted: tuple[str, str] | None) -> None:
    found = find_leaks([job], KNOWN)
    assert [(KNOWN[leak.text].id, leak.kind) for leak in found] == ([wanted] if wanted else [])


WORDS = st.lists(
    st.sampled_from(["nurse", "driver", "teacher", "assistant", "of", "heavy", "school", "dental"]), min_size=1, max_size=4, unique=True
)


@settings(deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=6))
def test_every_text_repeats_itself_and_the_order_of_texts_does_not_matter(titles: list[list[str]]) -> None:
    entries = [Entry(f"e{i}", "1", " ".join(words)) for i, words in enumerate(titles)]
    found = find_leaks(entries, entries)
    exact = {(leak.row, leak.text) for leak in found if leak.kind == "exact"}
    assert {(i, i) for i in range(len(entries))} <= exact
    turned = find_leaks(entries, entries[::-1])
    last = len(entries) - 1
    assert sorted((leak.row, last - leak.text, leak.kind) for leak in turned) == sorted((leak.row, leak.text, leak.kind) for leak in found)


@settings(deadline=None)
@given(st.lists(st.text("abcd ", min_size=1, max_size=12), min_size=2, max_size=20, unique=True))
def test_no_text_that_is_near_is_passed_over_for_speed(texts: list[str]) -> None:
    """Looking at every pair finds the same as looking at those alone that can be near."""
    keys = sorted({" ".join(text.split()) for text in texts} - {""})
    collection = Collection(keys)
    for text in keys:
        mine = trigrams(text)
        sharing = [k for k in keys if 2 * len(mine & trigrams(k)) >= SHARED * (len(mine) + len(trigrams(k)))]
        every = [(k, score) for k in sharing if (score := collection.likeness(text, k)) >= NEAR]
        assert sorted(collection.near(text)) == sorted(every)
        assert (text, 1.0) in every


def test_a_title_is_seen_by_its_key() -> None:
    texts = Texts(KNOWN)
    assert texts.has_title("Money Lender")
    assert not texts.has_title("")
    assert not texts.has_title("banker")
