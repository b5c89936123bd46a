"""Corrections in the running index: a thread that follows the corrections table and gives the engine a classifier that knows them.

The table is the truth, the index a cache: at the start all active corrections are put on top of the bundle's entries, afterwards each
change is followed, whichever process made it. The classifier is replaced as a whole, so a request sees the index before or after.
"""

import logging
import threading
from collections.abc import Sequence

from msgspec import Struct

from isco_api.engine import Engine
from isco_rag.classify import Classifier
from isco_rag.errors import StoreError
from isco_rag.store import corrections
from isco_rag.store.database import Store
from isco_rag.store.records import Correction
from isco_rag.types import Entry
from isco_rag.wiring import with_entries

log = logging.getLogger("isco_api.live")
# How often the table is looked at when nothing in this process has changed it.
FOLLOW_SECONDS = 0.5
SOURCE = "correction"


class LiveStatus(Struct, frozen=True):
    """How far the index has followed: corrections in it, the last change in it, the last there is, and the size of its vectors."""

    corrections: int
    change: int
    last: int
    megabytes: float
    rebuilding: bool


class Live:
    """The corrections on top of a base classifier."""

    def __init__(self, engine: Engine, store: Store, taught: threading.Event, stopping: threading.Event) -> None:
        self.engine, self.store, self.taught, self.stopping = engine, store, taught, stopping
        self._base: Classifier | None = None
        self._entries: dict[int, Entry] = {}
        self._change = 0
        self._lock = threading.Lock()
        self._rebuilding = False

    def open(self, base: Classifier) -> None:
        """Serves a base classifier with all active corrections, and follows them from now on."""
        self._base = base
        self.follow(always=True)
        threading.Thread(target=self._run, name="isco-live", daemon=True).start()

    def _run(self) -> None:
        while not self.stopping.is_set():
            self.taught.wait(FOLLOW_SECONDS)
            self.taught.clear()
            try:
                self.follow()
            except StoreError as error:
                log.warning("the index waits: %s", error)
                self.stopping.wait(FOLLOW_SECONDS)
            except Exception:
                log.exception("the index could not follow the corrections")
                self.stopping.wait(FOLLOW_SECONDS)

    def follow(self, *, always: bool = False) -> bool:
        """Brings the index up to the table; whether there was anything to do."""
        with self._lock:
            changed = False
            while True:
                with self.store.read() as db:
                    steps = corrections.changes_after(db, self._change)
                for step in steps:
                    changed |= self._apply(step.correction, step.state)
                    self._change = step.id
                if not steps:
                    break
            if changed or always:
                self._serve()
            return changed

    def _apply(self, correction: Correction, state: str) -> bool:
        if state == "active":
            self._entries[correction.id] = entry_of(correction)
            return True
        return self._entries.pop(correction.id, None) is not None

    def _serve(self) -> None:
        assert self._base is not None
        entries: Sequence[Entry] = [self._entries[number] for number in sorted(self._entries)]
        self.engine.use(with_entries(self._base, entries) if entries else self._base)

    def rebuild(self) -> None:
        """Forgets what was followed and begins anew from the table, beside the index that answers."""
        self._rebuilding = True

        def work() -> None:
            try:
                with self._lock:
                    self._entries, self._change = {}, 0
                self.follow(always=True)
            except Exception:
                log.exception("the index could not be rebuilt")
            finally:
                self._rebuilding = False

        threading.Thread(target=work, name="isco-rebuild", daemon=True).start()

    def status(self) -> LiveStatus:
        """How far the index has followed."""
        with self.store.read() as db:
            last = corrections.last_change(db)
        vectors = getattr(self.engine.one.parts.index, "vectors", None)
        size = 0.0 if vectors is None else round(vectors.size * 5 / 1e6, 1)
        return LiveStatus(len(self._entries), self._change, last, size, self._rebuilding)


def entry_of(correction: Correction) -> Entry:
    """A correction as an entry of the index."""
    return Entry(f"{SOURCE}:{correction.id}", correction.code, correction.job.title, correction.job.duties, SOURCE)
