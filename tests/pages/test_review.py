"""The record to come is shown at the key: what happens when the answer is slow, refuses, or never comes. Real pages, a real service."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.pages.conftest import PATIENCE
from tests.pages.test_browser import accepted, code_file

TITLES = ("cattle farm worker", "wedding planner", "crane driver", "kiosk owner", "florist", "beekeeper", "baker")
GRADES = ("very_high", "high", "medium", "low", "very_low", "not_codable")


@pytest.fixture
def queue(browser: Browser, address: str, tmp_path: Path) -> Iterator[Page]:
    """The review page over a file of its own, with the record to come fetched. The browser notes refused requests as errors, which are meant here."""
    path = tmp_path / "ahead.csv"
    path.write_text("".join(f"{line}\n" for line in ("job title", *TITLES)), encoding="utf-8")
    context = browser.new_context(base_url=address, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    code_file(page, path, *GRADES)
    with page.expect_response(lambda answer: answer.url.split("?")[0].endswith("/next")) as coming:
        page.get_by_role("link", name="Review this file").click()
    coming.value.finished()
    yield page
    context.close()


def number_on(page: Page) -> str:
    return str(page.locator("[data-record]").get_attribute("data-record"))


def decided(page: Page, number: str) -> list[str]:
    """The codes or kinds of what was said of a record and stands."""
    said = page.request.get(f"/api/v1/reviews/{number}").json()["decisions"]
    return [d["code"] or d["kind"] for d in said if not d["undone"]]


def fetch_ahead(page: Page, key: str) -> None:
    """Presses a key and waits until the record after the one that then stands there has come too."""
    with page.expect_response(lambda answer: answer.url.split("?")[0].endswith("/next")) as coming:
        page.keyboard.press(key)
    coming.value.finished()
    accepted(page)


def test_the_next_record_stands_there_before_the_decision_is_answered(queue: Page) -> None:
    held: list[Route] = []
    queue.route("**/decide", lambda route: held.append(route))
    first = number_on(queue)
    queue.keyboard.press("1")
    expect(queue.locator("[data-record]")).not_to_have_attribute("data-record", first)
    expect(queue.locator("#record")).to_have_attribute("aria-busy", "true")
    second = number_on(queue)
    assert decided(queue, first) == []
    # Keys for a record that may not stay decide nothing.
    queue.keyboard.press("1")
    assert (number_on(queue), len(held)) == (second, 1)
    held[0].continue_()
    accepted(queue)
    assert number_on(queue) == second
    assert (len(decided(queue, first)), decided(queue, second)) == (1, [])
    # What was decided ahead is what undo goes back to.
    queue.unroute("**/decide")
    queue.keyboard.press("u")
    expect(queue.locator("[data-record]")).to_have_attribute("data-record", first)
    accepted(queue)
    assert decided(queue, first) == []


def test_a_refused_decision_brings_the_record_back_as_it_was_left(queue: Page) -> None:
    first = number_on(queue)
    [top, _, third] = [button.get_attribute("value") for button in queue.locator(".choices button").all()]
    # Somebody else, or another window, was quicker.
    assert queue.request.post(f"/api/v1/reviews/{first}/decisions", data={"kind": "code", "code": third}).ok
    queue.keyboard.press("n")
    queue.keyboard.type("no text")
    queue.keyboard.press("Enter")
    expect(queue.locator("#alert")).to_contain_text("you decided review")
    accepted(queue)
    assert number_on(queue) == first
    expect(queue.get_by_label("Why it is not codable")).to_have_value("no text")
    assert decided(queue, first) == [third]
    # The error goes with the next answer; what is refused is not on the list for undo.
    queue.keyboard.press("s")
    expect(queue.locator("[data-record]")).not_to_have_attribute("data-record", first)
    expect(queue.locator("#alert")).to_be_empty()
    assert top != third


def test_where_the_service_is_gone_the_record_comes_back_and_nothing_is_said_to_be_saved(queue: Page) -> None:
    first = number_on(queue)
    queue.route("**/decide", lambda route: route.abort())
    queue.keyboard.press("1")
    expect(queue.locator("#alert")).to_contain_text("Nothing was saved")
    accepted(queue)
    assert (number_on(queue), decided(queue, first)) == (first, [])
    queue.unroute("**/decide")
    queue.keyboard.press("1")
    expect(queue.locator("[data-record]")).not_to_have_attribute("data-record", first)
    accepted(queue)
    assert len(decided(queue, first)) == 1


def test_a_record_that_was_decided_elsewhere_meanwhile_gives_way_to_another(queue: Page) -> None:
    first = number_on(queue)
    job = queue.url.split("job=")[1]
    waiting = [str(review["id"]) for review in queue.request.get(f"/api/v1/reviews?job={job}").json()]
    assert waiting[0] == first
    assert queue.request.post(f"/api/v1/reviews/{waiting[1]}/decisions", data={"kind": "not_codable", "reason": "retired"}).ok
    fetch_ahead(queue, "1")
    assert number_on(queue) == waiting[2]
    assert len(decided(queue, first)) == 1


def test_a_file_is_reviewed_to_its_end_and_back(queue: Page) -> None:
    seen = [number_on(queue)]
    for _ in TITLES[1:]:
        fetch_ahead(queue, "1")
        seen.append(number_on(queue))
    assert len(set(seen)) == len(TITLES)
    # A comment and a flag leave the record where it is.
    queue.keyboard.press("f")
    expect(queue.locator("#record")).to_contain_text("flagged")
    accepted(queue)
    queue.keyboard.press("c")
    queue.keyboard.type("ask the employer")
    queue.keyboard.press("Enter")
    expect(queue.locator("#record")).to_contain_text("ask the employer")
    accepted(queue)
    assert number_on(queue) == seen[-1]
    queue.keyboard.press("1")
    expect(queue.locator("#record")).to_contain_text("Nothing left")
    accepted(queue)
    # Decision, comment and flag are taken back one by one, then the decisions before them.
    for number in (seen[-1], seen[-1], seen[-1], *reversed(seen[:-1])):
        with queue.expect_response("**/review/undo") as undone:
            queue.keyboard.press("u")
        undone.value.finished()
        expect(queue.locator("[data-record]")).to_have_attribute("data-record", number)
        accepted(queue)
    assert [decided(queue, number) for number in seen] == [[]] * len(seen)
