"""The encoder of a recipe with one thing changed at a time."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from isco_eval import ablation
from isco_eval.gold import Gold
from isco_eval.suite import Suite

from isco_rag.errors import TrainingError
from isco_rag.taxonomy import load_taxonomy
from isco_rag.train.biencoder import HEAD_START, confused
from isco_rag.types import Job


def test_the_hard_negative_is_the_nearest_wrong_group_that_is_not_far_enough_behind() -> None:
    prototypes = np.eye(3, dtype=np.float32)
    own, near, just = np.array([0.9, 0.1, 0.2]), np.array([0.4, 0.6, 0.55]), np.array([0.6, 0.6 - HEAD_START / 2, 0.0])
    candidates = np.array([[True, False, False]] * 3)
    assert confused(np.stack([own, near, just]), prototypes, candidates).tolist() == [-1, 1, 1]
    # Of the groups that a partial label allows none is wrong.
    assert confused(near[None], prototypes, np.array([[True, True, False]])).tolist() == [2]


def test_every_variant_is_trained_once_and_compared_with_the_recipe_as_it_is(
    workshop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    taxonomy = load_taxonomy(workshop / "taxonomy")
    gold = Gold("tiny", tuple(Job(t) for t in ("night nurse", "pizza cook", "history teacher")), ("2111", "2112", "111"))

    class Opened:
        def __init__(self) -> None:
            self.taxonomy = taxonomy

        def prepare(self, job: Job) -> object:
            return type("Texts", (), {"told": job.title})

    monkeypatch.setattr(ablation, "open_classifier", Opened)
    monkeypatch.setattr(ablation, "SUITES", ("tiny",))
    monkeypatch.setattr(ablation, "find_suite", lambda name: Suite(name, "tiny.csv"))
    monkeypatch.setattr(ablation, "read_suite", lambda suite, taxonomy: gold)
    arguments = [str(workshop / "recipe.toml"), "--work", str(workshop / "ablation"), "--variant", "with hard negatives", "--epochs", "1"]
    first = CliRunner().invoke(ablation.main, arguments)
    assert first.exit_code == 0, first.output
    table = [line for line in first.stdout.splitlines() if line.startswith("|")]
    assert [line.split("|")[1].strip() for line in table] == ["", "---", ablation.AS_IS, "with hard negatives"]
    assert "tiny, 3" in table[0]
    right = np.load(workshop / "ablation" / "with_hard_negatives" / "right_3.npy")
    assert right.dtype == np.bool_
    assert len(right) == 3
    # A second run trains nothing: it reads what stands in the work folder.
    np.save(workshop / "ablation" / "with_hard_negatives" / "right_3.npy", np.array([True, True, True]))
    np.save(workshop / "ablation" / "as_the_recipe_has_it" / "right_3.npy", np.array([False, False, False]))
    again = CliRunner().invoke(ablation.main, arguments)
    assert "+100.0" in again.stdout.splitlines()[-1]
    # Another schedule in the same folder is another experiment.
    refused = CliRunner().invoke(ablation.main, [*arguments[:-1], "2"])
    assert isinstance(refused.exception, TrainingError)
