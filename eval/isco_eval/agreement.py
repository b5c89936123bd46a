"""How far several coders agree with each other and with the coder, beyond chance: Cohen's kappa for each pair, Fleiss's kappa, Krippendorff's alpha.

The figures are those of scikit-learn, statsmodels and krippendorff; their intervals come from the same formulas over resampled records,
where the libraries can't be asked a thousand times.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from isco_eval.bootstrap import Doubles, Figure, Key, Measures, divided, estimate
from isco_eval.rows import Rows
from isco_eval.store import Store
from isco_rag.ports import Ints

MACHINE = "the model"


def agreements(store: Store, run: int, rows: Rows, resamples: int, seed: int) -> list[Figure]:
    """Agreement at each level of the coders of a run's sample, among themselves and with the model; empty with fewer than two coders."""
    codes = _codes(store, run, rows)
    coders = [name for name in codes if name != MACHINE]
    if len(coders) < 2:
        return []
    found: list[Measures] = []
    for level in range(rows.depth, 0, -1):
        numbers = {name: _numbers(values[level], codes, level) for name, values in codes.items()}
        for a, b in combinations(numbers, 2):
            found.append(cohen(Key("Cohen's kappa", f"level {level}", f"{a} and {b}"), numbers[a], numbers[b]))
        for name, among in (("coders", coders), ("coders and the model", [*coders, MACHINE])):
            table = np.stack([numbers[coder] for coder in among], axis=1)
            found.append(fleiss(Key("Fleiss's kappa", f"level {level}", name), table))
            found.append(krippendorff(Key("Krippendorff's alpha", f"level {level}", name), table))
    return estimate(found, len(rows), resamples, seed)


def _codes(store: Store, run: int, rows: Rows) -> dict[str, dict[int, list[str]]]:
    """The codes of each coder and of the model by level, "" where one gave none or a shorter one."""
    about = store.rows("SELECT sample, classification FROM runs JOIN samples USING (sample) WHERE run = ?", run)[0]
    codes: dict[str, dict[int, list[str]]] = {}
    place = {int(row): i for i, row in enumerate(rows["row"])}
    query = """
        SELECT coder, row, a.level, ancestor FROM coders AS c JOIN ancestors AS a ON a.code = c.code AND a.classification = ?
        WHERE sample = ? ORDER BY coder, row
    """
    for found in store.rows(query, about["classification"], about["sample"]):
        levels = codes.setdefault(found["coder"], {level: [""] * len(rows) for level in range(1, rows.depth + 1)})
        if found["row"] in place:
            levels[found["level"]][place[found["row"]]] = found["ancestor"]
    return {**codes, MACHINE: {level: [str(code) for code in rows.best[level]] for level in rows.best}}


def _numbers(values: Sequence[str], codes: dict[str, dict[int, list[str]]], level: int) -> Ints:
    """Codes as numbers that are the same for all coders; -1 for none."""
    known = {code: i for i, code in enumerate(sorted({c for levels in codes.values() for c in levels[level] if c}))}
    return np.array([known.get(code, -1) for code in values], dtype=np.int64)


def cohen(key: Key, a: Ints, b: Ints) -> Measures:
    """Cohen's kappa (1960) over the records that both coded."""
    place = np.flatnonzero((a >= 0) & (b >= 0))
    mine, yours = _indicators(a[place]), _indicators(b[place])
    width = max(mine.shape[1], yours.shape[1])
    mine, yours = (np.pad(m, ((0, 0), (0, width - m.shape[1]))) for m in (mine, yours))
    same = (a[place] == b[place]).astype(float)

    def of(weights: Doubles) -> Doubles:
        w = weights[:, place]
        n = w.sum(axis=1)
        seen, chance = divided(w @ same, n), divided(((w @ mine) * (w @ yours)).sum(axis=1), n**2)
        return _beyond(seen, chance)

    return Measures((key,), (len(place),), of)


def fleiss(key: Key, table: Ints) -> Measures:
    """Fleiss's kappa (1971) over the records that every coder coded; `table` is [records, coders]."""
    place = np.flatnonzero((table >= 0).all(axis=1))
    counts, m = _counts(table[place]), table.shape[1]
    pairs = (counts * (counts - 1)).sum(axis=1) / (m * (m - 1))

    def of(weights: Doubles) -> Doubles:
        w = weights[:, place]
        n = w.sum(axis=1)
        return _beyond(divided(w @ pairs, n), (divided(w @ counts, (m * n)[:, None]) ** 2).sum(axis=1))

    return Measures((key,), (len(place),), of)


def krippendorff(key: Key, table: Ints) -> Measures:
    """Krippendorff's alpha (2011) for nominal codes over the records that at least two coders coded; gaps are allowed."""
    place = np.flatnonzero((table >= 0).sum(axis=1) >= 2)
    counts = _counts(table[place])
    m = counts.sum(axis=1)
    # Each record's share of disagreeing pairs, weighted by its number of codes.
    apart = (m**2 - (counts**2).sum(axis=1)) / np.maximum(m - 1, 1)

    def of(weights: Doubles) -> Doubles:
        w = weights[:, place]
        totals = w @ counts
        n = totals.sum(axis=1)
        return _beyond(1 - divided(w @ apart, n), 1 - divided(n**2 - (totals**2).sum(axis=1), n * (n - 1)))

    return Measures((key,), (len(place),), of)


def _beyond(seen: Doubles, chance: Doubles) -> Doubles:
    """Agreement beyond chance, [resamples, 1]; NaN where only one code was ever used."""
    return divided(seen - chance, 1 - chance)[:, None]


def _indicators(numbers: Ints) -> Doubles:
    found = np.zeros((len(numbers), max(numbers, default=0) + 1))
    found[np.arange(len(numbers)), numbers] = 1.0
    return found


def _counts(table: Ints) -> Doubles:
    """How many coders gave each code, [records, codes]."""
    found = np.zeros((len(table), int(table.max(initial=0)) + 1))
    for column in table.T:
        there = column >= 0
        found[np.flatnonzero(there), column[there]] += 1
    return found
