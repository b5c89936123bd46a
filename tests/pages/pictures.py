"""Pictures of every page with an office's data, at three widths in both themes, and what is wrong with them.

`python -m tests.pages.pictures FOLDER` fills a state in the folder (once), takes the pictures, and prints where a page is wider than its window
and what axe-core finds, small things too.
"""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from isco_api.access import COOKIE
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.demo import Office, fill, working
from tests.load import texts
from tests.pages.conftest import OPTIONS, PATIENCE
from tests.pages.test_browser import AXE

WIDTHS = {390: 844, 820: 1180, 1440: 900}
THEMES = ("light", "dark")
# Pages of which a picture is taller are cut there.
TALLEST = 3_000
Step = Callable[[Page], object]


def typed(page: Page) -> None:
    page.get_by_label("Job title").fill("cow man")
    page.get_by_label("Duties and tasks").fill("milk the cows at 4 am, fix the fence, help the vet at calving")
    expect(page.locator(".result")).to_be_visible()


def pasted(page: Page) -> None:
    page.get_by_label("A job on each line").fill(
        "truck driver\n\nclerical assistant\tfiles letters and answers the phone\nmidwife\nretired"
    )
    page.get_by_role("button", name="Code all").click()
    expect(page.locator("#answers tbody tr")).to_have_count(5)


def searched(page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("animal")
    expect(page.locator("#other-found li").first).to_contain_text("Animal")


def not_codable(page: Page) -> None:
    page.keyboard.press("n")
    expect(page.get_by_label("Why it is not codable")).to_be_focused()


def weighed(page: Page) -> None:
    expect(page.locator("aside .nearest").first).to_be_visible()


def refused(page: Page) -> None:
    page.get_by_label("Name").fill("ann")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert").last).to_contain_text("not right")


def started(page: Page) -> None:
    page.get_by_role("button", name="Start coding").click()
    expect(page.locator(".state.running")).to_be_visible()
    expect(page.locator("progress")).not_to_have_attribute("value", "0")


def nothing(page: Page) -> None:
    """The page as it comes."""


def places(office: Office) -> dict[str, tuple[str, str, Step]]:
    """By name of the picture: who looks, at which address, and what it does there first."""
    files = {job["name"].split(",")[0].split(" ")[0]: job["id"] for job in office.ask("max", "GET", "/jobs")}
    survey = files["household"]
    [taken] = office.ask("max", "GET", "/corrections/imports")
    [model] = [one["name"] for one in office.ask("max", "GET", "/models")]
    # Long enough to be coded as long as pictures are taken.
    rows = [{"id": str(n), "title": title, "duties": duties, "industry": ""} for n, (title, duties) in enumerate(texts(30_000))]
    long = office.upload("ann", "vacancies of the year.csv", rows, start=False)
    return {
        "login": ("", "/login", nothing), "login-wrong": ("", "/login", refused),
        "code-empty": ("ann", "/", nothing), "code": ("ann", "/", typed), "many": ("ann", "/many", pasted),
        "files": ("max", "/files", nothing), "file-look": ("ann", f"/files/{files['vacancies']}", nothing),
        "file": ("ann", f"/files/{survey}", lambda page: expect(page.locator(".figures .code").first).to_be_visible()),
        "imports": ("eve", "/corrections/imports", nothing), "import": ("eve", f"/corrections/imports/{taken['id']}", nothing),
        "review": ("ann", f"/review?job={survey}", weighed), "review-search": ("ann", f"/review?job={survey}", searched),
        "review-not-codable": ("ann", f"/review?job={survey}", not_codable), "review-dispute": ("eve", "/review?state=dispute", weighed),
        "review-none": ("bob", "/review?group=0&flagged=1", nothing), "assign": ("eve", "/review/assign", nothing),
        "classification": ("vic", "/classification", nothing), "group": ("vic", "/classification/6121", nothing),
        "classification-search": ("vic", "/classification?words=animal", nothing),
        "quality": ("eve", "/quality", nothing), "flags": ("eve", "/quality/flags", nothing),
        "users": ("max", "/administration/users", nothing), "keys": ("max", "/administration/keys", nothing),
        "models": ("max", "/administration/models", nothing), "model": ("max", f"/administration/models/{model}", nothing),
        "corrections": ("max", "/administration/corrections", nothing), "held": ("eve", "/administration/corrections?state=held", nothing),
        "audit": ("max", "/administration/audit", nothing), "settings": ("max", "/administration/settings", nothing),
        "no-page": ("ann", "/nowhere", nothing), "no-file": ("ann", "/files/nothing", nothing), "not-allowed": ("ann", "/administration/users", nothing),
        "file-running": ("ann", f"/files/{long}", started),
    }  # fmt: skip


def sit_down(browser: Browser, address: str, office: Office, name: str) -> Page:
    """A window with somebody's login, or with nobody's."""
    context = browser.new_context(base_url=address, viewport={"width": 1440, "height": 900})
    context.set_default_timeout(PATIENCE)
    if name:
        context.add_cookies([{"name": COOKIE, "value": office.desks[name].cookies[COOKIE], "url": address}])
    return context.new_page()


def shoot(page: Page, folder: Path, name: str) -> list[str]:
    """Takes the pictures of a page as it stands; what is wrong with it."""
    wrong = []
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        for width, height in WIDTHS.items():
            page.set_viewport_size({"width": width, "height": height})
            tall = min(TALLEST, max(height, int(page.evaluate("document.documentElement.scrollHeight"))))
            page.screenshot(
                path=folder / f"{name}-{width}-{theme}.png", full_page=True, clip={"x": 0, "y": 0, "width": width, "height": tall}
            )
            over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            wrong += [f"{name} {width}: {over} wider than the window"] if over > 0 else []
            page.evaluate(AXE)
            for found in page.evaluate("axe.run(document)")["violations"]:
                wrong.append(f"{name} {width} {theme}: {found['impact']} {found['id']}: {found['nodes'][0]['html'][:160]}")
    return wrong


def sheet(browser: Browser, folder: Path, names: list[str], theme: str) -> None:
    """All pages of one theme beside each other, phone, tablet and screen of each in a row."""
    cells = "".join(
        f"<figure><figcaption>{name}</figcaption>"
        + "".join(f'<img src="{name}-{width}-{theme}.png" height="700">' for width in WIDTHS)
        + "</figure>"
        for name in names
    )
    (folder / f"{theme}.html").write_text(f"<!doctype html><title>{theme}</title>{cells}", encoding="utf-8")
    page = browser.new_page(viewport={"width": 1900, "height": 800})
    page.goto((folder / f"{theme}.html").resolve().as_uri())
    for number, figure in enumerate(page.locator("figure").all()):
        figure.screenshot(path=folder / f"sheet-{theme}-{number:02}-{names[number]}.png")
    page.close()


def main(folder: Path, only: list[str]) -> None:
    state, pictures = folder / "state", folder / "pictures"
    if not state.exists():
        fill(state)
    pictures.mkdir(parents=True, exist_ok=True)
    program = shutil.which("chromium") or shutil.which("google-chrome")
    with working(state) as (address, office), sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE)
        browser = playwright.chromium.launch(executable_path=program, args=list(OPTIONS))
        desks: dict[str, Page] = {}
        chosen = {name: place for name, place in places(office).items() if not only or name in only}
        for name, (who, path, step) in chosen.items():
            page = desks.get(who) or desks.setdefault(who, sit_down(browser, address, office, who))
            page.set_viewport_size({"width": 1440, "height": 900})
            page.goto(path)
            step(page)
            for line in shoot(page, pictures, name):
                sys.stdout.write(f"{line}\n")
        for job in office.ask("max", "GET", "/jobs"):
            if job["state"] in ("queued", "running"):
                office.ask("max", "POST", f"/jobs/{job['id']}/cancel")
        for theme in THEMES:
            sheet(browser, pictures, list(chosen), theme)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
