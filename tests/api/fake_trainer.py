"""Stands for training: makes the challenger of a copy of a bundle. The commands of the gate are the real ones.

Called as the service calls `isco-rag --beside`, after two folders: what it copies, and where it notes what it does and finds a pipe named
`gate` to wait at.
"""

import os
import sys
from pathlib import Path

from isco_rag.beside import stand_back
from isco_rag.cli import main
from isco_rag.learn import registry
from isco_rag.learn.places import FOLDER
from isco_rag.store.database import open_store
from tests.api.copies import copy_of


def train(source: Path, notes: Path, given: dict[str, str]) -> None:
    # What takes long comes first: at the lowest priority it may wait for everything else on the machine.
    store = open_store(Path(given["state"]))
    place = store.folder / FOLDER / given["name"]
    ready = copy_of(source, notes / f"made-{os.getpid()}", given["name"], until=int(given["until"]))
    stand_back()
    with (notes / "begun").open("a") as file:
        print(os.getpid(), os.nice(0), given["until"], file=file)
    if (notes / "gate").exists():
        # Until the test opens the other end.
        (notes / "gate").read_bytes()
    if (notes / "fails").exists():
        sys.stderr.write("isco-rag: there is too little to learn\n")
        sys.exit(7)
    place.parent.mkdir(exist_ok=True)
    ready.replace(place)
    registry.register(store, given["by"], given["name"])


if __name__ == "__main__":
    source, notes, command, *arguments = sys.argv[1:]
    if command == "retrain":
        train(
            Path(source), Path(notes), {name.removeprefix("--"): value for name, value in zip(arguments[::2], arguments[1::2], strict=True)}
        )
    else:
        main([command, *arguments])
