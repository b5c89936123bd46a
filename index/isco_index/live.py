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
from isco_index.snapshot import Snapshot
from isco_index.state import State, distinct, fresh, held, replayed, started
from isco_rag.errors import BundleError, InputError, UsageError
from isco_rag.ports import Encoder
from isco_rag.types import Entry

WRITING, REBUILDING = "write.lock", "rebuild.lock"


class Truth(Struct, frozen=True):
    """All entries that an index is to hold, the last correction among them, and all ids that were ever taken out, where that is known."""

    entries: Sequence[Entry]
    last: int
    removed: frozenset[str] | None = None


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

    @property
    def last(self) -> int:
        """The last correction that is in."""
        return self._state.last

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
        wanted = fresh(entries, state)
        texts, owner = index_rows(wanted)
        rows = np.bincount(owner, minlength=len(wanted))
        for entry, n in zip(wanted, rows.tolist(), strict=True):
            if not n:
                raise InputError(f"entry {entry.id}: has no text to be found by; give it a title or duties")
        vectors = self.encoder.encode(texts).astype(np.int8)
        with self._writing() as state:
            # Another process may have been faster with some of them.
            new = {entry.id for entry in fresh(wanted, state)}
            kept = np.array([entry.id in new for entry in wanted], dtype=np.bool_)
            if new or last > state.last:
                add = tuple(entry for entry in wanted if entry.id in new)
                self._write(Record(add, tuple(rows[kept].tolist()), vectors[kept[owner]].tobytes(), (), last))
        return len(new)

    def remove(self, ids: Sequence[str], last: int = 0) -> int:
        """How many entries can no longer be found; ids that are not in the index yet will not come in."""
        with self._writing() as state:
            new = tuple(dict.fromkeys(i for i in ids if i not in state.removed))
            found = sum(held(state, i) is not None for i in new)
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

    def _swap(self, before: State, manifest: IndexManifest, base: FlatIndex, removed: frozenset[str]) -> None:
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

    def _merged(self, state: State) -> tuple[FlatIndex, frozenset[str], int]:
        snapshot = state.snapshot
        return laid_out(snapshot.base.without(state.removed).extended(snapshot.tail), self.rules), state.removed, state.last

    def _from(self, truth: Truth, state: State) -> tuple[FlatIndex, frozenset[str], int]:
        entries = list(distinct(truth.entries).values())
        grid = state.snapshot.base.rows.grid
        index = build_index(entries, self.encoder, known_vectors(state.snapshot), self.rules, grid)
        removed = state.removed if truth.removed is None else truth.removed
        return index, removed - {entry.id for entry in entries}, truth.last

    def _refreshed(self) -> State:
        with self._lock:
            self._catch_up()
            return self._state

    @contextmanager
    def _writing(self) -> Iterator[State]:
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

    def _open(self) -> State:
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

    def _started(self, manifest: IndexManifest, stamp: tuple[int, int, int], base: FlatIndex, removed: frozenset[str]) -> State:
        self._version += 1
        return started(manifest, stamp, base, removed, self._version)

    def _replayed(self, state: State) -> State:
        self._version += 1
        read = read_records(folder_of(self.root, state.manifest.generation) / JOURNAL, state.end)
        return replayed(state, read, self._version)


def create_live(root: Path, index: FlatIndex, encoder_hash: str, last: int = 0, rules: Rules | None = None) -> None:
    """Makes a folder's first generation of an index; a folder that has one is left as it is. InputError where an id stands twice."""
    distinct(index.entries)
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
