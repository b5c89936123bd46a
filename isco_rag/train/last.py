"""The last layer of a bundle, all that is fitted on held-out rows: fusion, reranker's weight, temperatures, sets."""

from msgspec import Struct

from isco_rag.calibrate import Temperature
from isco_rag.classify import Classifier
from isco_rag.conformal import COVERAGES, Conformal, fit_conformal
from isco_rag.fuse import REGIMES, Fusion, fuse
from isco_rag.train import fit
from isco_rag.train.gather import CALIBRATION, FUSION, SETS, Held

EVEN = Temperature((1.0,) * len(REGIMES))
NO_SETS = Conformal((), ((),) * len(REGIMES), (0,) * len(REGIMES))


class LastLayer(Struct, frozen=True):
    """Fusion, temperatures, and sets of stated coverage, which may be none."""

    fusion: Fusion
    calibrator: Temperature
    sets: Conformal


def learned(classifier: Classifier, rows: Held, begin: LastLayer) -> LastLayer:
    """The last layer fitted on held-out rows of every kind; where they are too few for something, that of the beginning."""
    first, second, third = (fit.observe(classifier, *rows.part(p)) for p in (FUSION, CALIBRATION, SETS))
    fusion = fit.fit_fusion(first, begin.fusion)
    wide = Classifier(classifier.parts, fit.READ_TO_LEARN)
    _, read, said = fit.probabilities_of(wide, first, fusion)
    fusion = fit.fit_rerank(fuse(first.features, first.regimes, fusion), read, said, first, fusion)
    calibrator = fit.fit_calibrator(fit.probabilities_of(classifier, second, fusion)[0], second, begin.calibrator)
    sure = calibrator.apply(fit.probabilities_of(classifier, third, fusion)[0], third.regimes)
    coverages = [c for c in COVERAGES if (len(third.truth) + 1) * (1 - c) >= 1]
    sets = fit_conformal(sure, third.truth, third.regimes, coverages) if coverages else NO_SETS
    return LastLayer(fusion, calibrator, sets)
