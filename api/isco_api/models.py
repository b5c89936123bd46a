"""The champion followed: a thread looks which bundle is to answer, opens it beside the one that answers, and hands it over.

The database decides, so every process that shares it goes over. Until the new bundle is open, and where it can't be opened, the one before
goes on answering; what stands in the way is told on the models page.
"""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from isco_api.service import Service
from isco_rag.classify import Classifier
from isco_rag.errors import CoderError, StoreError
from isco_rag.learn import registry
from isco_rag.learn.places import Place

log = logging.getLogger("isco_api.models")
# How often the champion is looked at when nothing in this process has changed it, and when its bundle could not be opened.
FOLLOW_SECONDS, AGAIN_SECONDS = 0.5, 5.0

Opening = Callable[[Path], Classifier]
# Called with each bundle that begins to answer in this process: what is to be done once for a new champion, beside the requests.
Loaded = Callable[[Classifier, Path], object]


def nothing_more(classifier: Classifier, folder: Path) -> None:
    """Does nothing with a new champion."""


class ChampionFollower:
    """Keeps a service on the champion of its database."""

    def __init__(self, service: Service, opening: Opening, loaded: Loaded = nothing_more) -> None:
        self.service, self.opening, self.loaded = service, opening, loaded
        self._present: Place | None = None

    def begin(self) -> None:
        """Opens the champion as it stands now, then follows it in a thread of its own."""
        try:
            self.step()
        finally:
            threading.Thread(target=self._run, name="isco-champion", daemon=True).start()

    def _run(self) -> None:
        pause = FOLLOW_SECONDS
        while not self.service.stopping.is_set():
            self.service.promoted.wait(pause)
            self.service.promoted.clear()
            pause = FOLLOW_SECONDS if self._try() else AGAIN_SECONDS

    def _try(self) -> bool:
        """One look; whether nothing stood in the way. The same obstacle is logged once."""
        before, said, no_room = self.service.obstacle, "", ""
        try:
            self.step()
        except StoreError:
            # The database is busy or away: the next look will tell.
            return True
        except CoderError as error:
            said = str(error)
        except OSError as error:
            why = error.strerror or type(error).__name__
            said = no_room = f"the model can't be opened ({why}); free space on the disk of the state folder, it goes on by itself"
        except Exception as error:
            said = f"{type(error).__name__} while the new champion was opened; see the log"
            log.exception("the champion could not be opened")
        self.service.obstacle, self.service.no_room = said, no_room
        if said and said != before:
            log.warning("the champion waits: %s", said)
        return not said

    def step(self) -> bool:
        """Goes over to the champion where it is another than the one that answers; whether it was."""
        if self.service.stopping.is_set():
            return False
        wanted = registry.champion_of(self.service.store, self.service.base)
        if wanted == self._present:
            return False
        classifier = self.opening(wanted.folder)
        self.service.live.open(classifier)
        before, self._present, self.service.bundle = self._present, wanted, wanted.folder
        if before:
            log.info("another champion", extra={"bundle": wanted.name, "before": before.name})
        self.loaded(classifier, wanted.folder)
        return True
