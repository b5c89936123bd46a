"""The bundle that answers, measured on shipped gold in the background when it answers here for the first time."""

import logging
import threading
from pathlib import Path
from time import monotonic

import msgspec

from isco_api.engine import lane
from isco_api.service import Service
from isco_rag.bundle import MANIFEST, file_hash
from isco_rag.classify import Classifier
from isco_rag.learn import first_look
from isco_rag.types import Manifest
from isco_rag.wiring import data_folder

log = logging.getLogger("isco_api.first_look")
GOLD = Path("gold") / "written.csv"
# Before each few rows it waits until nobody has used the service for so long, but no longer than that.
QUIET_SECONDS, LONGEST_WAIT = 5.0, 20.0
AGAIN_SECONDS = 30.0


def evaluate_once(service: Service, folder: Path, classifier: Classifier) -> threading.Thread:
    """Measures the bundle in `folder`, whose classifier this is, in a thread that works while nobody asks; nothing where it was done before.

    To be called whenever a bundle begins to answer. The classifier is the bundle's own, without corrections.
    """

    def work() -> None:
        try:
            manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
            gold, digest = data_folder() / GOLD, file_hash(folder / MANIFEST)
            # One lane of its own that runs on this thread alone, behind those who ask.
            own = lane(classifier, service.engine.turns)
            while gold.is_file() and not first_look.is_measured(service.store, digest, own, gold):
                if first_look.evaluate_once(service.store, digest, manifest, own, gold, lambda: wait_for_quiet(service)):
                    log.info("the bundle was measured on its gold", extra={"bundle": manifest.name})
                    return
                # Another process is at it, or died at it: then its claim runs out.
                if service.stopping.wait(AGAIN_SECONDS):
                    return
        except Exception:
            log.exception("the bundle could not be measured on its gold")

    thread = threading.Thread(target=work, name="isco-first-look", daemon=True)
    thread.start()
    return thread


def wait_for_quiet(service: Service) -> bool:
    """Waits until nobody has used the service for some seconds, or for as long as it may; whether the service ends."""
    until = monotonic() + LONGEST_WAIT
    while not service.stopping.is_set():
        left = min(QUIET_SECONDS - service.engine.turns.quiet_seconds(), until - monotonic())
        if left <= 0:
            return False
        service.stopping.wait(left)
    return True
