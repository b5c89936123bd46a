"""Refitting a calibration: it finds what was spoiled, is measured on other rows, and its file belongs to one bundle."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from isco_rag.bundle import write_manifest
from isco_rag.calibrate import LEAST, Temperature, expected_calibration_error, refit
from isco_rag.calibration import calibration_of, load_calibration, save_calibration
from isco_rag.classify import Classifier
from isco_rag.crossfit import Sample, changes, cross_fitted, observe
from isco_rag.errors import BundleError, InputError, TrainingError
from isco_rag.fallback import best_at, emit, for_review
from isco_rag.fuse import softmax
from isco_rag.settings import Settings, Thresholds
from isco_rag.types import Job, Manifest
from tests.fakes import tiny_classifier, tiny_taxonomy

BASE = Temperature((1.0, 2.0, 1.0, 1.0))


def spoiled(n: int, power: float, seed: int = 0) -> Sample:
    """Rows of the tiny taxonomy's four leaves whose probabilities are too sure by `power`, all of regime 0, each with a text of its own."""
    rng = np.random.default_rng(seed)
    honest = softmax(rng.normal(size=(n, 4)) * 2)
    truth = np.array([rng.choice(4, p=row) for row in honest])
    return Sample(softmax(power * np.log(honest)), truth, np.zeros(n, int), np.arange(n))


def test_refitting_finds_what_was_spoiled_and_keeps_what_it_has_no_rows_for() -> None:
    sample = spoiled(6000, 3.0)
    found = refit(BASE, sample.raw, sample.truth, sample.regimes).temperatures
    assert found[0] == pytest.approx(3.0, rel=0.08)
    assert found[1:] == (2.0, 1.0, 1.0)


def test_refitting_keeps_the_slope() -> None:
    sample = spoiled(300, 3.0)
    assert refit(Temperature((1.0,) * 4, -0.1), sample.raw, sample.truth, sample.regimes).slope == -0.1


def test_a_regime_with_few_rows_moves_as_all_do_and_one_with_fewer_stays() -> None:
    sample = spoiled(6000, 3.0)
    regimes = sample.regimes.copy()
    regimes[:LEAST] = 1
    regimes[LEAST : 2 * LEAST - 1] = 2
    found = refit(Temperature((1.0,) * 4), sample.raw, sample.truth, regimes).temperatures
    assert found[1] == pytest.approx(found[0], rel=0.08)
    assert found[2] == found[3] == 1.0


def test_each_row_is_calibrated_by_rows_of_other_texts() -> None:
    """The truth of a text's own rows is nowhere in their calibration; that of other texts is."""
    sample = spoiled(600, 3.0)
    texts = sample.texts // 2
    before = cross_fitted(BASE, msgspec.structs.replace(sample, texts=texts))
    other = sample.truth.copy()
    other[:2] = (other[:2] + 1) % 4
    after = cross_fitted(BASE, msgspec.structs.replace(sample, texts=texts, truth=other))
    assert np.array_equal(before[:2], after[:2])
    # With the truth of half the rows turned round, every row's calibration changes.
    other[: len(other) // 2] = sample.raw[: len(other) // 2].argmin(axis=1)
    assert not np.allclose(before, cross_fitted(BASE, msgspec.structs.replace(sample, texts=texts, truth=other)))


def test_what_was_spoiled_is_shown_to_be_mended_and_what_was_not_is_left() -> None:
    settings = Settings(fallback_level=2)
    found = changes(BASE, spoiled(3000, 3.0), tiny_taxonomy(), settings)
    assert [c.name for c in found] == ["likeliest bottom", "likeliest middle", "emitted code"]
    for change in found:
        assert change.ece.change.high < 0
        assert change.brier.change.high < 0
        assert change.ece.after.value < 0.05
        assert change.ece.before.low <= change.ece.before.value <= change.ece.before.high
        assert change.ece.before.value == pytest.approx(expected_calibration_error(*change.before))
        assert change.brier.before.value == pytest.approx(np.mean((change.before[0] - change.before[1]) ** 2))
    honest = changes(BASE, spoiled(3000, 1.0), tiny_taxonomy(), settings)[-1]
    assert honest.brier.change.low < 0.002
    assert honest.brier.change.high > -0.002
    assert honest.ece.before.value < 2 * honest.floor


def test_rows_of_one_text_widen_the_interval() -> None:
    """A hundred copies of each text are no hundred times as many observations."""
    once = spoiled(120, 2.0)
    often = Sample(*(np.repeat(a, 30, axis=0) for a in (once.raw, once.truth, once.regimes, once.texts)))
    apart = Sample(often.raw, often.truth, often.regimes, np.arange(len(often.truth)))
    narrow, wide = (changes(BASE, s, tiny_taxonomy(), Settings(fallback_level=2))[0].brier.before for s in (apart, often))
    assert wide.high - wide.low > 3 * (narrow.high - narrow.low)


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(TrainingError, match="99 coded rows are too few"):
        cross_fitted(BASE, spoiled(99, 2.0))


def test_what_is_emitted_is_what_the_classifier_emits() -> None:
    jobs = [
        Job("lorry driver"),
        Job("driver of people"),
        Job("teaches sport and maths"),
        Job("retired"),
        Job("cab"),
        Job("", "drives a lorry"),
    ]
    for settings in (Settings(fallback_level=2), Settings(fallback_level=1, thresholds=Thresholds(medium=0.55)), Settings()):
        classifier = tiny_classifier(settings)
        answers = [p for p in classifier.classify(jobs) if p.code]
        scored = classifier.score(jobs)
        probabilities = scored.probabilities[[not t.reason for t in scored.texts]]
        found = emit(probabilities, classifier.taxonomy, settings)
        assert list(found.codes) == [p.code for p in answers]
        assert found.levels.tolist() == [p.level for p in answers]
        assert found.confidence.tolist() == [p.confidence for p in answers]
        assert list(best_at(probabilities, classifier.taxonomy, 3).codes) == [p.top[0].code for p in answers]


def test_review_is_wanted_below_the_threshold_and_always_for_very_low() -> None:
    assert for_review("very_high", 0.93, Thresholds(automatic=0.95))
    assert not for_review("very_high", 0.95, Thresholds(automatic=0.95))
    assert for_review("very_low", 0.99, Thresholds())
    assert for_review("not_codable", 0.0, Thresholds())
    with pytest.raises(ValueError, match="automatic"):
        Thresholds(automatic=1.5)


def test_the_classifier_keeps_the_automatic_threshold() -> None:
    settings = Settings(fallback_level=2, thresholds=Thresholds(automatic=1.0))
    found = tiny_classifier(settings).classify([Job("driver teacher"), Job("lorry driver"), Job("taxi or maths"), Job("sport teacher")])
    assert [p.review for p in found] == [for_review(p.grade, p.confidence, settings.thresholds) for p in found]
    assert any(p.review and p.grade != "very_low" for p in found)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "a.json").write_text("{}")
    write_manifest(folder, Manifest(0, "tiny", "now", "Tiny", {}))
    return folder


def tiny_sample(classifier: Classifier) -> Sample:
    jobs = [Job(f"{word} {i}") for i in range(40) for word in ("lorry driver", "taxi driver", "sport teacher")]
    return observe(classifier, [*jobs, Job("retired")], ["truck", "taxi", "sport"] * 40 + ["truck"], list(range(121)))


def test_a_calibration_is_kept_and_belongs_to_its_bundle(bundle: Path, tmp_path: Path) -> None:
    classifier, gold, path = tiny_classifier(), tmp_path / "gold.csv", tmp_path / "own.json"
    gold.write_text("title,code\n")
    sample = tiny_sample(classifier)
    assert len(sample.truth) == 120
    moved = changes(BASE, sample, classifier.taxonomy, classifier.settings)
    made = calibration_of(classifier, bundle, sample, [gold], moved)
    save_calibration(made, path)
    assert load_calibration(path, bundle) == made
    assert made.was_fitted_on([gold])
    assert made.rows == (120, 0, 0, 0, 0)
    assert made.conformal is not None
    assert len(made.figures) == 18
    (bundle / "a.json").write_text("{ }")
    write_manifest(bundle, Manifest(0, "tiny", "later", "Tiny", {}))
    with pytest.raises(BundleError, match=r"own\.json: was fitted for the bundle tiny"):
        load_calibration(path, bundle)


def test_a_file_that_is_no_calibration_is_named(bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    with pytest.raises(InputError, match="can't be read"):
        load_calibration(path, bundle)
    path.write_text('{"format": 1}')
    with pytest.raises(InputError, match="no calibration file"):
        load_calibration(path, bundle)
