"""From probabilities to the code that is emitted: the unit group where it is sure enough, else the most probable group above it."""

from isco_rag.settings import Settings, Thresholds
from isco_rag.types import Grade


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
