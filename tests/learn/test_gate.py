"""The rules of the gate, each on its own, and the words in which it speaks."""

import msgspec
import pytest

from isco_rag.learn.gate import Compared, Difference, decide
from isco_rag.settings import GateRules

BETTER = Difference("all", 0.60, 0.64, 0.04, 0.02, 0.06, 1000)
GOOD = Compared(
    {"own.csv": "a" * 64}, 1000, 12, "the index", BETTER, 20, 60, 1e-5, (BETTER,), (Difference("group 2", 0.6, 0.62, 0.02, -0.01, 0.05, 300),),
    Difference("calibration error", 0.05, 0.06, 0.01, -0.01, 0.03, 1000), (10.0, 11.0),
)  # fmt: skip
NAMES = ("old", "new")


def but(**changes: object) -> Compared:
    return msgspec.structs.replace(GOOD, **changes)


def test_a_challenger_that_is_better_and_nowhere_worse_passes() -> None:
    found = decide(GateRules(), NAMES, GOOD)
    assert found.passed
    assert (
        found.words[0]
        == "new may replace old: right unit group 60.0 to 64.0 %, +4.0 points (+2.0 to +6.0) on 1,000 records that neither had seen."
    )
    assert all(word.startswith("Met: ") for word in found.words[1:-1])
    assert "12 records were left out" in found.words[-1]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (but(records=299), "299 records to judge on"),
        (but(overall=msgspec.structs.replace(BETTER, low=-0.001)), "better overall beyond doubt"),
        (but(p=0.06), "better overall beyond doubt"),
        (but(only_after=10, only_before=60), "better overall beyond doubt"),
        (
            but(groups=(Difference("group 5", 0.7, 0.6, -0.1, -0.15, -0.05, 80),)),
            "no major group worse beyond doubt: group 5 70.0 to 60.0 %",
        ),
        (but(samples=(BETTER, Difference("ads", 0.5, 0.4, -0.1, -0.12, -0.08, 90))), "no gold file worse beyond doubt: ads 50.0 to 40.0 %"),
        (but(calibration=Difference("c", 0.05, 0.08, 0.03, 0.01, 0.05, 1000)), "calibration error 5.0 to 8.0 points"),
        (but(milliseconds=(10.0, 13.0)), "processor time for a record 10.0 to 13.0 ms"),
    ],
)
def test_each_rule_refuses_by_itself_and_says_so_first(found: Compared, said: str) -> None:
    decision = decide(GateRules(), NAMES, found)
    assert not decision.passed
    assert decision.words[0].startswith(f"new does not replace old. Not met: {said}")
    assert sum(word.startswith("Not met: ") for word in decision.words) == 1


def test_rules_are_settings() -> None:
    slow = but(milliseconds=(10.0, 13.0), records=50)
    assert decide(GateRules(records=50, latency=1.3), NAMES, slow).passed
    assert not decide(GateRules(records=50, latency=1.2), NAMES, slow).passed
