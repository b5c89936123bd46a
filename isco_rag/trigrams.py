"""An inverted index of trigrams: which strings hold which three letters."""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from isco_rag.ports import Ints

_NONE = np.zeros(0, np.int32)


class Postings:
    """For each trigram the numbers of the distinct strings that hold it; `number` tells a string's. Its ends count as spaces."""

    def __init__(self, keys: Sequence[str]) -> None:
        self.number = {k: i for i, k in enumerate(keys)}
        letters, codes, starts, self._rows = _inverted(keys)
        size = len(letters)
        names = [chr(letter) for letter in letters.tolist()]
        places = zip(*((codes // size**power % size).tolist() for power in (2, 1, 0)), strict=True) if size else ()
        self._gram = {names[a] + names[b] + names[c]: i for i, (a, b, c) in enumerate(places)}
        self._starts: list[int] = starts.tolist()

    def without(self, gone: Collection[str]) -> NDArray[np.bool_] | None:
        """Which strings are left without these; None where all are."""
        numbers = [self.number[k] for k in gone if k in self.number]
        if not numbers:
            return None
        alive = np.ones(len(self.number), np.bool_)
        alive[numbers] = False
        return alive

    def of(self, grams: Sequence[str], alive: NDArray[np.bool_] | None = None) -> list[NDArray[np.int32]]:
        """For each trigram the numbers of the strings that hold it, ascending; those that are alive where that is given."""
        found = [self._gram.get(gram) for gram in grams]
        rows = [_NONE if i is None else self._rows[self._starts[i] : self._starts[i + 1]] for i in found]
        return rows if alive is None else [r[alive[r]] for r in rows]


def trigrams(text: str) -> list[str]:
    """The distinct trigrams of a text, sorted.

    >>> trigrams("cook")
    [' co', 'coo', 'ok ', 'ook']
    """
    padded = f" {text} "
    return sorted({padded[i : i + 3] for i in range(len(padded) - 2)})


def _inverted(keys: Sequence[str]) -> tuple[Ints, Ints, Ints, NDArray[np.int32]]:
    """The letters that occur, the codes of the trigrams, where the postings of each begin, and all postings one after the other."""
    text = "".join(f" {k} " for k in keys)
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    if not len(points):
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(1, np.int64), _NONE
    seen = np.zeros(int(points.max()) + 1, np.bool_)
    seen[points] = True
    letters = np.flatnonzero(seen)
    places = (np.cumsum(seen) - 1)[points]
    owner = np.repeat(np.arange(len(keys), dtype=np.int32), [len(k) + 2 for k in keys])
    whole = owner[:-2] == owner[2:]
    codes = ((places[:-2] * len(letters) + places[1:-1]) * len(letters) + places[2:])[whole]
    codes, rows = distinct_pairs(codes, owner[:-2][whole], len(keys))
    starts = np.flatnonzero(np.r_[True, codes[1:] != codes[:-1]])
    return letters, codes[starts], np.append(starts, len(codes)), rows


def distinct_pairs(codes: Ints, rows: NDArray[np.int32], n: int) -> tuple[Ints, NDArray[np.int32]]:
    """The distinct pairs of a code and a row, by code and then by row; rows are below n and ascend already.

    >>> [part.tolist() for part in distinct_pairs(np.array([7, 3, 7, 7]), np.array([0, 0, 1, 1], np.int32), 2)]
    [[3, 7, 7], [0, 0, 1]]
    """
    if (int(codes.max()) + 1) * n >= 2**63:
        order = np.argsort(codes, kind="stable")
        codes, rows = codes[order], rows[order]
        first = np.r_[True, (codes[1:] != codes[:-1]) | (rows[1:] != rows[:-1])]
        return codes[first], rows[first]
    # As one number they sort in a third of the time.
    both = np.sort(codes * n + rows)
    codes, rows64 = np.divmod(both[np.r_[True, both[1:] != both[:-1]]], n)
    return codes, rows64.astype(np.int32)
