"""The page docs/benchmarks.md, from results."""

import os
from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from isco_eval.bench.task import Answer, Figures, Result, Rows
from isco_eval.machine import machine, said
from isco_eval.measure import calibration_error
from isco_rag.interval import wilson
from isco_rag.show import percent

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


def about_machine() -> str:
    """The machine, its load and the versions, as one paragraph."""
    found = machine(PACKAGES)
    versions = ", ".join(f"{name} {found.pop(name)}" for name in PACKAGES if name in found)
    load = f"; load of the machine when it began {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{said(found)}{load}. {versions}."


def page(runs: Sequence[Run], golds: Sequence[Rows], figures: Figures, whole: Whole, about: str, limit: int) -> str:
    """The whole page in Markdown."""
    drawn = (
        f"at most {limit:,} rows of each file, drawn as `isco-rag eval --limit {limit}` draws them" if limit else "all rows of each file"
    )
    parts = [
        "# Benchmarks\n",
        "Written by `make bench`: every system in one run, on the same machine, rows and index, each in a process of its own. Accuracy is that of the likeliest "
        "unit group (4 digits), in percent with 95 % interval; a gold code above the unit group is compared at its own level. The calibration error "
        "is that of the system's own score for its first code, taken as a probability. Speed is that of a warm system, by the clock and in processor time, which "
        "other work on the machine distorts less; ratios are to character TF-IDF.\n",
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


class Scores(Struct, frozen=True):
    """A system on one gold file: whether its first code, and one of its three, was right, and how sure it was of the first [n]."""

    first: NDArray[np.bool_]
    three: NDArray[np.bool_]
    sure: NDArray[np.float64]

    @property
    def ece(self) -> float:
        return calibration_error(np.column_stack([self.sure, self.first]).astype(float)).value


def _run(run: Run, golds: Sequence[Rows]) -> str:
    scores = {name: {g.name: _scores(g, r.answers[g.name]) for g in golds} for name, r in run.results.items()}
    parts = [f"## {run.index}: {run.titles:,} titles\n", _overall(run, scores)]
    for gold in golds:
        parts.append(
            f"### {gold.name}, {len(gold.jobs):,} rows\n\n| system | top 1 | top 3 | ratio of top 1 | calibration error | Brier score | rows a minute |\n{_line(7)}"
        )
        base = scores.get(BASE, {}).get(gold.name)
        for name, result in run.results.items():
            s = scores[name][gold.name]
            shares = [percent(wilson(int(hits.sum()), len(hits), "")) for hits in (s.first, s.three)]
            against = f"{s.first.mean() / base.first.mean():.2f}" if base is not None and base.first.any() else ""
            rate = 60 * len(s.first) / result.seconds[gold.name]
            parts[-1] += (
                f"| {name} | {shares[0]} | {shares[1]} | {against} | {s.ece:.3f} | {np.mean((s.sure - s.first) ** 2):.3f} | {rate:,.0f} |\n"
            )
    return "\n".join(parts)


def _overall(run: Run, scores: dict[str, dict[str, Scores]]) -> str:
    """Accuracy as the mean over gold files, speed over all rows."""
    text = f"| system | top 1, mean of files | top 3 | calibration error | rows a minute | ratio | processor time a row | ratio | ready after | peak memory |\n{_line(10)}"
    rates = {name: (_rate(r, r.seconds), _rate(r, r.processor_seconds)) for name, r in run.results.items()}
    for name, r in run.results.items():
        own = scores[name].values()
        top1, top3 = np.mean([s.first.mean() for s in own]), np.mean([s.three.mean() for s in own])
        ece = np.mean([s.ece for s in own])
        clock, used = rates[name]
        ratios = (
            [f"{mine / theirs:.2f}" for mine, theirs in zip((clock, 1 / used), (rates[BASE][0], 1 / rates[BASE][1]), strict=True)]
            if BASE in rates
            else ["", ""]
        )
        text += (
            f"| {name} | {100 * top1:.1f} | {100 * top3:.1f} | {ece:.3f} | {clock:,.0f} | {ratios[0]} | {60_000 / used:.1f} ms | {ratios[1]} "
            f"| {r.ready:.1f} s | {r.megabytes:,.0f} MB |\n"
        )
    return text


def _line(columns: int) -> str:
    return "|---" * columns + "|\n"


def _rate(result: Result, seconds: dict[str, float]) -> float:
    """Rows in sixty of these seconds."""
    return 60 * sum(map(len, result.answers.values())) / max(sum(seconds.values()), 1e-9)


def _scores(gold: Rows, answers: Sequence[Answer]) -> Scores:
    """Right is a code that begins with the gold code, which may be shorter than a unit group."""
    places = [
        next((i for i, code in enumerate(a.codes) if code.startswith(wanted)), 99) for a, wanted in zip(answers, gold.codes, strict=True)
    ]
    return Scores(np.array([p == 0 for p in places]), np.array([p < 3 for p in places]), np.array([a.confidence for a in answers]))
