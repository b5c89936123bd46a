"""The benchmark: what it does with scores, and the page that it writes."""

import numpy as np
import pytest
from isco_eval.bench.report import Run, Whole, page
from isco_eval.bench.systems import SYSTEMS, asked, fuzzy, looked_up, ranked
from isco_eval.bench.task import Answer, Figures, Result, Rows, Task

from isco_rag.types import Entry, Job

ENTRIES = (
    Entry("1", "8322", "taxi driver"),
    Entry("2", "8332", "truck driver"),
    Entry("3", "5120", "cook"),
    Entry("4", "5120", "", "prepares meals"),
)
JOBS = (Job("Taxi drivers"), Job("cook", "prepares meals"), Job("", "truck driver"))
ROWS = Rows("g", JOBS, ("8322", "51", "5120"))


def test_codes_are_ranked_by_their_nearest_entry_each_once() -> None:
    found = ranked(np.array(["a", "b", "a", "c", "d"]), np.array([0.9, 0.8, 0.7, 0.2, 0.1]))
    assert found == Answer(("a", "b", "c"), 0.9)
    assert ranked(np.array(["a", "b"]), np.array([3.0, 1.0]), share=True) == Answer(("a", "b"), 0.75)
    assert ranked(np.array(["a"]), np.array([0.0]), share=True).confidence == 0.0


def test_baselines_look_up_the_title_or_the_duties_where_there_is_none() -> None:
    assert [asked(job) for job in JOBS] == ["taxi drivers", "cook", "truck driver"]
    titles, codes = looked_up(Task(ENTRIES, (Entry("p", "5131", "Waiter"),), (), 1))
    assert titles == ["taxi driver", "truck driver", "cook", "waiter"]
    assert codes == ["8322", "8332", "5120", "5131"]


@pytest.mark.parametrize("name", ["character TF-IDF", "BM25", "rapidfuzz"])
def test_a_baseline_finds_what_is_there_alone_and_in_a_batch(name: str) -> None:
    for module in {"character TF-IDF": "sklearn", "BM25": "bm25s", "rapidfuzz": "rapidfuzz"}[name].split():
        pytest.importorskip(module)
    system = SYSTEMS[name](Task(ENTRIES, (), (), 1))
    together = system([Job("taxi driver"), Job("cook"), Job("zzz")])
    assert [a.codes[0] for a in together[:2]] == ["8322", "5120"]
    assert system([Job("cook")])[0] == together[1]
    assert all(0 <= a.confidence <= 1 for a in together)


def test_the_page_has_every_system_and_row_and_counts_right() -> None:
    answers = {"g": (Answer(("8322", "8332"), 0.9), Answer(("5120",), 0.8), Answer(("8332", "5120"), 0.3))}
    runs = [
        Run(
            "Shipped index",
            3,
            {
                "ISCO-08 RAG": Result(1.0, {"g": 2.0}, {"g": 3.0}, answers, 90.0),
                "character TF-IDF": Result(1.0, {"g": 4.0}, {"g": 1.5}, answers, 45.0),
            },
        )
    ]
    text = page(runs, [ROWS], Figures(1, 2, 3, 4, 5, 6, 7), Whole(1.5, 300.0, 1000, 10), "a machine", 3)
    for line in (
        "| 90 | 2.00 | 1000.0 ms | 2.00 | 1.0 s | 90 MB |",
        "| 45 | 1.00 | 500.0 ms | 1.00 | 1.0 s | 45 MB |",
        "| ISCO-08 RAG | 66.7 (21-94) | 100.0 (44-100) | 1.00 |",
        "| peak memory of a file of 1,000 rows | 300 MB | 10 distinct titles |",
    ):
        assert line in text
    assert len(fuzzy(Task(ENTRIES, (), (), 1))(JOBS)) == 3
