"""Measures build, memory, search and recall of the ways to lay out an index, at several sizes; prints one table.

`python -m isco_index.bench data/bundle data/gold/written.csv`. Times are processor time of one thread, so that other work on the machine
does not show. The rows are those of the bundle's index; more than it has are mixed from it (`larger`). The queries are real: titles and
duties of a coded file that is not in the index.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click
import faiss
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from isco_index.layout import Rules
from isco_index.lists import nearest_centre, train_centres
from isco_index.rows import Grid, Rows
from isco_rag.encode import open_encoder, quantise
from isco_rag.ports import Floats, Ints
from isco_rag.tables import read_form, read_rows
from isco_rag.text import duties_text, title_text

K = 48
BATCH = 256
ALONE = 32
# Shares of the lists that are read.
SHARES = (32, 16, 8, 4, 2)
# Lists to compare with where the builder reads every row.
SMALL = 256
# Mixtures of near rows fill the space between them, and the noise keeps a mixture as far from its parts as parts are from each other.
NEAR, PARTS, NOISE = 24, 4, 0.3

Search = Callable[[Floats], Ints]


class Line(Struct, frozen=True):
    """One row of the table: seconds, megabytes, milliseconds a query, and the share of the true nearest 48 that was found."""

    rows: int
    layout: str
    build: float
    memory: float
    alone: float
    batch: float
    recall: float


def larger(vectors: NDArray[np.int8], n: int, seed: int = 1) -> NDArray[np.int8]:
    """The vectors, and mixtures of each with some of its nearest 24 plus noise, up to n rows; the first n if there are as many."""
    if n <= len(vectors):
        return vectors[:n]
    rng = np.random.default_rng(seed)
    near = _neighbours(vectors)
    out = np.empty((n, vectors.shape[1]), np.int8)
    out[: len(vectors)] = vectors
    for start in range(len(vectors), n, 20_000):
        m = min(20_000, n - start)
        a = rng.integers(0, len(vectors), m)
        share = (rng.dirichlet(np.ones(PARTS), m) * rng.uniform(0.2, 0.9, (m, 1))).astype(np.float32)
        mixed = vectors[a] * (1 - share.sum(axis=1, keepdims=True))
        for part in range(PARTS):
            mixed += share[:, part : part + 1] * vectors[near[a, rng.integers(0, near.shape[1], m)]]
        mixed /= np.linalg.norm(mixed, axis=1, keepdims=True)
        mixed += rng.normal(scale=NOISE / np.sqrt(vectors.shape[1]), size=mixed.shape).astype(np.float32)
        out[start : start + m] = quantise(mixed / np.linalg.norm(mixed, axis=1, keepdims=True)).astype(np.int8)
    return out


def _neighbours(vectors: NDArray[np.int8]) -> Ints:
    """Near rows of each row, from the four nearest of 128 lists: mixing needs near ones, not the very nearest."""
    lists = min(128, len(vectors))
    rows = Rows(vectors, Grid(train_centres(vectors, lists), min(4, lists)))
    found = rows.search(vectors.astype(np.float32), min(NEAR, len(vectors)))[1]
    return np.where(found < 0, np.arange(len(vectors))[:, None], found)


def measure(vectors: NDArray[np.int8], queries: Floats, lists: int, hnsw_up_to: int) -> Iterator[Line]:
    """One line for each way to lay out these rows."""
    n, dimension = vectors.shape
    exact, built = _timed(lambda: _ready(Rows(vectors)))
    line, truth = _line(n, "exact, int8", built, exact.memory, lambda q: exact.search(q, K)[1], queries, None)
    yield line
    if n <= 400_000:
        flat = faiss.IndexFlatIP(dimension)
        built = _timed(lambda: flat.add(vectors.astype(np.float32)))[1]
        yield _line(n, "exact, float32", built, 4 * vectors.size, lambda q: flat.search(q, K)[1], queries, truth)[0]
    centres, training = _timed(lambda: train_centres(vectors, lists))
    where, placing = _timed(lambda: nearest_centre(vectors, centres))
    for probes in (lists // share for share in SHARES):
        grid, built = _timed(lambda probes=probes: _ready(Rows(vectors, Grid(centres, probes), where)))  # type: ignore[misc]
        search = lambda q, grid=grid: grid.search(q, K)[1]  # noqa: E731
        yield _line(n, grid.grid.name, training + placing + built, grid.memory, search, queries, truth)[0]
    if n <= hnsw_up_to:
        yield from _hnsw(vectors, queries, truth)


def _hnsw(vectors: NDArray[np.int8], queries: Floats, truth: Ints) -> Iterator[Line]:
    n, dimension = vectors.shape
    links = 16
    graph = faiss.IndexHNSWSQ(dimension, faiss.ScalarQuantizer.QT_8bit_direct_signed, links, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction = 80
    graph.train(vectors[:1].astype(np.float32))
    built = _timed(lambda: graph.add(vectors.astype(np.float32)))[1]
    memory = n * (dimension + 4 * 2 * links + 8)
    for width in (64, 128, 256):
        graph.hnsw.efSearch = width
        yield _line(n, f"HNSW {links}, {width} looked at", built, memory, lambda q: graph.search(q, K)[1], queries, truth)[0]


def _line(n: int, layout: str, built: float, memory: float, search: Search, queries: Floats, truth: Ints | None) -> tuple[Line, Ints]:
    """The line, and what was found: the truth for the others where there is none yet."""
    alone = [_timed(lambda q=query: search(q[None]))[1] for query in queries[:ALONE]]  # type: ignore[misc]
    found, batch = _timed(lambda: search(queries))
    hit = [len(np.intersect1d(f, t)) / K for f, t in zip(found, found if truth is None else truth, strict=True)]
    return Line(n, layout, built, memory / 1e6, 1e3 * float(np.median(alone)), 1e3 * batch / len(queries), float(np.mean(hit))), found


def _ready(rows: Rows) -> Rows:
    rows.ready()
    return rows


def _timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """What a call returns, and the processor seconds that it took."""
    start = time.process_time()
    found = call()
    return found, time.process_time() - start


def real_queries(bundle: Path, coded: Path, n: int = BATCH) -> Floats:
    """Vectors [n, dimension] of a coded file's titles and duties, in turn."""
    form = read_form(coded)
    title, duties = form.header.index("title"), form.header.index("duties")
    texts = [text for row in read_rows(coded, form) for text in (title_text(row[title]), duties_text(row[duties])) if text]
    picked = [texts[i] for i in np.linspace(0, len(texts) - 1, n).astype(int)]
    with ThreadPoolExecutor(1) as pool:
        return open_encoder(bundle / "encoder", pool, 1).encode(picked)


@click.command()
@click.argument("bundle", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("coded", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--sizes", default="35587,110000,300000,1000000", show_default=True, help="Rows to measure at, separated by commas.")
@click.option("--lists", default=0, help="Lists at every size; 0 takes as many as the builder, and 256 where it takes none.")
@click.option("--hnsw-up-to", default=110_000, show_default=True, help="Largest size at which the HNSW graph is built, which takes long.")
def main(bundle: Path, coded: Path, sizes: str, lists: int, hnsw_up_to: int) -> None:
    """Measure the layouts of an index over the rows of BUNDLE with the texts of CODED as queries."""
    faiss.omp_set_num_threads(1)
    vectors = np.load(bundle / "index" / "vectors.npy", allow_pickle=False)
    queries = real_queries(bundle, coded)
    click.echo(
        "| rows | layout | build s | memory MB | alone ms | batch of 256, ms a query | recall at 48 |\n|---|---|---|---|---|---|---|"
    )
    for n in map(int, sizes.split(",")):
        rows = larger(vectors, n)
        for line in measure(rows, queries, lists or Rules().lists_for(n) or SMALL, hnsw_up_to):
            click.echo(_markdown(line))


def _markdown(line: Line) -> str:
    return f"| {line.rows:,} | {line.layout} | {line.build:.1f} | {line.memory:,.0f} | {line.alone:.2f} | {line.batch:.2f} | {line.recall:.4f} |"


if __name__ == "__main__":
    main()
