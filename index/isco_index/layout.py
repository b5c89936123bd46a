"""Which layout an index of a given size gets: every row read, or lists of which a query reads a few."""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from isco_index.lists import train_centres
from isco_index.rows import Grid


class Rules(Struct, frozen=True):
    """The builder's rules; the defaults follow from the measurements in docs/decisions/0030-index-layout.md.

    Up to `exact_up_to` rows every row is read. Beyond, there are `few` lists, and `many` beyond `few_up_to` rows; a query reads one of
    `few_share` or `many_share` of them.
    """

    exact_up_to: int = 65_536
    few: int = 1024
    few_share: int = 4
    few_up_to: int = 300_000
    many: int = 4096
    many_share: int = 16

    def lists_for(self, rows: int) -> int:
        """How many lists for so many rows; 0 where every row is to be read."""
        return 0 if rows <= self.exact_up_to else self.few if rows <= self.few_up_to else self.many

    def probes_for(self, lists: int) -> int:
        """How many of the lists a query reads."""
        return max(1, lists // (self.few_share if lists <= self.few else self.many_share))


def grid_for(vectors: NDArray[np.int8], rules: Rules, before: Grid | None = None) -> Grid | None:
    """The grid for these rows, None where all rows are to be read.

    The centres of the grid `before` are kept where the rules ask for as many: with them a rebuild finds what the appends found.
    """
    lists = min(rules.lists_for(len(vectors)), len(vectors))
    if not lists:
        return None
    if before is not None and before.centres is not None and len(before.centres) == lists:
        return before
    return Grid(train_centres(vectors, lists), rules.probes_for(lists))
