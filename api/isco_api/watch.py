"""What this process has answered, counted for monitoring, and what monitoring says of it."""

import logging
import threading
from collections.abc import Sequence
from time import monotonic

from isco_rag.errors import StoreError
from isco_rag.learn.looking import Report, report_of
from isco_rag.store.clock import now
from isco_rag.store.database import Store
from isco_rag.store.tallies import Tally, store_tally
from isco_rag.taxonomy import Taxonomy
from isco_rag.types import Prediction

log = logging.getLogger("isco_api.watch")
# Counts of requests are written so often; a process that is killed loses what it counted since.
STORE_SECONDS = 15.0
# A report is as good as this old: Prometheus and people ask often.
REPORT_SECONDS, REPORTS = 60.0, 16


class Watch:
    """Counts of single and batch requests, by day, bundle and source. Files are counted when they end, in their own transaction."""

    def __init__(self, store: Store, stopping: threading.Event) -> None:
        self.store, self.stopping = store, stopping
        self._lock = threading.Lock()
        self._counted: dict[tuple[str, str, str], Tally] = {}
        self._thread: threading.Thread | None = None
        self._reports: dict[tuple[str, str], tuple[float, Report]] = {}

    def note(self, source: str, predictions: Sequence[Prediction]) -> None:
        """Counts these answers."""
        with self._lock:
            for p in predictions:
                self._counted.setdefault((now()[:10], p.bundle, source), Tally()).add([p])
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="isco-watch", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self.stopping.wait(STORE_SECONDS):
            try:
                self.flush()
            except StoreError as error:
                log.warning("counts wait: %s", error)

    def flush(self) -> None:
        """Writes what was counted; what can't be written is kept for the next time."""
        with self._lock:
            counted, self._counted = self._counted, {}
        try:
            if counted:
                with self.store.write() as db:
                    for (day, bundle, source), tally in sorted(counted.items()):
                        store_tally(db, day, bundle, source, tally)
        except StoreError:
            with self._lock:
                for place, tally in counted.items():
                    self._counted.setdefault(place, Tally()).join(tally)
            raise

    def report(self, taxonomy: Taxonomy, since: str, bundle: str) -> Report:
        """What is watched since a day, at most a minute old."""
        made, found = self._reports.get((since, bundle), (-REPORT_SECONDS, None))
        if found is None or monotonic() - made > REPORT_SECONDS:
            found = report_of(self.store, taxonomy, since, bundle)
            if len(self._reports) > REPORTS:
                self._reports.clear()
            self._reports[since, bundle] = (monotonic(), found)
        return found
