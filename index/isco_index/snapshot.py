"""What a live index holds at one moment: a base generation, the tail after it, and what was taken out. It never changes."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import overload

import numpy as np
from numpy.typing import NDArray

from isco_index.flat import FlatIndex, cosines_of
from isco_rag.ports import Floats, Ints
from isco_rag.types import Entry


class Joined(Sequence[Entry]):
    """The entries of the base followed by those of the tail, without a copy."""

    def __init__(self, first: Sequence[Entry], second: Sequence[Entry]) -> None:
        self._first, self._second = first, second

    def __len__(self) -> int:
        return len(self._first) + len(self._second)

    def __iter__(self) -> Iterator[Entry]:
        yield from self._first
        yield from self._second

    @overload
    def __getitem__(self, number: int) -> Entry: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[Entry]: ...
    def __getitem__(self, number: int | slice) -> Entry | Sequence[Entry]:
        if isinstance(number, slice):
            return [self[i] for i in range(*number.indices(len(self)))]
        n = range(len(self))[number]
        return self._first[n] if n < len(self._first) else self._second[n - len(self._first)]


class Snapshot:
    """An index over the base and the tail; `alive` [entries of the base] is false for what was taken out since the base was built.

    Numbers of the base's entries stay the same as long as the generation does; the tail's come after them. Ties break by the
    entries' ids, so that hits do not depend on what is in the base and what in the tail, or on the order in which the tail came.
    """

    def __init__(
        self,
        generation: int,
        version: int,
        base: FlatIndex,
        tail: FlatIndex,
        alive: NDArray[np.bool_],
        places: dict[str, int] | None = None,
    ) -> None:
        """`places` are those of entries of earlier tails over the same base; it grows by those of this one."""
        self.generation, self.version = generation, version
        self.base, self.tail, self.alive = base, tail, alive
        self.entries: Sequence[Entry] = Joined(base.entries, tail.entries)
        self._rows_alive = None if alive.all() else alive[base.owner]
        self.places = {} if places is None else places
        self._places = tail_places(base.entries, tail.entries, self.places)
        for part in (base, tail):
            part.rows.ready()

    def __len__(self) -> int:
        """Entries that can be found: those taken out keep their number and are not counted."""
        return int(self.alive.sum()) + len(self.tail)

    @cached_property
    def living(self) -> Sequence[Entry]:
        """The entries that can be found, by id."""
        kept = [entry for entry, alive in zip(self.base.entries, self.alive, strict=True) if alive]
        return sorted([*kept, *self.tail.entries], key=lambda entry: entry.id)

    def search(self, vectors: Floats, k: int) -> tuple[Floats, Ints]:
        """Cosines and entry numbers [n, k], nearest first, ties by entry id; number -1 where there are fewer."""
        products, rows = self.base.rows.search(vectors, k, self._rows_alive)
        entries = self.base.entries_of(rows)
        if not len(self.tail):
            return cosines_of(products), entries
        more, tail_rows = self.tail.rows.search(vectors, k)
        tail_entries = self.tail.entries_of(tail_rows)
        # A tail entry comes just before the base's entry at its place; among themselves those of one place are in order already.
        place = np.concatenate([2 * entries + 1, 2 * self._places[tail_entries]], axis=1)
        products, rows = np.concatenate([products, more], axis=1), np.concatenate([rows, tail_rows], axis=1)
        entries = np.concatenate([entries, np.where(tail_entries >= 0, tail_entries + len(self.base), -1)], axis=1)
        order = np.lexsort((rows, place, -products), axis=1)[:, :k]
        return cosines_of(np.take_along_axis(products, order, 1)), np.take_along_axis(entries, order, 1)


def tail_places(base: Sequence[Entry], tail: Sequence[Entry], known: dict[str, int]) -> Ints:
    """Where each entry of the tail would stand in the base, by id; what is not known yet is found and noted."""
    for entry in tail:
        if entry.id not in known:
            known[entry.id] = place_of(base, entry.id)
    return np.array([known[entry.id] for entry in tail], dtype=np.int64)


def place_of(entries: Sequence[Entry], identity: str) -> int:
    """Where an id stands, or would stand, among entries in the order of their ids."""
    return bisect_left(entries, identity, key=lambda entry: entry.id)


def find(entries: Sequence[Entry], identity: str) -> int:
    """The number of the entry with this id among entries in the order of their ids, or -1."""
    place = place_of(entries, identity)
    return place if place < len(entries) and entries[place].id == identity else -1
