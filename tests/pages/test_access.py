"""Who gets which page, how a login comes about, and that no page says what it should not. Real code over fake models."""

from collections.abc import Iterator

import pytest
from isco_api.app import create_app
from isco_api.pages import open_pages
from isco_api.service import Service
from litestar.testing import TestClient

from isco_rag.store import corrections, users
from isco_rag.store.records import ROLES
from tests.api.conftest import BASE, PASSWORD, Client, people, service

__all__ = ["people", "service"]
HTML = {"accept": "text/html"}
# The role from which on a page is open.
OPEN_TO = {
    "/": "viewer", "/classification": "viewer", "/classification/truck": "viewer", "/pick": "viewer", "/quality": "viewer", "/files": "coder", "/corrections/imports": "coder", "/quality/flags": "reviewer", "/many": "viewer",
    "/review": "coder", "/review/assign": "reviewer", "/administration/corrections": "reviewer", "/administration/audit": "reviewer", "/administration/users": "administrator",
    "/administration/keys": "administrator", "/administration/settings": "administrator", "/administration/audit/verify": "administrator",
}  # fmt: skip


@pytest.fixture
def client(people: Service) -> Iterator[Client]:
    with TestClient(create_app(people, open_pages()), base_url=BASE) as found:
        found.headers.update(HTML)
        yield found


def log_in(people: Service, client: Client, role: str) -> str:
    """Logs the client in as a role; the token of its forms."""
    with people.store.write() as db:
        token, session = users.log_in(db, users.named(db, role))
    client.cookies.set("isco_session", token)
    return session.csrf


def test_each_page_is_open_from_its_role_on(people: Service, client: Client) -> None:
    for path in OPEN_TO:
        answer = client.get(path)
        assert (answer.status_code, "Password" in answer.text) == (401, True), path
    for role in ROLES:
        log_in(people, client, role)
        for path, needed in OPEN_TO.items():
            expected = 200 if ROLES.index(role) >= ROLES.index(needed) else 403  # type: ignore[arg-type]
            assert client.get(path).status_code == expected, (role, path)


# The role from which on a form is taken.
TAKEN_FROM = {
    "/corrections/imports/{number}/{deed}": "reviewer", "/corrections/{number}/release": "reviewer", "/quality/flags": "reviewer",
    "/quality/flags/{number}/close": "reviewer", "/administration/models/{name}/promote": "administrator", "/administration/models/rollback": "administrator",
    "/answer": "viewer", "/many": "viewer", "/correct": "coder", "/hand-over": "coder", "/many/hand-over": "coder", "/files/{number}/start": "coder",
    "/files/{number}/cancel": "coder", "/files/{number}/resume": "coder", "/files/{number}/remove": "coder", "/review/{number}/decide": "coder",
    "/review/undo": "coder", "/review/assign": "reviewer", "/administration/corrections/{number}/{deed}": "reviewer",
    "/administration/users": "administrator", "/administration/users/{name}": "administrator", "/administration/keys": "administrator",
    "/administration/keys/{number}/revoke": "administrator", "/administration/index/rebuild": "administrator",
    "/administration/settings": "administrator",
}  # fmt: skip


def test_each_form_is_taken_from_its_role_on(people: Service, client: Client) -> None:
    routes = {r.path_format for r in create_app(people, open_pages()).routes if "POST" in getattr(r, "methods", ())}
    assert {path for path in routes if not path.startswith("/api/")} == {*TAKEN_FROM, "/login", "/logout"}
    for role in ("", *ROLES):
        headers = {"x-csrf-token": log_in(people, client, role)} if role else {}
        for path, needed in TAKEN_FROM.items():
            address = path.replace("{number}", "999").replace("{name}", "nobody").replace("{deed}", "revert")
            status = client.post(address, headers=headers, data={}).status_code
            if role and ROLES.index(role) >= ROLES.index(needed):  # type: ignore[arg-type]
                assert status not in (401, 403, 500), (role, path, status)
            else:
                assert status == (403 if role else 401), (role, path, status)


def test_a_login_leads_back_to_the_page_and_nowhere_else(client: Client) -> None:
    wrong = client.post("/login", data={"name": "coder", "password": "no", "wanted": "/files"}, follow_redirects=False)
    assert wrong.status_code == 401
    assert "not right" in wrong.text
    for wanted, lands in (("/files", "/files"), ("//example.org", "/"), ("https://example.org", "/")):
        answer = client.post("/login", data={"name": "coder", "password": PASSWORD, "wanted": wanted}, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, lands)
        client.cookies.clear()


def test_a_form_without_its_token_changes_nothing(people: Service, client: Client) -> None:
    token = log_in(people, client, "administrator")
    form = {"name": "eve", "password": "a long pass phrase", "role": "coder"}
    assert client.post("/administration/users", data=form).status_code == 403
    with people.store.read() as db:
        assert len(users.listed(db)) == len(ROLES)
    assert client.post("/administration/users", data={**form, "csrf_token": token}, follow_redirects=False).status_code == 303
    with people.store.read() as db:
        assert users.named(db, "eve").role == "coder"


def test_what_people_type_is_text_on_the_page(people: Service, client: Client) -> None:
    token = log_in(people, client, "coder")
    bad = '<script>alert(1)</script>" onmouseover="x'
    answer = client.post("/answer", data={"title": bad, "csrf_token": token})
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert 'onmouseover="x' not in answer.text


def test_an_error_quotes_what_was_asked_for_as_it_is(people: Service, client: Client) -> None:
    log_in(people, client, "viewer")
    for asked, shown in (("50%25", "50%"), ("%25(name)s", "%(name)s"), ("%3Cb%3E", "&lt;b&gt;")):
        answer = client.get(f"/classification/{asked}")
        assert (answer.status_code, f"&#39;{shown}&#39;" in answer.text) == (404, True), answer.text


def test_no_page_has_a_script_or_style_of_its_own_or_from_elsewhere(people: Service, client: Client) -> None:
    log_in(people, client, "administrator")
    for path in OPEN_TO:
        text = client.get(path).text
        assert " style=" not in text
        assert "<style" not in text
        assert text.count("<script") == text.count('<script src="/static/')
        assert "http://" not in text.replace("http://www.w3.org", "")


def test_what_is_held_is_released_or_dropped_on_its_page(people: Service, client: Client) -> None:
    token = log_in(people, client, "reviewer")
    rows = [{"job": {"title": title}, "code": "sport"} for title in ("taxi driver", "cab driver")]
    held = client.post("/api/v1/corrections/batch", json={"corrections": rows}, headers={"x-csrf-token": token}).json()
    assert [row["outcome"] for row in held] == ["held", "held"]
    shown = client.get("/administration/corrections?state=held").text
    assert "the index has this very title under taxi" in shown
    one, two = (row["correction"] for row in held)
    assert client.post(f"/corrections/{one}/release", data={"csrf_token": token}, follow_redirects=False).status_code == 303
    assert client.post(f"/administration/corrections/{two}/revert", data={"csrf_token": token}, follow_redirects=False).status_code == 303
    with people.store.read() as db:
        assert {c.id: c.state for c in corrections.listed(db)} == {one: "active", two: "reverted"}


def test_a_file_that_needs_a_look_is_shown_with_what_can_be_done(people: Service, client: Client) -> None:
    token = log_in(people, client, "reviewer")
    content = b"title,code\ntaxi driver,sport\nvan man,truck\nx,nope\n"
    number = client.post("/api/v1/corrections/imports", files={"data": ("r.csv", content)}, headers={"x-csrf-token": token}).json()["id"]
    people._imports.submit(lambda: None).result(timeout=60)
    shown = client.get(f"/corrections/imports/{number}").text
    assert "Release all that are held" in shown
    assert "r.csv" in client.get("/corrections/imports").text
    assert client.post(f"/corrections/imports/{number}/nonsense", data={"csrf_token": token}).status_code == 422
    assert client.post(f"/corrections/imports/{number}/drop", data={"csrf_token": token}, follow_redirects=False).status_code == 303
    with people.store.read() as db:
        assert sorted(c.state for c in corrections.listed(db)) == ["active", "reverted"]


def test_a_contradiction_is_looked_for_shown_and_closed(people: Service, client: Client) -> None:
    token = log_in(people, client, "reviewer")
    for title, code in (("driver of the long yellow school bus", "taxi"), ("driver of the long yellow school buss", "truck")):
        client.post("/api/v1/corrections", json={"job": {"title": title}, "code": code}, headers={"x-csrf-token": token})
    assert client.post("/quality/flags", data={"csrf_token": token}, follow_redirects=False).status_code == 303
    shown = client.get("/quality/flags?kind=twins").text
    assert "driver of the long yellow school buss" in shown
    closing = client.post("/quality/flags/1/close", data={"csrf_token": token, "reason": "two", "back": "twins"}, follow_redirects=False)
    assert closing.headers["location"] == "/quality/flags?kind=twins"
    assert "Nothing contradicts itself here" in client.get("/quality/flags").text
    assert "two" in client.get("/quality/flags?state=closed").text
    assert client.get("/quality/flags?state=odd").status_code == 422


def test_retraining_is_switched_on_by_the_form_of_the_settings(people: Service, client: Client) -> None:
    token = log_in(people, client, "administrator")
    form = {"coders": "1", "result_days": "30", "retrain_days": "91", "retrain_from": "22", "retrain_to": "5", "retrain_then": "judge"}
    assert client.post("/administration/settings", headers={"x-csrf-token": token}, data=form, follow_redirects=False).status_code == 303
    running = people.running()
    assert (running.retrain_days, running.retrain_from, running.retrain_to, running.retrain_then) == (91, 22, 5, "judge")
    page = client.get("/administration/settings").text
    assert 'name="retrain_days" type="number" min="0" step="1" value="91"' in page
    assert '<option value="judge" selected>' in page
    assert "91" in client.get("/administration/models").text
    refused = client.post(
        "/administration/settings", headers={"x-csrf-token": token}, data=form | {"retrain_days": "often"}, follow_redirects=False
    )
    assert refused.status_code == 422
