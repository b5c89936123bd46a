"""What the entries of an index say besides their vectors: the leaf of each, which are corrections, their titles, and which titles are an institution's own.

It follows an index that changes: what belongs to the base generation is worked out once, and what came after it is put on top, so that a
correction costs the same whatever the index holds. What was taken out counts for nothing.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from isco_rag.lexical import LexicalIndex, title_key
from isco_rag.ports import Ints
from isco_rag.taught import SOURCE
from isco_rag.taxonomy import Taxonomy
from isco_rag.titles import Title, Titles, titles_of
from isco_rag.types import Entry


class Labels:
    """A number for each entry by the entry's own number: those of a base, then those of a tail."""

    def __init__(self, base: Ints, tail: Ints) -> None:
        self._base, self._tail = base, tail

    def __len__(self) -> int:
        return len(self._base) + len(self._tail)

    def __getitem__(self, numbers: Ints) -> Ints:
        """The number for each of these entries, same shape; what it says of entry -1 means nothing."""
        n = len(self._base)
        if not len(self._tail):
            return self._base[numbers] if n else np.full(np.shape(numbers), -1, np.int64)
        tail = self._tail[np.maximum(numbers - n, 0)]
        return np.where(numbers < n, self._base[np.minimum(numbers, n - 1)], tail) if n else tail


class Known:
    """Get it from `known_of`; `following` gives the next one when the index has changed.

    `labels` are the leaf numbers of the entries, -1 for entries of higher groups; `corrected` is 1 for corrections, else 0.
    """

    def __init__(
        self, taxonomy: Taxonomy, base: Sequence[Entry], alive: NDArray[np.bool_], tail: dict[str, Entry],
        of_base: tuple[Ints, Ints], lexical: LexicalIndex, own_titles: Titles,
    ) -> None:  # fmt: skip
        """`of_base` are labels and corrections of the base."""
        self.taxonomy, self.lexical, self.own_titles = taxonomy, lexical, own_titles
        self.labels = Labels(of_base[0], labels_of(taxonomy, tail.values()))
        self.corrected = Labels(of_base[1], corrected_of(tail.values()))
        self._base, self._alive, self._tail, self._of_base = base, alive, tail, of_base

    def living(self) -> Iterator[Entry]:
        """The entries that can be found: those of the base that were not taken out, then those of the tail."""
        yield from (entry for entry, alive in zip(self._base, self._alive, strict=True) if alive)
        yield from self._tail.values()

    def following(self, base: Sequence[Entry], alive: NDArray[np.bool_], tail: Sequence[Entry]) -> "Known":
        """What the entries say of an index that holds those of `base` that are alive, and those of `tail`."""
        if base is not self._base:
            return known_of(self.taxonomy, base).following(base, alive, tail)
        now = {entry.id: entry for entry in tail}
        came = [entry for entry in tail if entry.id not in self._tail] + [base[i] for i in np.flatnonzero(alive & ~self._alive).tolist()]
        went = [entry for i, entry in self._tail.items() if i not in now] + [base[i] for i in np.flatnonzero(self._alive & ~alive).tolist()]
        lexical, own = self.lexical, self.own_titles
        if came or went:
            (more, more_own), (less, less_own) = held_by(self.taxonomy, came), held_by(self.taxonomy, went)
            lexical = lexical.changed(lexical.titles.after(more, less), (k for k, *_ in (*more, *less)))
            own = own.after(more_own, less_own)
        return Known(self.taxonomy, base, alive, now, self._of_base, lexical, own)


def known_of(taxonomy: Taxonomy, entries: Sequence[Entry]) -> Known:
    """What these entries say, which are all of a base."""
    matched, own = held_by(taxonomy, entries)
    lexical = LexicalIndex(Titles(titles_of(matched)))
    alive = np.ones(len(entries), np.bool_)
    of_base = labels_of(taxonomy, entries), corrected_of(entries)
    return Known(taxonomy, entries, alive, {}, of_base, lexical, Titles(titles_of(own)))


def labels_of(taxonomy: Taxonomy, entries: Iterable[Entry]) -> Ints:
    """The leaf number of each entry; -1 for entries of higher groups."""
    number = taxonomy.leaf_number
    return np.array([number.get(entry.code, -1) for entry in entries], dtype=np.int64)


def corrected_of(entries: Iterable[Entry]) -> Ints:
    """1 for each entry that is a correction, 0 for the others."""
    return np.array([entry.source == SOURCE for entry in entries], dtype=np.int64)


def held_by(taxonomy: Taxonomy, entries: Iterable[Entry]) -> tuple[list[Title], list[Title]]:
    """The titles of the entries that are matched as strings, and those that did not come with the project."""
    number, shipped = taxonomy.leaf_number, ("written", taxonomy.heading.name)
    matched, own = list[Title](), list[Title]()
    for entry in entries:
        if entry.title and entry.code in number and (k := title_key(entry.title)):
            title = (k, entry.id, number[entry.code])
            if not entry.id.startswith("task:"):
                matched.append(title)
            if entry.source not in shipped:
                own.append(title)
    return matched, own
