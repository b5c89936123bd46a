"""Corrections in numbers by the API, and flags. Real code over fake models."""

import csv
from collections.abc import Callable
from io import StringIO

from isco_api.service import Service

from isco_rag.store import audit, corrections, imports
from tests.api.conftest import Client

BATCH = "/api/v1/corrections/batch"
IMPORTS = "/api/v1/corrections/imports"


def row(title: str, code: str, **job: str) -> dict[str, object]:
    return {"job": {"title": title, **job}, "code": code}


def ended(service: Service) -> None:
    """Waits until every import that was begun here has ended: the next work begins when those before are done."""
    service._imports.submit(lambda: None).result(timeout=60)


def states(service: Service) -> dict[str, str]:
    with service.store.read() as db:
        return {c.job.title: c.state for c in corrections.listed(db)}


def test_each_row_of_a_batch_has_its_outcome(alone: Client, service: Service) -> None:
    said = [
        row("minibus man", "taxi"), row("minibus man", "taxi"), row("", "taxi"), row("a", "nope"), row("driver", ""), row("driver", "A-road"),
        row("guard", "taxi", duties="x" * 50_001), row("pilot of cabs", "taxi"), row("Pilot of cabs!", "sport"), row("taxi driver", "truck"),
    ]  # fmt: skip
    found = alone.post(BATCH, json={"corrections": said}).json()
    assert [one["outcome"] for one in found] == [
        "active", "already", "rejected", "rejected", "rejected", "active", "rejected", "disputed", "disputed", "held",
    ]  # fmt: skip
    assert [one["row"] for one in found] == list(range(10))
    assert found[0]["correction"] == found[1]["correction"]
    for number, words in (
        (2, "needs a title"),
        (3, "no code 'nope'"),
        (4, "needs a code"),
        (6, "50,001"),
        (7, "sport, local"),
        (9, "under taxi"),
    ):
        assert words in found[number]["reason"], number
    assert states(service) == {
        "minibus man": "active", "driver": "active", "pilot of cabs": "disputed", "Pilot of cabs!": "disputed", "taxi driver": "held",
    }  # fmt: skip
    again = alone.post(BATCH, json={"corrections": said}).json()
    assert {one["outcome"] for one in again} == {"already", "rejected"}
    with service.store.read() as db:
        assert all(c.answered and c.bundle == "tiny" for c in corrections.listed(db))
        assert audit.verify(db).rows == 6


def test_a_batch_of_nothing_or_too_many_is_refused(alone: Client) -> None:
    assert alone.post(BATCH, json={"corrections": []}).status_code == 400
    assert alone.post(BATCH, json={"corrections": [row("cook", "taxi")] * 1001}).status_code == 400


def test_what_is_held_answers_nothing_until_it_is_released(as_role: Callable[[str], Client], people: Service) -> None:
    coder, reviewer = as_role("coder"), as_role("reviewer")
    held = coder.post(BATCH, json={"corrections": [row("taxi driver", "truck")]}).json()[0]
    number = held["correction"]
    people.live.follow()
    assert people.live.status().corrections == 0
    assert coder.post(f"/api/v1/corrections/{number}/release", json={}).status_code == 403
    found = reviewer.post(f"/api/v1/corrections/{number}/release", json={"reason": "so it is here"})
    assert (found.status_code, found.json()["state"], found.json()["held"]) == (200, "active", "")
    assert reviewer.post(f"/api/v1/corrections/{number}/release", json={}).json()["state"] == "active"
    people.live.follow()
    assert people.live.status().corrections == 1
    reviewer.post(f"/api/v1/corrections/{number}/revert", json={})
    assert reviewer.post(f"/api/v1/corrections/{number}/release", json={}).status_code == 409
    with people.store.read() as db:
        assert [r.action for r in audit.listed(db, subject=f"correction:{number}")] == [
            "correction.revert", "correction.release", "correction.hold", "correction.add",
        ]  # fmt: skip


def test_a_file_comes_in_and_its_rows_that_need_a_look_come_back(as_role: Callable[[str], Client], people: Service) -> None:
    coder = as_role("coder")
    text = "job title;isco code;reason\nvan man;truck;seen\nvan man;truck;seen\ntaxi driver;sport;\n=cmd;taxi;\n;taxi;\nnurse;9999;\n"
    begun = coder.post(IMPORTS, files={"data": ("reviewed.csv", text.encode())})
    assert begun.status_code == 202, begun.text
    ended(people)
    number = begun.json()["id"]
    found = coder.get(f"{IMPORTS}/{number}").json()
    assert (found["state"], found["rows"], found["done"], found["by"]) == ("done", 6, 6, "coder")
    assert found["counts"] == {"active": 2, "repeated": 1, "rejected": 2, "held": 1}
    report = list(csv.reader(StringIO(coder.get(f"{IMPORTS}/{number}/report").text)))
    assert report[0] == ["row", "outcome", "why", "job title", "isco code", "reason"]
    assert [(r[0], r[1]) for r in report[1:]] == [("4", "held"), ("6", "rejected"), ("7", "rejected")]
    assert report[3][3:5] == ["nurse", "9999"]
    assert [c["job"]["title"] for c in coder.get(f"/api/v1/corrections?import={number}&state=active").json()] == ["=cmd", "van man"]
    other = as_role("administrator")
    assert len(other.get(IMPORTS).json()) == 1
    assert people.importing == set()
    assert list((people.store.folder / "tmp").iterdir()) == []


def test_a_coder_does_not_see_the_files_of_others(as_role: Callable[[str], Client], people: Service) -> None:
    number = as_role("reviewer").post(IMPORTS, files={"data": ("a.csv", b"title,code\nvan man,truck\n")}).json()["id"]
    ended(people)
    coder = as_role("coder")
    assert coder.get(f"{IMPORTS}/{number}").status_code == coder.get(f"{IMPORTS}/{number}/report").status_code == 404
    assert coder.get(IMPORTS).json() == []


def test_files_that_can_not_be_read_are_told_by_their_own_name(alone: Client, service: Service) -> None:
    for content, words in (
        (b"title,what\ncook,1\n", "no column with codes"), (b"code\n1\n", "no column looks like a job title"), (b"", "empty"),
        (b"PK\x03\x04 no workbook", "reviewed.csv: "), (b"title,code\n", "no record"), (b"title,isco_code,isco_bundle\na,b,c\n", "machine's codes"),
        ("title,code\nKöch,1\nKoch,2".encode() + "\nK\xf6ch,3\n".encode("latin-1") + "ä".encode() * 40, "line 4 is not UTF-8"),
    ):  # fmt: skip
        found = alone.post(IMPORTS, files={"data": ("reviewed.csv", content)})
        assert found.status_code in (400, 422), content
        assert words in found.json()["detail"], found.json()["detail"]
        assert str(service.store.folder) not in found.text
    with service.store.read() as db:
        assert imports.listed(db) == []
    assert list((service.store.folder / "tmp").iterdir()) == []


def test_flags_are_raised_once_filtered_and_closed_with_a_reason(as_role: Callable[[str], Client], people: Service) -> None:
    client = as_role("reviewer")
    for title, code in (("driver of the long yellow school bus", "taxi"), ("driver of the long yellow school buss", "truck")):
        assert client.post("/api/v1/corrections", json=row(title, code)).status_code == 201
    assert client.post("/api/v1/flags").json() == {"new": 1, "closed": 0}
    assert client.post("/api/v1/flags").json() == {"new": 0, "closed": 0}
    flag = client.get("/api/v1/flags").json()[0]
    assert (flag["kind"], flag["about"]) == ("twins", ["correction:1", "correction:2"])
    assert flag["why"] == "nearly the same text is taxi for reviewer and truck for reviewer"
    assert client.get("/api/v1/flags?group=A").json() == [flag]
    assert client.get("/api/v1/flags?group=B").json() == client.get("/api/v1/flags?kind=drift").json() == []
    assert client.post(f"/api/v1/flags/{flag['id']}/close", json={}).status_code == 400
    closed = client.post(f"/api/v1/flags/{flag['id']}/close", json={"reason": "two kinds of bus"}).json()
    assert (closed["state"], closed["closed_by"], closed["reason"]) == ("closed", "reviewer", "two kinds of bus")
    assert client.post("/api/v1/flags").json()["new"] == 0
    assert client.get("/api/v1/flags").json() == []
    assert client.get("/api/v1/flags?state=closed").json() == [closed]
    assert client.post("/api/v1/flags/99/close", json={"reason": "x"}).status_code == 404
