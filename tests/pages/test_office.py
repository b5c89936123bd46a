"""An office at work in the real pages: people who log in, records dealt out, two coders blind to each other, a third who settles."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from isco_rag.store import settings, users
from isco_rag.store.database import open_store
from isco_rag.store.records import Role
from tests.api.test_serving import serving
from tests.pages.conftest import PATIENCE
from tests.pages.test_browser import AXE, accepted, code_file

PASSWORD = "correct horse battery"
PEOPLE: dict[str, Role] = {"ann": "coder", "bob": "coder", "eve": "reviewer", "max": "administrator"}
TITLES = ("cattle farm worker", "wedding planner", "crane driver")
GRADES = ("very_high", "high", "medium", "low", "very_low", "not_codable")
Desk = Callable[[str], Page]


@pytest.fixture
def address(browser: Browser, tmp_path: Path) -> Iterator[str]:
    """A service of people, where each record is coded by two."""
    store = open_store(tmp_path / "state")
    with store.write() as db:
        for name, role in PEOPLE.items():
            users.add(db, "test", name, PASSWORD, role)
        settings.change(db, "test", {"coders": 2})
    store.close()
    with serving(tmp_path / "state") as (_, client):
        yield str(client.base_url).rstrip("/")


@pytest.fixture
def desk(browser: Browser, address: str) -> Iterator[Desk]:
    """Opens a window of somebody's own, logged in by the form."""
    contexts = []

    def sit_down(name: str) -> Page:
        context = browser.new_context(base_url=address, viewport={"width": 1280, "height": 900})
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.goto("/login")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        expect(page.locator(".who")).to_have_text(name)
        return page

    yield sit_down
    for context in contexts:
        context.close()


def write_file(path: Path) -> Path:
    path.write_text("".join(f"{line}\n" for line in ("job title", *TITLES)), encoding="utf-8")
    return path


def press(page: Page, key: str) -> None:
    """Presses a key and waits until another record stands there."""
    record = page.locator("[data-record]")
    number = record.get_attribute("data-record")
    page.keyboard.press(key)
    expect(record).not_to_have_attribute("data-record", str(number))
    accepted(page)


def settled(page: Page) -> list[Any]:
    found: list[Any] = page.request.get("/api/v1/reviews?state=done&mine=false&limit=200").json()
    return found


def test_two_coders_are_blind_to_each_other_and_a_third_settles(desk: Desk, tmp_path: Path) -> None:
    chief = desk("max")
    code_file(chief, write_file(tmp_path / "office.csv"), *GRADES)
    ann, bob, eve = desk("ann"), desk("bob"), desk("eve")
    ann.goto("/review")
    for _ in TITLES:
        press(ann, "1")
    expect(ann.locator("#record")).to_contain_text("Nothing left")
    bob.goto("/review")
    expect(bob.locator("#record")).not_to_contain_text("ann")
    for key in "211":
        press(bob, key)
    expect(bob.locator("#record")).to_contain_text("Nothing left")
    # Where they agree it is settled; where they differ it waits for somebody above them, who sees what both said.
    assert len(settled(chief)) == 2
    eve.goto("/review")
    eve.get_by_role("link", name="Coders disagree on 1").click()
    expect(eve.locator("#record")).to_contain_text("coders disagree")
    expect(eve.locator("#record")).to_contain_text("ann")
    expect(eve.locator("#record")).to_contain_text("bob")
    press(eve, "3")
    expect(eve.locator("#record")).to_contain_text("Nothing left")
    [disputed] = [review for review in settled(eve) if len(review["decisions"]) == 3]
    top = [candidate["code"] for candidate in disputed["record"]["prediction"]["top"]]
    assert [(d["by"], d["code"]) for d in disputed["decisions"]] == list(zip(("ann", "bob", "eve"), top, strict=True))
    assert (disputed["final_code"], disputed["closed_by"]) == (top[2], "eve")
    eve.goto("/quality")
    agreement = eve.locator("section", has_text="Coders' agreement").locator("tbody tr")
    expect(agreement).to_have_count(4)
    expect(agreement.last).to_contain_text("66.7")
    for page in (ann, bob):
        assert page.request.get("/administration/users").status == 403


def test_records_are_dealt_out_to_people(desk: Desk, tmp_path: Path) -> None:
    chief = desk("max")
    code_file(chief, write_file(tmp_path / "office.csv"), *GRADES)
    eve = desk("eve")
    eve.goto("/review")
    eve.get_by_role("link", name="Assign records").click()
    expect(eve.locator("#fitting")).to_contain_text("3 open records fit")
    eve.get_by_label("Grade").select_option("very_high")
    expect(eve.locator("#fitting")).not_to_contain_text("3 open")
    eve.get_by_label("Grade").select_option("")
    eve.get_by_label("How many").fill("2")
    eve.get_by_label("ann", exact=True).check()
    eve.get_by_role("button", name="Assign").click()
    expect(eve.get_by_role("status").first).to_have_text("ann was given 2.")
    expect(eve.get_by_role("row", name="ann")).to_contain_text("2")
    ann, bob = desk("ann"), desk("bob")
    ann.goto("/review")
    expect(ann.locator("main")).to_contain_text("2 are assigned to you")
    mine = {review["id"] for review in ann.request.get("/api/v1/reviews").json()}
    others = {review["id"] for review in bob.request.get("/api/v1/reviews").json()}
    assert (len(mine), len(others), others <= mine) == (3, 1, True)
    eve.get_by_role("button", name="Take back").click()
    expect(eve.get_by_role("status").first).to_contain_text("nothing was assigned")
    eve.get_by_label("also those that somebody has").check()
    eve.get_by_role("button", name="Take back").click()
    expect(eve.get_by_role("status").first).to_contain_text("2 records taken back")
    assert len(bob.request.get("/api/v1/reviews").json()) == 3


def test_pages_of_people_have_no_serious_violation(desk: Desk, browser: Browser, address: str, tmp_path: Path) -> None:
    chief = desk("max")
    code_file(chief, write_file(tmp_path / "office.csv"), *GRADES)
    stranger = browser.new_page(base_url=address)
    stranger.goto("/login")
    for page, places in ((stranger, ("",)), (chief, ("", "/review", "/review/assign", "/administration/users", "/administration/audit"))):
        for place in places:
            if place:
                page.goto(place)
            page.set_viewport_size({"width": 390, "height": 844})
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, page.url
            page.evaluate(AXE)
            found = page.evaluate("axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']})")
            assert [(v["id"], v["nodes"][0]["html"]) for v in found["violations"] if v["impact"] in ("serious", "critical")] == [], page.url
    stranger.close()
