"""A command that a service runs beside itself: it takes what time others leave, and ends with the service.

The service holds the other end of the command's standard input and lets go of it when it ends, also when it is killed. So nothing goes on that
nobody watches.
"""

import os
import threading

# What a shell says of a process that was killed: the service takes it for one that was lost, and goes on with it later.
LOST = 137


def stand_back() -> None:
    """Gives this process the lowest priority, and lets it end with its standard input."""
    if hasattr(os, "nice"):
        os.nice(19)
    threading.Thread(target=_end_with_input, name="isco-beside", daemon=True).start()


def _end_with_input() -> None:
    # Not by Python's own reader, whose lock would keep the interpreter from ending.
    while os.read(0, 1024):
        pass
    os._exit(LOST)
