"""The last layer, learned on rows that no encoder saw: weights of the fusion, of the reranker, and the temperatures."""

from collections.abc import Sequence

import msgspec
import numpy as np
from msgspec import Struct
from scipy.optimize import minimize

from isco_rag.calibrate import ENOUGH, MIDDLING, Temperature, entropies
from isco_rag.classify import Classifier, Texts
from isco_rag.fuse import FEATURES, REGIMES, USED, Doubles, Fusion, fuse, rerank, softmax
from isco_rag.ports import Floats, Ints
from isco_rag.settings import Settings
from isco_rag.types import Job

# The reranker's weight is learned on more records than it will read: those that it reads are too few in some regimes.
READ_TO_LEARN = Settings(rerank_below=0.6, rerank_from=0.08)
# A weight of the reranker below this moves no probability by a thousandth.
LEAST_SAY = 0.01
# With fewer rows nothing is fitted.
FEW = 50


class Observed(Struct):
    """Features of coded rows, what the reranker said of them, and the truth as leaf numbers."""

    texts: list[Texts]
    features: Floats
    regimes: Ints
    truth: Ints
    cosines: Floats
    entries: Ints


def observe(classifier: Classifier, jobs: Sequence[Job], codes: Sequence[str]) -> Observed:
    """Features [n, features, leaves] of the jobs that can be coded, under the classifier's encoder and index."""
    texts = [classifier.prepare(job) for job in jobs]
    able = [i for i, t in enumerate(texts) if not t.reason]
    ready = [texts[i] for i in able]
    blocks = [classifier.evidence(ready[i : i + 256]) for i in range(0, len(ready), 256)] or [classifier.evidence([])]
    return Observed(
        ready,
        np.concatenate([b[0] for b in blocks]),
        np.array([t.regime for t in ready], dtype=np.int64),
        np.array([classifier.taxonomy.leaf_number[codes[i]] for i in able], dtype=np.int64),
        np.concatenate([b[1] for b in blocks]),
        np.concatenate([b[2] for b in blocks]),
    )


def fit_weights(
    features: Floats, truth: Ints, used: Sequence[int], ridge: float = 1.0, known: Sequence[float] | None = None, worth: float = 0.0
) -> tuple[float, ...]:
    """Weights of one regime's conditional logit by maximum likelihood, with a ridge; unused features get zero.

    Where weights are `known`, they count as `worth` rows more that agree with them: each is held by the information that so many rows like
    these have on it.
    """
    x = features[:, list(used), :].astype(np.float64)
    hold = np.full(len(used), ridge)
    if known is None:
        found = _likeliest(x, truth, np.full(len(used), 0.3), np.zeros(len(used)), hold)
    else:
        centre = np.array([known[f] for f in used])
        found = _likeliest(x, truth, centre, centre, hold + worth * information(x, centre))
    weights = np.zeros(len(FEATURES))
    weights[list(used)] = found
    return tuple(round(float(w), 5) for w in weights)


def fit_fusion(seen: Observed, base: Fusion) -> Fusion:
    """The fusion with weights for each regime; a regime with fewer than FEW rows keeps those of `base`."""
    weights = list(base.weights)
    for regime in range(len(REGIMES)):
        mask = seen.regimes == regime
        if mask.sum() >= FEW:
            weights[regime] = fit_weights(seen.features[mask], seen.truth[mask], USED[regime])
    return msgspec.structs.replace(base, weights=tuple(weights))


def fit_rerank(fused: Doubles, codes: Sequence[Ints], scores: Sequence[Floats], seen: Observed, base: Fusion, worth: float = 0.0) -> Fusion:
    """The fusion with the reranker's weight in each regime, by maximum likelihood among the classes that it read.

    Where those of `base` are worth something, they count as so many rows more that agree with them; else a regime with fewer than FEW rows keeps them.
    """
    weights = list(base.rerank)
    for regime in range(len(REGIMES)):
        rows = [i for i in np.flatnonzero(seen.regimes == regime).tolist() if len(codes[i]) > 1 and seen.truth[i] in codes[i]]
        if len(rows) < (1 if worth else FEW):
            continue
        # Rows have read as many classes as could change their answer: a column beyond them is out of reach.
        x = np.zeros((len(rows), 2, max(len(codes[i]) for i in rows)))
        beyond = np.full((len(rows), x.shape[2]), -1e9)
        for row, i in enumerate(rows):
            n = len(codes[i])
            x[row, 0, :n], x[row, 1, :n], beyond[row, :n] = np.log(fused[i, codes[i]] + 1e-12), scores[i], 0.0
        right = np.array([int(np.flatnonzero(codes[i] == seen.truth[i])[0]) for i in rows])
        known = np.array(base.rerank[regime])
        found = _likeliest(x, right, known if worth else np.array([1.0, 0.2]), known, worth * information(x, known, beyond), beyond)
        # A reranker that says nothing is not asked (isco_rag.classify), and what it does not read stays as it was.
        weights[regime] = (1.0, 0.0) if found[1] < LEAST_SAY else (round(float(found[0]), 5), round(float(found[1]), 5))
    return msgspec.structs.replace(base, rerank=tuple(weights))


def information(x: Doubles, weights: Doubles, beyond: Doubles | float = 0.0) -> Doubles:
    """What a row like these [n, features, classes] tells of each weight of a conditional logit: the mean variance of its feature."""
    p = softmax(np.einsum("nfc,f->nc", x, weights) + beyond)
    mean = np.einsum("nfc,nc->nf", x, p)
    found: Doubles = (np.einsum("nfc,nc->nf", x**2, p) - mean**2).mean(0)
    return found


def _likeliest(x: Doubles, truth: Ints, begin: Doubles, centre: Doubles, hold: Doubles, beyond: Doubles | float = 0.0) -> Doubles:
    """Weights, none negative, under which the truth is likeliest, each held to `centre` as strongly as `hold` says."""
    rows = np.arange(len(truth))

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        p = softmax(np.einsum("nfc,f->nc", x, w) + beyond)
        nll = -np.log(p[rows, truth] + 1e-12).sum() + 0.5 * (hold * (w - centre) ** 2).sum()
        p[rows, truth] -= 1.0
        return float(nll), np.einsum("nfc,nc->f", x, p) + hold * (w - centre)

    found: Doubles = minimize(loss, begin, jac=True, method="L-BFGS-B", bounds=[(0.0, None)] * len(begin)).x
    return found


def fit_calibrator(probabilities: Doubles, seen: Observed, base: Temperature) -> Temperature:
    """One temperature per regime, and a slope; regimes with too few rows share one, and all of them are `base` where rows are too few."""
    if len(seen.truth) < FEW:
        return base
    own = [regime for regime in range(len(REGIMES)) if (seen.regimes == regime).sum() >= ENOUGH]
    kinds = np.array([own.index(r) + 1 if r in own else 0 for r in range(len(REGIMES))])
    temperatures, slope = fit_slope(probabilities, seen.truth, kinds[seen.regimes])
    return Temperature(tuple(temperatures[kind] for kind in kinds), slope)


def fit_slope(probabilities: Doubles, truth: Ints, kinds: Ints) -> tuple[list[float], float]:
    """The temperature of each kind of row (kinds [n] count from 0) and the slope under which the truth [n] is most likely.

    A weak pull towards a temperature of 1 and no slope, worth a few rows, keeps the fit finite.
    """
    logs, rows = np.log(np.maximum(probabilities, 1e-300)), np.arange(len(truth))
    x = np.eye(int(kinds.max()) + 1)[kinds]
    x = np.column_stack([x, entropies(probabilities, logs) - MIDDLING])

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        z = logs * np.exp(-(x @ w))[:, None]
        p = softmax(z)
        nll = -np.log(p[rows, truth] + 1e-12).sum() + (w**2).sum()
        p[rows, truth] -= 1.0
        return float(nll), 2 * w - x.T @ (p * z).sum(axis=1)

    found = minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B").x
    return [round(float(t), 5) for t in np.exp(found[:-1])], round(float(found[-1]), 5)


def probabilities_of(classifier: Classifier, seen: Observed, fusion: Fusion) -> tuple[Doubles, list[Ints], list[Floats]]:
    """Probabilities before calibration, and what the reranker read and said; without a reranker the fusion's own."""
    fused = fuse(seen.features, seen.regimes, fusion)
    if classifier.parts.reranker is None:
        return fused, [], []
    codes: list[Ints] = []
    scores: list[Floats] = []
    for i in range(0, len(seen.texts), 256):
        read, said = classifier.read_candidates(seen.texts[i : i + 256], fused[i : i + 256], seen.entries[i : i + 256])
        codes += read
        scores += said
    return rerank(fused, codes, scores, seen.regimes, fusion), codes, scores
