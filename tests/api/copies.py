"""Copies of a real bundle that differ from it in what they are told."""

import os
import shutil
from pathlib import Path

import msgspec

from isco_rag.bundle import MANIFEST, read_manifest, write_manifest
from isco_rag.fuse import Fusion


def copy_of(bundle: Path, folder: Path, name: str, *, until: int = 0, spoiled: bool = False) -> Path:
    """The bundle under another name; its files are the same ones, but for a manifest. A spoiled one takes all evidence for its opposite."""
    manifest = read_manifest(bundle)
    beside = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(beside, ignore_errors=True)
    shutil.copytree(bundle, beside, copy_function=_link)
    if spoiled:
        path = beside / "fusion.json"
        fusion = msgspec.json.decode(path.read_bytes(), type=Fusion)
        path.unlink()
        path.write_bytes(msgspec.json.encode(msgspec.structs.replace(fusion, weights=[[-w for w in row] for row in fusion.weights])))
    (beside / MANIFEST).unlink()
    write_manifest(beside, msgspec.structs.replace(manifest, name=name, parent=manifest.name, until=until))
    beside.replace(folder)
    return folder


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
