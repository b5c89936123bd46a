"""The judge of the gate: pairs of answers, intervals that hold, leaks left out."""

import csv
from pathlib import Path

import msgspec
import numpy as np
from isco_eval.duel import Known, gold_like, judge_on
from isco_eval.leakage import Texts

from isco_rag.classify import Classifier
from isco_rag.learn.gate import decide
from isco_rag.settings import GateRules
from isco_rag.types import Entry
from isco_rag.wiring import with_entries
from tests.fakes import tiny_classifier, tiny_taxonomy

NOUNS = {"truck": "haulier", "taxi": "chauffeur", "maths": "geometer", "sport": "trainer"}
PLACES = ("north", "south", "east", "west", "harbour", "airport", "village", "island", "castle", "forest", "desert", "valley", "canyon", "meadow",
          "prairie", "lagoon", "glacier", "volcano", "jungle", "suburb")  # fmt: skip


def gold(path: Path) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = [(f"{code}-{place}", f"{place} {noun}", code) for code, noun in NOUNS.items() for place in PLACES]
        csv.writer(file).writerows([("id", "title", "code"), *rows])
    return path


def taught(classifier: Classifier) -> Classifier:
    """The same, knowing each noun, which no gold row is."""
    return with_entries(classifier, [Entry(f"correction:{code}", code, noun, source="correction") for code, noun in NOUNS.items()])


NOTHING = Known((), "nothing")


def test_one_that_knows_more_is_better_and_the_other_way_round_worse(tmp_path: Path) -> None:
    plain = tiny_classifier()
    judge = judge_on([gold(tmp_path / "own.csv")], NOTHING)
    found = judge(plain, taught(plain))
    assert found.records == 80
    assert found.overall.low > 0
    assert found.only_after - found.only_before == round(80 * found.overall.difference)
    assert {d.name for d in found.groups} == {"group A", "group B"}
    assert np.isclose(sum(d.after * d.n for d in found.groups), 80 * found.overall.after)
    back = judge(taught(plain), plain)
    assert (back.overall.low, back.overall.high) == (-found.overall.high, -found.overall.low)
    assert not decide(GateRules(records=50), ("a", "b"), back).passed


def test_the_same_is_not_better(tmp_path: Path) -> None:
    plain = tiny_classifier()
    found = judge_on([gold(tmp_path / "own.csv")], NOTHING)(plain, plain)
    assert (found.overall.difference, found.overall.low, found.overall.high, found.p) == (0, 0, 0, 1)
    assert not decide(GateRules(records=50), ("a", "b"), found).passed


def test_records_that_either_knows_are_left_out(tmp_path: Path) -> None:
    plain = tiny_classifier()
    known = Known((Texts([Entry("c", "taxi", "chauffeur, north"), Entry("d", "taxi", "harbour haulier")]),), "a correction")
    found = judge_on([gold(tmp_path / "own.csv")], known)(plain, plain)
    assert (found.records, found.left_out) == (78, 2)


def test_entries_that_are_gold_are_found_by_id(tmp_path: Path) -> None:
    entries = [Entry("same", "taxi", "North Chauffeur"), Entry("other", "taxi", "pedicab rider")]
    assert gold_like([gold(tmp_path / "own.csv")], tiny_taxonomy())(entries) == {"same"}


def test_processor_time_is_told_for_both(tmp_path: Path) -> None:
    plain = tiny_classifier()
    found = judge_on([gold(tmp_path / "own.csv")], NOTHING)(plain, plain)
    assert min(found.milliseconds) > 0
    assert msgspec.json.decode(msgspec.json.encode(found))["gold"]["own.csv"] == found.gold["own.csv"]


def test_a_poisoned_batch_that_flips_a_group_is_refused(tmp_path: Path) -> None:
    """Corrections that call every haulier a chauffeur, made by somebody with a grudge: the judge sees the group fall."""
    plain = tiny_classifier()
    knowing = taught(plain)
    poison = [Entry(f"correction:p{i}", "taxi", f"{place} haulier office", source="correction") for i, place in enumerate(PLACES)]
    found = judge_on([gold(tmp_path / "own.csv")], NOTHING)(knowing, with_entries(knowing, poison))
    decision = decide(GateRules(records=50), ("before", "poisoned"), found)
    assert not decision.passed
    assert found.overall.high < 0
    assert any(word.startswith("Not met: no major group worse") for word in decision.words) == any(d.high < 0 for d in found.groups)
    assert any(word.startswith("Not met: better overall") for word in decision.words)
