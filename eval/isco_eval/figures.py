"""The figures of a run: every measure with its interval, for all records and, where there is leakage, for those without it."""

from collections.abc import Sequence

from isco_eval.agreement import agreements
from isco_eval.bootstrap import Figure, Measures, estimate
from isco_eval.curves import curves, published
from isco_eval.measures import all_measures
from isco_eval.rows import Rows, load_rows
from isco_eval.store import Store
from isco_rag.types import Metric

SCOPES = ("all", "without leaks")
# What a summary, a manifest and a baseline hold, in this order.
HEADLINE = (
    "top 1", "top 3", "emitted right", "coded to the unit group", "right of these", "for review", "ECE of the emitted code",
)  # fmt: skip


def run_measures(rows: Rows) -> list[Measures]:
    """All measures of a run's records."""
    return [*all_measures(rows), *curves(rows), *published(rows)]


def keep_figures(store: Store, run: int) -> None:
    """Computes and keeps the figures of a run whose answers and leaks are kept; earlier ones of it go."""
    about = store.rows("SELECT sample, seed, resamples FROM runs JOIN samples USING (sample) WHERE run = ?", run)[0]
    store.connection.execute("DELETE FROM figures WHERE run = ?", [run])
    leaky = bool(store.rows("SELECT 1 FROM leaks WHERE run = ? LIMIT 1", run))
    for scope in SCOPES[: 1 + leaky]:
        rows = load_rows(store, run, without_leaks=scope != "all")
        found = estimate(run_measures(rows), len(rows), about["resamples"], about["seed"])
        if scope == "all":
            found += agreements(store, run, rows, about["resamples"], about["seed"])
        _insert(store, run, scope, found)


def _insert(store: Store, run: int, scope: str, found: Sequence[Figure]) -> None:
    store.insert("figures", {
        "run": [run] * len(found), "scope": [scope] * len(found), "measure": [f.key.measure for f in found],
        "slice": [f.key.slice for f in found], "value": [f.key.value for f in found], "figure": [f.value for f in found],
        "low": [f.low for f in found], "high": [f.high for f in found], "n": [f.n for f in found],
    })  # fmt: skip


def metric(store: Store, run: int, name: str, scope: str = "all") -> Metric | None:
    """A figure of all records of a run; None where the run has no such figure."""
    found = store.rows(
        "SELECT figure, low, high, n FROM figures WHERE run = ? AND scope = ? AND measure = ? AND slice = 'all'", run, scope, name
    )
    return Metric(name, found[0]["figure"], found[0]["low"], found[0]["high"], found[0]["n"]) if found else None


def headline(store: Store, run: int) -> list[Metric]:
    """The few figures by which a run is known."""
    return [m for name in HEADLINE if (m := metric(store, run, name)) is not None]
