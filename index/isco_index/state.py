"""What a live index knows at one moment, and what it knows after more records of its journal."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from isco_index.flat import FlatIndex
from isco_index.generation import IndexManifest
from isco_index.journal import Read, Record
from isco_index.snapshot import Snapshot, find
from isco_rag.errors import InputError
from isco_rag.types import Entry


class State(Struct, frozen=True):
    """All that changes, so that it changes at once: journal read up to `end`, ids taken out, and the snapshot that is searched."""

    manifest: IndexManifest
    stamp: tuple[int, int, int]
    end: int
    damaged: int
    last: int
    removed: frozenset[str]
    snapshot: Snapshot


def started(manifest: IndexManifest, stamp: tuple[int, int, int], base: FlatIndex, removed: frozenset[str], version: int) -> State:
    """The state of a generation before any record of its journal."""
    tail = FlatIndex([], np.zeros((0, base.vectors.shape[1]), np.int8), np.zeros(0, np.int64), base.rows.grid)
    snapshot = Snapshot(manifest.generation, version, base, tail, np.ones(len(base), np.bool_))
    return State(manifest, stamp, 0, 0, manifest.last, removed, snapshot)


def replayed(state: State, read: Read, version: int) -> State:
    """The state after more records; the order among all that were ever read makes no difference."""
    removed = state.removed.union(*(record.remove for record in read.records))
    last = max([state.last, *(record.last for record in read.records)])
    state = replace(state, end=read.end, damaged=state.damaged + read.damaged, last=last, removed=removed)
    if not read.records:
        return state
    base, alive = state.snapshot.base, state.snapshot.alive.copy()
    for identity in {i for record in read.records for i in record.remove}:
        if (number := find(base.entries, identity)) >= 0:
            alive[number] = False
    tail = _grown(state, read.records)
    return replace(state, snapshot=Snapshot(state.manifest.generation, version, base, tail, alive, state.snapshot.places))


def distinct(entries: Sequence[Entry]) -> dict[str, Entry]:
    """Entries by id; InputError where two have one id."""
    found: dict[str, Entry] = {}
    for entry in entries:
        if found.setdefault(entry.id, entry) != entry:
            raise InputError(f"entry {entry.id}: stands there twice with different contents; give each entry an id of its own")
    return found


def held(state: State, identity: str) -> Entry | None:
    """The entry with this id in the base or the tail, unless it was taken out."""
    if identity in state.removed:
        return None
    for part in (state.snapshot.tail, state.snapshot.base):
        if (number := find(part.entries, identity)) >= 0:
            return part.entries[number]
    return None


def fresh(entries: Sequence[Entry], state: State) -> list[Entry]:
    """Those of the entries that the index has neither got nor lost; InputError where an id is taken by another entry."""
    found = []
    for entry in distinct(entries).values():
        known = held(state, entry.id)
        if known is not None and known != entry:
            raise InputError(f"entry {entry.id}: is in the index with other contents; take it out and give the new one an id of its own")
        if known is None and entry.id not in state.removed:
            found.append(entry)
    return found


def _grown(state: State, records: Sequence[Record]) -> FlatIndex:
    """The tail with what the records add, without what was taken out."""
    base, tail = state.snapshot.base, state.snapshot.tail
    entries: dict[str, tuple[Entry, NDArray[np.int8]]] = {}
    for record in records:
        vectors = np.frombuffer(record.vectors, np.int8).reshape(-1, base.vectors.shape[1])
        parts = np.split(vectors, np.cumsum(record.rows)[:-1]) if record.add else []
        for entry, part in zip(record.add, parts, strict=True):
            if entry.id not in state.removed and held(state, entry.id) is None:
                entries.setdefault(entry.id, (entry, part))
    if any(entry.id in state.removed for entry in tail.entries):
        tail = tail.without(state.removed)
    if not entries:
        return tail
    owner = np.repeat(np.arange(len(entries)), [len(part) for _, part in entries.values()])
    added = FlatIndex(
        [entry for entry, _ in entries.values()], np.concatenate([part for _, part in entries.values()]), owner, tail.rows.grid
    )
    return tail.extended(added)
