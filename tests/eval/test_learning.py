"""The learning benchmark: the stream and the rest have no title in common, what was done is not done again, the page tells what was found."""

from pathlib import Path

import numpy as np
from isco_eval.gold import Gold
from isco_eval.leakage import title_key
from isco_eval.learning.report import ALLOWED, Found, Other, Point, page, spec, standing
from isco_eval.learning.stream import corrected, kept, knowing, right, split

from isco_rag.learn.gate import Difference
from isco_rag.types import Job
from tests.fakes import tiny_classifier

TITLES = [f"{place} {noun}" for place in ("north", "south", "east", "west", "upper") for noun in ("driver", "teacher", "pilot", "coach")]
GOLD = Gold("g", tuple(Job(t, id=str(i)) for i, t in enumerate([*TITLES, *TITLES[:8]])), ("truck",) * 28)


def silent(rows: int) -> None:
    return None


def test_the_rest_has_no_title_of_the_stream_and_nothing_is_lost() -> None:
    found = split(GOLD, 10)
    stream, rest = ({title_key(job.title) for job in gold.jobs} for gold in (found.stream, found.rest))
    assert not stream & rest
    assert len(found.stream.jobs) + len(found.rest.jobs) + found.same == len(GOLD.jobs)
    assert found == split(GOLD, 10)
    fewer = split(GOLD, 10, limit=5)
    assert len(fewer.rest.jobs) == 5
    assert {job.id for job in fewer.rest.jobs} <= {job.id for job in found.rest.jobs}


def test_the_expert_writes_the_gold_code_beside_the_answer() -> None:
    classifier = tiny_classifier()
    gold = Gold("g", (Job("alpine guide"), Job("harbour pilot"), Job("valley coach")), ("sport", "truck", "sport"))
    answered = classifier.classify(gold.jobs[1:])
    found = corrected(gold, 1, answered)
    assert [(c.id, c.job.title, c.code) for c in found] == [(2, "harbour pilot", "truck"), (3, "valley coach", "sport")]
    assert [c.answered for c in found] == answered
    assert right(knowing(classifier, found), Gold("g", gold.jobs[1:], gold.codes[1:]), silent).all()


def test_what_was_measured_is_not_measured_again(tmp_path: Path) -> None:
    calls = []

    def work() -> np.ndarray:  # type: ignore[type-arg]
        calls.append(1)
        return np.array([True, False])

    assert kept(tmp_path / "a" / "x.npy", work).tolist() == kept(tmp_path / "a" / "x.npy", work).tolist() == [True, False]
    assert len(calls) == 1


def shares(n: int) -> np.ndarray:  # type: ignore[type-arg]
    return np.arange(200) < n


def test_the_page_tells_gains_and_what_was_forgotten() -> None:
    point = Point(1000, shares(110), shares(110), shares(116), shares(90))
    others = (Other("kept", shares(100), shares(100), shares(100)), Other("lost", shares(100), shares(60), shares(50)))
    found = Found(shares(100), (point,), others, 7, "2 processors", (12.3,))
    text = page(found, "x.svg")
    assert "50.0 % (" in text
    assert "+5.0 points" in text
    assert "+3.0 points" in text
    assert "beyond doubt" in next(line for line in text.splitlines() if line.startswith("| lost"))
    assert "not distinguishable" in next(line for line in text.splitlines() if line.startswith("| kept"))
    assert "Retraining took 12 minutes" in text
    assert len(spec(found)["data"]["values"]) == 4


def test_forgetting_is_a_loss_beyond_what_is_allowed_by_interval_and_test() -> None:
    def change(low: float, high: float, p: float = 0.01) -> tuple[Difference, float]:
        return Difference("x", 0.5, 0.5, (low + high) / 2, low, high, 100), p

    assert "more than is allowed" in standing([change(-0.03, -ALLOWED - 0.001)])
    assert "not beyond doubt" in standing([change(-0.006, -0.001)])
    assert standing([change(-0.01, 0.01)]) == "not distinguishable"
    assert standing([change(0.01, 0.02)]) == "better beyond doubt"
    for low, high in ((-0.09, -0.02), (0.01, 0.02)):
        assert standing([change(low, high, 0.12)]) == "not distinguishable"
