"""What the evaluation prints on the command line."""

from collections.abc import Sequence
from typing import Any

from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from isco_eval.figures import headline, metric
from isco_eval.gold import Gold
from isco_eval.guard import Baseline, Guarded
from isco_eval.mistakes import FIXES, STAGES, Analysis
from isco_eval.render import cells
from isco_eval.report import Block
from isco_eval.store import Store
from isco_rag.show import console, percent, plain_table
from isco_rag.taxonomy import Taxonomy

# Doubts that are printed; a file takes them all.
DOUBTS = 10


def show_runs(store: Store, runs: Sequence[int]) -> None:
    """The main figures of runs, a line each, and what their grades are worth together."""
    out = console()
    about = [store.rows("SELECT * FROM runs JOIN samples USING (sample) WHERE run = ?", run)[0] for run in runs]
    entries = ", ".join(f"{n:,}" for n in sorted({a["entries"] for a in about}))
    out.print(f"\n{entries} entries in the index; percentages with their 95 % interval\n")
    right = plain_table("gold", "run", "n", "top 1", "top 3", "emitted code right", "calibration error", "leaks")
    shares = plain_table("gold", "coded to the unit group", "right of these", "for review", "rows a minute")
    for run, one in zip(runs, about, strict=True):
        by = {m.name: m for m in headline(store, run)}
        ece, milliseconds = by.get("ECE of the emitted code"), metric(store, run, "milliseconds")
        leaks = store.rows("SELECT count(DISTINCT row) AS n FROM leaks WHERE run = ?", run)[0]["n"]
        error = f"{ece.value:.3f} ({ece.low:.3f}-{ece.high:.3f})" if ece else "-"
        right.add_row(
            escape(one["suite"]), str(run), f"{one['rows']:,}", *(percent(by[name]) for name in ("top 1", "top 3", "emitted right")), error, f"{leaks:,}"
        )  # fmt: skip
        rest = [percent(by[name]) if name in by else "-" for name in ("coded to the unit group", "right of these", "for review")]
        shares.add_row(escape(one["suite"]), *rest, f"{60_000 / milliseconds.value:,.0f}" if milliseconds and milliseconds.value else "-")
    out.print(right)
    out.print(Padding(shares, (1, 0, 0, 0)))
    out.print(Padding(_levels(store, runs, about), (1, 0, 0, 0)))
    for run, one in zip(runs, about, strict=True):
        if store.rows("SELECT 1 FROM slices WHERE sample = ? LIMIT 1", one["sample"]):
            out.print(Padding(_by_slice(store, run, one), (1, 0, 0, 0)))
    for run, one in zip(runs, about, strict=True):
        found = store.ask("leakage", run)[1]
        if found:
            parts = ", ".join(f"{n:,} {kind} in the {place}" for place, kind, n, _ in found)
            without = metric(store, run, "top 1", "without leaks")
            told = f"; top 1 without these rows: {percent(without)}" if without else ""
            out.print(f"[yellow]{escape(one['suite'])}: leakage, {parts}{told}[/]")


def _levels(store: Store, runs: Sequence[int], about: Sequence[dict[str, Any]]) -> Table:
    depth = max(one["depth"] for one in about)
    table = plain_table("best unit group right at level", *(str(level) for level in range(depth, 0, -1)))
    for run, one in zip(runs, about, strict=True):
        found = {
            row["value"]: f"{row['percent']:.1f} ({row['low']:.0f}-{row['high']:.0f})"
            for row in store.rows(
                "SELECT * FROM percents WHERE run = ? AND scope = 'all' AND measure = 'accuracy' AND slice = 'level'", run
            )
        }
        table.add_row(escape(one["suite"]), *(found.get(str(level), "-") for level in range(depth, 0, -1)))
    return table


def _by_slice(store: Store, run: int, about: dict[str, Any]) -> Table:
    """The main figures of a run by what its suite tells apart; calibration errors beside what chance alone makes of them."""
    named = {row["slice"] for row in store.rows("SELECT DISTINCT slice FROM slices WHERE sample = ?", about["sample"])}
    shares, sure = ([dict(zip(*asked, strict=False)) for asked in _records(store, name, run)] for name in ("slices", "calibration_slices"))
    errors = {(r["slice"], r["value"]): r for r in sure}
    table = plain_table(about["suite"], "n", "top 1", "top 3", "emitted code right", "confidence", "calibration error", "by chance")
    for r in shares:
        if r["slice"] not in named:
            continue
        e = errors.get((r["slice"], r["value"]), {})
        told = [f"{r[name]:.1f} ({r[f'{name} low']:.0f}-{r[f'{name} high']:.0f})" for name in ("top 1", "top 3", "emitted right")]
        error = e.get("calibration error")
        marks = ["-", "-"]
        if error is not None:
            marks = [f"{error:.3f} ({e['calibration error low']:.3f}-{e['calibration error high']:.3f})", f"{e['by chance']:.3f}"]
        table.add_row(escape(r["value"]), f"{r['n']:,}", *told, f"{e['confidence']:.1f}" if e else "-", *marks)
    return table


def _records(store: Store, name: str, run: int) -> list[tuple[list[str], tuple[Any, ...]]]:
    columns, rows = store.ask(name, run)
    return [(columns, row) for row in rows]


def show_rows(columns: Sequence[str], rows: Sequence[tuple[Any, ...]], limit: int = 0) -> None:
    """The rows of a query as a table; the first `limit` of them, or all."""
    block = Block("", "", "", tuple(columns), tuple(rows[: limit or None]), "")
    names, lines, numeric = cells(block)
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0), pad_edge=False)
    for name, number in zip(names, numeric, strict=True):
        table.add_column(escape(name), justify="right" if number else "left")
    for line in lines:
        table.add_row(*map(escape, line))
    out = console()
    out.print(table if rows else "no rows")
    if limit and len(rows) > limit:
        out.print(f"{len(rows) - limit:,} more", style="dim")


def show_guard(suite: str, baseline: Baseline, bundle: str, changes: Sequence[Guarded]) -> None:
    """Every guarded figure beside its baseline."""
    out = console()
    out.print(f"\n{escape(suite)}: {escape(bundle)} against the baseline of {escape(baseline.bundle)}\n")
    table = plain_table("figure", "baseline", "least or most", "now", "change", "n")
    table.add_column("", justify="left")
    for c in changes:
        limit = c.baseline.low if c.more_is_better else c.baseline.high
        now = (f"{c.found.value:.4f}", f"{c.found.value - c.baseline.value:+.4f}", f"{c.found.n:,}") if c.found else ("none", "-", "-")
        table.add_row(c.baseline.name, f"{c.baseline.value:.4f}", f"{limit:.4f}", *now, "[red]fell[/]" if c.fell else "held")
    out.print(table)


def show_analysis(found: Analysis, gold: Gold, taxonomy: Taxonomy, clusters: int) -> None:
    """Where the wrong records lost their code, what would mend them, the largest clusters with examples, and the first gold codes to look at."""
    out = console()
    out.print(f"\n{found.wrong:,} of {found.records:,} records have another best unit group than their gold code\n")
    for what, told, head in (("stages", STAGES, "where the right code was lost"), ("fixes", FIXES, "what would mend it")):
        table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0), pad_edge=False)
        table.add_column("records", justify="right")
        table.add_column(head)
        table.add_column("")
        for name, n in found.counted(what).items():  # type: ignore[arg-type]
            table.add_row(f"{n:,}", name, told[name])  # type: ignore[index]
        out.print(Padding(table, (0, 0, 1, 0)))
    for cluster in found.clusters[:clusters]:
        coded = f"{cluster.coded} {taxonomy.group(cluster.coded).title}" if cluster.coded else "no code"
        out.print(
            f"[bold]{cluster.gold} {taxonomy.group(cluster.gold).title} → {coded}[/]: {len(cluster.mistakes):,} record{'s' * (len(cluster.mistakes) != 1)}"
        )
        lost, fixes = (", ".join(f"{n} {name}" for name, n in counts.items()) for counts in (cluster.stages, cluster.fixes))
        out.print(f"  lost: {lost}; to mend: {fixes}")
        if cluster.drawn_by:
            out.print("  drawn away by: " + escape(", ".join(f"{entry} ({n})" for entry, n in cluster.drawn_by.items())))
        for m in cluster.mistakes[:3]:
            text = " ".join(m.text.split())[:70]
            out.print(
                f"  {escape(m.id)}  {escape(text)}: gold {m.gold} at {m.gold_probability:.0%}, coded {m.best or '-'} at {m.confidence:.0%}; {m.stage}, {m.fix}",
                style="dim",
            )
    w = found.wrong_codes
    out.print(
        f"\n{len(found.doubts):,} gold codes are doubted; estimated to be wrong: {100 * w.value:.1f} % ({100 * w.low:.1f}-{100 * w.high:.1f}) of {w.n:,}, "
        "not counting those that the coder itself would give"
    )
    for d in found.doubts[:DOUBTS]:
        text = " ".join(f"{gold.jobs[d.row].title} {gold.jobs[d.row].duties}".split())[:70]
        out.print(f"  {escape(d.id)}  {escape(text)}: {d.gold} {taxonomy.group(d.gold).title} is wrong with a probability of {d.wrong:.0%}")
        out.print(f"    rather {d.suggested} {taxonomy.group(d.suggested).title}: {d.why}", style="dim")
    if len(found.doubts) > DOUBTS:
        out.print(f"  {len(found.doubts) - DOUBTS:,} more: --doubts FILE", style="dim")
