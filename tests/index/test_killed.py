"""A process that is killed at any line of the index's code leaves an index that opens, with all it acknowledged and nothing twice."""

import random
from collections import Counter
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import isco_index
from isco_index import LiveIndex, Truth, build_index, create_live, open_live

from isco_rag.types import Entry
from tests.fakes import tiny_entries
from tests.index.test_live import CountingEncoder
from tests.killing import Place, started

KILLS = 200
SOURCES = (str(Path(isco_index.__file__).parent),)
CHANGES = 6
# Made in the server that the processes are forked from, so that they need not embed.
ENCODER = CountingEncoder()
ENCODER.encode(["cab driver", "lorry driver", "drives a lorry"])


def change(said: Connection, root: Path, first: int) -> None:
    """Appends, removes and rebuilds, and says after each what it did; every third append comes while a rebuild is under way."""
    live, other = open_live(root, ENCODER, "encoder"), open_live(root, ENCODER, "encoder")

    def add(index: LiveIndex, n: int) -> None:
        said.send(("try", n))
        index.append([Entry(f"n{n}a", "taxi", "cab driver"), Entry(f"n{n}b", "truck", "lorry driver", "drives a lorry")], last=n)
        if n % 3 == 2:
            index.remove([f"n{n}a"], last=n)
        said.send(("done", n))

    def truth(n: int) -> Truth:
        found = Truth(live.snapshot().living, live.status().last)
        add(other, n)
        return found

    for n in range(first, first + CHANGES):
        if n % 3 == 1:
            live.rebuild(partial(truth, n))
        else:
            add(live, n)


def test_killed_at_every_line_and_opened_again(tmp_path: Path) -> None:
    create_live(tmp_path, build_index(tiny_entries(), ENCODER), "encoder")
    seen: Counter[Place] = started(change, (tmp_path, 0), SOURCES)[0][-1][1]
    done, tried, kills = set(range(CHANGES)), set(range(CHANGES)), 0
    rng = random.Random(11)
    # Every line once a round: of lines drawn by how often they run, the few that write would hardly be among them.
    places = [place for _ in range(-(-KILLS // len(seen))) for place in rng.sample(sorted(seen), len(seen))]
    for turn, place in enumerate(places, 1):
        said, killed = started(change, (tmp_path, turn * CHANGES), SOURCES, place, rng.randint(1, seen[place]))
        kills += killed
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
    assert kills >= KILLS
    assert tried > done
    live.append([Entry("last", "taxi", "chauffeur")])
    assert live.rebuild().tail == 0
