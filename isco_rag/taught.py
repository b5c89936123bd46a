"""What corrections near a record say, beside everything else: an expert's code for a like text moves probability to that code.

The fusion was learned where no corrections were: it gives a near entry the weight that a published title deserves, whoever wrote it. A
correction is worth more, because it was made here, for texts like those that come in; how much more depends on what else is near. Where the index
has entries as near as the corrections, the record is of a kind that the fusion was learned on, and they say little; where corrections are the
nearest that there is, they say much. So far corrections may speak too, and records of another kind keep their answers.
"""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from isco_rag.fuse import Doubles, softmax
from isco_rag.ports import Floats, Ints
from isco_rag.taxonomy import Taxonomy
from isco_rag.types import Entry

# The source of entries that are corrections.
SOURCE = "correction"
# Chosen among 8, 12 and 16, 0 to 0.7, 0 to 1 and 0.001 to 0.01 on 1,500 titles of vacancies after 1,000 corrections of others and on every second title
# of the ILO's index and of the own gold after 3,000; docs/decisions/0034 has what they come to on other rows.
SHARPNESS = 8.0
REACH = 0.4
# What the closeness of all other hits weighs against that of the corrections, and what counts where there is none.
OTHERS = 0.15
FLOOR = 0.003
LEAST = 1e-6


class Heard(Struct, frozen=True):
    """What the corrections among a record's hits say: evidence for every leaf, and from 0 to 1 how far what is near are corrections."""

    said: Doubles
    share: float


def heard(
    cosines: Floats, entries: Ints, corrected: NDArray[np.bool_], known: Sequence[Entry], taxonomy: Taxonomy
) -> Heard | None:  # fmt: skip
    """What is said by the hits [k] of a record that are `corrected` [k]; None where none of them is within reach.

    The evidence is the log of 1 and their closeness, summed by leaf, over that of the other hits. A shorter code speaks for all leaves under
    it alike.
    """
    near = np.flatnonzero(corrected & (cosines >= REACH)).tolist()
    if not near:
        return None
    close = np.exp(SHARPNESS * (cosines.astype(np.float64) - 1.0))
    found: dict[str, float] = {}
    for at in near:
        code = known[entries[at]].code
        # What is said begins at nothing where reach ends.
        found[code] = found.get(code, 0.0) + float(close[at]) - float(np.exp(SHARPNESS * (REACH - 1.0)))
    against = FLOOR + OTHERS * float(close[(entries >= 0) & ~corrected].sum())
    ratio = np.zeros(len(taxonomy.leaves))
    for code, much in found.items():
        under = leaves_under(taxonomy, code)
        ratio[under] += much / len(under) / against
    said: Doubles = np.log1p(ratio)
    total = float(ratio.sum())
    return Heard(said, total / (1.0 + total))


def leaves_under(taxonomy: Taxonomy, code: str) -> list[int]:
    """Numbers of the leaves that a code stands for."""
    if code in taxonomy.leaf_number:
        return [taxonomy.leaf_number[code]]
    level = taxonomy.group(code).level
    return [number for number, leaf in enumerate(taxonomy.leaves) if taxonomy.ancestor(leaf, level) == code]


def moved(probabilities: Doubles, found: Heard, trust: tuple[float, float]) -> Doubles:
    """Probabilities [classes] of a record after its corrections spoke: log-linear, as the fusion itself.

    `trust` is how far the rest is believed where all that is near are corrections, and how far these are.
    """
    rest = 1.0 - (1.0 - trust[0]) * found.share
    logits = rest * np.log(probabilities + LEAST) + trust[1] * found.said
    moved_to: Doubles = softmax(logits[None])[0]
    return moved_to
