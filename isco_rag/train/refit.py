"""The last layer after corrections: fusion, temperatures, and how far near corrections are believed, each moved from what the parent knew.

The rows are held-out corrections and held-out examples. They are few, and of an institution's own kind; the parent's numbers were learned on
many of every kind. So the parent's count as rows of their own (`fit_weights`), and temperatures are moved by factors (`refit`).
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from scipy.optimize import minimize

from isco_rag import taught
from isco_rag.calibrate import Temperature, refit
from isco_rag.classify import Classifier
from isco_rag.fuse import REGIMES, USED, Doubles, Fusion, softmax
from isco_rag.train.fit import FEW, Observed, fit_weights, probabilities_of

# What the parent's weights are worth in rows: about as many as they were learned on.
WORTH = 2000.0
# What the parent's trust in corrections is worth.
TRUST_WORTH = 100.0


def refit_fusion(seen: Observed, known: Fusion) -> Fusion:
    """The fusion with weights for each regime moved towards the rows; a regime with fewer than FEW rows keeps the known ones."""
    weights = list(known.weights)
    for regime in range(len(REGIMES)):
        mask = seen.regimes == regime
        if mask.sum() >= FEW:
            weights[regime] = fit_weights(seen.features[mask], seen.truth[mask], USED[regime], 1.0, known.weights[regime], WORTH)
    return msgspec.structs.replace(known, weights=tuple(weights))


def refit_calibrator(classifier: Classifier, seen: Observed, fusion: Fusion, known: Temperature) -> Temperature:
    """The parent's temperatures moved so that the rows are likeliest."""
    return refit(known, probabilities_of(classifier, seen, fusion)[0], seen.truth, seen.regimes)


def corrections_said(classifier: Classifier, seen: Observed) -> Doubles:
    """What near corrections say of each row, [n, leaves]; zeros where none is near."""
    said = np.zeros((len(seen.truth), len(classifier.taxonomy.leaves)))
    for i in range(len(seen.texts)):
        found = taught.reached(seen.cosines[i], seen.entries[i], classifier.parts.index.entries)
        if found:
            said[i] = taught.evidence(found, classifier.taxonomy)
    return said


def fit_trust(probabilities: Doubles, said: Doubles, truth: Sequence[int], known: tuple[float, float]) -> tuple[float, float]:
    """The trust in the rest and in near corrections under which the rows that have any are likeliest; the known where they are few."""
    rows = np.flatnonzero(said.max(axis=1) > 0)
    if len(rows) < FEW:
        return known
    right = np.asarray(truth)[rows]
    x = np.stack([np.log(probabilities[rows] + taught.LEAST), said[rows]], axis=1)
    at, centre = np.arange(len(rows)), np.array(known)

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        p = softmax(np.einsum("nfc,f->nc", x, w))
        nll = -np.log(p[at, right] + 1e-12).sum() + 0.5 * TRUST_WORTH * ((w - centre) ** 2).sum()
        p[at, right] -= 1.0
        return float(nll), np.einsum("nfc,nc->f", x, p) + TRUST_WORTH * (w - centre)

    found = minimize(loss, centre, jac=True, method="L-BFGS-B", bounds=[(0.0, 2.0)] * 2).x
    return round(float(found[0]), 4), round(float(found[1]), 4)


def moved_all(probabilities: Doubles, said: Doubles, trust: tuple[float, float]) -> Doubles:
    """Probabilities [n, leaves] after near corrections spoke, as the classifier moves them."""
    out = probabilities.copy()
    for i in np.flatnonzero(said.max(axis=1) > 0):
        out[i] = taught.moved(probabilities[i], said[i], trust)
    return out
