"""The index of coded texts: exact inner-product search with FAISS."""

from isco_index.flat import FlatIndex, build_index, load_index, save_index

__all__ = ["FlatIndex", "build_index", "load_index", "save_index"]
