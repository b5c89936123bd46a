"""What the command line prints: tables, bars and panels with rich. Plain text where the output is no terminal."""

from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from isco_rag.coding import Summary
from isco_rag.tables import NEVER, Form
from isco_rag.taxonomy import Group, Taxonomy
from isco_rag.types import Explanation, Job, Metric, Prediction

GRADE_STYLE = {
    "very_high": "bold green",
    "high": "green",
    "medium": "yellow",
    "low": "dark_orange",
    "very_low": "red",
    "not_codable": "dim",
}
DELIMITER_NAMES = {NEVER: "nothing", ",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}

# Codes of a set that are named; more than these tell a reader only that there are many.
LIKELY_SHOWN = 8


def console() -> Console:
    """A console on standard output; a fixed width where it is no terminal, so that files look alike."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=132)


def bar(share: float, width: int = 10) -> str:
    """A bar of blocks, `share` of it filled.

    >>> bar(0.5, 4)
    '██░░'
    """
    full = round(share * width)
    return "█" * full + "░" * (width - full)


def graded(prediction: Prediction) -> str:
    """Confidence as bar, percentage and grade, coloured."""
    style = GRADE_STYLE[prediction.grade]
    if not prediction.code:
        return f"[{style}]not codable[/]"
    # Never rounded up to a certainty that no one has.
    shown = min(prediction.confidence, 0.99)
    return f"[{style}]{bar(prediction.confidence)} {shown:4.0%} {prediction.grade.replace('_', ' ')}[/]"


def show_explanation(found: Explanation, taxonomy: Taxonomy) -> None:
    """One answer with its reasons."""
    out, p = console(), found.prediction
    if not p.code:
        out.print(f"[bold]No code[/] - {p.reason}")
        return
    out.print(f"\n[bold]{p.code} {p.title}[/]   {graded(p)}" + ("   [red]for review[/]" if p.review else ""))
    out.print(" > ".join(f"{g.code} {g.title}" for g in taxonomy.path(p.code)), style="dim")
    if p.level < taxonomy.depth:
        out.print("No unit group is sure enough; this is the likeliest group above them.", style="dim")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), title="Top three unit groups", title_justify="left", title_style="bold")
    for column in ("", "", "Unit group"):
        table.add_column(column)
    for c in p.top:
        table.add_row(bar(c.probability), f"{c.probability:6.1%}", f"{c.code} {c.title}")
    out.print(Padding(table, (1, 0, 0, 0)))
    if found.likely:
        shown = ", ".join(found.likely[:LIKELY_SHOWN]) + (
            f" and {len(found.likely) - LIKELY_SHOWN} more" if len(found.likely) > LIKELY_SHOWN else ""
        )
        out.print(f"In nine cases of ten it is {'one of ' if len(found.likely) > 1 else ''}{shown}", style="dim")
    for evidence in found.evidence:
        out.print(f"\n[bold]{evidence.code} {evidence.title}[/] [dim]- {escape(evidence.definition)}[/]")
        for hit in evidence.nearest:
            duties = f" - {hit.entry.duties}" if hit.entry.duties else ""
            out.print(f"  {hit.score:.2f}  {escape(hit.entry.title)}[dim]{escape(duties[:90])}  ({hit.entry.source} {hit.entry.id})[/]")
    out.print(f"\n[bold]Why not {p.top[1].code}?[/]")
    for reason in found.why_not:
        out.print(f"  - {escape(reason)}")
    out.print(f"\nbundle {p.bundle}", style="dim")


def show_form(source: Path, form: Form, columns: dict[str, int]) -> None:
    """How the input was read."""
    delimiter = DELIMITER_NAMES.get(form.delimiter, form.delimiter)
    used = ", ".join(f"{field} from '{form.header[number]}'" for field, number in columns.items())
    out = console()
    out.print(f"{escape(str(source))}: {form.rows:,} rows, {form.encoding}, {delimiter} between {len(form.header)} columns")
    out.print(f"reading {escape(used)}")
    if form.wide:
        out.print(
            f"[yellow]{form.wide:,} rows have more cells than the header, the first in line {form.first_wide}: is a delimiter not quoted?[/]"
        )


class FileProgress:
    """A progress bar with rate and time left, on standard error; keeps the first `keep` rows for a table."""

    def __init__(self, rows: int, keep: int) -> None:
        self.kept: list[tuple[Job, Prediction]] = []
        self.seconds = 0.0
        self._keep, self._rows = keep, rows
        columns = (TextColumn("coding"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)

    def __enter__(self) -> "FileProgress":
        self._start = perf_counter()
        self._progress.start()
        self._task = self._progress.add_task("", total=self._rows, rate="")
        return self

    def step(self, rows: int, done: Sequence[tuple[Job, Prediction]]) -> None:
        """Moves the bar on by `rows`."""
        self.kept += done[: max(0, self._keep - len(self.kept))]
        completed = self._progress.tasks[0].completed + rows
        rate = completed / max(perf_counter() - self._start, 1e-9)
        self._progress.update(self._task, advance=rows, rate=f"{rate * 60:,.0f} rows/min")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()
        self.seconds = perf_counter() - self._start


class StageProgress:
    """A bar for each stage of a training with its loss and time left; lines now and then where the output is no terminal."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[loss]}"),
            TimeRemainingColumn(),
        )
        self._progress = Progress(*columns, console=self._console, disable=not self._console.is_terminal)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "StageProgress":
        self._progress.start()
        return self

    def say(self, text: str) -> None:
        """Tells what is being done."""
        self._progress.console.print(escape(text))

    def step(self, stage: str, step: int, steps: int, loss: float) -> None:
        """Moves a stage's bar to `step` of `steps`."""
        if not self._console.is_terminal:
            self.say(f"{stage} {step}/{steps} loss {loss:.4f}")
            return
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(stage, total=steps, loss="")
        self._progress.update(self._tasks[stage], completed=step, total=steps, loss=f"loss {loss:.4f}")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()


class Working:
    """A progress bar over rows on standard error, for what leaves nothing to show but that it goes on; call it with the rows just done."""

    def __init__(self, what: str, rows: int | None) -> None:
        self._progress = Progress(
            TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=Console(stderr=True), transient=True
        )
        self._task = self._progress.add_task("", total=rows)

    def __enter__(self) -> "Working":
        self._progress.start()
        return self

    def __call__(self, rows: int) -> None:
        self._progress.advance(self._task, rows)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()


def show_table(rows: Sequence[tuple[Job, Prediction]]) -> None:
    """Jobs and their codes as a table."""
    out = console()
    # Code, bar, percentage, the longest grade and the gaps take 38 columns; job and title share the others.
    free = out.width - 38
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("job", width=min(44, free * 52 // 100), no_wrap=True, overflow="ellipsis")
    table.add_column("code", width=4)
    table.add_column("title", width=min(42, free * 48 // 100), no_wrap=True, overflow="ellipsis")
    table.add_column("confidence", width=26)
    for job, p in rows:
        text = job.title or job.duties
        said = p.title if p.code else p.reason.removeprefix("not codable: ")
        table.add_row(escape(" ".join(text.split())), p.code, said, graded(p), style="" if p.code else "dim")
    out.print(Padding(table, (1, 0)))


def show_summary(summary: Summary, target: Path, seconds: float) -> None:
    """What came of a file."""
    out = console()
    grades = "   ".join(
        f"[{style}]{grade.replace('_', ' ')} {summary.grades[grade]:,}[/]"
        for grade, style in GRADE_STYLE.items()
        if grade in summary.grades
    )
    out.print(f"{summary.rows:,} rows coded in {seconds:.1f} s ({summary.distinct:,} distinct); {summary.review:,} for review")
    out.print(grades)
    out.print(f"written: {escape(str(target))}")


def show_groups(groups: Sequence[Group], taxonomy: Taxonomy) -> None:
    """Groups, a line each."""
    out = console()
    for g in groups:
        out.print(f"{g.code:<6}{g.title}  [dim]{taxonomy.heading.levels[g.level - 1]}[/]")


def show_group(group: Group, taxonomy: Taxonomy) -> None:
    """A group with everything that is known of it."""
    out = console()
    out.print(" > ".join(f"{g.code} {g.title}" for g in taxonomy.path(group.code)), style="dim")
    out.print(f"\n[bold]{group.code} {group.title}[/]  [dim]{taxonomy.heading.levels[group.level - 1]}[/]\n{escape(group.definition)}")
    if group.tasks:
        out.print("\n[bold]Typical tasks[/]")
        for task in group.tasks:
            out.print(f"  - {escape(task)}")
    if group.contrasts:
        out.print("\n[bold]Not here, but in[/]")
        for c in group.contrasts:
            out.print(f"  {c.code} {taxonomy.group(c.code).title}: [dim]{escape(c.text)}[/]")
    children = taxonomy.children(group.code)
    if children:
        out.print("\n[bold]Holds[/]")
        for g in children:
            out.print(f"  {g.code} {g.title}")


def percent(metric: Metric) -> str:
    """A share in percent with its interval.

    >>> percent(Metric("right", 0.8, 0.49, 0.943, 10))
    '80.0 (49-94)'
    """
    return f"{100 * metric.value:.1f} ({100 * metric.low:.0f}-{100 * metric.high:.0f})"


def plain_table(*names: str) -> Table:
    """A table without lines, numbers to the right; its first column is text."""
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0), pad_edge=False)
    for i, name in enumerate(names):
        table.add_column(name, justify="right" if i else "left", min_width=8)
    return table
