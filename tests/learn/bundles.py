"""Bundles without models, as far as the registry reads them: a manifest and a file that it vouches for."""

from pathlib import Path

from isco_rag.bundle import write_manifest
from isco_rag.learn import registry
from isco_rag.learn.gate import Decision
from isco_rag.learn.places import FOLDER, find, place_of
from isco_rag.store.database import Store
from isco_rag.store.records import Judged
from isco_rag.types import Manifest

CREATED = "2026-01-01T00:00:00Z"


def make_bundle(folder: Path, name: str, parent: str = "", parent_hash: str = "", corrections: int = 0) -> Path:
    folder.mkdir(parents=True)
    (folder / "weights.bin").write_text(name)
    write_manifest(folder, Manifest(1, name, CREATED, "Tiny", {}, parent, parent_hash=parent_hash, corrections=corrections))
    return folder


def make_challenger(store: Store, name: str, parent: str = "base") -> Path:
    folder = make_bundle(store.folder / FOLDER / name, name, parent)
    registry.register(store, "test", name)
    return folder


def judged(store: Store, base: Path, name: str, *, passed: bool = True) -> Judged:
    """A verdict on a challenger against the champion of now."""
    champion, challenger = registry.champion_of(store, base), find(store.folder, base, name)
    words = (f"{name} {'may' if passed else 'does not'} replace {champion.name}", "Met: nothing was looked at.")
    return registry.keep_verdict(store, "test", champion, challenger, Decision(passed, words), None)


__all__ = ["judged", "make_bundle", "make_challenger", "place_of"]
