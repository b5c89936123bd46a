"""What files give to review and monitoring, and what is told of it."""

from collections import Counter
from pathlib import Path

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner
from isco_api.first_look import evaluate_once
from isco_api.service import Service
from isco_api.worker import Worker
from sqlalchemy import select

from isco_rag.bundle import MANIFEST, file_hash
from isco_rag.cli import main
from isco_rag.errors import StoreError
from isco_rag.learn import first_look
from isco_rag.learn.sampling import band_of
from isco_rag.store import clock, evaluations, jobs, tallies
from isco_rag.store.schema import frames, predictions, reviews
from isco_rag.types import Job, Manifest, Metric
from tests.api.conftest import Client, tiny
from tests.api.test_files import as_csv, upload

KINDS = ("lorry driver", "taxi driver", "mathematics teacher", "sport teacher", "driver", "teacher of pupils", "retired")
FILE = [[str(i), f"{KINDS[i % 7]} {i // 7 % 9}" if i % 7 < 6 else "retired", ""] for i in range(700)]


def coded(client: Client, worker: Worker, *grades: str, rows: list[list[str]] = FILE) -> str:
    number = upload(client, as_csv(rows)).json()["job"]["id"]
    client.post(f"/api/v1/jobs/{number}/start", json={"review": list(grades)})
    assert worker.step()
    return str(number)


def sampled(client: Client, **values: object) -> None:
    assert client.patch("/api/v1/settings", json={"sample_share": 1.0, **values}).status_code == 200


def test_a_file_gives_each_design_its_rows_and_none_twice(alone: Client, service: Service, worker: Worker) -> None:
    sampled(alone, sample_rows=80)
    number = coded(alone, worker, "very_low")
    found = alone.get("/api/v1/reviews", params={"job": number, "limit": 500, "mine": False}).json()
    designs = Counter(one["design"] for one in found)
    assert (designs["random"], designs["uncertain"], designs["diverse"]) == (
        pytest.approx(40, abs=6),
        pytest.approx(20, abs=1),
        pytest.approx(20, abs=1),
    )
    rows = [one["record"]["row"] for one in found]
    assert len(rows) == len(set(rows))
    for one in found:
        p = one["record"]["prediction"]
        assert p["code"] or not one["design"]
        assert one["weight"] >= 1.0
        if one["design"] == "random":
            assert not p["review"]
            assert p["grade"] != "very_low"
        else:
            assert (one["design"] == "") == (p["grade"] == "very_low")


def test_the_frames_hold_every_row_that_goes_out_untouched_and_weights_add_up_to_them(
    alone: Client, service: Service, worker: Worker
) -> None:
    sampled(alone, sample_rows=100)
    number = coded(alone, worker, "low")
    text = alone.get(f"/api/v1/jobs/{number}/result", params={"format": "jsonl"}).text
    lines = [msgspec.json.decode(line) for line in text.splitlines()]
    own = [line for line in lines if line["isco_code"] and not line["isco_review"] and line["isco_grade"] != "low"]
    bands = Counter(int(b) for b in band_of(np.array([float(line["isco_confidence"]) for line in own])))
    with service.store.read() as db:
        strata = {row.band: row for row in db.execute(select(frames))}
        assert {band: row.rows for band, row in strata.items()} == bands
        drawn = db.execute(
            select(reviews.c.weight, reviews.c.frame_id, predictions.c.confidence).join(predictions).where(reviews.c.design == "random")
        ).all()
    for row in drawn:
        stratum = strata[int(band_of(np.array([row.confidence]))[0])]
        assert row.frame_id == stratum.id
        assert row.weight == pytest.approx(1 / stratum.probability)
    assert sum(row.weight for row in drawn) == pytest.approx(sum(bands.values()), rel=0.1)


def test_the_error_of_what_goes_out_untouched_is_that_of_the_sample(alone: Client, worker: Worker) -> None:
    """An expert to whom every driver is a truck driver."""
    sampled(alone, sample_rows=4000, sample_random=1.0, sample_uncertain=0.0, sample_diverse=0.0)
    coded(alone, worker, rows=FILE[:560])
    before = alone.get("/api/v1/quality").json()["untouched"]
    assert (before["error"]["n"], before["error"]["high"]) == (0, 1.0)
    wrong = 0
    found = alone.get("/api/v1/reviews", params={"limit": 500}).json()
    assert len(found) == before["drawn"] == before["rows"]
    for one in found:
        said, title = one["record"]["prediction"]["code"], one["record"]["job"]["title"]
        code = "truck" if "driver" in title else said
        wrong += code == "truck" and said not in ("truck", "A-road")
        answer = alone.post(f"/api/v1/reviews/{one['id']}/decisions", json={"kind": "code", "code": code})
        assert answer.status_code in (200, 409)
    after = alone.get("/api/v1/quality").json()["untouched"]
    assert 0 < wrong < after["rows"]
    assert after["error"]["n"] == after["looked"] == after["rows"]
    assert after["error"]["value"] == pytest.approx(wrong / after["rows"])
    plan = alone.get("/api/v1/learn/plan").json()
    assert ("confusion", "taxi", "truck") in {(one["kind"], one["code"], one["other"]) for one in plan}


def test_a_file_that_is_drawn_from_again_after_a_kill_counts_once(alone: Client, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    sampled(alone, sample_rows=50)
    number = upload(alone, as_csv(FILE)).json()["job"]["id"]
    alone.post(f"/api/v1/jobs/{number}/start", json={})
    dying, drawn = Worker(service), []
    draw = dying._draw

    def dies(*args: object) -> None:
        drawn.append(draw(*args))  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(dying, "_draw", dies)
    with pytest.raises(KeyboardInterrupt):
        dying.step()
    with service.store.write() as db:
        jobs.release(db, dying.name)
    assert Worker(service).step()
    with service.store.read() as db:
        rows = sorted(
            db.execute(select(predictions.c.row).join(reviews).where(predictions.c.job_id == number, reviews.c.design != "")).scalars()
        )
        assert rows == sorted(one.row for one in drawn[0].draw.records)
        assert tallies.window(db, "2000-01-01", "3000-01-01").rows == len(FILE)


def test_a_file_is_finished_although_drawing_fails(alone: Client, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ValueError("no memory")

    monkeypatch.setattr("isco_api.worker.draw_from_file", broken)
    number = coded(alone, worker)
    assert alone.get(f"/api/v1/jobs/{number}").json()["state"] == "done"


def test_kept_predictions_are_drawn_from_once(alone: Client) -> None:
    for i in range(30):
        alone.post("/api/v1/classify?keep=true", json={"title": f"lorry driver {i}"})
    first = alone.post("/api/v1/learn/fill", json={"rows": 10})
    assert first.status_code == 201
    assert sum(first.json().values()) == pytest.approx(10, abs=3)
    assert len(alone.get("/api/v1/reviews", params={"limit": 100}).json()) == sum(first.json().values())
    assert sum(alone.post("/api/v1/learn/fill", json={"rows": 10}).json().values()) == 0
    assert alone.get("/api/v1/quality").json()["untouched"]["rows"] <= 30


def test_files_and_requests_are_watched_and_trials_are_not(alone: Client, service: Service, worker: Worker) -> None:
    coded(alone, worker)
    alone.post("/api/v1/classify", json={"title": "lorry driver"})
    alone.post("/api/v1/classify/batch", json=[{"title": "taxi driver"}, {"title": "retired"}])
    alone.post("/api/v1/explain", json={"title": "sport teacher"})
    service.watch.flush()
    with service.store.read() as db:
        found = tallies.window(db, "2000-01-01", "3000-01-01")
    assert found.rows == len(FILE) + 3
    assert sum(found.of("grade").values()) == sum(found.of("code").values()) == found.rows
    assert found.of("grade")["not_codable"] == found.of("code")[""] == 101
    assert sum(found.of("band").values()) == found.rows - 101
    assert [c.rows for c in found.centres] == [600]
    report = alone.get("/api/v1/monitor").json()
    assert (report["rows"], report["reference_rows"], report["bundles"]) == (found.rows, 0, ["tiny"])
    assert {one["state"] for one in report["findings"]} == {"little"}
    assert [day["coded"] for day in report["days"]] == [found.rows]


def test_what_can_not_be_counted_now_is_counted_later(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    service.watch.note("api", tiny().classify([]))
    answers = tiny().classify([*map(Job, ("lorry driver", "taxi driver"))])
    service.watch.note("api", answers)
    with monkeypatch.context() as patched:

        def busy() -> None:
            raise StoreError("busy")

        patched.setattr(service.store, "write", busy)
        with pytest.raises(StoreError):
            service.watch.flush()
        service.watch.note("api", answers)
    service.watch.flush()
    with service.store.read() as db:
        assert tallies.window(db, "2000-01-01", "3000-01-01").rows == 4


def test_a_change_is_an_alert_on_the_page_in_the_metrics_and_by_command(alone: Client, service: Service, tmp_path: Path) -> None:
    def day(when: str, title: str, n: int) -> None:
        tally = tallies.Tally()
        tally.add(tiny().classify([Job(title)]) * n)
        with service.store.write() as db:
            tallies.store_tally(db, when, "tiny", "api", tally)

    day(clock.later(days=-60)[:10], "lorry driver", 400)
    state = ("--state", str(service.store.folder))
    assert CliRunner().invoke(main, ["monitor", *state]).exit_code == 0
    day(clock.later(days=-1)[:10], "sport teacher", 300)
    found = CliRunner().invoke(main, ["monitor", *state])
    assert found.exit_code == 16
    assert "codes as they went out" in found.output
    told = CliRunner().invoke(main, ["monitor", "--json", *state])
    assert told.exit_code == 16
    alerts = [one["name"] for one in msgspec.json.decode(told.output[: told.output.rindex("}") + 1])["findings"] if one["state"] == "alert"]
    assert "codes as they went out" in alerts
    assert 'isco_alert{figure="codes as they went out"} 1.0' in alone.get("/metrics").text
    assert CliRunner().invoke(main, ["monitor", "--since", "2000-01-01", *state]).exit_code == 0


def test_a_bundle_is_measured_once_on_its_gold(service: Service, tmp_path: Path) -> None:
    gold = tmp_path / "small.csv"
    gold.write_text(
        "id,title,code\n" + "".join(f"{i},{t},{c}\n" for i, (t, c) in enumerate([("lorry driver", "truck"), ("cab driver", "taxi")] * 20))
    )
    promise = Metric("small: top 1", 0.9, 0.8, 0.95, 40)
    manifest = Manifest(2, "tiny", "", "Tiny", {}, figures=(promise, Metric("other: top 1", 0.1, 0.0, 0.2, 9)))
    assert not first_look.evaluate_once(service.store, "d", manifest, tiny(), gold, lambda: True)
    assert first_look.evaluate_once(service.store, "d", manifest, tiny(), gold)
    assert not first_look.evaluate_once(service.store, "d", manifest, tiny(), gold)
    with service.store.read() as db:
        [found] = evaluations.listed(db)
    assert (found.bundle, found.suite, found.promised) == ("tiny", "small", (promise,))
    assert found.figures[0].name == "small: top 1"
    assert (found.figures[0].value, found.figures[0].n) == (1.0, 40)
    assert first_look.evaluate_once(service.store, "another", manifest, tiny(), gold)


def test_a_service_measures_its_bundle_when_it_first_answers_and_waits_for_one_that_died(
    service: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "gold").mkdir()
    gold = tmp_path / "gold" / "written.csv"
    gold.write_text("id,title,code\n1,lorry driver,truck\n")
    monkeypatch.setattr("isco_api.first_look.data_folder", lambda: tmp_path)
    monkeypatch.setattr("isco_api.first_look.AGAIN_SECONDS", 0.01)
    monkeypatch.setattr("isco_api.first_look.QUIET_SECONDS", 0.0)
    key = first_look.key_of(file_hash(service.bundle / MANIFEST), tiny(), gold)
    with service.store.write() as db:
        assert evaluations.claim(db, key, "tiny", "written")
    thread = evaluate_once(service, service.bundle, tiny())
    with service.store.write() as db:
        evaluations.release(db, key)
    thread.join(60)
    assert not thread.is_alive()
    with service.store.read() as db:
        assert [(one.bundle, one.figures[0].value) for one in evaluations.listed(db)] == [("tiny", 1.0)]


def test_somebody_who_died_measuring_is_followed_by_another(service: Service) -> None:
    with service.store.write() as db:
        assert evaluations.claim(db, "k", "tiny", "small")
        assert not evaluations.claim(db, "k", "tiny", "small")
        db.execute(evaluations.evaluations.update().values(lease=""))
        assert evaluations.claim(db, "k", "tiny", "small")


def test_a_bundle_whose_gold_can_not_be_read_does_not_stop_the_service(
    service: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("isco_api.first_look.data_folder", lambda: tmp_path)
    (tmp_path / "gold").mkdir()
    (tmp_path / "gold" / "written.csv").write_text("nothing\n")
    evaluate_once(service, service.bundle, tiny()).join(60)
    assert service.engine.ready
    with service.store.read() as db:
        assert evaluations.listed(db) == []
    assert file_hash(service.bundle / MANIFEST)
