"""Titles matched as strings: exactly, and by likeness, with rapidfuzz over a shortlist that an inverted index of trigrams draws up.

The shortlist comes from the postings of a query's rarest trigrams only, so its cost grows with how common those are, not with the
number of titles.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz

from isco_rag.ports import Ints
from isco_rag.text import key, title_text

RAREST = 10
SHORTLIST = 40


class LexicalIndex:
    """Titles by key and by trigram; `labels` are leaf numbers, a title may have several."""

    def __init__(self, titles: Sequence[str], labels: Sequence[int]) -> None:
        found: dict[str, Counter[int]] = defaultdict(Counter)
        for title, label in zip(titles, labels, strict=True):
            k = key(title_text(title))
            if k:
                found[k][label] += 1
        self.keys = list(found)
        self._labels = [found[k] for k in self.keys]
        self._number = {k: i for i, k in enumerate(self.keys)}
        postings: dict[str, list[int]] = defaultdict(list)
        for i, k in enumerate(self.keys):
            for gram in _grams(k):
                postings[gram].append(i)
        self._postings = {gram: np.array(rows, dtype=np.int32) for gram, rows in postings.items()}

    def exact(self, title: str) -> Counter[int]:
        """How many titles of each leaf are this very title; empty where none is."""
        number = self._number.get(key(title))
        return Counter() if number is None else self._labels[number]

    def near(self, title: str) -> list[tuple[float, int]]:
        """Likeness (0 to 1) and title numbers of the shortlist, most alike first, ties by number."""
        query = key(title)
        rows = self._shortlist(query)
        return sorted(((_likeness(query, self.keys[i]), i) for i in rows), key=lambda hit: (-hit[0], hit[1]))

    def labels(self, number: int) -> Counter[int]:
        """How often a title stands for each leaf."""
        return self._labels[number]

    def _shortlist(self, query: str) -> list[int]:
        found = sorted((p for p in map(self._postings.get, _grams(query)) if p is not None), key=len)[:RAREST]
        if not found:
            return []
        rows = np.concatenate(found)
        weights = np.repeat([1.0 / np.log2(2 + len(p)) for p in found], [len(p) for p in found])
        numbers, place = np.unique(rows, return_inverse=True)
        points = np.bincount(place, weights).astype(np.float64)
        return [int(i) for i in numbers[_best(points, SHORTLIST)]]


def _best(points: NDArray[np.float64], n: int) -> Ints:
    order: Ints = np.lexsort((np.arange(len(points)), -points.round(9)))[:n]
    return order


def _grams(text: str) -> list[str]:
    padded = f" {text} "
    return sorted({padded[i : i + 3] for i in range(len(padded) - 2)})


def _likeness(a: str, b: str) -> float:
    """Likeness of two keys: of the strings as they are, or with their words sorted, where that is more."""
    return max(fuzz.ratio(a, b), 0.98 * fuzz.token_sort_ratio(a, b)) / 100.0
