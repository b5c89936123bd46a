"""Titles matched as strings: exactly, and by likeness, with rapidfuzz over a shortlist that an inverted index of trigrams draws up.

The shortlist comes from the postings of a query's rarest trigrams only, so its cost grows with how common those are, not with the
number of titles. What is found depends on the titles alone and not on their order: ties break by key. So titles may come and go: a
changed index shares what it can with the one before, and answers as one that is built from what it holds now.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz

from isco_rag.ports import Ints
from isco_rag.tally import Counts, Tally, tally_of
from isco_rag.text import key, title_text
from isco_rag.trigrams import Postings, trigrams

RAREST = 10
SHORTLIST = 40
# New titles stand in postings of their own; up to so many are built anew with each change, more are merged into the second postings.
FRESH = 256


class LexicalIndex:
    """Titles by key and by trigram; `counts` says how often each title stands for each leaf.

    Each key stands in one of the `parts`; a key that no title has any more may still stand there and is passed over.
    """

    def __init__(self, counts: Tally, parts: Sequence[Postings] | None = None, gone: frozenset[str] = frozenset()) -> None:
        self.counts, self.gone = counts, gone
        self.parts = tuple(parts) if parts is not None else (Postings(counts.base),)
        self._alive = [part.without(gone) for part in self.parts]

    def exact(self, title: str) -> Counts:
        """How many titles of each leaf are this very title; empty where none is."""
        return self.counts[key(title)]

    def near(self, title: str) -> list[tuple[float, str]]:
        """Likeness (0 to 1) and keys of the shortlist, most alike first, ties by key."""
        query = key(title)
        return sorted(((_likeness(query, found), found) for found in self._shortlist(query)), key=lambda hit: (-hit[0], hit[1]))

    def labels(self, found: str) -> Counts:
        """How often the title of a key stands for each leaf."""
        return self.counts[found]

    def changed(self, counts: Tally, keys: Iterable[str]) -> "LexicalIndex":
        """The index of these counts, which differ from the present ones for these keys at most."""
        keys = set(keys) - {""}
        gone = (self.gone - keys) | {k for k in keys if not counts[k]}
        base, *tail = self.parts
        if new := [k for k in keys if not any(k in part for part in self.parts)]:
            grown, fresh = tail or (Postings(()), Postings(()))
            fresh = Postings([*fresh.keys, *new])
            if len(fresh.keys) > FRESH:
                grown, fresh = Postings([*grown.keys, *fresh.keys]), Postings(())
            tail = [grown, fresh]
        return LexicalIndex(counts, (base, *tail), gone)

    def _shortlist(self, query: str) -> list[str]:
        grams = trigrams(query)
        found = [part.of(grams, alive) for part, alive in zip(self.parts, self._alive, strict=True)]
        sizes = [sum(len(rows[i]) for rows in found) for i in range(len(grams))]
        rarest = sorted((i for i, size in enumerate(sizes) if size), key=sizes.__getitem__)[:RAREST]
        best: list[tuple[float, str]] = []
        for part, rows in zip(self.parts, found, strict=True):
            best += _best(part, [rows[i] for i in rarest], [sizes[i] for i in rarest])
        return [k for _, k in sorted(best)[:SHORTLIST]]


def build_lexical(titles: Sequence[str], labels: Sequence[int]) -> LexicalIndex:
    """The index of titles and their leaf numbers; a title may stand there several times."""
    return LexicalIndex(Tally(tally_of((title_key(title), label) for title, label in zip(titles, labels, strict=True))))


def title_key(title: str) -> str:
    """The key under which a title is matched, empty where it has no words."""
    return key(title_text(title))


def _best(part: Postings, rows: Sequence[NDArray[np.int32]], sizes: Sequence[int]) -> list[tuple[float, str]]:
    """The keys of a part that have the most points, with their points made negative; the rarer a trigram the more it counts."""
    lengths = [len(r) for r in rows]
    if not any(lengths):
        return []
    weights = np.repeat([1.0 / np.log2(2 + size) for size in sizes], lengths)
    numbers, place = np.unique(np.concatenate(rows), return_inverse=True)
    points = -np.bincount(place, weights).astype(np.float64).round(9)
    order: Ints = np.lexsort((numbers, points))[:SHORTLIST]
    return [(float(points[i]), part.keys[numbers[i]]) for i in order]


def _likeness(a: str, b: str) -> float:
    """Likeness of two keys: of the strings as they are, or with their words sorted, where that is more."""
    return max(fuzz.ratio(a, b), 0.98 * fuzz.token_sort_ratio(a, b)) / 100.0
