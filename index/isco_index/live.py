"""An index that learns while it is searched: a base generation on disk, a tail of what came after it, and rebuilds beside the running one.

What it holds is a set that grows and a set of ids that were taken out (the two-phase set of Shapiro et al. 2011): both only grow, so
appends and removals may come in any order and more than once, and the result is the same. An id that was taken out does not
come back; a correction that is made again gets a new id.

Several processes may have one folder open. Writers take turns by a file lock; readers take no lock, they `refresh`.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock

import numpy as np
from filelock import FileLock, Timeout
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from isco_index.flat import FlatIndex, build_index, index_rows
from isco_index.generation import (
    JOURNAL,
    MANIFEST,
    IndexManifest,
    drop_old,
    folder_of,
    make_present,
    read_generation,
    read_index_manifest,
    sync,
    write_generation,
)
from isco_index.journal import Record, read_records, write_record
from isco_index.layout import Rules, grid_for
from isco_index.snapshot import Snapshot, find
from isco_rag.errors import BundleError, InputError, UsageError
from isco_rag.ports import Encoder
from isco_rag.types import Entry

WRITING, REBUILDING = "write.lock", "rebuild.lock"


class Truth(Struct, frozen=True):
    """All entries that an index is to hold, and the last correction among them."""

    entries: Sequence[Entry]
    last: int


class LiveStatus(Struct, frozen=True):
    """What stands in a live index: entries that can be found, in the base and in the tail; bytes of its vectors and lists."""

    generation: int
    entries: int
    base: int
    tail: int
    removed: int
    layout: str
    memory: int
    last: int
    damaged: int
    encoder: str
    created: str


class _State(Struct, frozen=True):
    """All that changes, so that it changes at once: journal read up to `end`, ids taken out, and the snapshot that is searched."""

    manifest: IndexManifest
    stamp: tuple[int, int, int]
    end: int
    damaged: int
    last: int
    removed: frozenset[str]
    snapshot: Snapshot


class LiveIndex:
    """A folder's index, kept up to date; get it from `open_live`. Search its snapshots."""

    def __init__(self, root: Path, encoder: Encoder, encoder_hash: str, rules: Rules) -> None:
        self.root, self.encoder, self.encoder_hash, self.rules = root, encoder, encoder_hash, rules
        self._lock = RLock()
        self._version = 0
        self._state = self._open()

    def snapshot(self) -> Snapshot:
        """The index as it stands now; it never changes, so a batch that keeps it is not disturbed."""
        return self._state.snapshot

    def refresh(self) -> Snapshot:
        """The index with what other processes have written; two looks at the file system where that is nothing."""
        with self._lock:
            self._catch_up()
            return self._state.snapshot

    def status(self) -> LiveStatus:
        """Figures of the present snapshot."""
        state, snapshot = self._state, self._state.snapshot
        memory = sum(part.rows.memory + part.owner.nbytes for part in (snapshot.base, snapshot.tail)) + snapshot.tail.vectors.nbytes
        return LiveStatus(
            state.manifest.generation,
            len(snapshot),
            len(snapshot.base),
            len(snapshot.tail),
            len(state.removed),
            snapshot.base.rows.grid.name,
            memory,
            state.last,
            state.damaged,
            self.encoder_hash,
            state.manifest.created,
        )

    def append(self, entries: Sequence[Entry], last: int = 0) -> int:
        """How many entries can be found that could not before; they are on disk and searched by every later snapshot.

        `last` is the id of the last correction among them. Entries that are in the index already, or were taken out of it, change
        nothing. InputError, and nothing is added, where an entry has no text or its id is taken by another.
        """
        state = self._refreshed()
        fresh = _fresh(entries, state)
        texts, owner = index_rows(fresh)
        rows = np.bincount(owner, minlength=len(fresh))
        for entry, n in zip(fresh, rows.tolist(), strict=True):
            if not n:
                raise InputError(f"entry {entry.id}: has no text to be found by; give it a title or duties")
        vectors = self.encoder.encode(texts).astype(np.int8)
        with self._writing() as state:
            new = {entry.id for entry in _fresh(fresh, state)}
            kept = np.array([entry.id in new for entry in fresh], dtype=np.bool_)
            if new or last > state.last:
                add = tuple(entry for entry in fresh if entry.id in new)
                self._write(Record(add, tuple(rows[kept].tolist()), vectors[kept[owner]].tobytes(), (), last))
        return len(new)

    def remove(self, ids: Sequence[str], last: int = 0) -> int:
        """How many entries can no longer be found; ids that are not in the index yet will not come in."""
        with self._writing() as state:
            new = tuple(dict.fromkeys(i for i in ids if i not in state.removed))
            found = sum(_held(state, i) is not None for i in new)
            if new or last > state.last:
                self._write(Record(remove=new, last=last))
        return found

    def rebuild(self, truth: Callable[[], Truth] | None = None) -> LiveStatus:
        """A new base generation, made beside the old one while that is searched and appended to, then swapped in.

        Without `truth`, base and tail become the new base. With it, what it returns does; vectors of known texts are kept. It is
        called after the place in the journal was noted, so nothing that is appended meanwhile is lost. UsageError where a rebuild is
        already running.
        """
        try:
            with FileLock(self.root / REBUILDING, timeout=0):
                before = self._refreshed()
                index, removed, last = self._merged(before) if truth is None else self._from(truth(), before)
                index.rows.ready()
                manifest = write_generation(self.root, before.manifest.generation + 1, index, removed, self.encoder_hash, last)
                del index
                # Read back before it counts, and with the matrix left in its file.
                base, removed = read_generation(self.root, manifest, self.rules)
                base.rows.ready()
                self._swap(before, manifest, base, removed)
                drop_old(self.root, manifest.generation)
        except Timeout:
            raise UsageError(f"{self.root}: another rebuild is running; wait until it is done") from None
        return self.status()

    def _swap(self, before: _State, manifest: IndexManifest, base: FlatIndex, removed: frozenset[str]) -> None:
        """Takes over what was written to the old journal meanwhile, makes the generation present, and goes over to it."""
        journal = folder_of(self.root, manifest.generation) / JOURNAL
        with self._lock, FileLock(self.root / WRITING):
            with (folder_of(self.root, before.manifest.generation) / JOURNAL).open("rb") as file:
                file.seek(before.end)
                journal.write_bytes(file.read())
            sync(journal)
            make_present(self.root, manifest)
            self._state = self._started(manifest, _stamp(self.root), base, removed)
            self._catch_up()

    def _merged(self, state: _State) -> tuple[FlatIndex, frozenset[str], int]:
        snapshot = state.snapshot
        return laid_out(snapshot.base.without(state.removed).extended(snapshot.tail), self.rules), state.removed, state.last

    def _from(self, truth: Truth, state: _State) -> tuple[FlatIndex, frozenset[str], int]:
        entries = list(_distinct(truth.entries).values())
        grid = state.snapshot.base.rows.grid
        index = build_index(entries, self.encoder, known_vectors(state.snapshot), self.rules, grid)
        return index, state.removed - {entry.id for entry in entries}, truth.last

    def _refreshed(self) -> _State:
        with self._lock:
            self._catch_up()
            return self._state

    @contextmanager
    def _writing(self) -> Iterator[_State]:
        # A new generation is opened before the others are kept waiting, as a rule.
        self._refreshed()
        with self._lock, FileLock(self.root / WRITING):
            self._catch_up()
            yield self._state

    def _write(self, record: Record) -> None:
        write_record(self._journal, record)
        self._catch_up()

    @property
    def _journal(self) -> Path:
        return folder_of(self.root, self._state.manifest.generation) / JOURNAL

    def _catch_up(self) -> None:
        """Goes over to a new generation and reads what is new in the journal."""
        if _stamp(self.root) != self._state.stamp:
            self._state = self._open()
        elif self._journal.stat().st_size > self._state.end:
            self._state = self._replayed(self._state)

    def _open(self) -> _State:
        while True:
            stamp, manifest = _stamp(self.root), read_index_manifest(self.root)
            if manifest.encoder != self.encoder_hash:
                raise BundleError(
                    f"{self.root}: its vectors are of another encoder ({manifest.encoder[:12]}); give each encoder a folder of its own"
                )
            try:
                return self._replayed(self._started(manifest, stamp, *read_generation(self.root, manifest, self.rules)))
            except (OSError, BundleError) as error:
                # A generation that is gone since its manifest was read has a successor.
                if _stamp(self.root) == stamp:
                    raise BundleError(str(error)) from error

    def _started(self, manifest: IndexManifest, stamp: tuple[int, int, int], base: FlatIndex, removed: frozenset[str]) -> _State:
        tail = FlatIndex([], np.zeros((0, base.vectors.shape[1]), np.int8), np.zeros(0, np.int64), base.rows.grid)
        self._version += 1
        snapshot = Snapshot(manifest.generation, self._version, base, tail, np.ones(len(base), np.bool_))
        return _State(manifest, stamp, 0, 0, manifest.last, removed, snapshot)

    def _replayed(self, state: _State) -> _State:
        """The state after the records of the journal that it has not seen."""
        read = read_records(folder_of(self.root, state.manifest.generation) / JOURNAL, state.end)
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
        self._version += 1
        return replace(state, snapshot=Snapshot(state.manifest.generation, self._version, base, tail, alive))


def create_live(root: Path, index: FlatIndex, encoder_hash: str, last: int = 0, rules: Rules | None = None) -> None:
    """Makes a folder's first generation of an index; a folder that has one is left as it is. InputError where an id stands twice."""
    _distinct(index.entries)
    root.mkdir(parents=True, exist_ok=True)
    with FileLock(root / WRITING):
        if not (root / MANIFEST).exists():
            make_present(root, write_generation(root, 1, laid_out(index, rules or Rules()), frozenset(), encoder_hash, last))


def open_live(root: Path, encoder: Encoder, encoder_hash: str, rules: Rules | None = None) -> LiveIndex:
    """The live index in a folder; BundleError where there is none, or its vectors are of another encoder."""
    return LiveIndex(root, encoder, encoder_hash, rules or Rules())


def laid_out(index: FlatIndex, rules: Rules) -> FlatIndex:
    """The same entries in the layout that the rules give for so many."""
    grid = grid_for(index.vectors, rules, index.rows.grid)
    if grid is index.rows.grid:
        return index
    return FlatIndex(index.entries, index.vectors, index.owner, grid)


def known_vectors(snapshot: Snapshot) -> dict[str, NDArray[np.int8]]:
    """The vector of each text in an index."""
    found: dict[str, NDArray[np.int8]] = {}
    for part in (snapshot.base, snapshot.tail):
        texts, owner = index_rows(part.entries)
        # Texts that are no longer prepared as they were when they were embedded have to be embedded again.
        if np.array_equal(owner, part.owner):
            found.update(zip(texts, part.vectors, strict=True))
    return found


def _stamp(root: Path) -> tuple[int, int, int]:
    try:
        found = (root / MANIFEST).stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_mtime_ns, found.st_ino, found.st_size)


def _distinct(entries: Sequence[Entry]) -> dict[str, Entry]:
    """Entries by id; InputError where two have one id."""
    found: dict[str, Entry] = {}
    for entry in entries:
        if found.setdefault(entry.id, entry) != entry:
            raise InputError(f"entry {entry.id}: stands there twice with different contents; give each entry an id of its own")
    return found


def _held(state: _State, identity: str) -> Entry | None:
    """The entry with this id in the base or the tail, unless it was taken out."""
    if identity in state.removed:
        return None
    for part in (state.snapshot.tail, state.snapshot.base):
        if (number := find(part.entries, identity)) >= 0:
            return part.entries[number]
    return None


def _fresh(entries: Sequence[Entry], state: _State) -> list[Entry]:
    """Those of the entries that the index has neither got nor lost; InputError where an id is taken by another entry."""
    fresh = []
    for entry in _distinct(entries).values():
        held = _held(state, entry.id)
        if held is not None and held != entry:
            raise InputError(f"entry {entry.id}: is in the index with other contents; take it out and give the new one an id of its own")
        if held is None and entry.id not in state.removed:
            fresh.append(entry)
    return fresh


def _grown(state: _State, records: Sequence[Record]) -> FlatIndex:
    """The tail with what the records add, without what was taken out."""
    base, tail = state.snapshot.base, state.snapshot.tail
    entries: dict[str, tuple[Entry, NDArray[np.int8]]] = {}
    for record in records:
        vectors = np.frombuffer(record.vectors, np.int8).reshape(-1, base.vectors.shape[1])
        parts = np.split(vectors, np.cumsum(record.rows)[:-1]) if record.add else []
        for entry, part in zip(record.add, parts, strict=True):
            if entry.id not in state.removed and _held(state, entry.id) is None:
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
