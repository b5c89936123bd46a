"""The FAISS index obeys the laws of an index and keeps itself on disk."""

from pathlib import Path

import numpy as np
import pytest
from isco_index import build_index, load_index, save_index

from isco_rag.errors import BundleError
from tests.checks import check_encoder, check_index, check_reranker
from tests.fakes import FakeEncoder, FakeReranker, tiny_entries, tiny_index


def test_fakes_obey_the_laws() -> None:
    check_encoder(FakeEncoder())
    check_reranker(FakeReranker())
    check_index(tiny_index(), FakeEncoder())


def test_saved_is_loaded(tmp_path: Path) -> None:
    index = tiny_index()
    save_index(index, tmp_path)
    again = load_index(tmp_path)
    query = FakeEncoder().encode(["a driver of taxis"])
    assert again.entries == index.entries
    assert all(np.array_equal(a, b) for a, b in zip(again.search(query, 4), index.search(query, 4), strict=True))


def test_appending_is_building_at_once() -> None:
    entries, encoder = tiny_entries(), FakeEncoder()
    whole = build_index(entries, encoder)
    grown = build_index(entries[:2], encoder).extended(build_index(entries[2:], encoder))
    query = encoder.encode(["teaches pupils", "drives to town"])
    assert all(np.array_equal(a, b) for a, b in zip(whole.search(query, 6), grown.search(query, 6), strict=True))


def test_taking_entries_out_is_never_having_had_them() -> None:
    entries, encoder = tiny_entries(), FakeEncoder()
    without = build_index(entries, encoder).without({"e1", "e4"})
    never = build_index([e for e in entries if e.id not in ("e1", "e4")], encoder)
    query = encoder.encode(["lorry driver", "cab driver"])
    assert without.entries == never.entries
    assert all(np.array_equal(a, b) for a, b in zip(without.search(query, 5), never.search(query, 5), strict=True))


def test_an_index_that_does_not_fit_together_is_refused(tmp_path: Path) -> None:
    save_index(tiny_index(), tmp_path)
    lines = (tmp_path / "entries.jsonl").read_bytes().splitlines()
    (tmp_path / "entries.jsonl").write_bytes(b"\n".join(lines[:-1]))
    with pytest.raises(BundleError, match="restore the bundle or rebuild"):
        load_index(tmp_path)
