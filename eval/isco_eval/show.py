"""What the evaluation prints on the command line."""

from rich.padding import Padding

from isco_eval.measure import Report
from isco_rag.show import console, percent, plain_table


def show_report(report: Report, leaks: dict[str, int], entries: int) -> None:
    """Figures of gold files as tables."""
    out = console()
    out.print(f"\n{entries:,} entries in the index; percentages with their 95 % interval\n")
    table = plain_table("gold", "n", "top 1", "top 3", "emitted code right", "calibration error", "leaks")
    shares = plain_table("gold", "coded to the unit group", "right of these", "for review", "rows a minute")
    for gold, metrics in report.metrics.items():
        by = {m.name: m for m in metrics}
        ece = by["ECE of the emitted code"]
        right = [percent(by[name]) for name in ("top 1", "top 3", "emitted right")]
        table.add_row(gold, f"{by['top 1'].n:,}", *right, f"{ece.value:.3f} ({ece.low:.3f}-{ece.high:.3f})", str(leaks.get(gold, 0)))
        rest = [percent(by[name]) for name in ("coded to the unit group", "right of these", "for review")]
        shares.add_row(gold, *rest, f"{report.rows_per_minute[gold]:,.0f}")
    out.print(table)
    out.print(Padding(shares, (1, 0, 0, 0)))
    depths = sorted({level for found in report.levels.values() for level in found}, reverse=True)
    levels = plain_table("best unit group right at level", *map(str, depths))
    for gold, found in report.levels.items():
        levels.add_row(gold, *(percent(found[d]) for d in depths))
    out.print(Padding(levels, (1, 0, 0, 0)))
    grades = plain_table("grade", "n", "mean confidence", "emitted right")
    for grade, mean, hits in report.grades:
        grades.add_row(grade.replace("_", " "), f"{hits.n:,}", f"{100 * mean:.1f}", percent(hits))
    out.print(Padding(grades, (1, 0)))
