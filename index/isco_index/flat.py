"""An index that does not change: entries, their vectors, and the search over them.

An entry has up to two rows: its title and its duties are embedded apart. Entries stand in the order of their ids and ties break by
that order, so that it makes no difference how the entries came together.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from isco_index.layout import Rules, grid_for
from isco_index.rows import NOTHING, Grid, Rows
from isco_rag.encode import SCALE
from isco_rag.errors import BundleError
from isco_rag.ports import Encoder, Floats, Ints
from isco_rag.text import duties_text, title_text
from isco_rag.types import Entry

VECTORS, ENTRIES, OWNER, CENTRES, LISTS = "vectors.npy", "entries.jsonl", "owner.npy", "centres.npy", "lists.npy"


class FlatIndex:
    """Entries and their vectors; `owner` tells the entry of each row. Entries that come out of order are put in order."""

    def __init__(
        self,
        entries: Sequence[Entry],
        vectors: NDArray[np.int8],
        owner: Ints,
        grid: Grid | None = None,
        lists: NDArray[np.int32] | None = None,
    ) -> None:
        self.entries, order, self.owner = in_order(entries, owner)
        if order is not None:
            vectors, lists = vectors[order], None if lists is None else lists[order]
        self.rows = Rows(vectors, grid, lists)

    @property
    def vectors(self) -> NDArray[np.int8]:
        """One vector per row."""
        return self.rows.vectors

    def __len__(self) -> int:
        return len(self.entries)

    def without(self, ids: set[str] | frozenset[str]) -> "FlatIndex":
        """The index without the entries of these ids."""
        kept = np.array([entry.id not in ids for entry in self.entries], dtype=np.bool_)
        rows = kept[self.owner] if len(kept) else np.zeros(0, np.bool_)
        owner = (np.cumsum(kept) - 1)[self.owner[rows]] if len(kept) else self.owner
        entries = [entry for entry, keep in zip(self.entries, kept, strict=True) if keep]
        lists = None if self.rows.lists is None else self.rows.lists[rows]
        return FlatIndex(entries, self.vectors[rows], owner, self.rows.grid, lists)

    def extended(self, other: "FlatIndex") -> "FlatIndex":
        """The entries of this index and those of another, laid out as this one is."""
        owner = np.concatenate([self.owner, other.owner + len(self.entries)])
        lists = None
        if self.rows.lists is not None:
            same = other.rows.grid is self.rows.grid
            added = other.rows if same else Rows(other.vectors, self.rows.grid)
            assert added.lists is not None
            lists = np.concatenate([self.rows.lists, added.lists])
        vectors = np.concatenate([self.vectors, other.vectors])
        return FlatIndex([*self.entries, *other.entries], vectors, owner, self.rows.grid, lists)

    def search(self, vectors: Floats, k: int) -> tuple[Floats, Ints]:
        """Cosines and entry numbers [n, k], nearest first, ties by entry number; an entry with two near rows stands there twice."""
        products, rows = self.rows.search(vectors, k)
        return cosines_of(products), self.entries_of(rows)

    def entries_of(self, rows: Ints) -> Ints:
        """The entry number of each row number; -1 stays -1."""
        return np.where(rows >= 0, self.owner[rows], -1) if len(self.owner) else np.full(rows.shape, -1, np.int64)


def cosines_of(products: Floats) -> Floats:
    """Cosines of vectors whose inner products these are; 0 where there was no row."""
    found: Floats = np.where(products == NOTHING, 0.0, products / SCALE**2).astype(np.float32)
    return found


def in_order(entries: Sequence[Entry], owner: Ints) -> tuple[list[Entry], Ints | None, Ints]:
    """Entries by id (then by all they say), the order that their rows are to be put in (None: as they are), and the owner of each row."""
    if all(a.id < b.id for a, b in pairwise(entries)):
        return list(entries), None, owner
    keys = [msgspec.structs.astuple(entry) for entry in entries]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    if order == list(range(len(keys))):
        return list(entries), None, owner
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    rows = np.argsort(place[owner], kind="stable").astype(np.int64)
    return [entries[i] for i in order], rows, place[owner][rows]


def index_rows(entries: Sequence[Entry]) -> tuple[list[str], Ints]:
    """The texts that are embedded for the entries, and the entry that each belongs to."""
    texts, owner = [], []
    for i, entry in enumerate(entries):
        for text in (title_text(entry.title), duties_text(entry.duties)):
            if text:
                texts.append(text)
                owner.append(i)
    return texts, np.array(owner, dtype=np.int64)


def build_index(
    entries: Sequence[Entry],
    encoder: Encoder,
    known: Mapping[str, NDArray[np.int8]] | None = None,
    rules: Rules | None = None,
    grid: Grid | None = None,
) -> FlatIndex:
    """An index over the entries; each title and each duties text is embedded on its own, unless its vector is known.

    The layout is chosen by the rules from the number of rows; the centres of `grid` are kept where they are as many as the rules ask for.
    """
    known = known or {}
    texts, owner = index_rows(entries)
    unknown = list(dict.fromkeys(text for text in texts if text not in known))
    fresh = dict(zip(unknown, encoder.encode(unknown).astype(np.int8), strict=True))
    vectors = np.empty((len(texts), encoder.dimension), np.int8)
    for row, text in enumerate(texts):
        vectors[row] = fresh[text] if text in fresh else known[text]
    return FlatIndex(entries, vectors, owner, grid_for(vectors, rules or Rules(), grid))


def save_index(index: FlatIndex, folder: Path) -> None:
    """Writes entries.jsonl, vectors.npy and owner.npy, and centres.npy and lists.npy where there are lists."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ENTRIES).write_bytes(b"".join(msgspec.json.encode(entry) + b"\n" for entry in index.entries))
    np.save(folder / VECTORS, index.vectors)
    np.save(folder / OWNER, index.owner.astype(np.int32))
    if index.rows.lists is not None and index.rows.grid.centres is not None:
        np.save(folder / CENTRES, index.rows.grid.centres)
        np.save(folder / LISTS, index.rows.lists)


def load_index(folder: Path, rules: Rules | None = None, *, mapped: bool = False) -> FlatIndex:
    """The index in a folder; BundleError where its files do not belong together. `mapped` leaves the matrix in its file."""
    try:
        entries = msgspec.json.Decoder(Entry).decode_lines((folder / ENTRIES).read_bytes())
        vectors = np.load(folder / VECTORS, allow_pickle=False, mmap_mode="r" if mapped else None)
        # Bundles of the first format hold no owners: they follow from the texts.
        owner = np.load(folder / OWNER, allow_pickle=False).astype(np.int64) if (folder / OWNER).exists() else index_rows(entries)[1]
        centres = np.load(folder / CENTRES, allow_pickle=False) if (folder / CENTRES).exists() else None
        lists = np.load(folder / LISTS, allow_pickle=False) if centres is not None else None
    except (OSError, ValueError, msgspec.DecodeError) as error:
        raise BundleError(f"{folder}: the index can't be read ({error}); restore the bundle or rebuild it") from error
    whole = len(owner) == len(vectors) and (lists is None or len(lists) == len(vectors))
    if not whole or (len(owner) and int(owner.max()) >= len(entries)):
        raise BundleError(f"{folder}: {len(vectors)} vectors for {len(owner)} texts; restore the bundle or rebuild it")
    grid = None if centres is None else Grid(centres, (rules or Rules()).probes_for(len(centres)))
    return FlatIndex(entries, vectors, owner, grid, lists)
