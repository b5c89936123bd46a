"""The nearest rows of a matrix of whole-number vectors, by FAISS: exact products, ties by row number.

FAISS keeps the int8 numbers as they are (QT_8bit_direct_signed) and sums their products in float32, where whole numbers this small are
exact: a product does not depend on batch, machine or instruction set. Which of several equal rows FAISS keeps at the end of a list
does; so a few more rows are asked for than wanted, and more again where the tie goes on.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import faiss
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from isco_index.lists import nearest_centre, nearest_lists
from isco_rag.ports import Floats, Ints

# Rows asked for beyond k. In the shipped index a tie goes on past rank 48 for 1 to 3 queries in a hundred, and for none of 512 by 16 rows.
SPARE = 16
BLOCK = 65_536
# Up to so many queries are searched on the caller's own thread: FAISS divides by queries, and its other threads wait for the next ones by
# spinning, which took half as much processor time again for pieces of 16 records, and nothing that can be measured for 32.
FEW = 16
NOTHING = float(np.finfo(np.float32).min)


class Grid(Struct, frozen=True):
    """How rows are laid out: centres [lists, dimension] and how many lists a query reads; without centres every row is read."""

    centres: NDArray[np.int8] | None = None
    probes: int = 0

    @property
    def name(self) -> str:
        """The layout in words."""
        return "exact" if self.centres is None else f"{len(self.centres)} lists, {self.probes} read"


class Rows:
    """A searchable matrix [n, dimension] of whole numbers from -127 to 127; `lists` tells each row's list where there are centres."""

    def __init__(self, vectors: NDArray[np.int8], grid: Grid | None = None, lists: NDArray[np.int32] | None = None) -> None:
        self.vectors, self.grid = vectors, grid or Grid()
        centres = self.grid.centres
        self.lists = lists if lists is not None or centres is None else nearest_centre(vectors, centres)

    @cached_property
    def _centres(self) -> Floats:
        assert self.grid.centres is not None
        return self.grid.centres.astype(np.float32)

    @cached_property
    def _faiss(self) -> Any:
        """Made at the first search: a matrix that only goes into a larger one is never searched."""
        if self.grid.centres is None or self.lists is None:
            return _flat(self.vectors)
        return _inverted(self.vectors, self.grid.centres, self.lists)

    def ready(self) -> None:
        """Makes what the first search would make."""
        assert self._faiss.ntotal == len(self)

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def memory(self) -> int:
        """Bytes that FAISS and the centres take; the matrix itself may lie in a file."""
        n, dimension = self.vectors.shape
        centres = self.grid.centres
        return int(n * dimension if centres is None else n * (dimension + 8) + centres.nbytes)

    def search(self, queries: Floats, k: int, alive: NDArray[np.bool_] | None = None) -> tuple[Floats, Ints]:
        """Products and row numbers [n, k], largest first, ties by row number; row -1 where there are fewer.

        `alive` [rows] leaves out the rows where it is false.
        """
        products = np.full((len(queries), k), NOTHING, np.float32)
        rows = np.full((len(queries), k), -1, np.int64)
        todo, wanted = np.arange(len(queries)), k + SPARE
        while len(todo) and len(self):
            width = min(wanted, len(self))
            with _threads(len(todo)):
                found, numbers = self._scan(np.ascontiguousarray(queries[todo], dtype=np.float32), width, alive)
            order = np.lexsort((numbers, -found), axis=1)
            found, numbers = np.take_along_axis(found, order, 1), np.take_along_axis(numbers, order, 1)
            kept = min(k, width)
            products[todo, :kept], rows[todo, :kept] = found[:, :kept], numbers[:, :kept]
            if width <= k or width == len(self):
                break
            todo = todo[(found[:, k - 1] == found[:, -1]) & (numbers[:, -1] >= 0)]
            wanted *= 2
        return products, rows

    def _scan(self, queries: Floats, k: int, alive: NDArray[np.bool_] | None) -> tuple[Floats, Ints]:
        chosen = None if alive is None else faiss.IDSelectorBitmap(np.packbits(alive, bitorder="little"))
        if self.grid.centres is None:
            return self._faiss.search(queries, k, params=faiss.SearchParameters(sel=chosen) if chosen else None)  # type: ignore[no-any-return]
        near = nearest_lists(queries, self._centres, self.grid.probes)
        params = faiss.SearchParametersIVF(nprobe=self.grid.probes, sel=chosen)
        ignored, n = np.zeros(near.shape, np.float32), len(queries)
        products, rows = np.empty((n, k), np.float32), np.empty((n, k), np.int64)
        # The Python wrapper of this call takes no parameters, the call itself does.
        pointers = [faiss.swig_ptr(array) for array in (near, ignored, products, rows)]
        self._faiss.search_preassigned_c(n, faiss.swig_ptr(queries), k, *pointers, False, params)
        return products, rows


@contextmanager
def _threads(queries: int) -> Iterator[None]:
    """FAISS's own threads for many queries, none for few; it counts them for each calling thread apart."""
    before = faiss.omp_get_max_threads()
    if queries <= FEW:
        faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def _flat(vectors: NDArray[np.int8]) -> faiss.IndexScalarQuantizer:
    index = faiss.IndexScalarQuantizer(vectors.shape[1], faiss.ScalarQuantizer.QT_8bit_direct_signed, faiss.METRIC_INNER_PRODUCT)
    for start in range(0, len(vectors), BLOCK):
        index.add(vectors[start : start + BLOCK].astype(np.float32))
    return index


def _inverted(vectors: NDArray[np.int8], centres: NDArray[np.int8], lists: NDArray[np.int32]) -> faiss.IndexIVFScalarQuantizer:
    n, dimension = vectors.shape
    coarse = faiss.IndexFlatIP(dimension)
    coarse.add(centres.astype(np.float32))
    index = faiss.IndexIVFScalarQuantizer(
        coarse, dimension, len(centres), faiss.ScalarQuantizer.QT_8bit_direct_signed, faiss.METRIC_INNER_PRODUCT, False
    )  # fmt: skip
    order = np.argsort(lists, kind="stable")
    bounds = np.searchsorted(lists[order], np.arange(len(centres) + 1))
    for number in np.unique(lists):
        members = order[bounds[number] : bounds[number + 1]].astype(np.int64)
        # FAISS's own form of a signed byte: the number plus 128.
        codes = np.ascontiguousarray(vectors[members]).view(np.uint8) ^ np.uint8(128)
        index.invlists.add_entries(int(number), len(members), faiss.swig_ptr(members), faiss.swig_ptr(codes))
    index.ntotal, index.is_trained = n, True
    return index
