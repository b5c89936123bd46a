"""The benchmark prints a line for each layout; its mixed rows are real ones first, whole unit vectors, and the same every time."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from isco_index.bench import larger, main
from isco_index.layout import Rules, grid_for
from isco_index.rows import Grid

from isco_rag.encode import SCALE
from tests.index.test_rows import some_vectors


def test_mixed_rows_follow_the_real_ones() -> None:
    real = some_vectors(300, 1, dimension=128)
    mixed = larger(real, 900)
    assert mixed.shape == (900, real.shape[1])
    assert np.array_equal(mixed[:300], real)
    np.testing.assert_allclose(np.linalg.norm(mixed.astype(np.float32), axis=1) / SCALE, 1.0, atol=0.03)
    assert np.array_equal(mixed, larger(real, 900))
    assert np.array_equal(larger(real, 200), real[:200])
    # Each lies nearer to some real row than real rows lie to each other on average, and is none of them.
    products = mixed[300:].astype(np.int64) @ real.astype(np.int64).T
    assert products.max(axis=1).min() > (real.astype(np.int64) @ real.astype(np.int64).T).mean()
    assert len(np.unique(mixed, axis=0)) == 900


def test_one_line_for_each_layout(bundle_folder: Path, root: Path) -> None:
    asked = [str(bundle_folder), str(root / "data" / "gold" / "written.csv"), "--sizes", "2000", "--lists", "64", "--hnsw-up-to", "2000"]
    said = CliRunner().invoke(main, asked, catch_exceptions=False)
    lines = [line.split(" | ") for line in said.output.splitlines()[2:]]
    recall = {line[1]: float(line[-1].strip(" |")) for line in lines}
    assert recall["exact, int8"] == 1.0
    assert recall["exact, float32"] > 0.99
    assert recall["64 lists, 2 read"] < recall["64 lists, 16 read"] <= 1.0
    assert sum(name.startswith("HNSW") for name in recall) == 3


@pytest.mark.parametrize(("rows", "lists"), [(10, 0), (100, 0), (101, 8), (200, 8), (201, 16)])
def test_the_rules_choose_by_size(rows: int, lists: int) -> None:
    rules = Rules(exact_up_to=100, few=8, few_share=4, few_up_to=200, many=16, many_share=8)
    grid = grid_for(some_vectors(rows, 5), rules)
    assert (0 if grid is None or grid.centres is None else len(grid.centres)) == lists
    if grid is not None:
        assert grid.probes == 2
        assert grid_for(some_vectors(rows, 6), rules, grid) is grid
        assert grid_for(some_vectors(rows, 6), rules, Grid(some_vectors(5, 1), 2)) is not grid
