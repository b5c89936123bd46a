"""Folders of indexes: a process that is killed while it removes some leaves whole ones, and the next removes what is left."""

import random
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path

from isco_index import folders, opening, remove_unused
from isco_index.folders import Hold

from tests.killing import Place, started

SOURCES = (folders.__file__,)
FILES = ("manifest.json", "vectors.npy", "journal.jsonl")


def made(parent: Path) -> Path:
    """Four folders, and what a killed process left of a fifth."""
    for name in ("n0", "n1", "n2", "n3", f"n4{folders.REMOVED}"):
        (parent / name).mkdir(parents=True)
        for file in FILES:
            (parent / name / file).write_text(file)
    return parent


def remove(said: Connection, parent: Path) -> None:
    """Holds one, opens another for a moment, and removes what nobody has open but for one."""
    with opening(parent / "n0"):
        mine = Hold(parent / "n0")
    with opening(parent / "n1"):
        Hold(parent / "n1").free()
    said.send(("removed", remove_unused(parent, 1)))
    assert mine.free.alive


def names(parent: Path) -> set[str]:
    return {path.name for path in parent.iterdir() if path.is_dir()}


def test_killed_at_every_line(tmp_path: Path) -> None:
    first = made(tmp_path / "first")
    said = started(remove, (first,), SOURCES)[0]
    seen: Counter[Place] = said[-1][1]
    assert set(said[0][1]) == {"n2", "n3"}
    assert names(first) == {"n0", "n1"}, "what is held, and what was opened last"
    rng = random.Random(4)
    for number, place in enumerate(sorted(seen)):
        parent = made(tmp_path / str(number))
        assert started(remove, (parent,), SOURCES, place, rng.randint(1, seen[place]))[1]
        for name in names(parent):
            assert name.endswith(folders.REMOVED) or {file.name for file in (parent / name).iterdir()} == set(FILES)
        assert {"n0", "n1"} <= names(parent)
        # A killed process holds nothing any more.
        remove_unused(parent, 1)
        assert len(names(parent)) == 1
