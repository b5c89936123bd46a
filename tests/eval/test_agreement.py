"""Agreement of coders against scikit-learn, statsmodels and krippendorff."""

import krippendorff as reference
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from isco_eval.agreement import cohen, fleiss, krippendorff
from isco_eval.bootstrap import Key, Measures
from isco_eval.store import open_store
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import aggregate_raters, fleiss_kappa

from tests.eval.tiny import tiny_gold, tiny_run

TABLES = st.lists(st.lists(st.integers(0, 3), min_size=3, max_size=3), min_size=4, max_size=40).map(np.array)


def value(m: Measures, n: int) -> float:
    return float(m.of(np.ones((1, n)))[0, 0])


@given(TABLES)
def test_whole_tables(table: np.ndarray) -> None:
    if len(np.unique(table)) < 2:
        return
    assert value(fleiss(Key("f"), table), len(table)) == pytest.approx(fleiss_kappa(aggregate_raters(table)[0]))
    assert value(krippendorff(Key("k"), table), len(table)) == pytest.approx(reference.alpha(table.T, level_of_measurement="nominal"))
    if len(np.unique(table[:, :2])) > 1:
        assert value(cohen(Key("c"), table[:, 0], table[:, 1]), len(table)) == pytest.approx(cohen_kappa_score(table[:, 0], table[:, 1]))


@given(TABLES, st.integers(0, 99))
def test_tables_with_gaps(table: np.ndarray, seed: int) -> None:
    gaps = np.where(np.random.default_rng(seed).random(table.shape) < 0.3, -1, table)
    paired = gaps[(gaps >= 0).sum(axis=1) >= 2]
    if len(np.unique(paired[paired >= 0])) < 2:
        return
    wanted = reference.alpha(np.where(gaps < 0, np.nan, gaps).T, level_of_measurement="nominal", value_domain=[0, 1, 2, 3])
    assert value(krippendorff(Key("k"), gaps), len(gaps)) == pytest.approx(wanted)


def test_coders_of_a_file_are_compared_with_each_other_and_the_model() -> None:
    with open_store(None) as store:
        run = tiny_run(store, tiny_gold(5, coders=True))
        columns, rows = store.ask("agreement", run)
        found = {(row[0], row[1], row[2]): row[3] for row in rows}
    assert columns[:3] == ["level", "measure", "coders"]
    assert {c for level, measure, c in found if measure == "Cohen's kappa" and level == "3"} == {
        "ann and ben",
        "ann and the model",
        "ben and the model",
    }
    assert ("1", "Krippendorff's alpha", "coders and the model") in found
    assert found["3", "Cohen's kappa", "ann and the model"] > found["3", "Cohen's kappa", "ben and the model"]
