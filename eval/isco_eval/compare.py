"""Two runs on the same records: what is better, worse and not distinguishable, by paired resampling and McNemar's test."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from isco_eval.bootstrap import LEVEL, Doubles, Key, draw
from isco_eval.figures import run_measures
from isco_eval.rows import Rows, load_rows
from isco_eval.store import Store
from isco_rag.errors import EvaluationError

Standing = Literal["better", "worse", "not distinguishable", "the same"]

# Which figures are compared, and whether more is better.
COMPARED: dict[Key, bool] = {
    Key("top 1"): True,
    Key("top 2"): True,
    Key("top 3"): True,
    Key("emitted right"): True,
    Key("coded to the unit group"): True,
    Key("right of these"): True,
    Key("for review"): False,
    Key("right of those not for review"): True,
    Key("hierarchical precision"): True,
    Key("hierarchical recall"): True,
    Key("ECE of the emitted code"): False,
    Key("Brier score"): False,
    Key("log loss"): False,
    Key("area under risk-coverage", "unit group"): False,
    Key("automated", "unit group", "0.05"): True,
    Key("automated", "unit group", "0.10"): True,
    Key("dissimilarity", "level 1"): False,
    Key("dissimilarity", "level 2"): False,
}
SLICED = ("top 1",)
# Figures that are no shares of records; everything else is told in percent.
AS_THEY_ARE = ("ECE of the emitted code", "Brier score", "log loss", "area under risk-coverage")


class Change(Struct, frozen=True):
    """A figure of both runs, its difference with the interval of paired resamples, and what to make of it."""

    key: Key
    before: float
    after: float
    difference: float
    low: float
    high: float
    n: int
    standing: Standing


class McNemar(Struct, frozen=True):
    """Records that only one of two runs had right, and how likely so uneven a split is by chance (exact, two-sided)."""

    name: str
    only_before: int
    only_after: int
    p: float


class Comparison(Struct, frozen=True):
    """Run B against run A on the records that both coded."""

    before: int
    after: int
    suite: str
    bundles: tuple[str, str]
    records: int
    changes: tuple[Change, ...]
    tests: tuple[McNemar, ...]

    @property
    def words(self) -> list[str]:
        """The main changes in words."""
        found = [
            f"{self.records:,} records of {self.suite}: run {self.after} ({self.bundles[1]}) against run {self.before} ({self.bundles[0]})."
        ]
        main = [c for c in self.changes if c.key.slice in ("all", "unit group", "level 1", "level 2")]
        for standing in ("better", "worse", "not distinguishable", "the same"):
            names = [named(c.key) + (f" ({told(c)})" if standing != "the same" else "") for c in main if c.standing == standing]
            if names:
                found.append(f"{standing.capitalize()}: {'; '.join(names)}.")
        for test in self.tests:
            if not test.only_before + test.only_after:
                found.append(f"McNemar, {test.name}: no record is right in one run alone.")
                continue
            verdict = "more than chance explains" if test.p < 1 - LEVEL else "no more than chance explains"
            found.append(
                f"McNemar, {test.name}: {test.only_after} records right now that were wrong, {test.only_before} the other way round "
                f"(p = {test.p:.3g}): {verdict}."
            )
        return found


def compare(store: Store, before: int, after: int) -> Comparison:
    """The comparison of two runs on one gold file; EvaluationError where they share no records."""
    about = [store.rows("SELECT * FROM runs JOIN samples USING (sample) WHERE run = ?", run)[0] for run in (before, after)]
    if about[0]["gold_hash"] != about[1]["gold_hash"] or not about[0]["gold_hash"]:
        raise EvaluationError(
            f"runs {before} and {after} were made on different gold ({about[0]['suite']} {about[0]['gold_hash'][:12]}, "
            f"{about[1]['suite']} {about[1]['gold_hash'][:12]}); only runs on one gold file can be compared"
        )
    a, b = _paired(load_rows(store, before), load_rows(store, after))
    if not len(a):
        raise EvaluationError(f"runs {before} and {after} have no record in common; run both suites with the same --limit")
    changes = differences(a, b, about[0]["resamples"], about[0]["seed"])
    tests = [
        mcnemar("unit group", a["rank"] == 1, b["rank"] == 1),
        mcnemar("among three", a["rank"] <= 3, b["rank"] <= 3),
        mcnemar("emitted code", a["emitted_right"], b["emitted_right"]),
    ]
    return Comparison(before, after, about[0]["suite"], (about[0]["bundle"], about[1]["bundle"]), len(a), tuple(changes), tuple(tests))


def differences(a: Rows, b: Rows, resamples: int, seed: int) -> list[Change]:
    """Figures of paired records, b less a; each resample draws the same records for both."""
    parts = [run_measures(a), run_measures(b)]
    keys = [[key for m in measures for key in m.keys] for measures in parts]
    sizes = {key: n for m in parts[0] for key, n in zip(m.keys, m.n, strict=True)}
    (value_a, drawn_a), (value_b, drawn_b) = (draw(measures, len(a), resamples, seed) for measures in parts)
    found = []
    for key in keys[0]:
        more = COMPARED.get(key, True if key.measure in SLICED and key.slice != "all" else None)
        if more is None or key not in keys[1]:
            continue
        i, j = keys[0].index(key), keys[1].index(key)
        gap = float(value_b[j] - value_a[i])
        if not np.isnan(gap):
            low, high = _interval(gap, drawn_b[:, j] - drawn_a[:, i])
            found.append(
                Change(key, float(value_a[i]), float(value_b[j]), gap, low, high, sizes[key], _standing(low, high, gap, more=more))
            )
    order = list(COMPARED)
    return sorted(found, key=lambda c: (order.index(c.key) if c.key in order else len(order), c.key))


def mcnemar(name: str, before: NDArray[np.bool_], after: NDArray[np.bool_]) -> McNemar:
    """McNemar's test (1947) of paired outcomes, exact binomial."""
    try:
        from statsmodels.stats.contingency_tables import mcnemar as test
    except ImportError:
        raise EvaluationError("comparing needs more packages (statsmodels): pip install 'isco-rag[eval]'") from None
    before, after = before.astype(bool), after.astype(bool)
    table = [[int((before & after).sum()), int((before & ~after).sum())], [int((~before & after).sum()), int((~before & ~after).sum())]]
    p = float(test(table, exact=True).pvalue) if table[0][1] + table[1][0] else 1.0
    return McNemar(name, table[0][1], table[1][0], min(p, 1.0))


def _paired(a: Rows, b: Rows) -> tuple[Rows, Rows]:
    """The records that both have, by id, in the order of the first."""
    place = {str(ident): i for i, ident in enumerate(b["id"])}
    mine = np.array([i for i, ident in enumerate(a["id"]) if str(ident) in place], dtype=np.int64)
    yours = np.array([place[str(a["id"][i])] for i in mine], dtype=np.int64)
    return _taken(a, mine), _taken(b, yours)


def _taken(rows: Rows, which: NDArray[np.int64]) -> Rows:
    return Rows(
        {name: column[which] for name, column in rows.columns.items()}, rows.depth, {k: v[which] for k, v in rows.gold.items()},
        {k: v[which] for k, v in rows.best.items()}, {k: v[which] for k, v in rows.slices.items()},
    )  # fmt: skip


def _interval(gap: float, drawn: Doubles) -> tuple[float, float]:
    drawn = drawn[~np.isnan(drawn)]
    if not len(drawn):
        return gap, gap
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _standing(low: float, high: float, gap: float, *, more: bool) -> Standing:
    if low == high == gap == 0:
        return "the same"
    if low <= 0 <= high:
        return "not distinguishable"
    return "better" if (gap > 0) == more else "worse"


def named(key: Key) -> str:
    """A figure's name with its slice."""
    if key.measure == "automated":
        return f"automated at {100 * float(key.value):.0f} % error"
    if key.slice in ("all", "unit group"):
        return key.measure
    return f"{key.measure}, {key.slice} {key.value}".strip()


def told(change: Change) -> str:
    """Both values and the difference with its interval; shares in percent and points, errors of probabilities as they are."""
    if change.key.measure in AS_THEY_ARE:
        return f"{change.before:.3f} to {change.after:.3f}, {change.difference:+.3f} ({change.low:+.3f} to {change.high:+.3f})"
    return (
        f"{100 * change.before:.1f} to {100 * change.after:.1f} %, {100 * change.difference:+.1f} points "
        f"({100 * change.low:+.1f} to {100 * change.high:+.1f})"
    )


def table(changes: Sequence[Change]) -> tuple[list[str], list[tuple[object, ...]]]:
    """Columns and rows of the changes as a table."""
    rows: list[tuple[object, ...]] = [(named(c.key), told(c), c.n, c.standing) for c in changes]
    return ["figure", "before to after, difference", "n", "standing"], rows
