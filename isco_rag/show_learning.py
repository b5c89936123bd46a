"""What the commands about learning and monitoring print."""

from collections.abc import Sequence

from rich.padding import Padding

from isco_rag.learn.estimate import Untouched
from isco_rag.learn.looking import Report
from isco_rag.learn.monitor import Finding
from isco_rag.learn.plan import Challenge
from isco_rag.show import bar, console, percent, plain_table
from isco_rag.types import Metric

STATES = {"ok": "[green]ok[/]", "alert": "[bold red]alert[/]", "little": "[dim]too little[/]"}
# Days shown on the command line; the API and the quality page have all.
DAYS = 14


def show_untouched(found: Untouched) -> None:
    """The error of what went out untouched, overall and by score band."""
    out = console()
    if not found.rows:
        out.print("No file went out since this was counted; the error of what goes out untouched is not known.", style="dim")
        return
    out.print(
        f"{found.rows:,} rows went out untouched; {found.drawn:,} of them were drawn at random, {found.looked:,} of these are decided"
    )
    if not found.looked:
        out.print("Their error is not known yet: decide the records with 'random sample' in the review queue.", style="yellow")
        return
    table = plain_table("confidence", "wrong", "decided", "")
    for one in (*found.by_band, found.error):
        name = "all" if one is found.error else one.name
        table.add_row(name, percent(one) if one.n else "not known", f"{one.n:,}", bar(one.value) if one.n else "")
    out.print(Padding(table, (1, 0)))


def show_plan(challenges: Sequence[Challenge]) -> None:
    """The challenges, the costliest first."""
    out = console()
    if not challenges:
        out.print("Nothing stands out yet: it takes reviewed records (at least 5 of a group) or coded files.", style="dim")
        return
    for number, one in enumerate(challenges, 1):
        place = f"{one.code} {one.title}" + (f"  ->  {one.other}" if one.other else "")
        out.print(f"\n[bold]{number}. {place}[/]  [dim]{one.kind}, costs at least {one.cost:g} of 1,000 records[/]")
        out.print(f"   {one.figure.name}: {_points(one.figure)}, n = {one.figure.n:,}")
        out.print(f"   why: {one.reason}")
        out.print(f"   do:  {one.advice}")


def _points(figure: Metric) -> str:
    return f"{100 * figure.value:.1f} % ({100 * figure.low:.1f} to {100 * figure.high:.1f})"


def show_report(report: Report) -> None:
    """The watched figures and the last days."""
    out = console()
    out.print(f"since {report.since}: {report.rows:,} rows of {', '.join(report.bundles) or 'no bundle'}")
    before = f"{report.reference_since} to {report.reference_until.rstrip('~')}"
    out.print(f"compared with {before}: {report.reference_rows:,} rows of {', '.join(report.reference_bundles) or 'no bundle'}\n")
    table = plain_table("watched", "now", "before", "by chance", "limit", "n", "")
    for one in report.findings:
        table.add_row(
            one.name, _now(one), _before(one), f"{one.chance:.3f}" if one.chance else "", f"{one.limit:g}", f"{one.n:,}", STATES[one.state]
        )
    out.print(table)
    for one in report.findings:
        if one.state != "ok":
            out.print(f"  [{'red' if one.state == 'alert' else 'dim'}]{one.name}: {one.said}[/]")
    if report.days:
        table = plain_table("day", "rows", "automatic", "mean confidence", "no near example")
        for day in report.days[-DAYS:]:
            table.add_row(
                day.day, f"{day.coded:,}", f"{day.automatic / day.coded:.1%}", f"{day.confidence:.3f}", f"{day.far / day.coded:.1%}"
            )
        out.print(Padding(table, (1, 0, 0, 0)))


def _now(one: Finding) -> str:
    return "" if one.state == "little" else f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f})"


def _before(one: Finding) -> str:
    return "" if one.state == "little" or not one.before_n or one.chance else f"{one.before:.3f}"
