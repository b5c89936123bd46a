"""One system in a process of its own: `python -m isco_eval.bench.worker SYSTEM TASK RESULT`; SYSTEM is a name, or "figures"."""

import csv
import resource
import sys
import tempfile
from itertools import cycle, islice
from pathlib import Path
from time import perf_counter, process_time

import msgspec
import numpy as np

from isco_eval.bench.systems import SYSTEMS
from isco_eval.bench.task import Figures, Result, Task
from isco_rag.coding import code_file
from isco_rag.tables import choose_columns, read_form
from isco_rag.types import Job
from isco_rag.wiring import open_classifier

WARM_UP = 64
DUTIES_WORDS = 60
SINGLES = 300


def run_system(name: str, task: Task) -> Result:
    """The answers of a system to every gold file, timed when it is warm."""
    began = perf_counter()
    system = SYSTEMS[name](task)
    ready = perf_counter() - began
    seconds, used, answers = {}, {}, {}
    for gold in task.golds:
        system(gold.jobs[:WARM_UP])
        began, worked = perf_counter(), process_time()
        answers[gold.name] = tuple(system(gold.jobs))
        seconds[gold.name], used[gold.name] = perf_counter() - began, process_time() - worked
    return Result(ready, seconds, used, answers, peak_megabytes())


def run_figures(task: Task) -> Figures:
    """Speed of the project with the shipped index: whole files, read and written, and one record after the other."""
    classifier = open_classifier()
    titles = list(dict.fromkeys(job.title for gold in task.golds for job in gold.jobs if job.title))
    words = [w for gold in task.golds for job in gold.jobs for w in job.duties.split()]
    records = (
        [(title, " ".join(islice(cycle(words), i * 7, i * 7 + DUTIES_WORDS))) for i, title in enumerate(titles[:1000])] if words else []
    )
    singles = []
    for title in [*titles[:30], *titles[:SINGLES]]:
        began = perf_counter()
        classifier.classify([Job(title)])
        singles.append(1000 * (perf_counter() - began))
    with tempfile.TemporaryDirectory() as folder:

        def rate(rows: list[tuple[str, str]]) -> float:
            source, target = Path(folder, "in.csv"), Path(folder, "out.csv")
            with source.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows([("title", "duties"), *rows])
            began = perf_counter()
            form = read_form(source)
            code_file(classifier, source, target, form, choose_columns(form, source, {}), lambda rows, done: None)
            return 60 * len(rows) / (perf_counter() - began)

        median, p99 = np.quantile(singles[30:], [0.5, 0.99])
        return Figures(
            rate([(t, "") for t in titles]), len(titles), rate(records) if records else 0.0, len(records), float(median), float(p99), len(singles) - 30
        )  # fmt: skip


def peak_megabytes() -> float:
    """The most memory that this process has held so far; Linux counts in kilobytes, macOS in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def main(name: str, task: Path, target: Path) -> None:
    """Runs what is named and writes its result."""
    given = msgspec.json.decode(task.read_bytes(), type=Task)
    target.write_bytes(msgspec.json.encode(run_figures(given) if name == "figures" else run_system(name, given)))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
