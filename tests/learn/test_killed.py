"""A process that is killed at any line while it follows, rebuilds or creates the index leaves one that comes to hold what the table says."""

import logging
import random
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path

import isco_index
import pytest

from isco_rag.learn import follow
from isco_rag.learn.follow import open_follower
from isco_rag.store import corrections, teaching
from isco_rag.store.database import open_store
from isco_rag.store.teaching import standing
from isco_rag.types import Job
from tests.fakes import tiny_taxonomy
from tests.killing import Place, started
from tests.learn.test_follow import tiny

KILLS = 60
CHANGES = 6
SOURCES = (str(Path(isco_index.__file__).parent), follow.__file__, teaching.__file__)
TREE = tiny_taxonomy()
# Made in the server that the processes are forked from, so that they need not embed its entries.
BASE = tiny()
BASE.parts.encoder.encode(["cab driver", "drives a lorry"])


def serve(said: Connection, folder: Path, first: int) -> None:
    """Corrects and follows, as two processes of one folder; one in three is taken back, after every third there is a rebuild."""
    store = open_store(folder)
    here, there = open_follower(BASE, store), open_follower(BASE, store)
    for n in range(first, first + CHANGES):
        with store.write() as db:
            # Texts differ in their industry alone, which is not embedded.
            number = corrections.add(db, TREE, "ann", "api", Job("cab driver", "drives a lorry", str(n)), "taxi").id
        said.send(("corrected", number))
        (here if n % 2 else there).follow()
        if n % 3 == 2:
            with store.write() as db:
                corrections.revert(db, "eve", number)
            said.send(("reverted", number))
        if n % 3 == 1:
            here.rebuild()
        here.follow()
        there.follow()
    store.close()


def test_killed_at_every_line_and_opened_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    state = tmp_path / "state"
    seen: Counter[Place] = started(serve, (tmp_path / "whole", 0), SOURCES)[0][-1][1]
    assert {file for file, _ in seen} >= {follow.__file__, teaching.__file__}
    rng, kills, corrected, reverted = random.Random(7), 0, set[int](), set[int]()
    # Every line once a round; those that create the index are never come to again.
    places = (place for _ in range(KILLS) for place in rng.sample(sorted(seen), len(seen)))
    for turn, place in enumerate(places, 1):
        said, killed = started(serve, (state, turn * CHANGES), SOURCES, place, rng.randint(1, seen[place]))
        kills += killed
        corrected |= {n for what, n in said if what == "corrected"}
        reverted |= {n for what, n in said if what == "reverted"}
        store = open_store(state)
        with caplog.at_level(logging.WARNING):
            held = [e for e in open_follower(BASE, store).classifier.known.living() if e.source == "correction"]
        with store.read() as db:
            wanted = standing(db)
        store.close()
        # By what it remembers, not since it was compared with the table and found wanting.
        assert "did not hold" not in caplog.text
        assert sorted(held, key=lambda e: e.id) == sorted(wanted.entries, key=lambda e: e.id)
        numbers = {int(e.id.split(":")[1]) for e in held}
        assert corrected - reverted <= numbers
        assert not reverted & numbers
        if kills == KILLS:
            break
    assert kills == KILLS
