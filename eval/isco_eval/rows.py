"""The records of a run as arrays, ready for measures."""

from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from isco_eval.bootstrap import Doubles
from isco_eval.store import Store

Texts = NDArray[Any]
# Words of title and duties, by the last number of words of a class: titles, long titles, a sentence or two, advertisements.
LENGTHS = ((2, "1-2 words"), (5, "3-5 words"), (20, "6-20 words"), (10**9, "over 20 words"))


class Rows(Struct, frozen=True):
    """Columns of the view `coded` for a run, groups above the gold and the best code by level ("" where a code is shorter), and slices."""

    columns: dict[str, NDArray[Any]]
    depth: int
    gold: dict[int, Texts]
    best: dict[int, Texts]
    slices: dict[str, Texts]

    def __len__(self) -> int:
        return len(self.columns["row"])

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.columns[name]

    @property
    def coded(self) -> NDArray[np.bool_]:
        """Which records got a code at all."""
        found: NDArray[np.bool_] = self.columns["level"] > 0
        return found

    def right(self, level: int) -> Doubles:
        """1 where the best unit group and the gold code agree down to a level."""
        return (self.columns["matched"] >= level).astype(float)

    def reaching(self, level: int) -> Doubles:
        """1 where the gold code reaches down to a level."""
        return (self.columns["gold_level"] >= level).astype(float)


def load_rows(store: Store, run: int, *, without_leaks: bool = False) -> Rows:
    """The records of a run in their order; those without a leak only, if asked."""
    kept = "AND NOT leaked" if without_leaks else ""
    columns = store.arrays(f"SELECT * EXCLUDE (evidence, run, bundle, suite, depth) FROM coded WHERE run = ? {kept} ORDER BY row", run)
    about = store.rows("SELECT sample, depth, classification FROM runs JOIN samples USING (sample) WHERE run = ?", run)[0]
    depth = int(about["depth"])
    above = {
        (row["code"], row["level"]): row["ancestor"]
        for row in store.rows("SELECT code, level, ancestor FROM ancestors WHERE classification = ?", about["classification"])
    }
    gold, best = (
        {level: _texts([above.get((code, level), "") for code in columns[name]]) for level in range(1, depth + 1)}
        for name in ("gold", "best")
    )
    slices: dict[str, Texts] = {
        "major group": gold[1],
        "text": np.where(columns["has_duties"], "with duties", "title alone"),
        "length": np.array([next(name for last, name in LENGTHS if words <= last) for words in columns["words"]], dtype=object),
        "title": np.where(columns["seen"], "in the index", "not in the index"),
        "language": columns["language"],
    }
    named: dict[str, dict[int, str]] = {}
    for row in store.rows("SELECT slice, row, value FROM slices WHERE sample = ?", about["sample"]):
        named.setdefault(row["slice"], {})[row["row"]] = row["value"]
    slices.update({name: _texts([values[int(row)] for row in columns["row"]]) for name, values in named.items()})
    return Rows(columns, depth, gold, best, slices)


def _texts(values: list[str]) -> Texts:
    return np.array(values, dtype=object)
