"""Evidence for every unit group turned into probabilities.

The model is a conditional logit (McFadden 1974): each unit group has a few features, one weight per feature, and the softmax over all
unit groups is their probability. Weights differ by regime, that is by which fields a record has. The reranker then moves probability
among the few groups that it read: their mass stays, its division changes.
"""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from isco_rag.ports import Floats, Ints

Doubles = NDArray[np.float64]

REGIMES = ("title", "title and duties", "duties", "title and industry", "another language")
FOREIGN = 4
# A job is embedded as one text, all that it tells. Texts of its title alone and of its duties alone beside it, with weights fitted anew, moved
# held-out advertisements and own gold by less than their intervals and took three times as long.
FEATURES = ("prototype", "neighbours", "like title", "exact title", "words title", "words told")
PROTOTYPE, NEIGHBOURS, LIKE, EXACT, WORDS_TITLE, WORDS_TOLD = range(6)
# Features that a regime has evidence for; the weights of all others are zero.
USED = ((0, 1, 2, 3, 4), (0, 1, 2, 3, 4, 5), (0, 1, 5), (0, 1, 2, 3, 4, 5), (0, 1, 2, 3, 4))


class Fusion(Struct, frozen=True, forbid_unknown_fields=True):
    """Learned numbers of the fusion: `weights` [regime][feature], `rerank` [regime] = (weight of before, weight of the reranker)."""

    weights: tuple[tuple[float, ...], ...]
    rerank: tuple[tuple[float, float], ...]
    # Of 8, 14, 24 and 40, with weights fitted anew for each, 14 fitted held-out rows best by a hair, and 24 was
    # ahead on titles of the ILO index and on real and generated advertisements, which are of another origin.
    sharpness: float = 24.0
    floor: float = 1e-6


def regime_of(title: str, duties: str, industry: str, *, foreign: bool = False) -> int:
    """The number of the regime in REGIMES for texts that may be empty."""
    if foreign:
        return FOREIGN
    if title and duties:
        return 1
    if title:
        return 3 if industry else 0
    return 2


def neighbour_evidence(cosines: Floats, labels: Ints, classes: int, sharpness: float, floor: float) -> Floats:
    """Log of the summed closeness of each class's hits, [n, classes]; labels -1 count for nothing.

    Closeness falls by e for each 1/sharpness of cosine, so the nearest hits decide and many near ones add up.
    """
    n = len(cosines)
    close = np.where(labels >= 0, np.exp(sharpness * (cosines.astype(np.float64) - 1.0)), 0.0)
    slots = (np.arange(n)[:, None] * classes + np.maximum(labels, 0)).ravel()
    total = np.bincount(slots, close.ravel(), minlength=n * classes).reshape(n, classes)
    found: Floats = np.log(total + floor).astype(np.float32)
    return found


def fuse(features: Floats, regimes: Ints, fusion: Fusion) -> Doubles:
    """Probabilities [n, classes] from features [n, features, classes]."""
    weights = np.array(fusion.weights)[regimes]
    logits = np.zeros((features.shape[0], features.shape[2]))
    # One feature at a time: a sum whose order is fixed does not depend on how many rows there are.
    for f in range(features.shape[1]):
        logits += weights[:, f, None] * features[:, f, :]
    return softmax(logits)


def rerank(probabilities: Doubles, codes: Sequence[Ints], scores: Sequence[Floats], regimes: Ints, fusion: Fusion) -> Doubles:
    """Probabilities after the reranker; row i read the classes `codes[i]` and gave them the logits `scores[i]`."""
    out = probabilities.copy()
    for i, (read, score) in enumerate(zip(codes, scores, strict=True)):
        if len(read) < 2:
            continue
        before, says = fusion.rerank[regimes[i]]
        mass = probabilities[i, read]
        logits = before * np.log(mass + 1e-12) + says * score.astype(np.float64)
        out[i, read] = mass.sum() * softmax(logits[None])[0]
    return out


def softmax(logits: Doubles) -> Doubles:
    """Rows that are positive and sum to one."""
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    found: Doubles = e / e.sum(axis=1, keepdims=True)
    return found


def best(probabilities: Doubles, k: int) -> Ints:
    """The k most probable classes of each row, ties by class number, [n, k]."""
    order: Ints = np.argsort(-probabilities, axis=1, kind="stable")[:, :k]
    return order
