"""What the thresholds command prints."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.markup import escape
from rich.padding import Padding

from isco_rag.classify import Classifier
from isco_rag.commands.sample import CodedSample
from isco_rag.risk import Bound, Passed
from isco_rag.settings import Settings
from isco_rag.show import console, percent, plain_table

# Settings that the probabilities depend on: the fragment repeats those that are not the default.
NUMBERS = ("fallback_level", "neighbours", "rerank", "duties_words")


def show_bounds(bounds: Sequence[Bound], coded: CodedSample, confidence: float) -> None:
    """Thresholds for several bounds on the error, each guaranteed by itself."""
    out, n = console(), len(coded.right)
    codable = [p for p in coded.predictions if p.code]
    rate = np.mean([r for r, p in zip(coded.right, coded.predictions, strict=True) if p.code]) if codable else 0.0
    out.print(f"\n{n:,} coded rows; {len(codable):,} of them can be coded, {rate:.1%} of these are right at the level that is emitted")
    out.print(f"safe: the error is within the bound with {confidence:.0%} confidence; percentages with intervals of the same confidence\n")
    table = plain_table(
        "error at most", "safe threshold", "goes out untouched", "errors in it", "unit groups", "threshold that looked safe", "untouched"
    )
    for bound in bounds:
        safe, looked = bound.safe, bound.looked
        own = ("none", "", f"needs {bound.least:,} right", "") if safe is None else _cells(safe, coded)
        hope = ("none", "") if looked is None else (f"{looked.threshold:g}", f"{100 * looked.share.value:.1f}")
        table.add_row(f"{bound.max_error:.1%}", *own, *hope)
    out.print(Padding(table, (0, 0, 1, 0)))
    out.print("The threshold that looked safe kept the bound on this very sample; nothing says that it does on the next.", style="dim")


def _cells(safe: Passed, coded: CodedSample) -> tuple[str, ...]:
    rows = np.flatnonzero(coded.untouched(safe.threshold))
    deepest = max(p.level for p in coded.predictions)
    lowest = np.mean([coded.predictions[i].level == deepest for i in rows])
    return (
        f"{safe.threshold:g}",
        percent(safe.share),
        f"{100 * safe.error.value:.1f} ({100 * safe.error.low:.1f}-{100 * safe.error.high:.1f})",
        f"{lowest:.0%}",
    )


def show_fragment(bound: Bound, confidence: float, coded: CodedSample, gold: Sequence[Path], classifier: Classifier) -> None:
    """Lines for a settings file that put the safe threshold to use."""
    out = console()
    if bound.safe is None:
        out.print(
            f"[yellow]No threshold keeps the error at or below {bound.max_error:g} with {confidence:.0%} confidence on these rows; "
            "bring more of them, or allow more errors.[/]"
        )
        return
    settings, kept = classifier.settings, coded.thresholds
    names = ", ".join(path.name for path in gold)
    lines = [
        f"# {bound.safe.share.value:.1%} of records go out untouched, at most {bound.max_error:.1%} of them wrong ({confidence:.0%} confidence).",
        f"# From {len(coded.right):,} rows of {names}; bundle {classifier.parts.name}.",
        *([f"calibration = {_quoted(settings.calibration)}"] if settings.calibration else []),
        *([f"index_also = [{', '.join(map(_quoted, settings.index_also))}]"] if settings.index_also else []),
        *(f"{name} = {getattr(settings, name)}" for name in NUMBERS if getattr(settings, name) != getattr(Settings(), name)),
        "",
        "[thresholds]",
        *(f"{name} = {getattr(kept, name)}" for name in ("very_high", "high", "medium", "low")),
        f"automatic = {bound.safe.threshold}",
    ]
    out.print("\nfor a settings file:\n")
    out.print(escape("\n".join(lines)), soft_wrap=True)


def _quoted(path: str) -> str:
    return f"'{Path(path).resolve()}'"
