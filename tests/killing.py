"""Processes that kill themselves when they come to a line of code that they were told."""

import multiprocessing
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from types import FrameType
from typing import Any

import faiss

# A file and a line of it.
Place = tuple[str, int]
NOWHERE: Place = ("", 0)


def run(work: Callable[..., None], given: tuple[Any, ...], sources: tuple[str, ...], said: Connection, place: Place, nth: int) -> None:
    """Does the work and kills its own process when it comes to a place for the nth time; says how often it came to each place."""
    faiss.omp_set_num_threads(1)
    seen: Counter[Place] = Counter()

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(sources):
            return None
        if event == "line":
            here = (frame.f_code.co_filename, frame.f_lineno)
            seen[here] += 1
            if here == place and seen[here] == nth:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
    work(said, *given)
    sys.settrace(None)
    said.send(("seen", seen))


def started(
    work: Callable[..., None], given: tuple[Any, ...], sources: tuple[str, ...], place: Place = NOWHERE, nth: int = 0
) -> tuple[list[tuple[str, Any]], bool]:
    """All that a process said before it ended, and whether it was killed; `work` gets a connection to speak by, and what is given.

    Files of which a line may be that place begin with one of the `sources`.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([work.__module__])
    ear, mouth = context.Pipe(duplex=False)
    process = context.Process(target=run, args=(work, given, sources, mouth, place, nth))
    process.start()
    mouth.close()
    said = []
    try:
        while True:
            said.append(ear.recv())
    except EOFError:
        process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return said, process.exitcode != 0
