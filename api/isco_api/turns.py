"""Who goes first at the models: single requests at once, files and batches where a processor is left, measuring when all is quiet."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

# The longest that a text of a file waits for single requests: a file goes on, slowly, however many of them come.
LONGEST_WAIT = 0.02


class Turns:
    """Counts what is at the models; there are as many `places` as processors, and single requests never wait for one."""

    def __init__(self, places: int) -> None:
        self.places = places
        self._changed = threading.Condition()
        self._first, self._behind, self._using = 0, 0, 0
        self._used = monotonic()

    def arrive(self) -> None:
        """Counts a single request, from when it came, waiting or not; `leave` ends it."""
        with self._changed:
            self._first += 1

    def leave(self) -> None:
        """A single request was answered."""
        with self._changed:
            self._first -= 1
            self._used = monotonic()
            self._changed.notify_all()

    @contextmanager
    def behind(self) -> Iterator[None]:
        """A place at the models for one text of a file, once the single requests leave one, or after LONGEST_WAIT."""
        with self._changed:
            self._changed.wait_for(lambda: self._first + self._behind < self.places, LONGEST_WAIT)
            self._behind += 1
        try:
            yield
        finally:
            with self._changed:
                self._behind -= 1
                self._changed.notify()

    def used(self) -> None:
        """Notes that somebody uses the service now."""
        with self._changed:
            self._used = monotonic()

    @contextmanager
    def using(self) -> Iterator[None]:
        """Somebody uses the service until the end of a with block, a file being coded for example."""
        with self._changed:
            self._using += 1
        try:
            yield
        finally:
            with self._changed:
                self._using -= 1
                self._used = monotonic()

    def quiet_seconds(self) -> float:
        """Since when nobody has used the service; 0 while somebody does."""
        with self._changed:
            return 0.0 if self._first or self._using else monotonic() - self._used


class Behind:
    """A model's session that leaves the way to single requests before each text."""

    def __init__(self, session: Any, turns: Turns) -> None:
        self._session, self._turns = session, turns

    def run(self, *given: Any) -> Any:
        """What the session returns."""
        with self._turns.behind():
            return self._session.run(*given)
