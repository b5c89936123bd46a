"""Near corrections move answers to their codes, far ones and other entries move nothing."""

import numpy as np

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


def heard(*hits: tuple[float, int]) -> taught.Heard | None:
    """What is said where these entries are hit this near."""
    cosines, entries = (np.array(part) for part in zip(*hits, strict=True))
    corrected = np.array([n >= 0 and ENTRIES[n].source == "correction" for n in entries])
    return taught.heard(cosines.astype(np.float32), entries, corrected, ENTRIES, TAXONOMY)


def said(leaf: str, *hits: tuple[float, int]) -> float:
    found = heard(*hits)
    return float(found.said[NUMBER[leaf]]) if found else 0.0


def test_only_corrections_within_reach_say_anything() -> None:
    assert heard((0.99, 1), (taught.REACH - 0.01, 0), (0.0, -1)) is None
    assert 0 < said("taxi", (0.7, 0)) < said("taxi", (0.9, 0)) < said("taxi", (0.9, 0), (0.7, 0))
    assert said("truck", (0.9, 0), (0.9, 1)) == 0


def test_what_is_said_begins_at_nothing_where_reach_ends() -> None:
    found = heard((taught.REACH + 1e-4, 0))
    assert found is not None
    assert max(found.said.max(), found.share) < 0.01


def test_corrections_say_the_less_the_nearer_other_entries_are() -> None:
    """Also where they are as near, and nearer; and the rest is believed the more."""
    found = [heard((0.8, 0), *others) for others in ((), ((0.5, 1),), ((0.8, 1),), ((0.95, 1),), ((0.95, 1), (0.95, 1)))]
    shares = [one.share for one in found if one]
    loud = [one.said.max() for one in found if one]
    assert shares == sorted(shares, reverse=True)
    assert loud == sorted(loud, reverse=True)
    assert 0 < shares[-1] < shares[0] < 1
    assert len(set(loud)) == len(found)


def test_a_shorter_code_speaks_for_all_under_it_alike() -> None:
    assert said("truck", (0.95, 2)) == said("taxi", (0.95, 2)) > 0
    assert said("maths", (0.95, 2)) == said("sport", (0.95, 2)) == 0


def test_probabilities_stay_probabilities_and_rise_with_closeness() -> None:
    p, leaf = np.array([0.4, 0.3, 0.2, 0.1]), NUMBER["taxi"]
    moved = [taught.moved(p, found, (0.8, 1.0)) for near in (0.5, 0.7, 0.9) if (found := heard((near, 0)))]
    assert [m[leaf] for m in moved] == sorted(m[leaf] for m in moved)
    assert moved[0][leaf] > p[leaf]
    assert all(np.isclose(m.sum(), 1.0) for m in moved)


def test_who_says_nothing_moves_nothing_however_little_the_rest_is_believed() -> None:
    p = np.array([0.4, 0.3, 0.2, 0.1])
    assert np.allclose(taught.moved(p, taught.Heard(np.zeros(4), 0.0), (0.3, 1.0)), p, atol=1e-5)


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
