"""Corrections in the running index: a thread that follows the corrections table and gives the engine a classifier that knows them.

The table is the truth, the index a cache of it (isco_rag.learn.follow). The classifier is replaced as a whole, so a request sees the
index before or after, and a decision waits for nothing: its correction is embedded beside.
"""

import logging
import threading

from msgspec.structs import replace

from isco_api.engine import Engine
from isco_rag.classify import Classifier
from isco_rag.errors import BundleError, StoreError, UsageError
from isco_rag.learn.follow import Follower, IndexStatus, open_follower
from isco_rag.store.database import Store

log = logging.getLogger("isco_api.live")
# How often the table and the folder are looked at when nothing in this process has changed them.
FOLLOW_SECONDS = 0.5
# How long it waits after what may not be over at once, as a full disk.
TROUBLE_SECONDS = 5.0
# How long the end of the service waits for it; what is not finished then is taken up at the next start.
CLOSE_SECONDS = 10.0


class Live:
    """The corrections on top of a base classifier."""

    def __init__(self, engine: Engine, store: Store, taught: threading.Event, stopping: threading.Event) -> None:
        self.engine, self.store, self.taught, self.stopping = engine, store, taught, stopping
        self._follower: Follower | None = None
        self._served: Classifier | None = None
        self._lock = threading.Lock()
        self._opening, self._rebuilding = threading.Lock(), threading.Lock()
        self._thread = threading.Thread(target=self._run, name="isco-live", daemon=True)

    def open(self, base: Classifier) -> None:
        """Serves a base classifier with all active corrections, and follows them from now on.

        May be called again, with the classifier of another bundle: until that holds all corrections, the one before answers and follows.
        """
        with self._opening:
            follower = open_follower(base, self.store)
            with self._lock:
                follower.follow()
                self._follower = follower
                self._serve(follower)
            if self._thread.ident is None:
                self._thread.start()

    def _run(self) -> None:
        while not self.stopping.is_set():
            self.taught.wait(FOLLOW_SECONDS)
            self.taught.clear()
            try:
                self.follow()
            except StoreError as error:
                log.warning("the index waits: %s", error)
                self.stopping.wait(FOLLOW_SECONDS)
            except (BundleError, FileNotFoundError):
                log.warning("the index can't be read any more and is opened again")
                self._open_again()
            except Exception:
                log.exception("the index could not follow the corrections")
                self.stopping.wait(TROUBLE_SECONDS)

    def _open_again(self) -> None:
        assert self._follower is not None
        try:
            self.open(self._follower.base)
        except Exception:
            log.exception("the index could not be opened again; the one that is in memory answers")
            self.stopping.wait(TROUBLE_SECONDS)

    def close(self) -> None:
        """Ends the thread after what it is doing; `stopping` is set."""
        self.taught.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=CLOSE_SECONDS)

    def follow(self) -> bool:
        """Brings the index up to the table; whether there was anything to do."""
        with self._lock:
            follower = self._follower
            if follower is None:
                return False
            follower.follow()
            return self._serve(follower)

    def _serve(self, follower: Follower) -> bool:
        classifier = follower.classifier
        if classifier is self._served:
            return False
        self.engine.use(classifier)
        self._served = classifier
        return True

    def rebuild(self) -> bool:
        """Makes a new generation from the bundle's entries and all corrections, beside the index that answers; False where one is on its way."""
        follower = self._follower
        if follower is None or not self._rebuilding.acquire(blocking=False):
            return False

        def work() -> None:
            try:
                follower.rebuild()
                self.follow()
            except UsageError as error:
                log.warning("the index was not rebuilt: %s", error)
            except Exception:
                log.exception("the index could not be rebuilt")
            finally:
                self._rebuilding.release()

        threading.Thread(target=work, name="isco-rebuild", daemon=True).start()
        return True

    def status(self) -> IndexStatus:
        """The index as it is now; BundleError while it is being opened."""
        if self._follower is None:
            raise BundleError("the model is still being opened; ask again in a second")
        return replace(self._follower.status(), rebuilding=self._rebuilding.locked())
