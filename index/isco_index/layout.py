"""Which layout an index of a given size gets: every row read, or lists of which a query reads a few."""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from isco_index.lists import train_centres
from isco_index.rows import Grid


class Rules(Struct, frozen=True):
    """The builder's rules; defaults from the measurements in docs/decisions/0030-index-layout.md."""

    exact_up_to: int = 150_000
    lists: int = 1024
    probes: int = 64


def grid_for(vectors: NDArray[np.int8], rules: Rules, before: Grid | None = None) -> Grid | None:
    """The grid for these rows, None where all rows are to be read.

    The centres of the grid `before` are kept where the rules ask for as many: with them a rebuild finds what the appends found.
    """
    if len(vectors) <= rules.exact_up_to or len(vectors) < rules.lists:
        return None
    if before is not None and before.centres is not None and len(before.centres) == rules.lists:
        return before
    return Grid(train_centres(vectors, rules.lists), min(rules.probes, rules.lists))
