"""A classifier whose index holds the corrections of a store, and follows them.

The table of corrections is the truth. The live index in the state folder is a cache of it that outlives the process: it remembers the
last change it has taken up, so that nothing is embedded twice. Every process follows for itself, and processes that have one folder share
what they embed. The index is known by the vectors of the bundle's own entries: another encoder, or other entries, get another folder.
"""

import hashlib
import logging
import shutil
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
from isco_index import FlatIndex, Hold, LiveIndex, Truth, create_live, open_live, opening, remove_unused
from isco_index import LiveStatus as IndexFigures
from isco_index.flat import index_rows
from msgspec import Struct

from isco_rag.classify import Classifier
from isco_rag.errors import BundleError, InputError, UsageError
from isco_rag.known import Known, known_of
from isco_rag.store import corrections
from isco_rag.store.database import Store
from isco_rag.store.teaching import lesson_after, standing
from isco_rag.taught import SOURCE
from isco_rag.types import Entry

log = logging.getLogger("isco_rag.learn")
FOLDER = "index"
# With more changes to follow than this a new generation is made of all at once: each append makes the tail anew.
LONG = 2048


class IndexStatus(Struct, frozen=True):
    """The index of a bundle in a store: entries that can be found, where they are, and how far behind the corrections it is.

    `base` are the entries of the present generation and `tail` those after it; `change` is the last change of a correction that the index
    holds, `last_change` the last there is. `memory` is in bytes.
    """

    bundle: str
    generation: int
    entries: int
    corrections: int
    base: int
    tail: int
    removed: int
    layout: str
    memory: int
    change: int
    last_change: int
    behind: int
    damaged: int
    created: str
    rebuilding: bool = False


class Follower:
    """Get it from `open_follower`; `classifier` is the present one. Its index never changes: who keeps it is not disturbed."""

    def __init__(self, base: Classifier, store: Store, live: LiveIndex, held: Hold) -> None:
        self.base, self.store, self.live, self._held = base, store, live, held
        self._lock = threading.RLock()
        self.classifier = self._over(known_of(base.taxonomy, live.snapshot().base.entries))

    def follow(self) -> bool:
        """Takes up what has changed in the table, and what other processes did to the index; whether the classifier is another now."""
        with self._lock:
            self.live.refresh()
            while True:
                with self.store.read() as db:
                    lesson = lesson_after(db, self.live.last)
                if lesson is None:
                    break
                self._append(lesson.add, 0 if lesson.remove else lesson.last)
                if lesson.remove:
                    # Last, so that a process that is killed between the two comes back to this change.
                    self.live.remove(lesson.remove, lesson.last)
            if self.live.snapshot() is self.classifier.parts.index:
                return False
            self.classifier = self._over(self.classifier.known)
            return True

    def catch_up(self) -> None:
        """Takes up all that has changed, one after the other, or, where that is much, in a new generation."""
        with self._lock:
            with self.store.read() as db:
                behind = corrections.last_change(db) - self.live.last
            if behind > LONG:
                try:
                    self.rebuild()
                except UsageError:
                    log.info("another process rebuilds the index")
            self.follow()

    def _over(self, known: Known) -> Classifier:
        """The classifier over the index as it stands; `known` is what entries said before."""
        snapshot = self.live.snapshot()
        known = known.following(snapshot.base.entries, snapshot.alive, snapshot.tail.entries)
        return Classifier(msgspec.structs.replace(self.base.parts, index=snapshot), self.base.settings, known)

    def _append(self, entries: Sequence[Entry], last: int) -> None:
        """Appends the entries; one whose id is taken, as only a bundle with such an entry can have done, is left out."""
        fit = _findable(entries)
        try:
            self.live.append(fit, last)
        except InputError:
            for entry in fit:
                try:
                    self.live.append([entry])
                except InputError:
                    log.warning("a correction is not in the index: its id is taken", extra={"entry": entry.id})
            self.live.append([], last)

    def check(self) -> None:
        """Rebuilds the index where it does not hold what the table says, as after a restored or exchanged database."""
        with self._lock:
            with self.store.read() as db:
                wanted = standing(db)
            self.follow()
            with self.store.read() as db:
                unchanged = corrections.last_change(db) == wanted.last
            if unchanged and not (self.live.last == wanted.last and self._holds(wanted.entries)):
                log.warning("the index did not hold what the corrections say, and is built anew")
                try:
                    self.rebuild()
                except UsageError:
                    log.info("another process rebuilds the index")

    def _holds(self, wanted: Sequence[Entry]) -> bool:
        """Whether the corrections in the index are these; those that the bundle has among its own entries are left out."""
        own = self._own()
        return self._taught(own) == {entry.id: entry for entry in _findable(wanted) if entry.id not in own}

    def _own(self) -> set[str]:
        return {entry.id for entry in self.base.parts.index.entries}

    def _taught(self, own: set[str]) -> dict[str, Entry]:
        return {entry.id: entry for entry in self.classifier.known.living() if entry.source == SOURCE and entry.id not in own}

    def rebuild(self) -> IndexFigures:
        """A new generation of the bundle's entries and all corrections, beside the index that is searched; UsageError where one is on its way."""
        found = self.live.rebuild(self._truth)
        self.follow()
        return found

    def _truth(self) -> Truth:
        with self.store.read() as db:
            taught = standing(db)
        # A bundle that was trained with corrections may have them among its own entries, also those that were taken back since.
        entries = {entry.id: entry for entry in self.base.parts.index.entries if entry.id not in taught.removed}
        for entry in _findable(taught.entries):
            entries.setdefault(entry.id, entry)
        return Truth(list(entries.values()), taught.last, taught.removed)

    def status(self) -> IndexStatus:
        """The index as it is now."""
        figures = self.live.status()
        with self.store.read() as db:
            last = corrections.last_change(db)
        return IndexStatus(
            self.base.parts.name, figures.generation, figures.entries, len(self._taught(self._own())), figures.base, figures.tail, figures.removed,
            figures.layout, figures.memory, figures.last, last, max(last - figures.last, 0), figures.damaged, figures.created,
        )  # fmt: skip


def open_follower(base: Classifier, store: Store) -> Follower:
    """The follower of a bundle's classifier; its index is created where there is none, or where it can't be read any more.

    The classifier holds all corrections there are. Folders of other bundles that nobody has open are removed, but for the last few.
    """
    found = _opened(base, store)
    found.catch_up()
    found.check()
    _tidy(base, store)
    return found


def as_served(base: Classifier, store: Store) -> Classifier:
    """The classifier as a service on this store answers with it: over all corrections that stand."""
    return open_follower(base, store).classifier


def rebuild_index(base: Classifier, store: Store) -> IndexStatus:
    """The index of a bundle's classifier after a new generation was made of it, with all that it had still to follow; UsageError where one is on its way."""
    found = _opened(base, store)
    found.rebuild()
    _tidy(base, store)
    return found.status()


def _tidy(base: Classifier, store: Store) -> None:
    for name in remove_unused(store.folder / FOLDER, base.settings.indexes_kept):
        log.info("an index that nobody uses was removed", extra={"index": name})


def status_of(base: Classifier, store: Store) -> IndexStatus:
    """The index of a bundle's classifier as it lies in the state folder, without taking up what has changed since."""
    return _opened(base, store).status()


def _opened(base: Classifier, store: Store) -> Follower:
    index = base.parts.index
    assert isinstance(index, FlatIndex)
    index = with_own_ids(index)
    base = Classifier(msgspec.structs.replace(base.parts, index=index), base.settings)
    name = name_of(index)
    root = store.folder / FOLDER / name
    root.parent.mkdir(exist_ok=True)
    with opening(root):
        held = Hold(root)
        return Follower(base, store, _live_in(root, index, base, name), held)


def _live_in(root: Path, index: FlatIndex, base: Classifier, name: str) -> LiveIndex:
    if root.exists():
        try:
            return open_live(root, base.parts.encoder, name)
        except BundleError as error:
            log.warning("the index is created again: %s", error)
            shutil.rmtree(root, ignore_errors=True)
    create_live(root, index, name)
    return open_live(root, base.parts.encoder, name)


def _findable(entries: Sequence[Entry]) -> list[Entry]:
    """Those that have a text to be found by."""
    return [entry for entry in entries if index_rows([entry])[0]]


def name_of(index: FlatIndex) -> str:
    """What an index is known by: a hash of its entries and their vectors."""
    found = hashlib.blake2b(digest_size=8)
    for entry in index.entries:
        found.update(msgspec.json.encode(entry))
    found.update(np.ascontiguousarray(index.vectors).data)
    return found.hexdigest()


def with_own_ids(index: FlatIndex) -> FlatIndex:
    """The index whose entries have each an id of its own: imports from two files of one name may have given the same."""
    count = Counter(entry.id for entry in index.entries)
    if len(count) == len(index.entries):
        return index
    seen: Counter[str] = Counter()
    entries = []
    for entry in index.entries:
        seen[entry.id] += 1
        entries.append(entry if seen[entry.id] == 1 else msgspec.structs.replace(entry, id=f"{entry.id}#{seen[entry.id]}"))
    return FlatIndex(entries, index.vectors, index.owner, index.rows.grid, index.rows.lists)
