"""The time from the key to the next record painted, in the real page before the real service: `python -m tests.pages.pace --help`.

Who reviews looks at each record for a while first. With --beside a file is coded meanwhile by the same service.
"""

import argparse
import shutil
import tempfile
from pathlib import Path
from statistics import median
from time import sleep

import httpx
from playwright.sync_api import Page, sync_playwright
from rich.console import Console

from tests.load import at, served, texts, write_file
from tests.pages.conftest import OPTIONS

# Notes when a key went down (as the browser stamps it) and when the frame with another record was painted: what is posted from the last step
# before a frame is handled behind it.
WATCH = """() => {
  window.times = [];
  const number = () => document.querySelector("[data-record]").dataset.record;
  addEventListener("keydown", (event) => {
    const before = number(), began = event.timeStamp;
    const look = () => requestAnimationFrame(() => {
      if (number() === before) return look();
      const behind = new MessageChannel();
      behind.port1.onmessage = () => times.push(performance.now() - began);
      behind.port2.postMessage(0);
    });
    look();
  }, true);
}"""
SETTLED = """count => times.length >= count && document.getElementById("record").ariaBusy !== "true" """


def press(page: Page, keys: int, look: float) -> list[float]:
    """Milliseconds from each key to the next record."""
    page.evaluate(WATCH)
    for count in range(1, keys + 1):
        sleep(look)
        page.keyboard.press("1" if count % 5 else "s")
        page.wait_for_function(SETTLED, arg=count, timeout=60_000)
    found: list[float] = page.evaluate("times")
    return found


def upload(address: str, path: Path, **start: object) -> str:
    with httpx.Client(base_url=f"{address}/api/v1", timeout=600) as http, path.open("rb") as file:
        job = str(http.post("/jobs", files={"data": file}).json()["job"]["id"])
        http.post(f"/jobs/{job}/start", json=start).raise_for_status()
    return job


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--records", type=int, default=10_000, help="records in the queue")
    parser.add_argument("--keys", type=int, default=60)
    parser.add_argument("--look", type=float, default=0.7, help="seconds that each record is looked at")
    parser.add_argument("--beside", type=int, default=0, help="rows of a file that is coded meanwhile")
    chosen = parser.parse_args()
    rows = texts(chosen.records + chosen.beside)
    with (
        tempfile.TemporaryDirectory(prefix="isco-pace-") as name,
        served(Path(name) / "state") as (_, address, _),
        sync_playwright() as playwright,
    ):
        write_file(Path(name) / "queue.csv", rows[: chosen.records])
        job = upload(address, Path(name) / "queue.csv", review=["very_high", "high", "medium", "low", "very_low", "not_codable"])
        while httpx.get(f"{address}/api/v1/jobs/{job}").json()["state"] != "done":
            sleep(0.5)
        program = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=program, args=list(OPTIONS))
        page = browser.new_page(base_url=address, viewport={"width": 1440, "height": 900})
        page.goto("/review")
        if chosen.beside:
            write_file(Path(name) / "beside.csv", rows[chosen.records :])
            other = upload(address, Path(name) / "beside.csv", review=[])
        times = press(page, chosen.keys, chosen.look)
        still = httpx.get(f"{address}/api/v1/jobs/{other}").json()["state"] if chosen.beside else ""
        browser.close()
    said = f"{len(times)} keys: median {median(times):.0f} ms, 95 of 100 within {at(times, 0.95):.0f} ms, longest {max(times):.0f} ms"
    Console().print(said + (f"; the file beside is {still} at the end" if still else ""))


if __name__ == "__main__":
    main()
