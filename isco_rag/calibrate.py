"""Probabilities made to mean what they say: temperature scaling (Guo et al. 2017), by regime and by how sure a row is.

p' is proportional to p^(1/T). The order of the classes stays, rows still sum to one, and since every class's probability changes, so do
the sums up the tree. One temperature for all rows would leave sure ones too sure and unsure ones not sure enough: so its logarithm is linear in the
row's entropy, after the entropy-based temperatures of Balanya, Maroñas and Ramos (2022, arXiv 2208.00461).

Fitting with more than NumPy stands in isco_rag.train: what codes must not need SciPy.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from isco_rag.fuse import Doubles, softmax
from isco_rag.ports import Ints

# The entropy, in nats, at which a row's temperature is that of its regime.
MIDDLING = 2.0


class Temperature(Struct, frozen=True, forbid_unknown_fields=True):
    """A calibrator with one temperature for each regime; 1 changes nothing, more makes it less sure.

    For each nat of entropy beyond MIDDLING the logarithm of a row's temperature is `slope` more.
    """

    temperatures: tuple[float, ...]
    slope: float = 0.0

    def apply(self, probabilities: Doubles, regimes: Ints) -> Doubles:
        """Calibrated probabilities, same shape."""
        logs = np.log(np.maximum(probabilities, 1e-300))
        power = np.exp(-self.slope * (entropies(probabilities, logs) - MIDDLING)) / np.array(self.temperatures)[regimes]
        return softmax(power[:, None] * logs)


def entropies(probabilities: Doubles, logs: Doubles) -> Doubles:
    """The entropy of each row in nats, [n]."""
    found: Doubles = -(probabilities * logs).sum(axis=1)
    return found


def fit_temperature(probabilities: Doubles, truth: Ints) -> float:
    """The temperature under which the truth [n] (class numbers) is most likely; 1 where there are too few rows to tell.

    >>> sure = np.array([[0.99, 0.01]] * 100); right = np.array([0] * 80 + [1] * 20)
    >>> round(float(Temperature((fit_temperature(sure, right),)).apply(sure, np.zeros(100, int))[0, 0]), 2)
    0.8
    """
    if len(truth) < 50:
        return 1.0
    logits = np.log(np.maximum(probabilities, 1e-300))
    grid = np.exp(np.linspace(np.log(0.25), np.log(8.0), 141))
    losses = [-np.log(softmax(logits / t)[np.arange(len(truth)), truth] + 1e-12).mean() for t in grid]
    return float(grid[int(np.argmin(losses))])


# From ENOUGH rows on a regime is refitted by itself, from LEAST on together with all others, below that it stays as it is.
LEAST, ENOUGH = 50, 200


def refit(base: Temperature, raw: Doubles, truth: Ints, regimes: Ints) -> Temperature:
    """The base's temperatures moved so that the truth [n] is likeliest under the uncalibrated probabilities [n, classes].

    A regime with ENOUGH rows is moved by a factor of its own, one with LEAST by that of all rows, so that what the base knows of the
    difference between regimes is kept; one with fewer is not touched.
    """
    calibrated = base.apply(raw, regimes)
    overall = fit_temperature(calibrated, truth)
    found = []
    for regime, temperature in enumerate(base.temperatures):
        own = regimes == regime
        n = int(own.sum())
        factor = fit_temperature(calibrated[own], truth[own]) if n >= ENOUGH else overall if n >= LEAST else 1.0
        found.append(round(temperature * factor, 5))
    return msgspec.structs.replace(base, temperatures=tuple(found))


def expected_calibration_error(confidence: Sequence[float] | Doubles, right: Sequence[bool] | NDArray[np.bool_], bins: int = 15) -> float:
    """Mean gap between confidence and share right over bins with about equally many rows, equal confidences together (adaptive ECE, Nguyen and O'Connor 2015).

    >>> expected_calibration_error([0.8] * 10, [True] * 8 + [False] * 2) < 1e-9
    True
    """
    c, r = np.asarray(confidence, float), np.asarray(right, float)
    if not len(c):
        return 0.0
    edges = np.unique(np.quantile(c, np.linspace(0, 1, bins + 1)[1:-1]))
    owner = np.searchsorted(edges, c, side="right")
    gaps = np.bincount(owner, c - r)
    return float(np.abs(gaps).sum() / len(c))
