"""What the API answers: types of the core as they are, problems that say what to do, limits, headers, logs without texts."""

import json
import logging
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from isco_api import problems
from isco_api.problems import problem_of
from isco_api.service import Service

from isco_rag import errors
from isco_rag.errors import CoderError
from isco_rag.types import Explanation, Job, Prediction
from tests.api.conftest import Client
from tests.fakes import tiny_classifier

SECRET = "Geheimnisträgerin beim Amt"


def test_answers_are_those_of_the_core(alone: Client) -> None:
    jobs = [Job("lorry driver", id="a"), Job("", "teaches algebra to pupils", id="a"), Job("retired"), Job("cab driver")]
    batch = alone.post("/api/v1/classify/batch", content=msgspec.json.encode(jobs))
    assert msgspec.json.decode(batch.content, type=list[Prediction]) == tiny_classifier().classify(jobs)
    for job, expected in zip(jobs, batch.json(), strict=True):
        assert alone.post("/api/v1/classify", content=msgspec.json.encode(job)).json() == expected
    found = alone.post("/api/v1/explain", json={"title": "taxi and truck driver"})
    assert msgspec.json.decode(found.content, type=Explanation).why_not
    assert {r.headers["isco-bundle"] for r in (batch, found, alone.get("/health/live"))} == {"tiny"}


def test_predictions_are_kept_when_asked(alone: Client) -> None:
    assert "location" not in alone.post("/api/v1/classify", json={"title": "lorry driver"}).headers
    place = alone.post("/api/v1/classify", params={"keep": True}, json={"title": "lorry driver"}).headers["location"]
    kept = alone.get(place).json()
    assert (kept["job"]["title"], kept["prediction"]["code"]) == ("lorry driver", "truck")
    assert [one["id"] for one in alone.get("/api/v1/predictions").json()] == [kept["id"]]
    assert alone.post("/api/v1/reviews", json={"predictions": [kept["id"]], "why": "odd"}).json() == {"count": 1}
    assert alone.post("/api/v1/reviews", json={"predictions": [kept["id"]]}).json() == {"count": 0}
    assert alone.post("/api/v1/reviews", json={"predictions": [999]}).status_code == 404


def test_the_classification_can_be_walked(alone: Client) -> None:
    assert [g["code"] for g in alone.get("/api/v1/classification").json()["groups"]] == ["A", "B"]
    place = alone.get("/api/v1/classification/taxi").json()
    assert ([g["code"] for g in place["path"]], place["children"]) == (["A", "A-road", "taxi"], [])
    assert [g["code"] for g in alone.get("/api/v1/classification/A-road/children").json()] == ["taxi", "truck"]
    assert alone.get("/api/v1/classification/search", params={"words": "sport"}).json()[0]["code"] == "sport"
    missing = alone.get("/api/v1/classification/nope")
    assert (missing.status_code, missing.json()["type"]) == (404, "urn:isco-rag:unknown-code")


def test_a_correction_is_evidence_for_the_next_record_and_can_be_taken_back(alone: Client, service: Service) -> None:
    job = {"title": "zorbing instructor"}
    before = alone.post("/api/v1/explain", json=job).json()
    made = alone.post("/api/v1/corrections", json={"job": job, "code": "sport", "reason": "seen"}).json()
    assert (made["state"], made["answered"]["code"]) == ("active", before["prediction"]["code"])
    service.live.follow()
    after = alone.post("/api/v1/explain", json=job).json()
    assert after["prediction"]["top"][0]["code"] == "sport"
    assert after["evidence"][0]["nearest"][0]["entry"]["id"] == f"correction:{made['id']}"
    assert alone.get("/api/v1/index").json()["corrections"] == 1
    assert alone.post(f"/api/v1/corrections/{made['id']}/revert", json={"reason": "no"}).json()["state"] == "reverted"
    service.live.follow()
    assert alone.post("/api/v1/explain", json=job).json() == before
    status = alone.get("/api/v1/index").json()
    assert (status["corrections"], status["change"]) == (0, status["last_change"])


def test_a_review_is_decided_and_undone(alone: Client, service: Service) -> None:
    place = alone.post("/api/v1/classify", params={"keep": True}, json={"title": "driver"}).headers["location"]
    alone.post("/api/v1/reviews", json={"predictions": [int(place.rsplit("/", 1)[1])]})
    [review] = alone.get("/api/v1/reviews").json()
    url = f"/api/v1/reviews/{review['id']}"
    for _ in range(2):
        done = alone.post(f"{url}/decisions", json={"kind": "code", "code": "sport"}).json()
        assert (done["state"], done["final_code"], len(done["decisions"])) == ("done", "sport", 1)
    assert alone.get("/api/v1/reviews").json() == []
    assert alone.get("/api/v1/quality").json()["accuracy"]["n"] == 1
    assert alone.post(f"{url}/undo").json()["state"] == "open"
    assert alone.get("/api/v1/audit/verify").json()["rows"] == 4


def test_coders_see_predictions_of_their_own_reviewers_all(as_role: Callable[[str], Client]) -> None:
    place = as_role("administrator").post("/api/v1/classify", params={"keep": True}, json={"title": "driver"}).headers["location"]
    for role, status in (("coder", 404), ("reviewer", 200)):
        assert as_role(role).get(place).status_code == status
        assert len(as_role(role).get("/api/v1/predictions").json()) == (status == 200)


def test_the_machines_code_can_be_hidden_from_coders(as_role: Callable[[str], Client]) -> None:
    admin, coder = as_role("administrator"), as_role("coder")
    place = coder.post("/api/v1/classify", params={"keep": True}, json={"title": "driver"}).headers["location"]
    admin.post("/api/v1/reviews", json={"predictions": [int(place.rsplit("/", 1)[1])]})
    assert admin.patch("/api/v1/settings", json={"hide_machine_code": True}).json()["hide_machine_code"]
    [told] = coder.get("/api/v1/reviews").json()
    assert (told["record"]["prediction"]["top"], told["score"], told["why"]) == ([], 0.0, "")
    # Neither by what the queue can be asked for, nor by the record's own number, nor by deciding and undoing.
    for asked in ({"grade": "very_low"}, {"group": "A"}):
        assert coder.get("/api/v1/reviews", params=asked).status_code == 403
        assert admin.get("/api/v1/reviews", params=asked).status_code == 200
    done = coder.post(f"/api/v1/reviews/{told['id']}/decisions", json={"kind": "code", "code": "taxi"}).json()
    assert (done["state"], done["record"]["prediction"]["code"]) == ("done", "")
    assert coder.get("/api/v1/reviews", params={"state": "done", "mine": False}).json()[0]["record"]["prediction"]["top"] == []
    assert coder.post(f"/api/v1/reviews/{told['id']}/undo").json()["record"]["prediction"]["top"] == []
    assert admin.get("/api/v1/reviews").json()[0]["record"]["prediction"]["top"] != []
    for wrong in ({"speed": 1}, {"coders": 3}, {"result_days": "x"}):
        assert admin.patch("/api/v1/settings", json=wrong).status_code == 422


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("classify", {"titel": "x"}, 400, "can't be read"),
        ("classify", [], 400, "can't be read"),
        ("classify", {"title": "x" * 5_001}, 413, "title has 5,001 characters, at most 5,000"),
        ("classify", {"duties": "x" * 50_001}, 413, "duties has 50,001 characters"),
        ("classify", {"duties": "x" * 10_000_000}, 413, "larger than is taken"),
        ("classify/batch", [], 422, "empty"),
        ("classify/batch", [{}] * 1001, 413, "at most 1,000"),
        ("classify/batch", [{}, {"title": "x" * 6000}], 413, "job 1: title"),
        ("corrections", {"job": {"title": "x"}, "code": "9999"}, 404, "no code '9999'"),
        ("corrections", {"job": {}, "code": "taxi"}, 422, "say something"),
        ("reviews/7/decisions", {"kind": "code", "code": "taxi"}, 404, "no review 7"),
        ("explain", [[[[]]]] * 3, 400, "can't be read"),
        ("reviews/7/decisions", {"kind": "sing"}, 400, "can't be read"),
    ],
)
def test_bad_requests_are_told_what_to_do(alone: Client, path: str, body: Any, status: int, says: str) -> None:
    found = alone.post(f"/api/v1/{path}", json=body)
    assert (found.status_code, found.headers["content-type"]) == (status, "application/problem+json")
    told = found.json()
    assert told["status"] == status
    assert says in told["detail"]
    assert told["request_id"] == found.headers["x-request-id"]


@pytest.mark.parametrize(
    "path", ["/api/v1/nothing?title=secret", "/nothing", "/api/v1/jobs/%00", "/api/v1/reviews/99999999999999999999", "/..%2f..%2fetc"]
)
def test_no_answer_repeats_the_path(alone: Client, path: str) -> None:
    found = alone.get(path)
    assert found.status_code in (400, 404)
    assert "secret" not in found.text
    assert "nothing?" not in found.text
    assert found.headers["content-type"] == "application/problem+json"
    assert "default-src 'none'" in found.headers["content-security-policy"]
    page = alone.get("/nothing", headers={"accept": "text/html"})
    assert page.headers["content-type"].startswith("text/html")


def test_bodies_nested_without_end_are_refused(alone: Client) -> None:
    for path in ("settings", "classify"):
        found = alone.request("PATCH" if path == "settings" else "POST", f"/api/v1/{path}", content=b'{"title":' + b"[" * 100_000)
        assert found.status_code == 400


def test_an_unforeseen_error_tells_nothing_and_is_logged(
    alone: Client, service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError(f"/etc/secret {SECRET}")

    monkeypatch.setattr("isco_api.live.Live.status", broken)
    with caplog.at_level(logging.ERROR):
        found = alone.get("/api/v1/index")
    assert found.status_code == 500
    assert "secret" not in found.text
    assert "Traceback" not in found.text
    assert any(record.exc_info for record in caplog.records)


def test_every_deliberate_error_has_a_type_and_its_status() -> None:
    found = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, CoderError) and e is not CoderError]
    assert set(found) == set(problems.TYPES)
    assert len(set(problems.TYPES.values())) == len(found)
    for error in found:
        assert problem_of(error("x; do y")).status == error.http_status
        assert ("x; do y" in problem_of(error("x; do y")).detail) == (error.http_status < 500 or error is errors.StoreError)


def test_headers_forbid_what_pages_do_not_need(alone: Client) -> None:
    headers = alone.get("/api/v1/classification").headers
    assert "unsafe" not in headers["content-security-policy"]
    assert "http" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_texts_are_in_no_log(alone: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        alone.post("/api/v1/classify", params={"keep": True}, json={"title": SECRET, "duties": SECRET})
        alone.get("/api/v1/classification/search", params={"words": SECRET})
        alone.post("/api/v1/corrections", json={"job": {"title": SECRET}, "code": SECRET[:30]})
        alone.post("/api/v1/jobs", files={"data": (f"{SECRET}.csv", f"title\n{SECRET}\n".encode())})
        alone.get(f"/api/v1/classification/{SECRET}")
    lines = [
        json.dumps({**record.__dict__, "message": record.getMessage()}, default=str)
        for record in caplog.records
        if record.name.startswith("isco")
    ]
    assert sum('"request"' in line for line in lines) >= 5
    for part in ("Geheimnis", "%C3%A4gerin", "Amt"):
        assert not any(part in line for line in lines)


def test_metrics_count_without_telling(alone: Client) -> None:
    alone.post("/api/v1/classify", json={"title": SECRET})
    alone.get(f"/api/v1/classification/{SECRET}")
    text = alone.get("/metrics").text
    assert 'isco_requests_total{method="POST",route="/api/v1/classify",status="200"} 1.0' in text
    assert 'route="/api/v1/classification/{code}",status="404"' in text
    assert "isco_predictions_total" in text
    assert "Geheimnis" not in text


def test_health_tells_whether_it_can_code(alone: Client, service: Service) -> None:
    assert alone.get("/health/ready").json() == {"status": "ready", "bundle": "tiny"}
    service.engine._lanes = None
    assert alone.get("/health/live").status_code == 200
    found = alone.get("/health/ready")
    assert (found.status_code, found.headers["retry-after"]) == (503, "2")
    assert alone.post("/api/v1/classify", json={"title": "x"}).status_code == 503


def test_too_many_waiting_requests_are_sent_away(alone: Client, service: Service) -> None:
    service.engine.waiting = 0
    found = alone.post("/api/v1/classify", json={"title": "x"})
    assert (found.status_code, found.headers["retry-after"]) == (429, "1")
