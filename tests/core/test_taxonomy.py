"""Laws of the tree, on a classification that is not ISCO."""

import json
from pathlib import Path

import numpy as np
import pytest

from isco_rag.errors import TaxonomyError, UnknownCodeError
from isco_rag.taxonomy import Group, Heading, Taxonomy, load_taxonomy
from tests.fakes import tiny_taxonomy


def test_parents_sum_their_children() -> None:
    taxonomy = tiny_taxonomy()
    p = np.random.default_rng(0).dirichlet(np.ones(len(taxonomy.leaves)), 20)
    for level in (1, 2, 3):
        codes, sums = taxonomy.roll_up(p, level)
        np.testing.assert_allclose(sums.sum(axis=1), 1.0)
        for i, code in enumerate(codes):
            under = [n for n, leaf in enumerate(taxonomy.leaves) if taxonomy.ancestor(leaf, level) == code]
            np.testing.assert_allclose(sums[:, i], p[:, under].sum(axis=1))


def test_paths_run_from_the_top() -> None:
    taxonomy = tiny_taxonomy()
    assert [g.code for g in taxonomy.path("taxi")] == ["A", "A-road", "taxi"]
    assert [g.code for g in taxonomy.children("B-school")] == ["maths", "sport"]
    assert taxonomy.ancestor("A", 1) == "A"


def test_an_unknown_code_says_what_to_do() -> None:
    with pytest.raises(UnknownCodeError, match="no code '9'; look it up"):
        tiny_taxonomy().group("9")


@pytest.mark.parametrize(
    "rows",
    [
        [("a", 1, ""), ("a", 1, "")],
        [("a", 1, ""), ("b", 2, "x")],
        [("a", 1, ""), ("b", 3, "a")],
        [("a", 2, "")],
    ],
)
def test_rows_that_are_no_tree_are_refused(rows: list[tuple[str, int, str]]) -> None:
    with pytest.raises(TaxonomyError):
        Taxonomy(Heading("T", "1", ("x", "y")), tuple(Group(c, n, p, c, "", (), ()) for c, n, p in rows))


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "classification.toml").write_text('name = "T"\nversion = "1"\nlevels = ["x"]\n')
    row = {"code": "a", "level": 1, "parent": "", "title": "a", "definition": "", "tasks": [], "contrasts": []}
    (tmp_path / "groups.jsonl").write_text(json.dumps(row) + "\n{oops\n")
    with pytest.raises(TaxonomyError, match="line 2"):
        load_taxonomy(tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(TaxonomyError, match=r"classification\.toml"):
        load_taxonomy(tmp_path / "nowhere")
