"""The benchmark: prepares one task for all, runs each system in its own process, writes the page."""

import csv
import os
import statistics
import subprocess
import sys
import tempfile
from itertools import cycle, islice
from pathlib import Path
from time import perf_counter
from typing import Any

import click
import msgspec

from isco_eval.bench.report import Run, Whole, about_machine, page
from isco_eval.bench.systems import SYSTEMS
from isco_eval.bench.task import Figures, Result, Rows, Task
from isco_eval.gold import Gold, read_gold, read_titles
from isco_rag.bundle import read_manifest
from isco_rag.errors import CoderError, InputError
from isco_rag.taxonomy import Taxonomy
from isco_rag.wiring import data_folder, default_bundle, default_taxonomy, processors

ROOT = data_folder().parent
SHARED = ROOT.parent / "shared"
BIG_FILE = 100_000


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--limit",
    default=3000,
    show_default=True,
    type=click.IntRange(min=0),
    help="Rows of each gold file, drawn by a fixed shuffle; 0 is all.",
)
@click.option("--gold", multiple=True, type=click.Path(path_type=Path), help="Gold files; default: data/gold and those of ../shared/eval.")
@click.option(
    "--published", type=click.Path(path_type=Path), help="Parquet file of coded texts for a second run; default: that of ../shared/data."
)
@click.option("--system", "names", multiple=True, type=click.Choice(list(SYSTEMS)), help="Only these systems.")
@click.option("--shipped-only", is_flag=True, help="Only the run with the shipped index.")
@click.option("--big-file", default=BIG_FILE, show_default=True, help="Rows of the file whose peak memory is measured.")
@click.option(
    "-o",
    "--output",
    default=ROOT / "docs" / "benchmarks.md",
    type=click.Path(path_type=Path),
    help="The page to write; default: docs/benchmarks.md.",
)
def main(
    limit: int, gold: tuple[Path, ...], published: Path | None, names: tuple[str, ...], shipped_only: bool, big_file: int, output: Path
) -> None:
    """Compare the shipped bundle with other ways to code, and write docs/benchmarks.md."""
    about, taxonomy = f"{about_machine()} Bundle {read_manifest(default_bundle()).name}.", default_taxonomy()
    paths = gold or (*sorted((ROOT / "data" / "gold").glob("*.csv")), *sorted((SHARED / "eval").glob("*.csv")))
    golds = [read_gold(path, taxonomy, limit) for path in paths]
    rows = tuple(Rows(g.name, tuple(g.jobs), tuple(g.codes)) for g in golds)
    published = published or SHARED / "data" / "coded_texts.parquet"
    with tempfile.TemporaryDirectory(prefix="isco-bench-") as place:
        folder = Path(place)
        tasks = _tasks(rows, golds, taxonomy, None if shipped_only or not published.is_file() else published)
        runs = []
        for number, (index, task) in enumerate(tasks.items()):
            file = folder / f"task{number}.json"
            file.write_bytes(msgspec.json.encode(task))
            results = {name: _run(name, file, folder, Result) for name in names or SYSTEMS}
            runs.append(Run(index, sum(bool(e.title) for e in (*task.entries, *task.published)), results))
        figures = _run("figures", folder / "task0.json", folder, Figures)
        text = page(runs, rows, figures, _whole(rows, folder, big_file), about, limit)
    click.echo(text)
    beside = output.with_name(f".{output.name}.part")
    beside.write_text(text, encoding="utf-8")
    beside.replace(output)
    click.echo(f"written: {output}", err=True)


def _tasks(rows: tuple[Rows, ...], golds: list[Gold], taxonomy: Taxonomy, published: Path | None) -> dict[str, Task]:
    """The task with the shipped index, and the one with published titles too, none of which is a gold row."""
    from isco_index import load_index

    shipped = tuple(e for e in load_index(default_bundle() / "index").entries if e.code in taxonomy.leaf_number)
    tasks = {"Shipped index": Task(shipped, (), rows, processors())}
    if published:
        tasks["With published titles"] = Task(shipped, tuple(read_titles(published, taxonomy, golds)), rows, processors())
    return tasks


def _run(name: str, task: Path, folder: Path, kind: Any) -> Any:
    click.echo(f"running: {name}", err=True)
    target = folder / "result.json"
    command = [sys.executable, "-m", "isco_eval.bench.worker", name, str(task), str(target)]
    found = subprocess.run(command, check=False, capture_output=True, text=True, env={**os.environ, "TOKENIZERS_PARALLELISM": "false"})
    if found.returncode:
        reason = (found.stderr.strip().splitlines() or ["no message"])[-1]
        raise InputError(f"{name}: failed ({reason}); the benchmark needs: pip install 'isco-rag[bench]'")
    return msgspec.json.decode(target.read_bytes(), type=kind)


def _whole(rows: tuple[Rows, ...], folder: Path, big: int) -> Whole:
    """Cold start and peak memory of the command line, in processes of their own."""
    seconds = []
    for _ in range(3):
        began = perf_counter()
        subprocess.run([sys.executable, "-m", "isco_rag.cli", "classify", "welder"], check=True, capture_output=True)
        seconds.append(perf_counter() - began)
    titles = list(dict.fromkeys(job.title for gold in rows for job in gold.jobs if job.title))
    source = folder / "big.csv"
    with source.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["title"], *([title] for title in islice(cycle(titles), big))])
    click.echo(f"running: a file of {big:,} rows", err=True)
    program = (
        "import resource, sys\nfrom isco_rag.cli import main\n"
        "try: main()\nfinally: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=open(sys.argv[-1] + '.peak', 'w'))"
    )
    target = folder / "big_out.csv"
    subprocess.run([sys.executable, "-c", program, "code", str(source), "-o", str(target)], check=True, capture_output=True)
    peak = int(target.with_name(target.name + ".peak").read_text())
    return Whole(statistics.median(seconds), peak / (1 << 20 if sys.platform == "darwin" else 1 << 10), big, min(big, len(titles)))


if __name__ == "__main__":
    try:
        main()
    except CoderError as error:
        click.echo(f"bench: {error}", err=True)
        sys.exit(error.exit_code)
