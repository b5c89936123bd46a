"""How a calibration moved the curve, never measured on the rows it was fitted to.

Rows are dealt into folds by their text, so that rows of one text stay together; each fold is calibrated by what the other folds
teach (Stone 1974). Intervals come from a bootstrap over texts with the bins of the whole sample, recentred on what was measured:
resampling adds noise of its own to a calibration error, which would push the interval above the figure it belongs to.
"""

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from isco_rag.calibrate import Temperature, refit
from isco_rag.classify import CHUNK, Classifier
from isco_rag.errors import TrainingError
from isco_rag.fallback import Emitted, best_at, emit
from isco_rag.fuse import REGIMES, Doubles
from isco_rag.ports import Ints
from isco_rag.settings import Settings
from isco_rag.taxonomy import Taxonomy
from isco_rag.types import Job, Metric

Outcomes = tuple[Doubles, NDArray[np.bool_]]

FOLDS, RESAMPLES, BINS = 5, 1000, 15
LEAST = 100
LOW, HIGH = 0.025, 0.975


class Sample(Struct, frozen=True):
    """Coded rows: uncalibrated probabilities [n, leaves], truth [n] as leaf numbers, regimes [n], and a number for each distinct text [n]."""

    raw: Doubles
    truth: Ints
    regimes: Ints
    texts: Ints


class Moved(Struct, frozen=True):
    """A figure before and after, and the difference; all with intervals, that of the difference from the same resamples."""

    before: Metric
    after: Metric
    change: Metric


class Change(Struct, frozen=True):
    """Calibration before and after at one kind of code, as pairs of confidence and outcome [n], with what came of them.

    `floor` is the calibration error that perfect probabilities would show on as many rows: less than that can't be told from zero.
    """

    name: str
    before: Outcomes
    after: Outcomes
    ece: Moved
    brier: Moved
    floor: float


def observe(
    classifier: Classifier,
    jobs: Sequence[Job],
    codes: Sequence[str],
    texts: Sequence[int],
    progress: Callable[[int], None] = lambda rows: None,
) -> Sample:
    """The rows that can be coded, with what the classifier makes of them before calibration; `progress` is told how many were done."""
    parts = msgspec.structs.replace(classifier.parts, calibrator=Temperature((1.0,) * len(REGIMES)))
    uncalibrated = Classifier(parts, classifier.settings)
    raw, regimes, able = [], [], []
    for start in range(0, len(jobs), CHUNK):
        scored = uncalibrated.score(jobs[start : start + CHUNK])
        ready = [i for i, t in enumerate(scored.texts) if not t.reason]
        raw.append(scored.probabilities[ready])
        regimes += [scored.texts[i].regime for i in ready]
        able += [start + i for i in ready]
        progress(len(scored.texts))
    if not able:
        raise TrainingError("none of the coded rows can be calibrated on; look at what is left out and bring others")
    truth = np.array([classifier.taxonomy.leaf_number[codes[i]] for i in able])
    return Sample(np.concatenate(raw), truth, np.array(regimes), np.unique([texts[i] for i in able], return_inverse=True)[1])


def cross_fitted(base: Temperature, sample: Sample, folds: int = FOLDS) -> Doubles:
    """Calibrated probabilities of each row by a calibrator that was refitted without its fold; the same folds in every run.

    TrainingError with fewer than LEAST rows: they could neither move a temperature nor show that it had helped.
    """
    if len(sample.truth) < LEAST:
        raise TrainingError(f"{len(sample.truth)} coded rows are too few to calibrate on; bring at least {LEAST}, better some hundreds")
    fold = np.random.default_rng(0).permutation(int(sample.texts.max()) + 1)[sample.texts] % folds
    found = np.empty_like(sample.raw)
    for k in range(folds):
        own = fold == k
        fitted = refit(base, sample.raw[~own], sample.truth[~own], sample.regimes[~own])
        found[own] = fitted.apply(sample.raw[own], sample.regimes[own])
    return found


def changes(base: Temperature, sample: Sample, taxonomy: Taxonomy, settings: Settings) -> list[Change]:
    """What refitting changes: at the unit group, at the level that is fallen back to, and for the code that is emitted."""
    old, new = base.apply(sample.raw, sample.regimes), cross_fitted(base, sample)
    fallback = min(settings.fallback_level, taxonomy.depth)
    found = []
    for level in dict.fromkeys((taxonomy.depth, fallback)):
        name = f"likeliest {taxonomy.heading.levels[level - 1]}"
        found.append(_change(name, best_at(old, taxonomy, level), best_at(new, taxonomy, level), sample, taxonomy))
    return [*found, _change("emitted code", emit(old, taxonomy, settings), emit(new, taxonomy, settings), sample, taxonomy)]


def _change(name: str, old: Emitted, new: Emitted, sample: Sample, taxonomy: Taxonomy) -> Change:
    before, after = (_outcomes(found, sample.truth, taxonomy) for found in (old, new))
    n, texts, rng = len(sample.truth), int(sample.texts.max()) + 1, np.random.default_rng(0)
    # A resample of texts is a weight for each of them, and so for each of their rows; the first row of weights is the sample itself.
    drawn = rng.multinomial(texts, np.full(texts, 1 / texts), RESAMPLES)[:, sample.texts]
    weights = np.vstack([np.ones(n), drawn])
    ece = [_calibration_errors((c - r) * weights, _bins(c), weights.sum(axis=1)) for c, r in (before, after)]
    brier = [weights @ (c - r) ** 2 / weights.sum(axis=1) for c, r in (before, after)]
    perfect = after[0] - (rng.random((200, n)) < after[0])
    floor = float(_calibration_errors(perfect, _bins(after[0]), np.full(200, n)).mean())
    return Change(name, before, after, _moved(f"ECE, {name}", ece, n), _moved(f"Brier score, {name}", brier, n), floor)


def _outcomes(found: Emitted, truth: Ints, taxonomy: Taxonomy) -> Outcomes:
    right = [
        code == taxonomy.ancestor(taxonomy.leaves[t], level)
        for code, t, level in zip(found.codes, truth.tolist(), found.levels.tolist(), strict=True)
    ]
    return found.confidence, np.array(right)


def _bins(confidence: Doubles) -> Doubles:
    """The bin of each row as ones and zeros [n, bins]; the bins are those of `expected_calibration_error`."""
    edges = np.unique(np.quantile(confidence, np.linspace(0, 1, BINS + 1)[1:-1]))
    found: Doubles = np.eye(len(edges) + 1)[np.searchsorted(edges, confidence, side="right")]
    return found


def _calibration_errors(gaps: Doubles, bins: Doubles, totals: Doubles) -> Doubles:
    """Calibration errors [draws] from weighted gaps between confidence and outcome [draws, n]."""
    found: Doubles = np.abs(gaps @ bins).sum(axis=1) / totals
    return found


def _moved(name: str, values: Sequence[Doubles], n: int) -> Moved:
    """Figures from their values before and after: the first of each array is the measured one, the others are of the resamples."""
    before, after = values
    return Moved(*(_metric(f"{name}, {what}", v, n) for what, v in (("before", before), ("after", after), ("change", after - before))))


def _metric(name: str, values: Doubles, n: int) -> Metric:
    measured, draws = float(values[0]), values[1:] - values[1:].mean() + values[0]
    return Metric(name, measured, float(np.quantile(draws, LOW)), float(np.quantile(draws, HIGH)), n)
