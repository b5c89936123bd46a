"""The real server over the shipped bundle, and the real browser in front of it."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.api.test_serving import serving

MISSING = "Chromium is not installed: the tests of pages do not run here (Debian: apt-get install chromium)"
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# Long, since a machine may be busy; what is waited for comes in well under a second otherwise.
PATIENCE = 60_000
GIVEN_UP = ("htmx:afterRequest", "htmx:sendAbort", "htmx:sendError")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium; where none is installed the test is left out and says so, in CI that is a failure."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if not program:
        if os.environ.get("ISCO_RAG_TEST_CHROMIUM") == "required":
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program, args=list(OPTIONS))
        yield found
        found.close()


@pytest.fixture(scope="session")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the service logs."""
    return tmp_path_factory.mktemp("log") / "service.jsonl"


@pytest.fixture(scope="session")
def address(browser: Browser, tmp_path_factory: pytest.TempPathFactory, log: Path) -> Iterator[str]:
    """Where the service answers; its state lasts as long as the tests of pages."""
    with serving(tmp_path_factory.mktemp("pages") / "state", log=log) as (_, client):
        yield str(client.base_url).rstrip("/")


@pytest.fixture(autouse=True)
def told(log: Path) -> Iterator[None]:
    """What the service logged meanwhile stands in the output of a test that fails."""
    before = log.stat().st_size if log.exists() else 0
    yield
    if log.exists():
        sys.stderr.write(log.read_bytes()[before:].decode())


@pytest.fixture
def page(browser: Browser, address: str, tmp_path: Path) -> Iterator[Page]:
    """A new window. A script that fails, and anything that the content policy stops, fails the test."""
    context = browser.new_context(base_url=address, viewport={"width": 1280, "height": 900}, accept_downloads=True)
    context.set_default_timeout(PATIENCE)
    found, wrong, given_up = context.new_page(), [], []
    found.on("pageerror", lambda error: wrong.append(str(error)))
    found.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    found.on("requestfailed", lambda request: given_up.append(request.url) if request.failure == "net::ERR_ABORTED" else None)
    yield found
    context.close()
    # What is under way when a page is left, such as a file's progress, the browser gives up, and htmx says so in the console.
    assert [text for text in wrong if not (given_up and text.startswith(GIVEN_UP))] == []
