"""What each part earns, on fast stand-ins."""

import numpy as np
import pytest
from isco_eval.parts import EVERY, SHIPPED, SILENT, WITHOUT, Remembered, measure_parts, table, variants

from isco_rag.classify import Classifier
from tests.eval.tiny import tiny_gold
from tests.fakes import tiny_classifier


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return tiny_classifier()


def test_every_variant_is_the_coder_with_that_part_silent(classifier: Classifier) -> None:
    """Its answers are those of a coder opened with these weights, not only numbers that fit."""
    jobs = tiny_gold().jobs
    for name, off in WITHOUT.items():
        coder = variants(classifier)[name]
        assert all(row[f] == 0.0 for row in coder.parts.fusion.weights for f in off)
        kept = [f for f in range(len(coder.parts.fusion.weights[0])) if f not in off]
        assert [[row[f] for f in kept] for row in coder.parts.fusion.weights] == [
            [row[f] for f in kept] for row in classifier.parts.fusion.weights
        ]
        again = Classifier(coder.parts, coder.settings)
        np.testing.assert_array_equal(coder.score(jobs).probabilities, again.score(jobs).probabilities)


def test_the_first_line_is_the_coder_itself_and_differences_are_against_it(classifier: Classifier) -> None:
    gold = tiny_gold(times=40)
    lines = {line.variant: line for line in measure_parts(classifier, gold, 200, 1)}
    whole = lines[SHIPPED]
    predictions = classifier.classify(gold.jobs)
    above, level = classifier.taxonomy.ancestor, {code: classifier.taxonomy.group(code).level for code in gold.codes}
    right = np.mean([bool(p.top) and above(p.top[0].code, level[code]) == code for p, code in zip(predictions, gold.codes, strict=True)])
    assert whole.top_1.value == pytest.approx(right)
    assert whole.top_1_gained.value == 0.0
    for line in lines.values():
        assert line.top_1_gained.value == pytest.approx(line.top_1.value - whole.top_1.value)
        assert line.top_3_gained.low <= line.top_3_gained.value <= line.top_3_gained.high
    assert len(table(list(lines.values()))[1]) == len(lines)


def test_pairs_are_counted_by_variant_and_read_once() -> None:
    class Counting:
        read = 0

        def score(self, pairs: list[tuple[str, str]]) -> np.ndarray:
            self.read += len(pairs)
            return np.array([len(a) - len(b) for a, b in pairs], dtype=np.float32)

    counting = Counting()
    remembered = Remembered(counting)
    first = remembered.score([("a", "bcd"), ("a", "bcd"), ("ab", "c")])
    again = remembered.score([("ab", "c")])
    assert (counting.read, remembered.asked) == (2, 4)
    assert first.tolist() == [-2.0, -2.0, 1.0]
    assert again.tolist() == [1.0]


def test_the_cross_encoder_is_left_out_or_reads_all(classifier: Classifier) -> None:
    lines = {line.variant: line for line in measure_parts(classifier, tiny_gold(), 100, 1)}
    if classifier.parts.reranker is None:
        assert SILENT not in lines
    else:
        assert lines[SILENT].pairs == 0
        assert lines[EVERY].pairs >= lines[SHIPPED].pairs
