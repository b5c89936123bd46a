"""The service under load, on loopback and bounded: `make load` prints the table; `python -m tests.load --help` tells what can be set.

Each situation is measured apart. The clients send at a fixed rate whether or not answers come back (an open loop), so that a slow answer is not
hidden by fewer requests. No text is sent twice. Everything runs on one machine, the clients too; figures are those of whatever else runs there.
Processor time, which other work distorts less, stands beside the clock where two programs are compared.
"""

import argparse
import asyncio
import csv
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from time import perf_counter, sleep
from typing import NamedTuple

import httpx
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
CLIENTS = 20
WORDS = 60
# Requests a second beside a file.
BESIDE = 5.0
PAGES = ("/", "/many", "/files", "/review", "/classification", "/quality", "/administration/models")
Texts = list[tuple[str, str]]


def texts(count: int, first: int = 0) -> Texts:
    """Titles and duties, no two alike: written examples, each with a number of an establishment that says nothing."""
    rows = []
    for path in sorted((ROOT / "data" / "examples").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows += [(row["title"], row.get("duties", "")) for row in csv.DictReader(file) if row["title"]]
    random.Random(1).shuffle(rows)
    return [(f"{rows[i % len(rows)][0]} site {i}", rows[i % len(rows)][1]) for i in range(first, first + count)]


def titles(jobs: Texts) -> Texts:
    """The titles alone."""
    return [(title, "") for title, _ in jobs]


def long(jobs: Texts) -> Texts:
    """The titles with 60 words of duties: their own, and those of others behind."""
    words, found = " ".join(duties for _, duties in jobs).split(), []
    for i, (title, duties) in enumerate(jobs):
        place = 7 * i % max(1, len(words) - WORDS)
        found.append((title, " ".join([*duties.split(), *words[place : place + WORDS]][:WORDS])))
    return found


@contextmanager
def served(folder: Path) -> Iterator[tuple[int, str, float]]:
    """Process number, address and the seconds until the service was ready; its log is written beside the folder."""
    began = perf_counter()
    command = [sys.executable, "-m", "isco_rag.cli", "serve", "--state", str(folder), "--port", "0"]
    with (folder.parent / "service.jsonl").open("a") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert process.stdout is not None
        found = re.findall(r"http://\S+", process.stdout.readline())
        if not found:
            raise SystemExit(f"the service did not start; see {log.name}")
        address = found[0]
        while httpx.get(f"{address}/health/ready").status_code != 200:
            sleep(0.02)
        yield process.pid, address, perf_counter() - began
    finally:
        process.terminate()
        process.wait()


async def hammer(address: str, jobs: Texts, rate: float) -> tuple[list[float], int]:
    """Milliseconds of each answer to requests sent at `rate` a second by 20 clients, and how many were no 200.

    The clients are made and connected before the first request is due: making twenty takes as long as answering a hundred.
    """
    times: list[float] = []
    errors = 0

    async def client(http: httpx.AsyncClient, number: int, begin: float) -> None:
        nonlocal errors
        for i in range(number, len(jobs), CLIENTS):
            due = begin + i / rate
            await asyncio.sleep(max(0.0, due - perf_counter()))
            title, duties = jobs[i]
            answer = await http.post("/api/v1/classify", json={"title": title, "duties": duties})
            # From when it was due, not from when a late client got to it.
            times.append(1000 * (perf_counter() - due))
            errors += answer.status_code != 200

    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(httpx.AsyncClient(base_url=address, timeout=30)) for _ in range(CLIENTS)]
        for http in clients:
            await http.get("/health/live")
        begin = perf_counter()
        await asyncio.gather(*(client(http, number, begin) for number, http in enumerate(clients)))
    return times, errors


def at(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(share * len(times)))]


def peak_megabytes(pid: int) -> float:
    """The most memory that a process has had, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1024


def write_file(path: Path, jobs: Texts) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("title", "duties"), *jobs])


class Coded(NamedTuple):
    """How a file was coded: rows a second by the clock, and processor milliseconds a row."""

    speed: float
    processor: float


def by_command(source: Path, target: Path, rows: int) -> Coded:
    """A file coded by the command line, without what it takes to start."""
    took, spent = [], []
    with tempfile.TemporaryDirectory() as name:
        short = Path(name) / "short.csv"
        write_file(short, texts(1))
        for path in (short, source):
            began, before = perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
            command = [sys.executable, "-m", "isco_rag.cli", "code", str(path), "-o", str(target), "--force"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            took.append(perf_counter() - began)
            spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return Coded((rows - 1) / (took[1] - took[0]), 1000 * (spent[1] - spent[0]) / (rows - 1))


def processor_seconds(pid: int) -> float:
    """The processor time that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def by_service(pid: int, address: str, path: Path, jobs: Texts, rate: float) -> tuple[Coded, list[float], int]:
    """A file coded by the service, and times and errors of single requests sent meanwhile at `rate` a second; 0 sends none."""
    times: list[float] = []
    errors = 0
    async with httpx.AsyncClient(base_url=address, timeout=120) as http:
        before = processor_seconds(pid)
        with path.open("rb") as file:
            job = (await http.post("/api/v1/jobs", files={"data": file}, params={"start": True})).json()["job"]
        while (found := (await http.get(f"/api/v1/jobs/{job['id']}")).json())["state"] != "done":
            if found["state"] in ("failed", "cancelled"):
                raise SystemExit(f"the file was not coded: {found['error']}")
            if rate:
                more, wrong = await hammer(address, [jobs.pop() for _ in range(int(rate * 5))], rate)
                times += more
                errors += wrong
            else:
                await asyncio.sleep(1)
        spent = processor_seconds(pid) - before
    took = (datetime.fromisoformat(found["finished"]) - datetime.fromisoformat(found["started"])).total_seconds()
    return Coded(found["rows"] / took, 1000 * spent / found["rows"]), times, errors


def first_bytes(address: str) -> tuple[float, str]:
    """The milliseconds to the first byte of the slowest page, the median of 30 visits, and which page that is."""
    found = []
    with httpx.Client(base_url=address, headers={"accept": "text/html"}) as http:
        for page in PAGES:
            times = []
            for _ in range(30):
                began = perf_counter()
                with http.stream("GET", page) as answer:
                    assert answer.status_code == 200, page
                    times.append(1000 * (perf_counter() - began))
            found.append((at(times, 0.5), page))
    return max(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=int, default=60, help="how long single requests of each kind are sent (the target says 300)")
    parser.add_argument("--rate", type=float, default=100, help="single requests a second")
    parser.add_argument("--rows", type=int, default=10_000, help="rows of the file (the target says 100,000)")
    chosen = parser.parse_args()
    count = int(chosen.seconds * chosen.rate)
    spare = texts(20_000, 3 * count + 2 * chosen.rows)
    table = Table("what", "measured", "target", box=None)
    with tempfile.TemporaryDirectory(prefix="isco-load-") as name:
        folder, source = Path(name), Path(name) / "in.csv"
        write_file(source, texts(chosen.rows, 3 * count))
        command = by_command(source, folder / "out.csv", chosen.rows)
        with served(folder / "state") as (pid, address, ready):
            table.add_row("ready after", f"{ready:.1f} s", "3 s")
            asyncio.run(hammer(address, [spare.pop() for _ in range(200)], 50))
            for number, (kind, shape) in enumerate(
                (("titles", titles), ("title and duties as written", lambda jobs: jobs), (f"{WORDS} words of duties", long))
            ):
                times, errors = asyncio.run(hammer(address, shape(texts(count, number * count)), chosen.rate))
                table.add_row(
                    f"classify one, {kind}, {CLIENTS} clients, {chosen.rate:.0f}/s for {chosen.seconds} s: p50",
                    f"{at(times, 0.5):.1f} ms",
                    "15 ms",
                )
                table.add_row("  p99", f"{at(times, 0.99):.1f} ms", "50 ms")
                table.add_row("  errors", str(errors), "0")
            table.add_row(
                f"command line, file of {chosen.rows:,} rows",
                f"{command.speed:,.0f} rows/s, {command.processor:.1f} ms of processor a row",
                "",
            )
            for rate in (0.0, BESIDE):
                coded, times, errors = asyncio.run(by_service(pid, address, source, spare, rate))
                what = f"file beside {rate:.0f} single requests/s" if rate else "file alone"
                table.add_row(f"{what}, share of that", f"{coded.speed / command.speed:.2f}, {coded.processor:.1f} ms", "0.90")
                if times:
                    table.add_row(f"  single requests ({len(times)}): p50", f"{at(times, 0.5):.1f} ms", "")
                    table.add_row("  p99", f"{at(times, 0.99):.1f} ms", "200 ms")
                    table.add_row("  errors", str(errors), "0")
            slowest, page = first_bytes(address)
            table.add_row(f"first byte of the slowest page ({page}): p50", f"{slowest:.1f} ms", "50 ms")
            table.add_row("memory, peak", f"{peak_megabytes(pid):,.0f} MB", "900 MB")
    Console(width=140).print(table)
    Console().print(f"{len(os.sched_getaffinity(0))} processors, load average {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
