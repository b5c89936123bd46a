"""Files over the API: looked at, coded in chunks, stopped, taken up again, fetched in every format, and refused where they are no files."""

import csv
import io
import json
import os
import resource
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest
from isco_api.service import Service
from isco_api.worker import Worker

from isco_rag.coding import COLUMNS
from isco_rag.store import clock, jobs
from isco_rag.store.schema import jobs as table
from tests.api.conftest import Client

TITLES = ["lorry driver", "taxi driver", "=1+1 mathematics teacher", "retired", "", "sport teacher"]
ROWS = [[f"{i % 7:04d}", TITLES[i % len(TITLES)], f"note {i}"] for i in range(1200)]


def as_csv(rows: list[list[str]], header: tuple[str, ...] = ("id", "job title", "note")) -> bytes:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([header, *rows])
    return file.getvalue().encode()


def upload(client: Client, data: bytes, name: str = "jobs.csv", **options: object) -> Any:
    return client.post("/api/v1/jobs", files={"data": (name, data)}, params=options)


def started(client: Client, data: bytes) -> str:
    number = upload(client, data).json()["job"]["id"]
    assert client.post(f"/api/v1/jobs/{number}/start", json={}).status_code == 202
    return str(number)


def test_a_file_is_told_as_it_was_read(alone: Client) -> None:
    look = upload(alone, "id;Job title;duties\n1;Köchin;kocht\n2;nurse\n".encode("cp1252"), "C:\\data\\my file.csv").json()
    assert (look["encoding"], look["delimiter"], look["columns"]) == ("cp1252", ";", {"title": "Job title", "duties": "duties"})
    assert look["rows"] == [["1", "Köchin", "kocht"], ["2", "nurse", ""]]
    assert (look["job"]["name"], look["job"]["rows"], look["job"]["state"]) == ("my file.csv", 2, "uploaded")


def test_every_row_and_column_comes_back_in_each_format(alone: Client, worker: Worker) -> None:
    number = started(alone, as_csv(ROWS))
    assert worker.step()
    assert not worker.step()
    job = alone.get(f"/api/v1/jobs/{number}").json()
    assert (job["state"], job["done"], sum(job["summary"]["grades"].values())) == ("done", 1200, 1200)
    result = {kind: alone.get(f"/api/v1/jobs/{number}/result", params={"format": kind}) for kind in ("csv", "xlsx", "parquet", "jsonl")}
    assert {r.status_code for r in result.values()} == {200}
    assert 'filename="jobs_coded.xlsx"' in result["xlsx"].headers["content-disposition"]
    found = list(csv.reader(io.StringIO(result["csv"].text)))
    assert found[0] == ["id", "job title", "note", *COLUMNS]
    assert [row[:3] for row in found[1:]] == [["'" + c if c.startswith("=") else c for c in row] for row in ROWS]
    sheet = openpyxl.load_workbook(io.BytesIO(result["xlsx"].content), read_only=True).active
    assert sheet is not None
    assert [[cell or "" for cell in row[:3]] for row in sheet.iter_rows(min_row=2, values_only=True)] == ROWS
    parquet = pq.read_table(io.BytesIO(result["parquet"].content)).select([0, 1, 2]).to_pylist()
    lines = [json.loads(line) for line in result["jsonl"].text.splitlines()]
    assert [list(row.values()) for row in parquet] == [[line["id"], line["job title"], line["note"]] for line in lines] == ROWS
    by_title = {row[1]: row[3] for row in found[1:]}
    assert (by_title["lorry driver"], by_title["retired"], by_title["'=1+1 mathematics teacher"]) == ("truck", "", "maths")
    # What was handed out can be handed in again.
    again = upload(alone, as_csv([row[:3] for row in found[1:]])).json()
    assert again["rows"] == ROWS[:10]


def test_what_is_uploaded_as_a_workbook_is_coded(alone: Client, worker: Worker) -> None:
    book, file = openpyxl.Workbook(), io.BytesIO()
    assert book.active is not None
    for row in [["code", "job title"], ["0110", "lorry driver"], [7, "taxi driver"]]:
        book.active.append(row)
    book.save(file)
    number = started(alone, file.getvalue())
    worker.step()
    found = list(csv.reader(io.StringIO(alone.get(f"/api/v1/jobs/{number}/result").text)))
    assert [row[:3] for row in found[1:]] == [["0110", "lorry driver", "truck"], ["7", "taxi driver", "taxi"]]


def test_rows_of_chosen_grades_go_to_review_once(alone: Client, worker: Worker) -> None:
    # No sample beside them: which rows that draws depends on the file's number.
    assert alone.patch("/api/v1/settings", json={"sample_rows": 0}).status_code == 200
    number = upload(alone, as_csv([[str(i), t, ""] for i, t in enumerate(TITLES)])).json()["job"]["id"]
    alone.post(f"/api/v1/jobs/{number}/start", json={"review": ["not_codable"]})
    worker.step()
    found = alone.get("/api/v1/reviews", params={"job": number}).json()
    assert sorted(review["record"]["row"] for review in found) == [3, 4]
    assert alone.get("/api/v1/reviews", params={"job": "other"}).json() == []


def test_a_worker_that_dies_between_chunks_is_followed_by_another(alone: Client, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    number = started(alone, as_csv(ROWS))
    first, stored = Worker(service), []
    store = first._store

    def dies(*args: Any) -> None:
        store(*args)
        stored.append(args)
        if len(stored) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(first, "_store", dies)
    with pytest.raises(KeyboardInterrupt):
        first.step()
    assert alone.get(f"/api/v1/jobs/{number}").json()["done"] == 1024
    second = Worker(service)
    second.name = "another"
    assert not second.step()
    with service.store.write() as db:
        db.execute(table.update().values(lease=clock.later(seconds=-1)))
    assert second.step()
    job = alone.get(f"/api/v1/jobs/{number}").json()
    assert (job["state"], job["done"]) == ("done", 1200)
    found = list(csv.reader(io.StringIO(alone.get(f"/api/v1/jobs/{number}/result").text)))
    assert [row[2] for row in found[1:]] == [row[2] for row in ROWS]


def test_a_cancelled_file_stops_keeps_what_is_done_and_can_go_on(alone: Client, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    number = started(alone, as_csv(ROWS))
    worker = Worker(service)
    store = worker._store

    def cancelled(*args: Any) -> None:
        store(*args)
        assert alone.post(f"/api/v1/jobs/{number}/cancel").json()["state"] == "cancelled"

    monkeypatch.setattr(worker, "_store", cancelled)
    assert worker.step()
    job = alone.get(f"/api/v1/jobs/{number}").json()
    assert (job["state"], job["done"]) == ("cancelled", 512)
    assert len(alone.get(f"/api/v1/jobs/{number}/result").text.splitlines()) == 513
    assert alone.post(f"/api/v1/jobs/{number}/resume").json()["state"] == "queued"
    Worker(service).step()
    assert alone.get(f"/api/v1/jobs/{number}").json()["done"] == 1200


def test_progress_is_told_until_the_end(alone: Client, worker: Worker) -> None:
    number = started(alone, as_csv(ROWS[:20]))
    worker.step()
    with alone.stream("GET", f"/api/v1/jobs/{number}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        text = "".join(stream.iter_text())
    events = [json.loads(line[5:]) for line in text.splitlines() if line.startswith("data:")]
    assert events[-1]["state"] == "done"
    assert events[-1]["done"] == 20


@pytest.mark.parametrize(
    ("data", "status", "says"),
    [
        (b"", 422, "is empty"),
        (b"title\n", 422, "no record"),
        (b"%PDF-1.7\n%\xe2", 422, "binary file"),
        (b"PK\x03\x04 nothing", 422, "damaged"),
        (b"\x7fELF\x02\x01", 422, "binary file"),
        (b"title\n" + b"x\n" * 3000, 413, "at most 2,000 are taken"),
        (b'title\n"open\nx\n', 422, "line 2: the quotes"),
        (b"title\n" + "é".encode() * 20 + b"\nK\xf6ch\n", 422, "line 3 is not UTF-8"),
    ],
)
def test_what_is_no_file_is_refused_by_its_content(alone: Client, service: Service, data: bytes, status: int, says: str) -> None:
    found = upload(alone, data, "jobs.csv")
    assert found.status_code == status
    assert says in found.json()["detail"]
    assert "jobs.csv" in found.json()["detail"]
    assert "/tmp" not in found.text
    assert alone.get("/api/v1/jobs").json() == []
    assert list((service.store.folder / "tmp").iterdir()) == []


def test_wrong_encodings_columns_and_names_are_said(alone: Client) -> None:
    assert "no encoding" in upload(alone, b"title\nx\n", encoding="klingon").json()["detail"]
    found = upload(alone, "title\ncafé\n".encode("cp1252"), encoding="utf-8").json()
    assert "the parameter encoding" in found["detail"]
    look = upload(alone, b"a,b\n1,2\n").json()
    assert look["columns"] == {}
    number = look["job"]["id"]
    for body, says in (({}, "say which column"), ({"title": "c"}, "there is no column 'c'; the columns are: a, b")):
        answer = alone.post(f"/api/v1/jobs/{number}/start", json=body)
        assert answer.status_code == 422
        assert says in answer.json()["detail"]
    assert alone.post(f"/api/v1/jobs/{number}/start", json={"title": "b"}).status_code == 202
    other = upload(alone, b"title,isco_code\nx,1\n").json()["job"]["id"]
    assert "already has the column isco_code" in alone.post(f"/api/v1/jobs/{other}/start", json={}).json()["detail"]


def test_a_body_beyond_the_limit_is_refused_and_nothing_is_left(alone: Client, service: Service) -> None:
    assert upload(alone, b"title\n" + b"x" * (2 << 20)).status_code == 413
    assert list((service.store.folder / "tmp").iterdir()) == []


def test_a_file_that_the_disk_does_not_take_is_refused_and_nothing_is_left(alone: Client, service: Service) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # No file may grow beyond this: writing fails as on a full disk.
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        found = upload(alone, b"title\n" + b"nurse\n" * 1000 + b"x" * 300_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert found.status_code == 503
    assert "free space on the disk of the state folder" in found.json()["detail"]
    assert list((service.store.folder / "tmp").iterdir()) == []
    assert upload(alone, b"title\nnurse\n").status_code == 201


def test_a_cell_of_a_million_characters_is_coded_and_comes_back(alone: Client, worker: Worker) -> None:
    long = "drives a lorry " * 60_000
    number = started(alone, as_csv([["1", "lorry driver", ""]], ("id", "title", "x")).replace(b",\n", b"," + long.encode() + b"\n"))
    worker.step()
    assert long.strip() in alone.get(f"/api/v1/jobs/{number}/result").text


def test_a_result_is_there_only_while_there_is_one(alone: Client, service: Service, worker: Worker) -> None:
    number = started(alone, as_csv(ROWS[:5]))
    assert alone.get(f"/api/v1/jobs/{number}/result").status_code == 409
    worker.step()
    with service.store.write() as db:
        db.execute(table.update().values(expires=clock.later(seconds=-1)))
        jobs.purge(db)
    found = alone.get(f"/api/v1/jobs/{number}/result")
    assert found.status_code == 404
    assert "after its time" in found.json()["detail"]
    assert alone.delete(f"/api/v1/jobs/{number}").status_code == 204


def test_a_failing_coder_is_tried_again_and_then_told(alone: Client, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    number = started(alone, as_csv(ROWS[:5]))
    worker = Worker(service)

    def broken(*_: Any) -> None:
        raise ValueError("secret text of a record")

    monkeypatch.setattr("isco_api.worker.Remembered.classify", broken)
    for _ in range(jobs.ATTEMPTS):
        assert worker.step()
        with service.store.write() as db:
            db.execute(table.update().values(not_before=""))
    job = alone.get(f"/api/v1/jobs/{number}").json()
    assert (job["state"], job["attempts"]) == ("failed", 3)
    assert "ValueError" in job["error"]
    assert "secret" not in job["error"]


def test_what_a_killed_process_left_is_tidied(service: Service, worker: Worker) -> None:
    left = service.store.folder / "tmp" / "upload-x"
    left.write_text("x")
    worker.tidy()
    assert left.exists()

    os.utime(left, (0, 0))
    worker.tidy()
    assert not left.exists()
