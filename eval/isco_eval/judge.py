"""The figures by which a bundle is known, for its manifest and for tests: gold files measured in memory, nothing kept."""

from collections.abc import Sequence
from pathlib import Path

from isco_eval.figures import headline
from isco_eval.gold import Gold, read_suite, suites_of
from isco_eval.leakage import Texts
from isco_eval.run import Bench, run_gold
from isco_eval.store import open_store
from isco_eval.suite import Suite
from isco_rag.classify import Classifier
from isco_rag.types import Metric


def figures_of(classifier: Classifier, paths: Sequence[Path], limit: int = 0) -> dict[str, list[Metric]]:
    """The main figures of a classifier on gold files, by file; on `limit` rows of longer files."""
    pairs = [(suite, read_suite(suite, classifier.taxonomy)) for suite in suites_of(paths, limit)]
    return figures_on(classifier, pairs)


def figures_on(classifier: Classifier, pairs: Sequence[tuple[Suite, Gold]]) -> dict[str, list[Metric]]:
    """The main figures of a classifier on gold that is at hand, by suite."""
    # Figures need to know which titles the index holds, but not what is near them.
    with open_store(None) as store:
        bench = Bench(store, classifier, Path(), Texts(classifier.parts.index.entries))
        return {suite.name: headline(store, run_gold(bench, suite, gold)) for suite, gold in pairs}
