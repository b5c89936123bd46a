"""Pictures of a report as Vega-Lite specifications, made from the rows of its queries, and drawn to SVG without a network.

A specification holds its own data, so that it can be drawn again anywhere. Colours are few and fixed; the page swaps them where it is dark.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from isco_rag.errors import EvaluationError

INK, MUTED, GRID = "#24292f", "#6e7781", "#d0d7de"
BLUE, ORANGE, GREEN = "#0969da", "#bc4c00", "#1a7f37"
# What each colour becomes on a dark page.
DARK = {INK: "#e6edf3", MUTED: "#9198a1", GRID: "#3d444d", BLUE: "#58a6ff", ORANGE: "#f0883e", GREEN: "#3fb950"}
WIDTH = 560
SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"

Row = dict[str, Any]
Spec = dict[str, Any]


def major_groups(rows: Sequence[Row]) -> Spec:
    """Accuracy by major group with intervals, and what was promised."""
    y = {"field": "label", "type": "nominal", "title": None, "sort": None, "axis": {"labelLimit": 280}}
    data = [{**r, "label": f"{r['group']} {r['title']}"} for r in rows]
    layers = [
        _interval("top 1", y, BLUE),
        _dots("top 1", y, BLUE),
        {
            "mark": {"type": "tick", "color": ORANGE, "thickness": 3, "size": 16, "opacity": 1},
            "encoding": {"x": {"field": "promised", "type": "quantitative"}, "y": y},
        },
    ]
    return _spec(data, layers, "right unit group, % (dot with 95 % interval); orange mark: promised", height={"step": 26}, domain=(0, 100))


def slices(rows: Sequence[Row]) -> Spec:
    """Accuracy by slice with intervals."""
    data = [{**r, "label": f"{r['slice']}: {r['value']} ({r['n']:,})"} for r in rows]
    y = {"field": "label", "type": "nominal", "title": None, "sort": None, "axis": {"labelLimit": 280}}
    title = "right unit group (blue) and emitted code right (green), %"
    shown = [
        _interval("top 1", y, BLUE), _dots("top 1", y, BLUE), _interval("emitted right", y, GREEN, 6), _dots("emitted right", y, GREEN, 6),
    ]  # fmt: skip
    return _spec(data, shown, title, height={"step": 26}, domain=(0, 100))


def reliability(rows: Sequence[Row]) -> Spec:
    """Share right over mean confidence; on the diagonal the probabilities are what they say."""
    x = {"field": "confidence", "type": "quantitative", "title": "mean confidence, %", "scale": {"domain": [0, 100]}}
    y = {"type": "quantitative", "title": "right, %", "scale": {"domain": [0, 100]}}
    colour = {
        "field": "answer", "type": "nominal", "title": None, "scale": {"domain": ["unit group", "emitted code"], "range": [BLUE, GREEN]},
        "legend": {"orient": "top"},
    }  # fmt: skip
    layers = [
        {
            "data": {"values": [{"a": 0, "b": 0}, {"a": 100, "b": 100}]},
            "mark": {"type": "line", "color": MUTED, "strokeDash": [4, 4]},
            "encoding": {"x": {"field": "a", "type": "quantitative"}, "y": {"field": "b", "type": "quantitative"}},
        },
        {"mark": {"type": "rule", "strokeWidth": 1.5}, "encoding": {"x": x, "y": {"field": "right low", **y}, "y2": {"field": "right high"}, "color": colour}},
        {"mark": {"type": "point", "filled": True, "size": 55, "opacity": 1}, "encoding": {"x": x, "y": {"field": "right", **y}, "color": colour}},
    ]  # fmt: skip
    return {**_frame(rows, height=340), "width": 340, "layer": layers}


def risk_coverage(rows: Sequence[Row]) -> Spec:
    """Error among the surest records over their share, with a band for the interval."""
    x = {"field": "coverage", "type": "quantitative", "title": "the surest so many % of the coded records", "scale": {"domain": [0, 100]}}
    colour = {
        "field": "answer", "type": "nominal", "title": None, "scale": {"domain": ["unit group", "emitted code"], "range": [BLUE, GREEN]},
        "legend": {"orient": "top"},
    }  # fmt: skip
    y = {"type": "quantitative", "title": "wrong among them, %"}
    layers = [
        {"mark": {"type": "line", "strokeWidth": 2}, "encoding": {"x": x, "y": {"field": "error", **y}, "color": colour}},
        {
            "mark": {"type": "area", "opacity": 0.18},
            "encoding": {"x": x, "y": {"field": "error low", **y}, "y2": {"field": "error high"}, "color": {**colour, "legend": None}},
        },
    ]
    return {**_frame(rows, height=260), "layer": layers}


def grades(rows: Sequence[Row]) -> Spec:
    """What each grade promises beside what it holds."""
    y = {"field": "grade", "type": "nominal", "title": None, "sort": None}
    layers = [
        _interval("emitted right", y, GREEN),
        _dots("emitted right", y, GREEN),
        {
            "mark": {"type": "tick", "color": ORANGE, "thickness": 3, "size": 16, "opacity": 1},
            "encoding": {"x": {"field": "confidence", "type": "quantitative"}, "y": y},
        },
    ]
    return _spec(
        rows, layers, "emitted code right, % (dot with 95 % interval); orange mark: mean confidence", height={"step": 26}, domain=(0, 100)
    )


def confusions_above(rows: Sequence[Row]) -> Spec:
    """The pairs of groups above the unit groups that are confused most often."""
    data = [{**r, "label": f"{r['gold']} {_short(r['gold group'])} → {r['coded']} {_short(r['coded as'])}"} for r in rows[:12]]
    y = {"field": "label", "type": "nominal", "title": None, "sort": None, "axis": {"labelLimit": 420}}
    most = max((r["records"] for r in data), default=1)
    x = {
        "field": "records",
        "type": "quantitative",
        "title": "records",
        "axis": {"tickCount": min(most, 8), "format": "d"},
        "scale": {"domain": [0, most]},
    }
    return {
        **_frame(data, height={"step": 22}),
        "width": 260,
        "mark": {"type": "bar", "color": BLUE, "height": 12},
        "encoding": {"x": x, "y": y},
    }


def shares(rows: Sequence[Row]) -> Spec:
    """The distribution over the groups of the highest level before and after."""
    data = [{**r, "label": f"{r['group']} {r['title']}"} for r in rows if r["level"] == "1"]
    y = {"field": "label", "type": "nominal", "title": None, "sort": None, "axis": {"labelLimit": 280}}
    layers = [
        {
            "mark": {"type": "rule", "color": MUTED, "strokeWidth": 2},
            "encoding": {"x": {"field": "by gold", "type": "quantitative"}, "x2": {"field": "by coder"}, "y": y},
        },
        {
            "mark": {"type": "point", "shape": "diamond", "filled": True, "size": 90, "color": ORANGE, "opacity": 1},
            "encoding": {"x": {"field": "by gold", "type": "quantitative"}, "y": y},
        },
        _dots("by coder", y, BLUE),
    ]
    return _spec(data, layers, "share of records, %: by gold (orange diamond), by the coder (blue dot)", height={"step": 26})


PICTURES: dict[str, Callable[[Sequence[Row]], Spec]] = {
    "major_groups": major_groups, "slices": slices, "reliability": reliability, "risk_coverage": risk_coverage, "grades": grades,
    "confusions_above": confusions_above, "shares": shares,
}  # fmt: skip


def draw(spec: Spec) -> str:
    """The picture as SVG; needs the extra packages of the evaluation, and reads nothing but the specification."""
    try:
        import vl_convert
    except ImportError:
        raise EvaluationError("pictures need one more package (vl-convert-python): pip install 'isco-rag[eval]'") from None
    svg: str = vl_convert.vegalite_to_svg(msgspec.json.encode(spec).decode(), allowed_base_urls=[])
    return svg


def _spec(rows: Sequence[Row], layers: list[Spec], title: str, height: object, domain: tuple[float, float] | None = None) -> Spec:
    for layer in layers:
        x = layer["encoding"]["x"]
        x["title"] = title
        if domain:
            x["scale"] = {"domain": list(domain)}
    return {**_frame(rows, height), "layer": layers}


def _frame(rows: Sequence[Row], height: object) -> Spec:
    axis = {"labelColor": INK, "titleColor": INK, "gridColor": GRID, "domainColor": MUTED, "tickColor": MUTED, "labelFontSize": 12, "titleFontSize": 12,
            "titleFontWeight": "normal"}  # fmt: skip
    config = {"axis": axis, "view": {"stroke": None}, "legend": {"labelColor": INK, "labelFontSize": 12}, "font": "sans-serif"}
    return {"$schema": SCHEMA, "background": None, "width": WIDTH, "height": height, "config": config, "data": {"values": list(rows)}}


def _interval(field: str, y: Spec, colour: str, shift: int = 0) -> Spec:
    x = {"field": f"{field} low", "type": "quantitative"}
    mark = {"type": "rule", "color": colour, "strokeWidth": 2, "yOffset": shift}
    return {"mark": mark, "encoding": {"x": x, "x2": {"field": f"{field} high"}, "y": y}}


def _dots(field: str, y: Spec, colour: str, shift: int = 0) -> Spec:
    mark = {"type": "point", "filled": True, "size": 70, "color": colour, "opacity": 1, "yOffset": shift}
    return {"mark": mark, "encoding": {"x": {"field": field, "type": "quantitative"}, "y": y}}


def _short(title: str) -> str:
    return title if len(title) <= 28 else title[:27].rstrip() + "…"
