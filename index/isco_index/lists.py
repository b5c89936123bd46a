"""Inverted lists: each row stands in the list of its nearest centre, and a query reads only the lists whose centres are near to it.

The scheme is IVFADC's coarse quantiser (Jegou, Douze, Schmid 2011) without the product quantiser. Centres are whole numbers like the
vectors, so that the choice of lists is exact and does not depend on the batch. A row's list depends on the row and the centres
alone: as long as the centres stay, rows that were added one by one lie where a build at once would put them.
"""

import faiss
import numpy as np
from numpy.typing import NDArray

from isco_rag.encode import quantise
from isco_rag.ports import Floats, Ints

ROUNDS = 10
# FAISS asks for at least 39 training rows a centre.
ROWS_PER_CENTRE = 40
BLOCK = 16_384


def train_centres(vectors: NDArray[np.int8], lists: int, seed: int = 0) -> NDArray[np.int8]:
    """Whole-number centres [lists, dimension] of a spherical k-means over a sample of the rows."""
    wanted = lists * ROWS_PER_CENTRE
    sample = (
        vectors if len(vectors) <= wanted else vectors[np.sort(np.random.default_rng(seed).choice(len(vectors), wanted, replace=False))]
    )
    means = faiss.Kmeans(
        vectors.shape[1], lists, niter=ROUNDS, seed=seed, spherical=True, min_points_per_centroid=1, max_points_per_centroid=ROWS_PER_CENTRE
    )  # fmt: skip
    means.train(np.ascontiguousarray(sample, dtype=np.float32))
    return quantise(means.centroids / np.linalg.norm(means.centroids, axis=1, keepdims=True).clip(1e-9)).astype(np.int8)


def nearest_centre(vectors: NDArray[np.int8], centres: NDArray[np.int8]) -> NDArray[np.int32]:
    """The number of each row's nearest centre [n], ties by the lower number."""
    whole = centres.astype(np.float32).T
    found = [(vectors[i : i + BLOCK].astype(np.float32) @ whole).argmax(axis=1) for i in range(0, len(vectors), BLOCK)]
    return np.concatenate(found).astype(np.int32) if found else np.zeros(0, np.int32)


def nearest_lists(queries: Floats, centres: Floats, probes: int) -> Ints:
    """The numbers of the `probes` nearest centres of each query [n, probes], in no order; which they are never depends on a tie."""
    # Products are whole numbers below 2^18, so that product and number together are one whole number without ties.
    products = (queries @ centres.T).astype(np.int64)
    order = products * len(centres) - np.arange(len(centres))
    found: Ints = np.argpartition(-order, probes - 1, axis=1)[:, :probes].astype(np.int64)
    return found
