"""An exact FAISS index over whole-number vectors.

An entry has up to two rows: its title and its duties are embedded apart. On disk the vectors are int8 and the entries JSON lines; FAISS
gets them as float32, where inner products of whole numbers this small are exact, so that results do not depend on batch or machine.
"""

from collections.abc import Sequence
from pathlib import Path

import faiss
import msgspec
import numpy as np
from numpy.typing import NDArray

from isco_rag.encode import SCALE
from isco_rag.errors import BundleError
from isco_rag.ports import Encoder, Floats, Ints
from isco_rag.text import duties_text, title_text
from isco_rag.types import Entry

VECTORS, ENTRIES = "vectors.npy", "entries.jsonl"


class FlatIndex:
    """Entries and their vectors; `owner` tells the entry of each row."""

    def __init__(self, entries: Sequence[Entry], vectors: NDArray[np.int8], owner: Ints) -> None:
        self.entries = list(entries)
        self.vectors, self.owner = vectors, owner
        self._faiss = faiss.IndexFlatIP(vectors.shape[1])
        self._faiss.add(np.ascontiguousarray(vectors, dtype=np.float32))

    def __len__(self) -> int:
        return len(self.entries)

    def without(self, ids: set[str]) -> "FlatIndex":
        """The index without the entries of these ids."""
        kept = [i for i, entry in enumerate(self.entries) if entry.id not in ids]
        place = {i: n for n, i in enumerate(kept)}
        rows = [row for row, i in enumerate(self.owner) if int(i) in place]
        owner = np.array([place[int(self.owner[row])] for row in rows], dtype=np.int64)
        return FlatIndex([self.entries[i] for i in kept], self.vectors[rows], owner)

    def extended(self, other: "FlatIndex") -> "FlatIndex":
        """The entries of this index followed by those of another."""
        owner = np.concatenate([self.owner, other.owner + len(self.entries)])
        return FlatIndex([*self.entries, *other.entries], np.concatenate([self.vectors, other.vectors]), owner)

    def search(self, vectors: Floats, k: int) -> tuple[Floats, Ints]:
        """Cosines and entry numbers [n, k], nearest first, equal ones by row number; an entry with two near rows stands there twice."""
        if not len(vectors) or not len(self.owner):
            return np.zeros((len(vectors), k), np.float32), np.full((len(vectors), k), -1, np.int64)
        products, rows = self._faiss.search(np.ascontiguousarray(vectors, dtype=np.float32), min(k, len(self.owner)))
        order = np.lexsort((rows, -products), axis=1)
        products, rows = np.take_along_axis(products, order, 1), np.take_along_axis(rows, order, 1)
        cosines = (products / SCALE**2).astype(np.float32)
        entries = self.owner[rows]
        if cosines.shape[1] < k:
            pad = ((0, 0), (0, k - cosines.shape[1]))
            cosines, entries = np.pad(cosines, pad), np.pad(entries, pad, constant_values=-1)
        return cosines, entries


def index_rows(entries: Sequence[Entry]) -> tuple[list[str], Ints]:
    """The texts that are embedded for the entries, and the entry that each belongs to."""
    texts, owner = [], []
    for i, entry in enumerate(entries):
        for text in (title_text(entry.title), duties_text(entry.duties)):
            if text:
                texts.append(text)
                owner.append(i)
    return texts, np.array(owner, dtype=np.int64)


def build_index(entries: Sequence[Entry], encoder: Encoder) -> FlatIndex:
    """An index over the entries; each title and each duties text is embedded on its own."""
    texts, owner = index_rows(entries)
    return FlatIndex(entries, encoder.encode(texts).astype(np.int8), owner)


def save_index(index: FlatIndex, folder: Path) -> None:
    """Writes vectors.npy and entries.jsonl."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / VECTORS, index.vectors)
    (folder / ENTRIES).write_bytes(b"".join(msgspec.json.encode(entry) + b"\n" for entry in index.entries))


def load_index(folder: Path) -> FlatIndex:
    """The index in a folder; BundleError where vectors and entries do not belong together."""
    try:
        vectors = np.load(folder / VECTORS, allow_pickle=False)
        entries = [msgspec.json.decode(line, type=Entry) for line in (folder / ENTRIES).read_bytes().splitlines()]
    except (OSError, ValueError, msgspec.DecodeError) as error:
        raise BundleError(f"{folder}: the index can't be read ({error}); restore the bundle or rebuild it") from error
    owner = index_rows(entries)[1]
    if len(owner) != len(vectors):
        raise BundleError(f"{folder}: {len(vectors)} vectors for {len(owner)} texts; restore the bundle or rebuild it")
    return FlatIndex(entries, vectors, owner)
