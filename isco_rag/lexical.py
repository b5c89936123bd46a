"""Titles matched as strings: exactly, and by likeness, with rapidfuzz over a shortlist that an inverted index of trigrams draws up.

The shortlist comes from the postings of a query's rarest trigrams only, so its cost grows with how common those are, not with the
number of titles. Ties break by the first entry that holds a title. So what is found depends on what is held and not on how it came
together: a changed index shares what it can with the one before, and answers as one that is built from what it holds now.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz

from isco_rag.ports import Ints
from isco_rag.text import key, title_text
from isco_rag.titles import Titles, titles_of
from isco_rag.trigrams import Postings, trigrams

RAREST = 10
SHORTLIST = 40
# New titles stand in postings of their own; up to so many are built anew with each change, more are merged into the second postings.
FRESH = 256

# Up to so many titles, adding up over all of them takes less time than finding out which ones there are.
DENSE = 65_536

Floats64 = NDArray[np.float64]
# The first entry that holds a title, and the title's key.
Place = tuple[str, str]


class Part:
    """Some titles and their postings; those of `gone` are passed over."""

    def __init__(self, places: Iterable[Place], postings: Postings | None = None, gone: frozenset[str] = frozenset()) -> None:
        self.places, self.gone = sorted(places) if postings is None else list(places), gone
        self.postings = Postings([k for _, k in self.places]) if postings is None else postings
        self._alive = self.postings.without(gone)

    def first(self, k: str) -> str | None:
        """The first entry of a title as it was when it came in; None where the title is not here."""
        number = None if k in self.gone else self.postings.number.get(k)
        return None if number is None else self.places[number][0]

    def without(self, keys: Iterable[str]) -> "Part":
        """The part without these titles."""
        gone = self.gone.union(k for k in keys if k in self.postings.number)
        return self if gone == self.gone else Part(self.places, self.postings, gone)

    def living(self) -> list[Place]:
        """The titles that are left."""
        return [place for place in self.places if place[1] not in self.gone]

    def of(self, grams: Sequence[str]) -> list[NDArray[np.int32]]:
        """For each trigram the numbers of the titles that hold it."""
        return self.postings.of(grams, self._alive)

    def best(self, rows: Sequence[NDArray[np.int32]], sizes: Sequence[int]) -> list[tuple[float, Place]]:
        """The titles that have the most points, with their points made negative; the rarer a trigram the more it counts."""
        lengths = [len(r) for r in rows]
        if not any(lengths):
            return []
        weights = np.repeat([1.0 / np.log2(2 + size) for size in sizes], lengths)
        numbers, points = _summed(np.concatenate(rows), weights, len(self.places))
        if len(points) > SHORTLIST:
            near = np.flatnonzero(points <= np.partition(points, SHORTLIST - 1)[SHORTLIST - 1])
            numbers, points = numbers[near], points[near]
        order = np.argsort(points, kind="stable")[:SHORTLIST]
        places = [self.places[number] for number in numbers[order].tolist()]
        return list(zip(points[order].tolist(), places, strict=True))


class LexicalIndex:
    """Titles by key and by trigram; each stands in one of the parts, the first of which is that of the base."""

    def __init__(self, titles: Titles, parts: Sequence[Part] | None = None) -> None:
        self.titles = titles
        self.parts = tuple(parts) if parts is not None else (Part((holders[0][0], k) for k, holders in titles.base.items()),)

    def exact(self, title: str) -> dict[int, int]:
        """How many titles of each leaf are this very title; empty where none is."""
        return self.titles.counts(key(title))

    def near(self, title: str) -> list[tuple[float, str]]:
        """Likeness (0 to 1) and keys of the shortlist, most alike first, ties by first entry."""
        query = key(title)
        found = sorted((-_likeness(query, place[1]), place) for place in self._shortlist(query))
        return [(-likeness, k) for likeness, (_, k) in found]

    def labels(self, k: str) -> dict[int, int]:
        """How often the title of a key stands for each leaf."""
        return self.titles.counts(k)

    def changed(self, titles: Titles, keys: Iterable[str]) -> "LexicalIndex":
        """The index of these titles, which differ from the present ones for these keys at most."""
        moved, new = [], list[Place]()
        for k in set(keys):
            before = next((first for part in self.parts if (first := part.first(k)) is not None), None)
            now = titles[k][0][0] if titles[k] else None
            if now != before:
                moved.append(k)
                if now is not None:
                    new.append((now, k))
        base, *tail = (part.without(moved) for part in self.parts)
        if new:
            grown, fresh = tail or (Part(()), Part(()))
            fresh = Part([*fresh.living(), *new])
            if len(fresh.places) > FRESH:
                grown, fresh = Part([*grown.living(), *fresh.places]), Part(())
            tail = [grown, fresh]
        return LexicalIndex(titles, (base, *tail))

    def _shortlist(self, query: str) -> list[Place]:
        grams = trigrams(query)
        found = [part.of(grams) for part in self.parts]
        sizes = [sum(len(rows[i]) for rows in found) for i in range(len(grams))]
        rarest = sorted((i for i, size in enumerate(sizes) if size), key=sizes.__getitem__)[:RAREST]
        best: list[tuple[float, Place]] = []
        for part, rows in zip(self.parts, found, strict=True):
            best += part.best([rows[i] for i in rarest], [sizes[i] for i in rarest])
        return [place for _, place in sorted(best)[:SHORTLIST]]


def build_lexical(titles: Sequence[str], labels: Sequence[int]) -> LexicalIndex:
    """The index of titles and their leaf numbers; a title may stand there several times, and those without words count for nothing."""
    keyed = ((title_key(title), f"{i:012}", label) for i, (title, label) in enumerate(zip(titles, labels, strict=True)))
    return LexicalIndex(Titles(titles_of(title for title in keyed if title[0])))


def title_key(title: str) -> str:
    """The key under which a title is matched, empty where it has no words."""
    return key(title_text(title))


def _summed(rows: NDArray[np.int32], weights: Floats64, n: int) -> tuple[Ints, Floats64]:
    """The distinct rows, ascending, and the sum of each one's weights made negative; rows are below n."""
    if n <= DENSE:
        sums = np.bincount(rows, weights, n).astype(np.float64)
        numbers = np.flatnonzero(sums)
        return numbers, -sums[numbers].round(9)
    numbers, place = np.unique(rows, return_inverse=True)
    return numbers, -np.bincount(place, weights).astype(np.float64).round(9)


def _likeness(a: str, b: str) -> float:
    """Likeness of two keys: of the strings as they are, or with their words sorted, where that is more."""
    return max(fuzz.ratio(a, b), 0.98 * fuzz.token_sort_ratio(a, b)) / 100.0
