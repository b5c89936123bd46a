"""What corrections near a record say, beside everything else: an expert's code for a like text moves probability to that code.

The fusion was learned where no corrections were: it gives a near entry the weight that a published title deserves, whoever wrote it. A
correction is worth more, because it was made here, for texts like those that come in. How much more was measured on a stream of corrections, each
predicted before it was learned; `isco-rag retrain` measures it anew on an institution's own. A correction that is no nearer than REACH says nothing, so
records unlike any that was corrected keep their answers.
"""

from collections.abc import Sequence

import numpy as np

from isco_rag.fuse import Doubles, softmax
from isco_rag.ports import Floats
from isco_rag.taxonomy import Taxonomy
from isco_rag.types import Entry

# The source of entries that are corrections.
SOURCE = "correction"
# Of 8, 12, 16 and 24 for the first and 0 to 0.7 for the second, on 2,000 corrections of vacancy titles, each predicted before it was learned: the
# more reach, the more is learned and the more titles of another origin (the ILO's index) change for the worse. This pair gave 5 and 8 points
# after 1,000 and 2,000 corrections and took 0.2 and 0.4 of the others.
SHARPNESS = 16.0
REACH = 0.7
# What one distant correction counts, against which all others are measured.
FLOOR = 0.01
LEAST = 1e-6


def reached(cosines: Floats, entries: Sequence[int], known: Sequence[Entry]) -> dict[str, float]:
    """How close the corrections among a record's hits are, summed by code."""
    found: dict[str, float] = {}
    for at in np.flatnonzero(cosines >= REACH).tolist():
        if entries[at] >= 0 and (entry := known[entries[at]]).source == SOURCE:
            close = np.exp(SHARPNESS * (float(cosines[at]) - 1.0)) - np.exp(SHARPNESS * (REACH - 1.0))
            found[entry.code] = found.get(entry.code, 0.0) + float(close)
    return found


def evidence(found: dict[str, float], taxonomy: Taxonomy) -> Doubles:
    """The log of that closeness over FLOOR for every leaf, 0 where nothing is near; a shorter code speaks for all leaves under it alike."""
    close = np.zeros(len(taxonomy.leaves))
    for code, much in found.items():
        under = leaves_under(taxonomy, code)
        close[under] += much / len(under)
    said: Doubles = np.log1p(close / FLOOR)
    return said


def leaves_under(taxonomy: Taxonomy, code: str) -> list[int]:
    """Numbers of the leaves that a code stands for."""
    if code in taxonomy.leaf_number:
        return [taxonomy.leaf_number[code]]
    level = taxonomy.group(code).level
    return [number for number, leaf in enumerate(taxonomy.leaves) if taxonomy.ancestor(leaf, level) == code]


def moved(probabilities: Doubles, said: Doubles, trust: tuple[float, float]) -> Doubles:
    """Probabilities [classes] of a record after its corrections spoke: log-linear, as the fusion itself."""
    logits = trust[0] * np.log(probabilities + LEAST) + trust[1] * said
    found: Doubles = softmax(logits[None])[0]
    return found
