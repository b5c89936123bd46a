"""Who may do what: every route of the application, every role, every scope."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from isco_api.access import check_declared
from isco_api.app import create_app
from isco_api.pages import Pages
from isco_api.service import Service
from litestar import get

from isco_rag.store import audit, clock, users
from isco_rag.store.records import ROLES, SCOPES
from isco_rag.store.schema import sessions
from tests.api.conftest import BASE, PASSWORD, Client

# What the office decided, written down a second time: operation, lowest role, scope. Nobody needs to say who it is for the public ones.
EXPECTED = {
    "classify": ("viewer", "classify"), "classifyBatch": ("viewer", "classify"), "explain": ("viewer", "classify"),
    "listPredictions": ("coder", "classify"), "getPrediction": ("coder", "classify"),
    "getClassification": ("viewer", "classify"), "searchClassification": ("viewer", "classify"), "getGroup": ("viewer", "classify"),
    "getChildren": ("viewer", "classify"),
    "uploadFile": ("coder", "jobs"), "listJobs": ("coder", "jobs"), "getJob": ("coder", "jobs"), "lookAtFile": ("coder", "jobs"),
    "startJob": ("coder", "jobs"), "cancelJob": ("coder", "jobs"), "resumeJob": ("coder", "jobs"), "removeJob": ("coder", "jobs"),
    "followJob": ("coder", "jobs"), "fetchResult": ("coder", "jobs"),
    "listReviews": ("coder", "review"), "getReview": ("coder", "review"), "decide": ("coder", "review"), "undoDecision": ("coder", "review"),
    "openReviews": ("coder", "review"), "assignReviews": ("reviewer", "review"),
    "addCorrection": ("coder", "corrections"), "listCorrections": ("coder", "corrections"), "getCorrection": ("coder", "corrections"),
    "revertCorrection": ("reviewer", "corrections"), "upholdCorrection": ("reviewer", "corrections"),
    "releaseCorrection": ("reviewer", "corrections"), "addCorrections": ("coder", "corrections"),
    "importCorrections": ("coder", "corrections"), "listImports": ("coder", "corrections"), "getImport": ("coder", "corrections"),
    "fetchImportReport": ("coder", "corrections"), "decideImport": ("reviewer", "corrections"),
    "listFlags": ("reviewer", "quality"), "raiseFlags": ("reviewer", "quality"), "closeFlag": ("reviewer", "quality"),
    "getQuality": ("viewer", "quality"), "listModels": ("viewer", "quality"), "currentModel": ("viewer", "quality"),
    "getPlan": ("viewer", "quality"), "getMonitoring": ("viewer", "quality"), "listEvaluations": ("viewer", "quality"),
    "fillQueue": ("reviewer", "review"),
    "listVerdicts": ("viewer", "quality"), "listRetrainings": ("viewer", "quality"), "promoteModel": ("administrator", "admin"), "rollbackModel": ("administrator", "admin"),
    "indexStatus": ("viewer", "quality"), "rebuildIndex": ("administrator", "admin"),
    "listAudit": ("reviewer", "audit"), "verifyAudit": ("administrator", "audit"),
    "listUsers": ("administrator", "admin"), "addUser": ("administrator", "admin"), "changeUser": ("administrator", "admin"),
    "listKeys": ("administrator", "admin"), "createKey": ("administrator", "admin"), "revokeKey": ("administrator", "admin"),
    "getSettings": ("administrator", "admin"), "changeSettings": ("administrator", "admin"),
}  # fmt: skip
PUBLIC = {"live", "ready", "metrics", "logIn", "whoAmI", "logOut"}


def operations(service: Service) -> Iterator[tuple[str, str, str]]:
    """Operation id, method and a path of each route in the application."""
    for route in create_app(service).routes:
        path = route.path_format
        for handler in getattr(route, "route_handlers", ()):
            if handler.include_in_schema is not False and handler.operation_id:
                for method in handler.http_methods - {"OPTIONS", "HEAD"}:
                    yield (
                        handler.operation_id,
                        method,
                        path.replace("{number}", "999").replace("{code}", "truck").replace("{name}", "nobody"),
                    )


def test_every_route_is_in_the_table_and_each_has_an_operation(service: Service) -> None:
    found = [operation for operation, _, _ in operations(service)]
    assert len(found) == len(set(found))
    assert set(found) == set(EXPECTED) | PUBLIC


@pytest.mark.parametrize("role", ["", *ROLES])
def test_the_matrix_of_roles_and_routes(as_role: Callable[[str], Client], service: Service, role: str) -> None:
    client = as_role(role)
    for operation, method, path in operations(service):
        if operation in PUBLIC:
            continue
        status = client.request(method, path, json={}).status_code
        needed, _ = EXPECTED[operation]
        allowed = bool(role) and ROLES.index(role) >= ROLES.index(needed)  # type: ignore[arg-type]
        if allowed:
            assert status not in (401, 403), (operation, status)
        else:
            assert status == (403 if role else 401), (operation, status)


@pytest.mark.parametrize("scope", SCOPES)
def test_the_matrix_of_scopes_and_routes(with_key: Callable[..., Client], service: Service, scope: str) -> None:
    """A key of an administrator may do what its one scope allows, and nothing else."""
    with with_key(scopes=(scope,)) as client:
        for operation, method, path in operations(service):
            if operation not in PUBLIC:
                status = client.request(method, path, json={}).status_code
                assert (status == 403) == (EXPECTED[operation][1] != scope), (operation, status)
                assert status != 401, (operation, status)


def test_a_key_may_not_do_more_than_its_user(with_key: Callable[..., Client], service: Service) -> None:
    with with_key("viewer") as client:
        for operation, method, path in operations(service):
            if operation not in PUBLIC:
                assert (client.request(method, path, json={}).status_code == 403) == (EXPECTED[operation][0] != "viewer"), operation


def test_an_application_with_a_route_that_says_nothing_does_not_start(service: Service) -> None:
    @get("/open", sync_to_thread=False)
    def open_route() -> str:
        return ""

    with pytest.raises(AssertionError, match="/open"):
        create_app(service, Pages((open_route,)))
    check_declared(create_app(service).routes)


def test_logging_in_and_out(as_role: Callable[[str], Client], people: Service) -> None:
    client = as_role("")
    assert client.get("/api/v1/session").status_code == 401
    found = client.post("/api/v1/session", json={"name": "coder", "password": PASSWORD})
    assert (found.status_code, found.json()["role"]) == (200, "coder")
    cookie = found.headers["set-cookie"]
    assert all(part in cookie.lower() for part in ("httponly", "samesite=lax", "path=/"))
    assert client.get("/api/v1/session").json()["name"] == "coder"
    assert client.post("/api/v1/classify", json={"title": "cook"}).status_code == 403
    csrf = found.json()["csrf"]
    assert client.post("/api/v1/classify", json={"title": "cook"}, headers={"x-csrf-token": csrf}).status_code == 200
    assert client.delete("/api/v1/session", headers={"x-csrf-token": csrf}).status_code == 204
    assert client.get("/api/v1/session").status_code == 401
    with people.store.read() as db:
        actions = [row.action for row in audit.listed(db, who="coder")]
    assert actions == ["session.end", "session.begin"]


def test_a_session_that_ended_is_no_session(as_role: Callable[[str], Client], people: Service) -> None:
    client = as_role("coder")
    assert client.get("/api/v1/jobs").status_code == 200
    with people.store.write() as db:
        db.execute(sessions.update().values(expires=clock.later(seconds=-1)))
    assert client.get("/api/v1/jobs").status_code == 401


@pytest.mark.parametrize("token", ["", "x", "é"])
def test_changes_need_the_token_of_the_login(as_role: Callable[[str], Client], token: str) -> None:
    client = as_role("administrator")
    headers = {"x-csrf-token": token.encode("latin-1")}
    found = client.post("/api/v1/users", json={"name": "eve", "password": PASSWORD}, headers=headers)  # type: ignore[arg-type]
    assert found.status_code == 403
    assert "token" in found.json()["detail"]
    assert "eve" not in [user["name"] for user in client.get("/api/v1/users").json()]


@pytest.mark.parametrize(
    "headers",
    [{"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "null"}],
)
def test_another_sites_page_can_change_nothing(alone: Client, headers: dict[str, str]) -> None:
    body = {"job": {"title": "cab driver"}, "code": "taxi"}
    assert alone.post("/api/v1/corrections", json=body, headers=headers).status_code == 403
    assert alone.get("/api/v1/corrections").json() == []
    own = {"origin": BASE, "sec-fetch-site": "same-origin"}
    assert alone.post("/api/v1/corrections", json=body, headers=own).status_code == 201


def test_another_name_for_this_machine_is_refused(alone: Client) -> None:
    for host, status in (("evil.example", 403), ("localhost:8008", 200), ("[::1]:8008", 200), ("", 403)):
        assert alone.get("/api/v1/session", headers={"host": host}).status_code == status, host


def test_the_single_user_mode_ends_with_the_first_user(alone: Client, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isco_api.service.MODE_SECONDS", 0.0)
    assert alone.get("/api/v1/session").json() | {"csrf": ""} == {
        "name": "local", "role": "administrator", "csrf": "", "single_user": True, "expires": ""
    }  # fmt: skip
    assert alone.post("/api/v1/session", json={"name": "a", "password": "b"}).status_code == 409
    with service.store.write() as db:
        users.add(db, "test", "ann", PASSWORD, "administrator")
    assert alone.get("/api/v1/users").status_code == 401


@pytest.mark.parametrize("header", ["Bearer nonsense", "Bearer ", "Basic YTpi", "Bearer " + "x" * 5000])
def test_wrong_keys_are_refused(alone: Client, header: str) -> None:
    found = alone.get("/api/v1/classification", headers={"authorization": header})
    assert found.status_code == 401
    assert found.headers["www-authenticate"] == "Bearer"


def test_guessing_passwords_is_slowed_down(as_role: Callable[[str], Client]) -> None:
    client = as_role("")
    found = [client.post("/api/v1/session", json={"name": "administrator", "password": f"guess {i}"}) for i in range(8)]
    assert [f.status_code for f in found][:5] == [401] * 5
    assert found[-1].status_code == 429
    assert "ask again in" in found[-1].json()["detail"]


def test_a_key_that_asks_too_often_waits(with_key: Callable[..., Client]) -> None:
    with with_key(per_minute=30) as client, with_key() as other:
        found = [client.get("/api/v1/classification").status_code for _ in range(7)]
        assert found == [200] * 5 + [429] * 2
        assert client.get("/api/v1/classification").headers["retry-after"] == "1"
        assert other.get("/api/v1/classification").status_code == 200


def test_coders_see_their_own_files_reviewers_all(as_role: Callable[[str], Client], people: Service) -> None:
    number = as_role("administrator").post("/api/v1/jobs", files={"data": ("a.csv", b"title\ncook\n")}).json()["job"]["id"]
    for role, status in (("coder", 404), ("reviewer", 200)):
        assert as_role(role).get(f"/api/v1/jobs/{number}").status_code == status
        assert as_role(role).post(f"/api/v1/jobs/{number}/start", json={}).status_code == (202 if status == 200 else 404)
        assert len(as_role(role).get("/api/v1/jobs").json()) == (status == 200)


def test_secrets_are_shown_once(as_role: Callable[[str], Client]) -> None:
    client = as_role("administrator")
    made = client.post("/api/v1/keys", json={"user": "coder", "name": "n", "scopes": ["classify"]}).json()
    assert made["secret"].startswith(made["key"]["hint"])
    listed: Any = client.get("/api/v1/keys")
    assert made["secret"] not in listed.text
    assert "argon2" not in client.get("/api/v1/users").text
    assert client.delete(f"/api/v1/keys/{made['key']['id']}").json()["revoked"]
