"""A small run on fast stand-ins, as tests of the evaluation need it."""

from pathlib import Path

from isco_eval.gold import Gold
from isco_eval.leakage import Texts
from isco_eval.run import Bench, run_gold
from isco_eval.store import Store
from isco_eval.suite import Suite

from isco_rag.classify import Classifier
from isco_rag.types import Job
from tests.fakes import tiny_classifier

TITLES = (
    ("lorry driver", "truck"), ("driver of taxis and trucks", "taxi"), ("sport teacher", "B-school"), ("retired", "maths"),
    ("truck driver abroad", "truck"), ("cab driver at night", "taxi"), ("teacher of mathematics", "maths"), ("football teacher", "sport"),
)  # fmt: skip


def tiny_gold(times: int = 1, coders: bool = False) -> Gold:
    """Eight records, several times over under ids of their own."""
    jobs = tuple(Job(title, id=f"{k}-{i}") for k in range(times) for i, (title, _) in enumerate(TITLES))
    codes = tuple(code for _ in range(times) for _, code in TITLES)
    slices = {"source": tuple("odd" if i % 2 else "even" for i in range(len(jobs)))}
    return Gold("tiny", jobs, codes, slices, {"ann": codes, "ben": (*codes[1:], codes[0])} if coders else {})


def tiny_run(store: Store, gold: Gold | None = None, classifier: Classifier | None = None, suite: Suite | None = None) -> int:
    """The number of a run of the tiny classifier."""
    classifier = classifier or tiny_classifier()
    bench = Bench(store, classifier, Path(), Texts(classifier.parts.index.entries))
    return run_gold(bench, suite or Suite("tiny", "tiny.csv", resamples=200), gold or tiny_gold(), "hash")
