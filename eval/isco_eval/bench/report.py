"""The page docs/benchmarks.md, from results."""

import os
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from msgspec import Struct

from isco_eval.bench.task import Answer, Figures, Result, Rows
from isco_eval.measure import calibration_error, wilson
from isco_rag.show import percent
from isco_rag.wiring import processors

PACKAGES = ("isco-rag", "onnxruntime", "faiss-cpu", "rapidfuzz", "scikit-learn", "bm25s", "sentence-transformers", "torch", "numpy")
BASE = "character TF-IDF"


class Run(Struct, frozen=True):
    """A comparison over one index: its name, how many titles it has, and the results by system."""

    index: str
    titles: int
    results: dict[str, Result]


class Whole(Struct, frozen=True):
    """Figures of the command line: seconds of a cold `classify`, peak memory in MB of coding a file of so many rows, so many distinct."""

    cold: float
    megabytes: float
    rows: int
    distinct: int


def machine() -> str:
    """The machine and the versions, as one paragraph."""
    cpu = next((line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), platform.processor())
    memory = next((int(line.split()[1]) / 2**20 for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0.0)
    load = f"; load of the machine when it began {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    versions = ", ".join(f"{name} {found}" for name in PACKAGES if (found := _version(name)))
    return f"{cpu}, {processors()} cores used, {memory:.0f} GB, {platform.system()} {platform.machine()}, Python {platform.python_version()}{load}. {versions}."


def page(runs: Sequence[Run], golds: Sequence[Rows], figures: Figures, whole: Whole, about: str, limit: int) -> str:
    """The whole page in Markdown."""
    drawn = (
        f"at most {limit:,} rows of each file, drawn as `isco-rag eval --limit {limit}` draws them" if limit else "all rows of each file"
    )
    parts = [
        "# Benchmarks\n",
        "Written by `make bench`: every system in one run, on the same machine, rows and index, each in a process of its own. Accuracy is that of the likeliest "
        "unit group (4 digits), in percent with 95 % interval; a gold code above the unit group is compared at its own level. The calibration error "
        "is that of the system's own score for its first code, taken as a probability. Speed is that of a warm system; ratios are to character TF-IDF.\n",
        f"{about}\n",
        f"Rows: {drawn}: " + ", ".join(f"{g.name} {len(g.jobs):,}" for g in golds) + ".\n",
        _figures(figures, whole),
        *(_run(run, golds) for run in runs),
    ]
    return "\n".join(parts)


def _figures(f: Figures, w: Whole) -> str:
    rows = [
        ("titles a minute, distinct, whole pipeline, file to file", f"{f.titles_a_minute:,.0f}", f"{f.titles:,} titles"),
        ("records with 60 words of duties a minute, file to file", f"{f.records_a_minute:,.0f}", f"{f.records:,} records"),
        ("one record, warm, p50 / p99", f"{f.median_ms:.1f} / {f.p99_ms:.1f} ms", f"{f.singles:,} titles"),
        ("`isco-rag classify`, cold", f"{w.cold:.1f} s", "median of 3"),
        (f"peak memory of a file of {w.rows:,} rows", f"{w.megabytes:,.0f} MB", f"{w.distinct:,} distinct titles"),
    ]
    return "## The project alone, shipped index\n\n| | | measured on |\n|---|---|---|\n" + "".join(
        f"| {a} | {b} | {c} |\n" for a, b, c in rows
    )


def _run(run: Run, golds: Sequence[Rows]) -> str:
    head = "| system | rows a minute | ratio | ready after | peak memory |\n|---|---|---|---|---|\n"
    speeds = {name: _rate(result) for name, result in run.results.items()}
    base = speeds.get(BASE)
    lines = [
        f"| {name} | {speeds[name]:,.0f} | {f'{speeds[name] / base:.2f}' if base else ''} | {r.ready:.1f} s | {r.megabytes:,.0f} MB |\n"
        for name, r in run.results.items()
    ]
    text = f"## {run.index}: {run.titles:,} titles\n\n{head}{''.join(lines)}"
    for gold in golds:
        text += f"\n### {gold.name}, {len(gold.jobs):,} rows\n\n| system | top 1 | top 3 | ratio of top 1 | calibration error | Brier score | rows a minute |\n|---|---|---|---|---|---|---|\n"
        right = {name: _right(gold, r.answers[gold.name]) for name, r in run.results.items()}
        for name, r in run.results.items():
            first, three = right[name]
            sure = np.array([a.confidence for a in r.answers[gold.name]])
            ece = calibration_error(np.column_stack([sure, first]).astype(float))
            against = f"{first.mean() / right[BASE][0].mean():.2f}" if BASE in right and right[BASE][0].any() else ""
            shares = [percent(wilson(int(hits.sum()), len(hits), "")) for hits in (first, three)]
            text += f"| {name} | {shares[0]} | {shares[1]} | {against} | {ece.value:.3f} | {np.mean((sure - first) ** 2):.3f} | {60 * len(first) / r.seconds[gold.name]:,.0f} |\n"
    return text


def _rate(result: Result) -> float:
    return 60 * sum(map(len, result.answers.values())) / sum(result.seconds.values())


def _right(gold: Rows, answers: Sequence[Answer]) -> tuple[np.ndarray, np.ndarray]:
    """Whether the first, and one of the three, codes begin with the gold code."""
    places = [
        next((i for i, code in enumerate(a.codes) if code.startswith(wanted)), 99) for a, wanted in zip(answers, gold.codes, strict=True)
    ]  # fmt: skip
    return np.array([p == 0 for p in places]), np.array([p < 3 for p in places])


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines() if Path(path).exists() else []
