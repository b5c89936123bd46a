"""What calibration and thresholds print on the command line."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from rich.padding import Padding

from isco_rag.calibrate import ENOUGH, LEAST, Temperature
from isco_rag.calibration import Calibration
from isco_rag.crossfit import Change, Moved, Outcomes
from isco_rag.fuse import REGIMES
from isco_rag.show import console, plain_table
from isco_rag.types import Metric

BANDS = (0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0 + 1e-9)


def show_left_out(left_out: Mapping[str, int], uncodable: int) -> None:
    """Rows that do not serve, by reason."""
    reasons = {**left_out, "that can't be coded (no text, retired, ...)": uncodable}
    for reason, n in reasons.items():
        if n:
            console().print(f"[yellow]left out: {n:,} {reason}[/]")


def show_changes(changes: list[Change]) -> None:
    """Reliability tables and figures before and after."""
    out = console()
    out.print(f"\n{len(changes[0].before[0]):,} coded rows, each calibrated by rows of other texts; figures with their 95 % interval")
    emitted = changes[-1]
    table = plain_table("confidence of the emitted code", "before: n", "mean", "right", "after: n", "mean", "right")
    for low, high in pairwise(BANDS):
        table.add_row(f"{low:.2f} to {min(high, 1.0):.2f}", *_band(emitted.before, low, high), *_band(emitted.after, low, high))
    out.print(Padding(table, (1, 0)))
    for name, figures in (("calibration error", [c.ece for c in changes]), ("Brier score", [c.brier for c in changes])):
        extra = ("seen if perfect",) if name == "calibration error" else ()
        table = plain_table(name, "before", "after", "change", *extra)
        for change, moved in zip(changes, figures, strict=True):
            cells = [_interval(moved.before), _interval(moved.after), _interval(moved.change, sign="+")]
            table.add_row(change.name, *cells, *([f"{change.floor:.3f}"] if extra else []))
        out.print(Padding(table, (0, 0, 1, 0)))
    out.print(_verdict(emitted.brier, emitted.ece))


def _verdict(brier: Moved, ece: Moved) -> str:
    for moved, name in ((brier, "Brier score"), (ece, "calibration error")):
        if moved.change.high < 0:
            return f"[green]The refitted calibration is better for the emitted code: its {name} falls beyond chance.[/]"
    if brier.change.low > 0 or ece.change.low > 0:
        return "[red]The refitted calibration is worse for the emitted code; keep the one in use.[/]"
    return "[yellow]Nothing tells the refitted calibration from the one in use by more than chance; more rows would, or keep the one in use.[/]"


def show_fitted(base: Temperature, fitted: Calibration) -> None:
    """The temperatures and what they rest on."""
    table = plain_table("records with", "rows", "temperature before", "after", "")
    for name, n, old, new in zip(REGIMES, fitted.rows, base.temperatures, fitted.calibrator.temperatures, strict=True):
        note = (
            ""
            if n >= ENOUGH
            else f"fewer than {ENOUGH} rows: moved as all rows together"
            if n >= LEAST
            else f"fewer than {LEAST} rows: left"
        )
        table.add_row(name, f"{n:,}", f"{old:.3f}", f"{new:.3f}", note)
    table.columns[-1].justify = "left"
    out = console()
    out.print(Padding(table, (1, 0)))
    out.print("A temperature above 1 makes the fusion's probabilities less sure, below 1 surer.", style="dim")
    if fitted.conformal is None:
        out.print("[yellow]Too few rows for conformal sets.[/]")


def _band(outcomes: Outcomes, low: float, high: float) -> tuple[str, str, str]:
    confidence, right = outcomes
    own = (confidence >= low) & (confidence < high)
    n = int(own.sum())
    return (f"{n:,}", f"{confidence[own].mean():.2f}", f"{np.mean(right[own]):.2f}") if n else ("0", "", "")


def _interval(metric: Metric, sign: str = "") -> str:
    return f"{metric.value:{sign}.3f} ({max(metric.low, -1.0):{sign}.3f} to {metric.high:{sign}.3f})"
