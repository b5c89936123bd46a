"""Where the machine's answers are hidden, nobody below a reviewer finds one: not on any address, not as any role, not in any form."""

from collections.abc import Iterator
from typing import Any

import pytest
from isco_api.app import create_app
from isco_api.hiding import HELD
from isco_api.pages import open_pages
from isco_api.service import Service
from isco_api.worker import Worker
from litestar.testing import TestClient
from msgspec import Struct

from isco_rag.store import keys, users
from isco_rag.store.records import ROLES, SCOPES
from tests.api.conftest import BASE, Client

# What does nothing but tell answers, as the office decided; a second time, beside what the handlers say of themselves.
TELLS = {
    "POST /api/v1/classify", "POST /api/v1/classify/batch", "POST /api/v1/explain", "GET /api/v1/jobs/{number}/result",
    "POST /answer", "POST /correct", "POST /hand-over", "POST /many", "POST /many/hand-over", "GET /files/{number}/codes",
}  # fmt: skip
# The classification has every code, and figures over many records are no answers.
FIGURES = ("/api/v1/classification", "/classification", "/pick", "/api/v1/quality", "/api/v1/learn/plan", "/api/v1/monitor", "/quality")
# What the machine says of "lorry driver"; no text and no person here says it.
ANSWER = "truck"
# Why the correction of "cab driver" is held.
GUESS = "under taxi"


class Route(Struct, frozen=True):
    """A method and an address; `path` has numbers of records that are there."""

    method: str
    form: str
    path: str
    tells: bool
    role: str


class Office(Struct):
    """An application with records that hold an answer, and what numbers they have."""

    clients: dict[str, Client]
    routes: list[Route]
    numbers: dict[str, str]


def routes_of(app: Any, numbers: dict[str, str]) -> Iterator[Route]:
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            need = handler.opt.get("needs")
            for method in handler.http_methods - {"OPTIONS", "HEAD"} if need else ():
                path, prefix = route.path_format, route.path_format.partition("{")[0].rstrip("/").removeprefix("/api/v1")
                number = numbers.get(prefix, "999") if method == "GET" else "999"
                path = path.replace("{number}", number).replace("{code}", "sport").replace("{name}", "nobody").replace("{deed}", "revert")
                yield Route(method, route.path_format, path, need.tells, need.role)


@pytest.fixture
def office(people: Service, worker: Worker) -> Iterator[Office]:
    app, clients = create_app(people, open_pages()), {}
    with TestClient(app, base_url=BASE):
        for role in ("", *ROLES):
            clients[role] = TestClient(app, base_url=BASE)
            with people.store.write() as db:
                if role:
                    token, session = users.log_in(db, users.named(db, role))
                    clients[role].cookies.set("isco_session", token)
                    clients[role].headers["x-csrf-token"] = session.csrf
        coder, admin = clients["coder"], clients["administrator"]
        assert admin.patch("/api/v1/settings", json={"sample_rows": 0}).status_code == 200
        place = coder.post("/api/v1/classify", params={"keep": True}, json={"title": "lorry driver"}).headers["location"]
        kept = place.rsplit("/", 1)[1]
        coder.post("/api/v1/reviews", json={"predictions": [int(kept)]})
        [review] = coder.get("/api/v1/reviews").json()
        job = coder.post("/api/v1/jobs", files={"data": ("f.csv", b"title\nlorry driver\n")}, params={"start": True}).json()["job"]["id"]
        worker.step()
        corrected = coder.post("/api/v1/corrections", json={"job": {"title": "lorry driver"}, "code": "sport"}).json()["id"]
        content = b"title,code\ncab driver,sport\nx,nope\n"
        number = coder.post("/api/v1/corrections/imports", files={"data": ("r.csv", content)}).json()["id"]
        people._imports.submit(lambda: None).result(timeout=60)
        numbers = {
            "/predictions": kept, "/reviews": str(review["id"]), "/review": str(review["id"]), "/jobs": job, "/files": job,
            "/corrections": str(corrected), "/corrections/imports": str(number),
        }  # fmt: skip
        assert admin.patch("/api/v1/settings", json={"hide_machine_code": True}).status_code == 200
        yield Office(clients, list(routes_of(app, numbers)), numbers)


def test_each_address_that_tells_an_answer_says_so(office: Office) -> None:
    assert {f"{r.method} {r.form}" for r in office.routes if r.tells} == TELLS


@pytest.mark.parametrize("role", ROLES)
def test_the_matrix_of_roles_and_routes_with_answers_hidden(office: Office, role: str) -> None:
    client, found = office.clients[role], set()
    # First what only looks, at records that are there; then what changes something.
    for route in sorted(office.routes, key=lambda r: r.method != "GET"):
        answer = client.request(route.method, route.path, **({} if route.method == "GET" else {"json": {}}))
        below = ROLES.index(role) < ROLES.index(route.role)  # type: ignore[arg-type]
        blind = route.tells and role in ("viewer", "coder")
        assert (answer.status_code == 403) == (below or blind), (route, answer.status_code)
        if blind and not below:
            assert "hidden from you" in answer.text, route
        if not route.path.startswith(FIGURES) and (ANSWER in answer.text.lower() or GUESS in answer.text):
            found.add(route.form)
    if role in ("viewer", "coder"):
        assert not found
    else:
        told = {"/reviews", "/reviews/{number}", "/predictions", "/predictions/{number}", "/jobs/{number}/result", "/corrections"}
        assert {f"/api/v1{form}" for form in (*told, "/corrections/{number}", "/corrections/imports/{number}/report")} <= found
        assert {"/review", "/review/{number}/why", "/files/{number}/codes"} <= found


def test_what_a_coder_gets_back_for_what_it_does_holds_no_answer(office: Office) -> None:
    coder, review = office.clients["coder"], f"/api/v1/reviews/{office.numbers['/reviews']}"
    batch = {
        "corrections": [{"job": {"title": "cab driver at night"}, "code": "sport"}, {"job": {"title": "taxi driver"}, "code": "sport"}]
    }
    again = coder.post("/api/v1/jobs", files={"data": ("g.csv", b"title\nlorry driver\n")}).json()["job"]["id"]
    answers = [
        coder.post("/api/v1/corrections", json={"job": {"title": "lorry driver by night"}, "code": "sport"}),
        coder.post("/api/v1/corrections/batch", json=batch),
        coder.post(f"{review}/decisions", json={"kind": "code", "code": "maths"}),
        coder.get("/api/v1/reviews", params={"state": "done", "mine": False}),
        # That a decision became a correction would tell that the machine said something else.
        coder.get("/api/v1/corrections", params={"code": "maths"}),
        coder.post(f"{review}/undo"),
        coder.post(f"/api/v1/jobs/{again}/start", json={}),
        coder.post(f"/api/v1/jobs/{again}/cancel"),
        coder.post(f"/api/v1/jobs/{again}/resume"),
        coder.post("/review/undo", data={"history": office.numbers["/reviews"]}),
    ]
    for answer in answers:
        assert ANSWER not in answer.text.lower(), answer.url
        assert GUESS not in answer.text, answer.url
    assert answers[0].json()["answered"] is None
    assert [row["outcome"] for row in answers[1].json()] == ["active", "held"]
    assert answers[1].json()[1]["reason"] == HELD
    assert answers[4].json() == []
    [taught] = office.clients["reviewer"].get("/api/v1/corrections", params={"code": "maths"}).json()
    assert coder.get(f"/api/v1/corrections/{taught['id']}").status_code == 404
    assert coder.get(f"/api/v1/jobs/{office.numbers['/jobs']}").json()["summary"] == {"review": 0, "grades": {}, "levels": {}}


def test_a_program_sees_what_its_user_does(office: Office, people: Service) -> None:
    for user, status in (("coder", 403), ("reviewer", 200)):
        with people.store.write() as db:
            secret, _ = keys.create(db, "test", user, "program", SCOPES, 30)
        header = {"authorization": f"Bearer {secret}"}
        assert office.clients[""].post("/api/v1/classify", json={"title": "lorry driver"}, headers=header).status_code == status


def test_what_is_hidden_is_shown_again(office: Office) -> None:
    assert office.clients["administrator"].patch("/api/v1/settings", json={"hide_machine_code": False}).status_code == 200
    assert office.clients["coder"].post("/api/v1/classify", json={"title": "lorry driver"}).json()["top"]


def test_pages_say_that_answers_are_hidden(office: Office) -> None:
    coder = office.clients["coder"]
    for path in ("/", "/many"):
        text = coder.get(path, headers={"accept": "text/html"}).text
        assert "hidden from you here" in text
        assert "<textarea" not in text
        assert "<textarea" in office.clients["reviewer"].get(path, headers={"accept": "text/html"}).text
    text = coder.get(f"/files/{office.numbers['/files']}").text
    assert "a reviewer can fetch the result" in text
    assert "/result?format=" not in text
