"""The last layer after corrections: fusion, reranker, temperatures, sets, and how far near corrections are believed, moved from what the parent knew.

The rows are held-out corrections alone. Held-out examples of the project stood beside them once, and are another kind: on titles of theirs the
parent and the challenger alike are right in 66 and 67 of 100 where they say 54, so they ask for a temperature of 0.73, while corrected titles
of real vacancies ask for 1.16 and 1.10. Fitted on both, the challenger was too sure of everything that comes in. What keeps the old
are the parent's numbers, which count as rows of their own.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from scipy.optimize import minimize, minimize_scalar

from isco_rag import taught
from isco_rag.calibrate import Temperature
from isco_rag.classify import Classifier
from isco_rag.conformal import COVERAGES, Conformal, fit_conformal
from isco_rag.conformal import ENOUGH as ENOUGH_FOR_SETS
from isco_rag.fuse import REGIMES, USED, Doubles, Fusion, fuse, softmax
from isco_rag.ports import Ints
from isco_rag.train.fit import READ_TO_LEARN, Observed, fit_rerank, fit_weights, observe, probabilities_of
from isco_rag.train.gather import CALIBRATION, FUSION, SETS, Held
from isco_rag.train.last import LastLayer

# What the parent's weights are worth in rows: about as many as they were learned on.
WORTH = 2000.0
# What the parent's temperatures are worth: they were fitted on rows of every kind, and what comes in here is of one kind, so little.
# With 176 rows, anything from 25 to 400 kept the calibration error on 1,084 other titles within a point of the parent's.
CALM_WORTH = 100.0
# What the parent's trust in corrections is worth.
TRUST_WORTH = 100.0


def relearned(classifier: Classifier, rows: Held, known: LastLayer) -> LastLayer:
    """The known last layer, moved towards held-out corrections.

    Half of the rows move the fusion and the reranker's weight. A quarter moves temperatures and the trust in near corrections, and the rest
    as well where it is too small for sets of its own.
    """
    first, second, third = (observe(classifier, *rows.part(p)) for p in (FUSION, CALIBRATION, SETS))
    if len(third.truth) < ENOUGH_FOR_SETS:
        second, third = observe(classifier, *rows.part(CALIBRATION, SETS)), observe(classifier, [], [])
    fusion = refit_fusion(first, known.fusion)
    wide = Classifier(classifier.parts, READ_TO_LEARN)
    _, read, said = probabilities_of(wide, first, fusion)
    fusion = fit_rerank(fuse(first.features, first.regimes, fusion), read, said, first, fusion, WORTH)
    raw = probabilities_of(classifier, second, fusion)[0]
    calibrator = moved_towards(known.calibrator, raw, second.truth, second.regimes, CALM_WORTH)
    trust = fit_trust(calibrator.apply(raw, second.regimes), classifier.heard(second.cosines, second.entries), second.truth, fusion.taught)
    fusion = msgspec.structs.replace(fusion, taught=trust)
    return LastLayer(fusion, calibrator, _sets(classifier, third, fusion, calibrator, known.sets))


def _sets(classifier: Classifier, seen: Observed, fusion: Fusion, calibrator: Temperature, known: Conformal) -> Conformal:
    """Sets of the rows that nothing else was fitted to; a regime that has too few keeps the known thresholds."""
    if len(seen.truth) < ENOUGH_FOR_SETS:
        return known
    sure = calibrator.apply(probabilities_of(classifier, seen, fusion)[0], seen.regimes)
    heard = classifier.heard(seen.cosines, seen.entries)
    own = fit_conformal(moved_all(sure, heard, fusion.taught), seen.truth, seen.regimes, COVERAGES)
    if (known.coverages, known.penalty, known.free) != (own.coverages, own.penalty, own.free):
        return own
    kept = [n == 0 for n in own.rows]
    return msgspec.structs.replace(
        own,
        thresholds=tuple(b if keep else a for a, b, keep in zip(own.thresholds, known.thresholds, kept, strict=True)),
        rows=tuple(b if keep else a for a, b, keep in zip(own.rows, known.rows, kept, strict=True)),
    )


def refit_fusion(seen: Observed, known: Fusion) -> Fusion:
    """The fusion with the weights of each regime that has rows moved towards them."""
    weights = list(known.weights)
    for regime in range(len(REGIMES)):
        mask = seen.regimes == regime
        if mask.any():
            weights[regime] = fit_weights(seen.features[mask], seen.truth[mask], USED[regime], 1.0, known.weights[regime], WORTH)
    return msgspec.structs.replace(known, weights=tuple(weights))


def moved_towards(base: Temperature, raw: Doubles, truth: Ints, regimes: Ints, worth: float) -> Temperature:
    """The base's temperatures moved so that the truth [n] is likeliest under the uncalibrated probabilities [n, classes], where the base
    counts as `worth` rows more of each regime that agree with it. So a few rows move it a little and many wholly, and a regime without rows keeps it.
    """
    logits = np.log(np.maximum(base.apply(raw, regimes), 1e-300))
    found = list(base.temperatures)
    for regime in np.unique(regimes).tolist():
        z, right = logits[regimes == regime], truth[regimes == regime]
        p = np.exp(z)
        # What a row tells of the inverse temperature: the variance of its logits.
        held = worth * float(((p * z**2).sum(1) - (p * z).sum(1) ** 2).mean())

        def loss(power: float, z: Doubles = z, right: Ints = right, held: float = held) -> float:
            likely = softmax(power * z)[np.arange(len(right)), right]
            return float(-np.log(likely + 1e-12).sum()) + 0.5 * held * (power - 1.0) ** 2

        power = minimize_scalar(loss, bounds=(1 / 8, 4.0), method="bounded").x
        found[regime] = round(found[regime] / float(power), 5)
    return msgspec.structs.replace(base, temperatures=tuple(found))


def fit_trust(probabilities: Doubles, heard: Sequence[taught.Heard | None], truth: Ints, known: tuple[float, float]) -> tuple[float, float]:
    """The known trust in the rest and in near corrections, moved so that the rows that have any are likeliest."""
    rows = [i for i, found in enumerate(heard) if found]
    if not rows:
        return known
    right, at, centre = truth[rows], np.arange(len(rows)), np.array(known)
    share, said = np.array([found.share for found in heard if found]), np.stack([found.said for found in heard if found])
    logs = np.log(probabilities[rows] + taught.LEAST)
    # Of the rest, what corrections don't stand for is believed as it is.
    kept, x = (1.0 - share)[:, None] * logs, np.stack([share[:, None] * logs, said], axis=1)

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        p = softmax(kept + np.einsum("nfc,f->nc", x, w))
        nll = -np.log(p[at, right] + 1e-12).sum() + 0.5 * TRUST_WORTH * ((w - centre) ** 2).sum()
        p[at, right] -= 1.0
        return float(nll), np.einsum("nfc,nc->f", x, p) + TRUST_WORTH * (w - centre)

    found = minimize(loss, centre, jac=True, method="L-BFGS-B", bounds=[(0.0, 2.0)] * 2).x
    return round(float(found[0]), 4), round(float(found[1]), 4)


def moved_all(probabilities: Doubles, heard: Sequence[taught.Heard | None], trust: tuple[float, float]) -> Doubles:
    """Probabilities [n, leaves] after near corrections spoke, as the classifier moves them."""
    out = probabilities.copy()
    for i, found in enumerate(heard):
        if found:
            out[i] = taught.moved(probabilities[i], found, trust)
    return out
