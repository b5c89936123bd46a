"""Retraining by schedule in real services: one at it, low priority, killed with its service and gone on with, judged and promoted."""

import csv
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from subprocess import Popen

import httpx
import pytest
from sqlalchemy import update

from isco_rag.store import audit, corrections, models
from isco_rag.store.database import Store, open_store
from isco_rag.store.schema import retrainings as table
from isco_rag.types import Job
from isco_rag.wiring import default_taxonomy
from tests.api.copies import copy_of
from tests.api.test_serving import PATIENCE, serving_by, wait

ROWS = 60
HERE = "/api/v1/models/retrainings"
Serving = AbstractContextManager[tuple["Popen[str]", httpx.Client]]


class Place:
    """A state that begins with a spoiled bundle and has corrections; the trainer makes a copy of the shipped one."""

    def __init__(self, folder: Path, bundle: Path) -> None:
        self.state, self.notes, self.bundle = folder / "state", folder / "notes", bundle
        self.notes.mkdir()
        self.base = copy_of(bundle, folder / "base", "base", spoiled=True)
        self.store: Store = open_store(self.state)
        tree = default_taxonomy()
        with self.store.write() as db:
            for n in range(ROWS):
                corrections.add(db, tree, "ann", "api", Job(f"zorbler of kind {n}"), "2512")
        gold = self.notes / "gold.csv"
        with (bundle.parent / "gold" / "written.csv").open(encoding="utf-8", newline="") as source, gold.open("w", newline="") as target:
            rows = csv.reader(source)
            csv.writer(target).writerows(row for n, row in enumerate(rows) if n <= 60)
        (self.notes / "settings.toml").write_text('[gate]\nrecords = 20\nlatency = 10\ncalibration = 1\ngold = ["gold.csv"]\n')

    def serving(self) -> Serving:
        return serving_by([sys.executable, "-m", "tests.api.fake_service", *map(str, (self.state, self.base, self.bundle, self.notes))])

    def hold(self) -> None:
        """The trainer waits until it is let go."""
        os.mkfifo(self.notes / "gate")

    def let_go(self) -> None:
        (self.notes / "gate").write_bytes(b"")
        (self.notes / "gate").unlink()

    def begun(self) -> list[tuple[int, int, int]]:
        """Process, priority and last correction of each training that began."""
        path = self.notes / "begun"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(int(a), int(b), int(c)) for a, b, c in (line.split() for line in lines)]


@pytest.fixture
def place(tmp_path: Path, bundle_folder: Path) -> Iterator[Place]:
    found = Place(tmp_path, bundle_folder)
    yield found
    found.store.close()


def switch_on(client: httpx.Client, then: str) -> None:
    answer = client.patch("/api/v1/settings", json={"retrain_days": 1, "retrain_corrections": ROWS, "retrain_then": then})
    assert answer.status_code == 200, answer.text


def state_of(client: httpx.Client) -> str:
    found = client.get(HERE).json()
    return found[0]["state"] if found else ""


def lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_nothing_is_retrained_until_somebody_wants_it_then_once_and_a_better_one_answers(place: Place) -> None:
    with place.serving() as (_, client), place.serving() as (_, other):
        assert client.get("/health/ready").json()["bundle"] == "base"
        assert client.get(HERE).json() == []
        switch_on(other, "promote")
        name = f"base-c{ROWS}"
        wait(lambda: client.get("/health/ready").json()["bundle"] == name == other.get("/health/ready").json()["bundle"])
        wait(lambda: state_of(client) == "done")
        (found,) = client.get(HERE).json()
        assert (found["model"], found["parent"], found["until"], found["attempts"]) == (name, "base", ROWS, 1)
        assert found["said"].startswith(f"{name} may replace base")
        assert client.get("/api/v1/models/verdicts").json()[0]["words"][-1].startswith("Gold: gold.csv ("), "that of the settings"
        assert 'isco_retrainings{state="done"} 1.0' in client.get("/metrics").text
        page = client.get("/administration/models").text
        assert "Retraining by schedule" in page
        assert found["said"] in page
    ((_, priority, until),) = place.begun()
    assert (priority, until) == (min(19, os.nice(0) + 19), ROWS)
    with place.store.read() as db:
        trail = [(row.action, row.who) for row in audit.rows(db) if row.action.startswith(("retraining", "model"))]
        audit.verify(db)
    assert trail == [
        ("retraining.begin", "schedule"), ("model.register", "schedule"), ("model.verdict", "schedule"), ("model.promote", "schedule"),
        ("retraining.done", "schedule"),
    ]  # fmt: skip


def test_killed_with_its_service_it_is_gone_on_with_by_another(place: Place) -> None:
    place.hold()
    with place.serving() as (first, client):
        switch_on(client, "wait")
        wait(lambda: len(place.begun()) == 1)
        assert state_of(client) == "running"
        with place.serving() as (second, other):
            first.send_signal(signal.SIGKILL)
            first.wait()
            trainer = place.begun()[0][0]
            wait(lambda: not lives(trainer))
            assert state_of(other) == "running", "until its lease runs out"
            with place.store.write() as db:
                # The lease is what others wait for; here it is over at once. What came since is for the next time.
                corrections.add(db, default_taxonomy(), "ann", "api", Job("one more zorbler"), "2512")
                db.execute(update(table).values(lease=""))
            wait(lambda: len(place.begun()) == 2)
            assert other.get(HERE).json()[0]["attempts"] == 2
            # One that ends in order takes its trainer along and leaves the rest to the next.
            trainer = place.begun()[1][0]
            second.send_signal(signal.SIGTERM)
            assert second.wait(PATIENCE) == 0
            assert not lives(trainer)
    with place.serving() as (_, client):
        wait(lambda: len(place.begun()) == 3)
        place.let_go()
        wait(lambda: state_of(client) == "done")
        (found,) = client.get(HERE).json()
        assert (found["attempts"], found["until"], found["model"]) == (2, ROWS, f"base-c{ROWS}")
        assert client.get("/health/ready").json()["bundle"] == "base", "it waits for a person"
    assert {until for _, _, until in place.begun()} == {ROWS}
    with place.store.read() as db:
        assert [m.name for m in models.listed(db)] == [f"base-c{ROWS}"]
        audit.verify(db)


def test_why_it_failed_is_said_and_kept(place: Place) -> None:
    (place.notes / "fails").touch()
    with place.serving() as (_, client):
        switch_on(client, "judge")
        wait(lambda: state_of(client) == "failed")
        assert client.get(HERE).json()[0]["said"] == "there is too little to learn"
        assert client.get("/health/ready").json()["bundle"] == "base"
    with place.store.read() as db:
        (row,) = [row for row in audit.rows(db) if row.action == "retraining.failed"]
    assert row.reason == "there is too little to learn"
    assert len(place.begun()) == 1


def test_a_training_that_was_killed_waits_and_says_so(place: Place) -> None:
    place.hold()
    with place.serving() as (_, client):
        switch_on(client, "wait")
        wait(lambda: len(place.begun()) == 1)
        os.kill(place.begun()[0][0], signal.SIGKILL)
        wait(lambda: state_of(client) == "waiting")
        assert "killed (SIGKILL)" in client.get(HERE).json()[0]["said"]
