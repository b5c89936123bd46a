"""The service under load, on loopback and bounded: `make load` prints the table; `python -m tests.load --help` tells what can be set.

The clients send at a fixed rate whether or not answers come back (an open loop), so that a slow answer is not hidden by fewer requests. No
text is sent twice. Everything runs on one machine, the clients too; figures are those of whatever else runs there.
"""

import argparse
import asyncio
import csv
import os
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from time import perf_counter, sleep

import httpx
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
CLIENTS = 20


def texts(count: int) -> list[tuple[str, str]]:
    """Titles and duties, no two alike: written examples, each with a number of an establishment that says nothing."""
    rows = []
    for path in sorted((ROOT / "data" / "examples").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows += [(row["title"], row.get("duties", "")) for row in csv.DictReader(file) if row["title"]]
    random.Random(1).shuffle(rows)
    return [(f"{rows[i % len(rows)][0]} site {i}", rows[i % len(rows)][1]) for i in range(count)]


@contextmanager
def served(folder: Path) -> Iterator[tuple[int, str, float]]:
    """Process number, address and the seconds until the service was ready."""
    began = perf_counter()
    command = [sys.executable, "-m", "isco_rag.cli", "serve", "--state", str(folder), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        address = re.findall(r"http://\S+", process.stdout.readline())[0]
        while httpx.get(f"{address}/health/ready").status_code != 200:
            sleep(0.02)
        yield process.pid, address, perf_counter() - began
    finally:
        process.terminate()
        process.wait()


async def hammer(address: str, jobs: list[tuple[str, str]], rate: float) -> tuple[list[float], int]:
    """Milliseconds of each answer to requests sent at `rate` a second by 20 clients, and how many were no 200."""
    times: list[float] = []
    errors = 0
    begin = perf_counter()

    async def client(number: int) -> None:
        nonlocal errors
        async with httpx.AsyncClient(base_url=address, timeout=30) as http:
            for i in range(number, len(jobs), CLIENTS):
                due = begin + i / rate
                await asyncio.sleep(max(0.0, due - perf_counter()))
                title, duties = jobs[i]
                answer = await http.post("/api/v1/classify", json={"title": title, "duties": duties})
                # From when it was due, not from when a late client got to it.
                times.append(1000 * (perf_counter() - due))
                errors += answer.status_code != 200

    await asyncio.gather(*(client(n) for n in range(CLIENTS)))
    return times, errors


def at(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(share * len(times)))]


def peak_megabytes(pid: int) -> float:
    """The most memory that a process has had, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1024


def write_file(path: Path, jobs: list[tuple[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("title", "duties"), *jobs])


async def beside_file(address: str, path: Path, jobs: list[tuple[str, str]], rate: float) -> tuple[float, list[float], int]:
    """Seconds that a file took, and times and errors of single requests sent while it was coded."""
    async with httpx.AsyncClient(base_url=address, timeout=120) as http:
        with path.open("rb") as file:
            job = (await http.post("/api/v1/jobs", files={"data": file}, params={"start": True})).json()["job"]
        times: list[float] = []
        errors = 0
        while (await http.get(f"/api/v1/jobs/{job['id']}")).json()["state"] != "done":
            found, wrong = await hammer(address, [jobs.pop() for _ in range(int(rate * 5))], rate)
            times += found
            errors += wrong
        finished = (await http.get(f"/api/v1/jobs/{job['id']}")).json()
    took = datetime.fromisoformat(finished["finished"]) - datetime.fromisoformat(finished["started"])
    return took.total_seconds(), times, errors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=int, default=60, help="how long single requests are sent (the target says 300)")
    parser.add_argument("--rate", type=float, default=100, help="single requests a second")
    parser.add_argument("--rows", type=int, default=10_000, help="rows of the file (the target says 100,000)")
    chosen = parser.parse_args()
    single = texts(int(chosen.seconds * chosen.rate))
    more = texts(200_000)[len(single) + chosen.rows :]
    file_rows = texts(len(single) + chosen.rows)[len(single) :]
    table = Table("what", "measured", "target", box=None)
    with tempfile.TemporaryDirectory(prefix="isco-load-") as name:
        folder, source = Path(name), Path(name) / "in.csv"
        write_file(source, file_rows)
        began = perf_counter()
        command = [sys.executable, "-m", "isco_rag.cli", "code", str(source), "-o", str(folder / "out.csv")]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        alone = chosen.rows / (perf_counter() - began)
        with served(folder / "state") as (pid, address, ready):
            table.add_row("ready after", f"{ready:.1f} s", "3 s")
            asyncio.run(hammer(address, more[-200:], 50))
            times, errors = asyncio.run(hammer(address, single, chosen.rate))
            table.add_row(
                f"classify one, {CLIENTS} clients, {chosen.rate:.0f}/s for {chosen.seconds} s: p50", f"{at(times, 0.5):.1f} ms", "15 ms"
            )
            table.add_row("  p99", f"{at(times, 0.99):.1f} ms", "50 ms")
            table.add_row("  errors", str(errors), "0")
            took, beside, errors = asyncio.run(beside_file(address, source, more, 5))
            share = chosen.rows / took / alone
            table.add_row(f"file of {chosen.rows:,} rows, share of the command line's {alone:,.0f} rows/s", f"{share:.2f}", "0.90")
            table.add_row(f"single requests beside it ({len(beside)}): p99", f"{at(beside, 0.99):.1f} ms", "200 ms")
            table.add_row("  errors", str(errors), "0")
            first = []
            for _ in range(100):
                began = perf_counter()
                httpx.get(f"{address}/", headers={"accept": "text/html"})
                first.append(1000 * (perf_counter() - began))
            table.add_row("page, first byte: p50", f"{at(first, 0.5):.1f} ms", "50 ms")
            table.add_row("memory, peak", f"{peak_megabytes(pid):,.0f} MB", "900 MB")
    Console().print(table)
    Console().print(f"{len(os.sched_getaffinity(0))} processors, load average {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
