"""A process that is killed at any line of append, removal and rebuild leaves an index that opens, with all it acknowledged and nothing twice."""

import multiprocessing
import os
import random
import signal
import sys
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any

import faiss
import isco_index
from isco_index import build_index, create_live, open_live

from isco_rag.types import Entry
from tests.fakes import tiny_entries
from tests.index.test_live import CountingEncoder

KILLS = 200
SOURCE = str(Path(isco_index.__file__).parent)
CHANGES = 6
# Made in the server that the processes are forked from, so that they need not embed.
ENCODER = CountingEncoder()
ENCODER.encode(["cab driver", "lorry driver", "drives a lorry"])


def change(root: Path, said: Connection, first: int) -> None:
    """Appends, removes and rebuilds, and says after each what it did."""
    live = open_live(root, ENCODER, "encoder")
    for n in range(first, first + CHANGES):
        if n % 3 == 1:
            live.rebuild()
        said.send(("try", n))
        live.append([Entry(f"n{n}a", "taxi", "cab driver"), Entry(f"n{n}b", "truck", "lorry driver", "drives a lorry")], last=n)
        if n % 3 == 2:
            live.remove([f"n{n}a"], last=n)
        said.send(("done", n))


def run(root: Path, said: Connection, first: int, kill_at: int) -> None:
    """Runs the changes and kills its own process at the given line of the index's code; says how many lines there are."""
    faiss.omp_set_num_threads(1)
    lines = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal lines
        if not frame.f_code.co_filename.startswith(SOURCE):
            return None
        if event == "line":
            lines += 1
            if lines == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
    change(root, said, first)
    sys.settrace(None)
    said.send(("lines", lines))


def started(root: Path, first: int, kill_at: int) -> list[tuple[str, int]]:
    """All that a process said before it ended."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.index.test_killed"])
    ear, mouth = context.Pipe(duplex=False)
    process = context.Process(target=run, args=(root, mouth, first, kill_at))
    process.start()
    mouth.close()
    said = []
    try:
        while True:
            said.append(ear.recv())
    except EOFError:
        process.join()
    assert process.exitcode == (-signal.SIGKILL if kill_at else 0)
    return said


def test_killed_at_any_line_and_opened_again(tmp_path: Path) -> None:
    create_live(tmp_path, build_index(tiny_entries(), ENCODER), "encoder")
    lines = started(tmp_path, 0, 0)[-1][1]
    done, tried = set(range(CHANGES)), set(range(CHANGES))
    rng = random.Random(11)
    for round_ in range(1, KILLS + 1):
        said = started(tmp_path, round_ * CHANGES, rng.randrange(1, int(0.8 * lines)))
        done |= {n for what, n in said if what == "done"}
        tried |= {n for what, n in said if what == "try"}
        live = open_live(tmp_path, ENCODER, "encoder")
        found = Counter(entry.id for entry in live.snapshot().living)
        assert max(found.values()) == 1
        assert {e.id for e in tiny_entries()} <= set(found)
        for n in tried:
            assert (f"n{n}b" in found) >= (n in done)
            if n % 3 == 2:
                assert not (n in done and f"n{n}a" in found)
            else:
                assert (f"n{n}a" in found) == (f"n{n}b" in found)
        assert live.status().last >= max(done)
    assert tried > done
    live.append([Entry("last", "taxi", "chauffeur")])
    assert live.rebuild().tail == 0
