"""What entries say besides their vectors is the same however the index came to hold them, and is found as a plain construction finds it."""

import random
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz import fuzz

from isco_rag import lexical, text
from isco_rag.classify import Classifier
from isco_rag.known import Known, known_of
from isco_rag.lexical import LexicalIndex, build_lexical
from isco_rag.text import key, title_text
from isco_rag.titles import Titles
from isco_rag.types import Entry
from tests.fakes import tiny_taxonomy

TREE = tiny_taxonomy()
WORDS = ("cab", "Cab", "driver", "drivers", "taxi", "lorry", "teacher", "of", "maths", "éleveur", "mgr")
titles = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)
entries = st.builds(
    Entry, st.just(""), st.sampled_from(["truck", "taxi", "sport", "A"]), titles, source=st.sampled_from(["written", "correction"])
)


class Plain:
    """The same index by dictionaries, as it would be written if neither time nor change mattered."""

    def __init__(self, titles: Sequence[str], labels: Sequence[int]) -> None:
        found: dict[str, Counter[int]] = defaultdict(Counter)
        for title, label in zip(titles, labels, strict=True):
            if k := key(title_text(title)):
                found[k][label] += 1
        # In the order of the first title of each key.
        self.keys = list(found)
        self.labels = found
        self.postings: dict[str, list[int]] = defaultdict(list)
        for i, k in enumerate(self.keys):
            for gram in {f" {k} "[j : j + 3] for j in range(len(k))}:
                self.postings[gram].append(i)

    def near(self, title: str) -> list[tuple[float, str]]:
        query = key(title)
        grams = sorted({f" {query} "[j : j + 3] for j in range(len(query))})
        found = sorted((self.postings[g] for g in grams if g in self.postings), key=len)[:10]
        points: dict[int, float] = defaultdict(float)
        for rows in found:
            for row in rows:
                points[row] += 1.0 / np.log2(2 + len(rows))
        best = sorted(points, key=lambda i: (-round(points[i], 9), i))[:40]
        alike = [(max(fuzz.ratio(query, k), 0.98 * fuzz.token_sort_ratio(query, k)) / 100.0, k) for k in (self.keys[i] for i in best)]
        return sorted(alike, key=lambda hit: (-hit[0], self.keys.index(hit[1])))


def same(index: LexicalIndex, plain: Plain, queries: Sequence[str]) -> None:
    for query in queries:
        assert index.near(query) == plain.near(query)
        assert index.exact(query) == plain.labels.get(key(query), {})
    assert all(index.labels(k) == plain.labels[k] for k in plain.keys)


@pytest.mark.parametrize("dense", [0, 65_536])
def test_the_shipped_titles_are_found_as_by_dictionaries(shipped: Classifier, dense: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lexical, "DENSE", dense)
    number = shipped.taxonomy.leaf_number
    titled = [e for e in shipped.parts.index.entries if e.title and e.code in number and not e.id.startswith("task:")]
    plain = Plain([e.title for e in titled], [number[e.code] for e in titled])
    rng = random.Random(5)
    exact = [e.title.lower() for e in rng.sample(titled, 60)]
    misspelt = [t[: len(t) // 2] + t[len(t) // 2 + 1 :] for t in exact]
    same(shipped.lexical, plain, [*exact, *misspelt, "жж", "x"])


@given(st.lists(st.tuples(st.booleans(), titles, st.integers(0, 3), st.integers(0, 99)), max_size=30), st.lists(titles, max_size=6))
@settings(max_examples=200, deadline=None)
def test_titles_that_come_and_go_leave_an_index_of_those_that_are_left(steps: list[tuple[bool, str, int, int]], base: list[str]) -> None:
    held = {f"{10 * i:012}": (t, 0) for i, t in enumerate(base)}
    index = build_lexical([t for t, _ in held.values()], [0] * len(held))
    # The builder counts by one; the ids here leave room between.
    first = {f"{i:012}": f"{10 * i:012}" for i in range(len(base))}
    index = LexicalIndex(Titles({k: [(first[i], n) for i, n in holders] for k, holders in index.titles.base.items()}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lexical, "FRESH", 3)
        for comes, text_, label, number in steps:
            name = f"{number:012}"
            if comes and name not in held:
                held[name] = (text_, label)
                new = (lexical.title_key(text_), name, label)
                index = index.changed(index.titles.after([new], []), new[:1])
            elif not comes and held:
                name = sorted(held)[number % len(held)]
                text_, label = held.pop(name)
                old = (lexical.title_key(text_), name, label)
                index = index.changed(index.titles.after([], [old]), old[:1])
    left = [held[name] for name in sorted(held)]
    same(index, Plain([t for t, _ in left], [n for _, n in left]), ["cab driver", "taxi", "teacher of maths", "manager"])


def alike(a: Known, b: Known, numbers: Sequence[int]) -> None:
    """Whether two that hold the same entries say the same; `numbers` are those of b's entries in a."""
    for query in ("cab driver", "taxi", "teacher of maths", "manager"):
        assert a.lexical.near(query) == b.lexical.near(query)
        assert a.lexical.exact(query) == b.lexical.exact(query)
        assert a.own_titles.counts(key(query)) == b.own_titles.counts(key(query))
    assert a.labels[np.array(numbers, np.int64)].tolist() == b.labels[np.arange(len(numbers))].tolist()


@given(st.lists(entries, max_size=8), st.lists(st.tuples(entries, st.integers(0, 7), st.integers(0, 7)), max_size=8))
@settings(max_examples=150, deadline=None)
def test_an_index_followed_through_changes_says_what_one_made_at_once_says(base: list[Entry], steps: list[tuple[Entry, int, int]]) -> None:
    base = [Entry(f"b{i}", e.code, e.title, source=e.source) for i, e in enumerate(base)]
    alive, tail = np.ones(len(base), np.bool_), list[Entry]()
    known = known_of(TREE, base).following(base, alive, tail)
    for n, (entry, out, gone) in enumerate(steps):
        tail = [*tail, Entry(f"{'at'[n % 2]}{n}", entry.code, entry.title, source=entry.source)]
        if out < len(tail):
            tail = [e for i, e in enumerate(tail) if i != out]
        alive = alive.copy()
        alive[gone : gone + 1] = False
        known = known.following(base, alive, tail)
    left = [*(e for e, here in zip(base, alive, strict=True) if here), *tail]
    assert list(known.living()) == left
    numbers = [*np.flatnonzero(alive).tolist(), *range(len(base), len(base) + len(tail))]
    order = sorted(range(len(left)), key=lambda i: left[i].id)
    alike(known, known_of(TREE, [left[i] for i in order]), [numbers[i] for i in order])


ODD = st.text("aAzZ kKſıİ.,'&+-/()[]<#*!|:;–\t\n0129mfdx·é£", max_size=40)
WORKED = st.lists(
    st.sampled_from(["full", "part-time", "remote", "(m/f/d)", "Sr.", "mgr", "hiring", "no", "experience", "ref", "12345"])
).map(" ".join)


@given(st.one_of(ODD, WORKED, titles))
@settings(max_examples=600, deadline=None)
def test_the_short_way_to_a_title_and_its_key_leads_where_the_long_way_leads(title: str) -> None:
    short = (title_text(title), text._key(title))
    with pytest.MonkeyPatch.context() as patch:
        long_way(patch)
        assert (title_text(title), text._key(title)) == short


def long_way(patch: pytest.MonkeyPatch) -> None:
    """Has every title and key made in all steps."""
    patch.setattr(text, "_is_simple", lambda _: False)
    patch.setattr(text, "_may_have_markers", lambda _: True)
    patch.setattr(text, "_may_have_terms", lambda _: True)


def test_the_short_way_is_right_for_all_shipped_titles(shipped: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [e.title for e in shipped.parts.index.entries if e.title]
    short = [(title_text(t), text._key(t)) for t in found]
    assert sum(map(text._is_simple, found)) > len(found) / 2
    long_way(monkeypatch)
    assert [(title_text(t), text._key(t)) for t in found] == short
