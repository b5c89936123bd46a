"""Near corrections move answers to their codes, far ones and other entries move nothing."""

import numpy as np
import pytest

from isco_rag import taught
from isco_rag.types import Entry, Job
from isco_rag.wiring import with_entries
from tests.fakes import tiny_classifier, tiny_taxonomy

TAXONOMY = tiny_taxonomy()
ENTRIES = [
    Entry("correction:1", "taxi", "a", source="correction"),
    Entry("e1", "truck", "b"),
    Entry("correction:2", "A-road", "c", source="correction"),
]
NUMBER = TAXONOMY.leaf_number


def reached(*hits: tuple[float, int]) -> dict[str, float]:
    cosines, entries = zip(*hits, strict=True)
    return taught.reached(np.array(cosines, np.float32), list(entries), ENTRIES)


def test_only_corrections_within_reach_say_anything() -> None:
    assert reached((0.99, 1), (taught.REACH - 0.01, 0), (0.0, -1)) == {}
    near, nearer = reached((0.8, 0)), reached((0.9, 0))
    assert 0 < near["taxi"] < nearer["taxi"] < 1
    assert reached((0.8, 0), (0.9, 0))["taxi"] == pytest.approx(near["taxi"] + nearer["taxi"])


def test_what_is_said_begins_at_nothing_where_reach_ends() -> None:
    edge = taught.evidence(reached((taught.REACH + 1e-4, 0)), TAXONOMY)
    assert edge.max() < 0.01


def test_a_shorter_code_speaks_for_all_under_it_alike() -> None:
    said = taught.evidence(reached((0.95, 2)), TAXONOMY)
    assert said[NUMBER["truck"]] == said[NUMBER["taxi"]] > 0
    assert said[NUMBER["maths"]] == said[NUMBER["sport"]] == 0


def test_probabilities_stay_probabilities_and_rise_with_closeness() -> None:
    p = np.array([0.4, 0.3, 0.2, 0.1])
    shares = [taught.moved(p, taught.evidence({"sport": close}, TAXONOMY), (0.8, 1.0))[NUMBER["sport"]] for close in (0.01, 0.1, 0.5)]
    assert shares == sorted(shares)
    assert shares[0] > 0.1
    assert np.isclose(taught.moved(p, np.zeros(4), (1.0, 1.0)).sum(), 1.0)
    assert np.allclose(taught.moved(p, np.zeros(4), (1.0, 1.0)), p, atol=1e-5)


def test_a_correction_helps_the_next_record_like_it_and_leaves_others_alone() -> None:
    plain = tiny_classifier()
    knowing = with_entries(plain, [Entry("correction:1", "sport", "yoga coach for seniors", source="correction")])
    like, other = Job("yoga coach for juniors"), Job("lorry driver")
    leaf = NUMBER["sport"]
    before, after = (c.score([like, other]).probabilities for c in (plain, knowing))
    assert after[0, leaf] > before[0, leaf]
    assert knowing.classify([like])[0].top[0].code == "sport"
    assert knowing.classify([other])[0].top[0].code == plain.classify([other])[0].top[0].code == "truck"
    together, alone = knowing.score([other, like]).probabilities[1], knowing.score([like]).probabilities[0]
    assert np.array_equal(together, alone)
