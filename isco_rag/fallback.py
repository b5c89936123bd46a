"""From probabilities to the code that is emitted: the unit group where it is sure enough, else the most probable group above it."""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from isco_rag.fuse import best
from isco_rag.ports import Ints
from isco_rag.settings import Settings, Thresholds
from isco_rag.taxonomy import Taxonomy
from isco_rag.types import Grade

# A probability is shown and compared with thresholds to this many decimals.
DECIMALS = 4


def grade_of(probability: float, thresholds: Thresholds) -> Grade:
    """The grade for the calibrated probability of the best unit group.

    >>> [grade_of(p, Thresholds()) for p in (0.95, 0.9, 0.85, 0.7, 0.6999, 0.2)]
    ['very_high', 'very_high', 'high', 'medium', 'low', 'very_low']
    """
    if probability >= thresholds.very_high:
        return "very_high"
    if probability >= thresholds.high:
        return "high"
    if probability >= thresholds.medium:
        return "medium"
    if probability >= thresholds.low:
        return "low"
    return "very_low"


def emitted_level(grade: Grade, depth: int, settings: Settings) -> int:
    """The level of the code that goes out for a grade, counted from the top.

    >>> emitted_level("medium", 4, Settings()), emitted_level("low", 4, Settings()), emitted_level("very_low", 4, Settings())
    (4, 3, 3)
    """
    return depth if grade in ("very_high", "high", "medium") else min(settings.fallback_level, depth)


class Emitted(Struct, frozen=True):
    """What goes out for each row: codes, their levels [n], their probabilities [n]; the same answer as `Classifier.classify` gives."""

    codes: tuple[str, ...]
    levels: Ints
    confidence: NDArray[np.float64]


def emit(probabilities: NDArray[np.float64], taxonomy: Taxonomy, settings: Settings) -> Emitted:
    """The codes that go out for rows of probabilities over all leaves [n, leaves]."""
    leaf, sums = best_at(probabilities, taxonomy, taxonomy.depth), best_at(probabilities, taxonomy, settings.fallback_level)
    levels = np.array([emitted_level(grade_of(p, settings.thresholds), taxonomy.depth, settings) for p in leaf.confidence.tolist()])
    codes = tuple(a if level == taxonomy.depth else b for a, b, level in zip(leaf.codes, sums.codes, levels.tolist(), strict=True))
    return Emitted(codes, levels, np.where(levels == taxonomy.depth, leaf.confidence, sums.confidence))


def best_at(probabilities: NDArray[np.float64], taxonomy: Taxonomy, level: int) -> Emitted:
    """The likeliest group of one level for each row."""
    codes, sums = taxonomy.roll_up(probabilities, min(level, taxonomy.depth))
    sums = np.round(sums, DECIMALS)
    place = best(sums, 1)[:, 0]
    levels = np.full(len(sums), min(level, taxonomy.depth))
    return Emitted(tuple(codes[i] for i in place), levels, sums[np.arange(len(sums)), place])


def for_review(grade: Grade, confidence: float, thresholds: Thresholds) -> bool:
    """Whether a person should look at a record: its grade is very low, or what is emitted is not sure enough to go out untouched.

    >>> for_review("high", 0.84, Thresholds(automatic=0.9)), for_review("high", 0.84, Thresholds()), for_review("very_low", 0.9, Thresholds())
    (True, False, True)
    """
    return grade in ("very_low", "not_codable") or confidence < thresholds.automatic
