"""Rows are found exactly, ties break by number, and a query's batch does not matter; the oracle is NumPy over whole numbers."""

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from isco_index.lists import nearest_centre, nearest_lists, train_centres
from isco_index.rows import FEW, Grid, Rows

from isco_rag.encode import quantise
from isco_rag.ports import Ints

DIMENSION = 24


def some_vectors(n: int, seed: int, copies: int = 1, dimension: int = DIMENSION) -> np.ndarray:
    """Random vectors, each standing several times in a shuffled order: ties everywhere."""
    rng = np.random.default_rng(seed)
    found = rng.normal(size=(n, dimension)).astype(np.float32)
    found = quantise(found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.int8)
    return rng.permutation(np.repeat(found, copies, axis=0))


def oracle(vectors: np.ndarray, query: np.ndarray, k: int, may: np.ndarray) -> Ints:
    """Row numbers by product and number, of those that may be found."""
    products = vectors.astype(np.int64) @ query.astype(np.int64)
    order = np.lexsort((np.arange(len(vectors)), -products))
    return order[may[order]][:k]


@given(st.integers(0, 60), st.integers(1, 40), st.integers(1, 300), st.integers(0, 1000), st.booleans(), st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_rows_are_the_oracles_alone_and_in_a_batch(n: int, copies: int, k: int, seed: int, some: bool, probes: int) -> None:
    vectors = some_vectors(n, seed, copies)
    queries = some_vectors(5, seed + 1).astype(np.float32)
    if n:
        queries[0] = vectors[0]
    alive = np.random.default_rng(seed).random(len(vectors)) < 0.6 if some else None
    centres = some_vectors(12, seed + 2)
    for grid in (Grid(), Grid(centres, probes)):
        rows = Rows(vectors, grid)
        products, found = rows.search(queries, k, alive)
        assert products.shape == found.shape == (5, k)
        read = nearest_lists(queries, centres.astype(np.float32), probes) if grid.centres is not None else None
        for i, query in enumerate(queries):
            may = np.ones(len(vectors), np.bool_) if alive is None else alive.copy()
            if read is not None:
                may &= np.isin(nearest_centre(vectors, centres), read[i])
            true = oracle(vectors, query, k, may)
            assert np.array_equal(found[i, : len(true)], true)
            assert (found[i, len(true) :] == -1).all()
            assert np.array_equal(products[i, : len(true)].astype(np.int64), vectors[true].astype(np.int64) @ query.astype(np.int64))
            alone = rows.search(query[None], k, alive)
            assert np.array_equal(alone[0][0], products[i])
            assert np.array_equal(alone[1][0], found[i])


@pytest.mark.parametrize("extreme", [127, -127])
def test_products_of_the_largest_numbers_are_exact(extreme: int) -> None:
    """384 products of 127 squared are below 2^24; one unit less in one component is told apart."""
    vectors = np.full((3, 384), extreme, np.int8)
    vectors[0, 0] -= np.sign(extreme)
    vectors[2, :2] -= np.sign(extreme)
    products, rows = Rows(vectors).search(vectors[1:2].astype(np.float32), 3)
    assert rows[0].tolist() == [1, 0, 2]
    assert products[0].astype(np.int64).tolist() == [384 * 127**2, 384 * 127**2 - 127, 384 * 127**2 - 254]


def test_reading_every_list_is_reading_every_row() -> None:
    vectors, queries = some_vectors(500, 1, 2), some_vectors(9, 2).astype(np.float32)
    centres = train_centres(vectors, 10)
    assert centres.shape == (10, DIMENSION)
    whole, listed = Rows(vectors).search(queries, 30), Rows(vectors, Grid(centres, 10)).search(queries, 30)
    assert all(np.array_equal(a, b) for a, b in zip(whole, listed, strict=True))


def test_reading_more_lists_finds_no_less() -> None:
    vectors, queries = some_vectors(2000, 3), some_vectors(50, 4).astype(np.float32)
    centres = train_centres(vectors, 40)
    truth = Rows(vectors).search(queries, 10)[1]
    recalls: list[float] = []
    for probes in (1, 4, 16, 40):
        found = Rows(vectors, Grid(centres, probes)).search(queries, 10)[1]
        recalls.append(float(np.mean([np.isin(t, f).mean() for t, f in zip(truth, found, strict=True)])))
    assert recalls == sorted(recalls)
    assert recalls[0] < recalls[-1] == 1.0


def test_few_queries_are_searched_by_the_thread_that_asks_and_nothing_is_left_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, asked = Rows(some_vectors(300, 1)), list[int]()
    before, set_threads = faiss.omp_get_max_threads(), faiss.omp_set_num_threads
    rows.ready()

    def note(threads: int) -> None:
        asked.append(threads)
        set_threads(threads)

    monkeypatch.setattr(faiss, "omp_set_num_threads", note)
    queries = some_vectors(FEW + 1, 2).astype(np.float32)
    rows.search(queries[:FEW], 5)
    assert asked == [1, before]
    asked.clear()
    rows.search(queries, 5)
    assert 1 not in asked or before == 1
    assert faiss.omp_get_max_threads() == before
