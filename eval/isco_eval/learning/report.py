"""The page of the learning benchmark: what each round brought, and what it did to other samples.

"Beyond doubt" is what it is for the gate (isco_rag.learn.gate): the interval of the paired difference, and McNemar's exact test, since of the few
records of a small sample that changed the resamples know too little.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from msgspec import Struct

from isco_eval.compare import mcnemar
from isco_eval.duel import difference_of
from isco_eval.learning.stream import Right
from isco_eval.pictures import BLUE, GREEN, INK, MUTED, Spec, draw
from isco_rag.interval import wilson_bounds
from isco_rag.learn.gate import Difference

# A sample may lose so much before it counts as forgetting.
ALLOWED = 0.005
# McNemar's test below this is beyond doubt.
DOUBT = 0.05


class Point(Struct, frozen=True):
    """The rest, measured after so many corrections: with them appended to the first champion, to the champion of the round, and after retraining.

    `incoming` is how many of the round's rows were right before they were corrected.
    """

    corrections: int
    only_appended: Right
    appended: Right
    retrained: Right | None
    incoming: Right


class Other(Struct, frozen=True):
    """Another sample before the first correction and after all of them, appended only, and retrained if that was done."""

    name: str
    before: Right
    appended: Right
    retrained: Right | None


class Found(Struct, frozen=True):
    """Everything that the page tells."""

    before: Right
    points: tuple[Point, ...]
    others: tuple[Other, ...]
    same: int
    machine: str
    minutes: tuple[float, ...] = ()


def page(found: Found, picture: str) -> str:
    """The page in Markdown; `picture` is the name of the SVG beside it."""
    n = len(found.before)
    last = found.points[-1].corrections
    trained = any(point.retrained is not None for point in found.points)
    lines = [
        "# What corrections bring", "",
        f"An expert corrects {last:,} rows of `jobbert_dev` (real vacancy titles, automatic labels of which about 55 to 65 % are right: figures are for",
        f"comparison, not absolute). Measured on {n:,} of the other rows, none with a title of the stream ({found.same:,} rows with one were left out).",
        "Made by `make bench-learning`; intervals are 95 %, differences are paired.", "", f"![accuracy over corrections]({picture})", "",
        *_table(("corrections", "right unit group, appended only", "gain by appending in the round", "gain by retraining", "right at the end of the round",
                 "of the round's rows right before they were corrected"), _rounds(found)), "",
    ]  # fmt: skip
    if not trained:
        lines += ["Retraining was not part of this run.", ""]
    lines += ["## What other samples say", "", f"After {last:,} corrections, against none; p is that of McNemar's exact test. More than {100 * ALLOWED:.1f} points worse beyond doubt, by interval and test, counts as forgetting.", "",
              *_table(("sample", "n", "before", "appended only", *(["retrained"] if trained else []), "standing"), _others(found)), ""]  # fmt: skip
    if found.minutes:
        lines += [f"Retraining took {', '.join(f'{m:.0f}' for m in found.minutes)} minutes ({found.machine}).", ""]
    return "\n".join(lines)


def _rounds(found: Found) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("0", _share(found.before), "", "", _share(found.before), "")]
    end = found.before
    for point in found.points:
        appended = difference_of("appended", end, point.appended)
        after = point.appended if point.retrained is None else point.retrained
        trained = "" if point.retrained is None else _points(difference_of("retrained", point.appended, point.retrained))
        rows.append(
            (f"{point.corrections:,}", _share(point.only_appended), _points(appended), trained, _share(after), _share(point.incoming))
        )
        end = after
    return rows


def _others(found: Found) -> list[tuple[str, ...]]:
    rows = []
    for other in found.others:
        sides = [other.appended] if other.retrained is None else [other.appended, other.retrained]
        changes = [(difference_of(other.name, other.before, side), mcnemar(other.name, other.before, side).p) for side in sides]
        told = [f"{_share(side)}, {_points(change)}, p {p:.3f}" for side, (change, p) in zip(sides, changes, strict=True)]
        rows.append((other.name, f"{len(other.before):,}", _share(other.before), *told, standing(changes)))
    return rows


def standing(changes: Sequence[tuple[Difference, float]]) -> str:
    """Whether a sample was forgotten, kept, or gained; each change comes with the p of McNemar's test."""
    sure = [change for change, p in changes if p < DOUBT]
    if any(change.high < -ALLOWED for change in sure):
        return "worse by more than is allowed, beyond doubt"
    if any(change.high < 0 for change in sure):
        return "worse beyond doubt; by more than is allowed, not beyond doubt"
    last, p = changes[-1]
    return "better beyond doubt" if last.low > 0 and p < DOUBT else "not distinguishable"


def _share(found: Right) -> str:
    low, high = wilson_bounds(int(found.sum()), len(found))
    return f"{100 * found.mean():.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def _points(d: Difference) -> str:
    return f"{100 * d.difference:+.1f} points ({100 * d.low:+.1f} to {100 * d.high:+.1f})"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (columns, ["---"] * len(columns), *rows)]


def spec(found: Found) -> Spec:
    """Accuracy over corrections, a line for each way, with intervals."""
    series = {"appended only": [found.before, *(p.only_appended for p in found.points)]}
    if all(p.retrained is not None for p in found.points):
        series["appended, and retrained each round"] = [found.before, *(p.retrained for p in found.points if p.retrained is not None)]
    at = [0, *(p.corrections for p in found.points)]
    values = []
    for name, sides in series.items():
        for corrections, side in zip(at, sides, strict=True):
            low, high = wilson_bounds(int(np.sum(side)), len(side))
            values.append(
                {"corrections": corrections, "way": name, "right": 100 * float(side.mean()), "low": 100 * low, "high": 100 * high}
            )
    x = {"field": "corrections", "type": "quantitative", "title": "corrections", "axis": {"values": at, "format": ",d"}}
    y = {"type": "quantitative", "title": "right unit group, %", "scale": {"zero": False}}
    colour = {
        "field": "way", "type": "nominal", "title": None, "scale": {"domain": list(series), "range": [BLUE, GREEN][: len(series)]},
        "legend": {"orient": "top", "labelLimit": 400, "symbolOpacity": 1},
    }  # fmt: skip
    layers = [
        {"mark": {"type": "area", "opacity": 0.15}, "encoding": {"x": x, "y": {"field": "low", **y}, "y2": {"field": "high"}, "color": colour}},
        {"mark": {"type": "line", "strokeWidth": 2, "point": {"size": 60, "filled": True}}, "encoding": {"x": x, "y": {"field": "right", **y}, "color": colour}},
    ]  # fmt: skip
    axis = {
        "labelColor": INK,
        "titleColor": INK,
        "domainColor": MUTED,
        "titleFontWeight": "normal",
        "labelFontSize": 12,
        "titleFontSize": 12,
    }
    config = {"axis": axis, "view": {"stroke": None}, "legend": {"labelColor": INK, "labelFontSize": 12}, "font": "sans-serif"}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json", "background": "white", "width": 560, "height": 300, "padding": 10, "config": config,
        "data": {"values": values}, "layer": layers,
    }  # fmt: skip


def write(found: Found, target: Path) -> None:
    """Writes the page and its picture."""
    svg = target.with_suffix(".svg")
    target.parent.mkdir(parents=True, exist_ok=True)
    svg.write_text(draw(spec(found)), encoding="utf-8")
    target.write_text(page(found, svg.name), encoding="utf-8")
