"""Reports as one HTML page that needs nothing else, as Markdown, and as JSON."""

import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from isco_eval.pictures import DARK, draw
from isco_eval.report import SHOWN, Block, Report
from isco_rag.errors import EvaluationError, UsageError

# A number with more decimals was rounded by nobody.
ROUNDED = 4
# Tables of so few rows stay on one page of paper.
SHORT = 15
# A word of more letters (a hash, a path) may break anywhere; a text of more, titles mostly, gets room, a shorter one stands on one line.
LONG_WORD, LONG_TEXT = 30, 16
# Of its width, what a picture keeps on a narrow screen.
LEGIBLE = 0.8


def write_report(reports: Sequence[Report], target: Path) -> None:
    """Writes reports to a file whose ending says how: .html, .md or .json."""
    made = {".html": as_html, ".md": as_markdown, ".json": as_json}.get(target.suffix.lower())
    if made is None:
        raise UsageError(f"{target}: a report is written as .html, .md or .json; end the name with one of these")
    text = made(reports)
    try:
        beside = target.with_name(f".{target.name}.part")
        beside.write_text(text, encoding="utf-8")
        beside.replace(target)
    except OSError as error:
        raise UsageError(f"{target}: can't be written ({error.strerror}); choose another place with -o") from None


def as_json(reports: Sequence[Report]) -> str:
    """The whole reports, tables with their queries and pictures with their specifications."""
    return msgspec.json.format(msgspec.json.encode(list(reports), enc_hook=str), indent=1).decode() + "\n"


def as_markdown(reports: Sequence[Report]) -> str:
    """Text and tables; of pictures, what they show in words."""
    parts = []
    for report in reports:
        parts.append(f"# {report.suite}: {report.bundle}\n\n{report.title}. Run {report.run}, {report.started}.\n")
        parts += [f"> **{notice}**\n" for notice in report.notices]
        parts.append("".join(f"- {line}\n" for line in report.summary))
        parts.append(f"How far to trust the gold: {report.trust or 'the suite does not say.'}\n")
        for section in report.sections:
            parts.append(f"## {section.name}: {section.question}\n")
            for block in section.blocks:
                parts.append(f"### {block.title}\n\n{block.says}\n")
                if block.alternative:
                    parts.append(f"*{block.alternative}*\n")
                parts.append(_markdown_table(block))
    return "\n".join(parts)


def _markdown_table(block: Block) -> str:
    columns, rows, numeric = cells(block)
    lines = ["| " + " | ".join(columns) + " |", "|" + "".join("---:|" if number else "---|" for number in numeric)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in rows[:SHOWN]]
    return "\n".join(lines) + "\n" + (f"\n{more(block)}\n" if more(block) else "")


def as_html(reports: Sequence[Report]) -> str:
    """One page: style and pictures are in it, nothing is fetched, no script runs; light or dark as the reader's system is, and printable."""
    try:
        import jinja2
    except ImportError:
        raise EvaluationError("HTML reports need more packages (jinja2): pip install 'isco-rag[eval]'; .md and .json do without") from None
    folder = files("isco_eval").joinpath("templates")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(folder.joinpath("report.html").read_text(encoding="utf-8"))
    dark = "\n".join(f'svg [{kind}="{light}"] {{ {kind}: {swapped} }}' for light, swapped in DARK.items() for kind in ("fill", "stroke"))
    return template.render(
        reports=reports,
        style=folder.joinpath("report.css").read_text(encoding="utf-8"),
        dark=dark,
        cells=cells,
        shape=_shape,
        more=more,
        svg=_svg,
        shown=SHOWN,
        short=SHORT,
    )


def _svg(block: Block) -> Any:
    """The picture, safe to stand in a page; screen readers get the text that stands in its place."""
    from markupsafe import Markup

    assert block.picture is not None
    drawn = draw(block.picture)
    size = re.search(r'width="(\d+)"', drawn)
    # On a phone a picture is scrolled, not made illegible.
    style = f"max-width: {size[1]}px; min-width: {LEGIBLE * int(size[1]):.0f}px" if size else ""
    drawn = re.sub(r' (?:role|aria-[a-z]+)="[^"]*"', "", drawn)
    return Markup(re.sub(r'(<svg[^>]*?) width="[\d.]+" height="[\d.]+"', rf'\1 style="{style}" aria-hidden="true"', drawn, count=1))


def _shape(cell: str, *, number: bool) -> str:
    """The class of a table cell, which says how it may be broken."""
    if number:
        return "number"
    if any(len(word) > LONG_WORD for word in cell.split()):
        return "wide"
    return "text" if len(cell) > LONG_TEXT else "short"


def cells(block: Block) -> tuple[list[str], list[list[str]], list[bool]]:
    """Column names, cells as people read them, and which columns are numbers: "X", "X low" and "X high" become one cell, all with equally many decimals."""
    names = [c for c in block.columns if not (c.endswith((" low", " high")) and c.rsplit(" ", 1)[0] in block.columns)]
    decimals = {name: _decimals([r.get(f"{name}{end}") for r in block.records for end in ("", " low", " high")]) for name in names}
    rows = [[_cell(record, name, decimals[name]) for name in names] for record in block.records]
    # A column without a value stands as its numbers would.
    numeric = [any(_is_number(r[name]) for r in block.records) or all(r[name] is None for r in block.records) for name in names]
    return names, rows, numeric


def _is_number(value: Any) -> bool:
    return not isinstance(value, str | bool | list) and value is not None


def _decimals(values: Sequence[Any]) -> int | None:
    """How many decimals the numbers of a column are shown with; None where they are not rounded, and each is shown as it is."""
    told = [repr(v) for v in values if isinstance(v, float)]
    most = max((len(t.partition(".")[2]) for t in told), default=0)
    return most if most <= ROUNDED and not any("e" in t or "n" in t for t in told) else None


def _cell(record: dict[str, Any], name: str, decimals: int | None) -> str:
    value, low, high = record[name], record.get(f"{name} low"), record.get(f"{name} high")
    if low is None or high is None or value is None:
        return _number(value, decimals)
    return f"{_number(value, decimals)} ({_number(low, decimals)} to {_number(high, decimals)})"


def _number(value: Any, decimals: int | None) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        value += 0.0  # no "-0.0"
        return (f"{value:,}" if decimals is None else f"{value:,.{decimals}f}").replace("-", "−")
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def more(block: Block) -> str:
    """What a shortened table says of the rows that it leaves out."""
    left = len(block.rows) - SHOWN
    return f"{left:,} more rows: isco-rag eval sql {block.query}" if left > 0 else ""
