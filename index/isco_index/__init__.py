"""The index of coded texts: FAISS search by inner product, exact or over lists, and an index that learns while it is searched."""

from isco_index.flat import FlatIndex, build_index, load_index, save_index
from isco_index.folders import Hold, opening, remove_unused
from isco_index.layout import Rules
from isco_index.live import LiveIndex, LiveStatus, Truth, create_live, open_live
from isco_index.snapshot import Snapshot

__all__ = [
    "FlatIndex",
    "Hold",
    "LiveIndex",
    "LiveStatus",
    "Rules",
    "Snapshot",
    "Truth",
    "build_index",
    "create_live",
    "load_index",
    "open_live",
    "opening",
    "remove_unused",
    "save_index",
]
