"""The real process: what it refuses, what it says, and that killing it at any place loses nothing and does nothing twice."""

import csv
import io
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from threading import Timer
from time import monotonic, sleep

import httpx
import pytest
from click.testing import CliRunner

from isco_rag.cli import main
from isco_rag.store import audit, corrections, jobs, reviews, users
from isco_rag.store.database import open_store
from isco_rag.store.schema import jobs as table

# Long: the machine may do other things beside.
PATIENCE = 600.0
# Characters of a service's log that a test which fails shows.
TOLD = 20_000


def serving(state: Path, *options: str, log: Path | None = None) -> AbstractContextManager[tuple[subprocess.Popen[str], httpx.Client]]:
    """A served state folder, ready to code."""
    return serving_by([sys.executable, "-m", "isco_rag.cli", "serve", "--state", str(state), "--port", "0", *options], log)


@contextmanager
def serving_by(command: Sequence[str], log: Path | None = None) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    """A service that a command starts, ready to code. What it logs is told with the test's own output, or goes to the end of a file."""
    with log.open("a+") if log else TemporaryFile("w+") as said:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True)
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.search(r"http://\S+", line)
            assert found, line
            with httpx.Client(base_url=found[0], timeout=PATIENCE) as client:
                wait(lambda: client.get("/health/ready").status_code == 200)
                yield process, client
        finally:
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()
            if not log:
                said.seek(0)
                sys.stderr.write(said.read()[-TOLD:])


def wait(done: Callable[[], bool]) -> None:
    """Until it is so; a test that hangs fails."""
    end = monotonic() + PATIENCE
    while not done():
        assert monotonic() < end, "it took too long"
        sleep(0.1)


def run(*arguments: str, given: str = "") -> tuple[int, str]:
    found = CliRunner().invoke(main, list(arguments), input=given)
    return found.exit_code, found.output


def test_other_addresses_are_served_only_with_an_administrator(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    code, said = run("serve", "--host", "0.0.0.0", "--port", "0", "--state", state)
    assert (code, "isco-rag users add NAME --role administrator" in said) == (2, True)
    assert run("users", "add", "bob", "--state", state, given="correct horse battery\n")[0] == 0
    assert run("serve", "--host", "0.0.0.0", "--port", "0", "--state", state)[0] == 2
    assert run("users", "add", "ann", "--role", "administrator", "--state", state, given="correct horse battery\n")[0] == 0
    with serving(tmp_path / "state", "--host", "0.0.0.0") as (_, client):
        here = str(client.base_url).replace("0.0.0.0", "127.0.0.1")
        assert httpx.get(f"{here}/api/v1/users").status_code == 401
        secret = run("keys", "create", "ann", "--name", "n", "--scope", "admin", "--state", state)[1].split()[0]
        assert httpx.get(f"{here}/api/v1/users", headers={"authorization": f"Bearer {secret}"}).status_code == 200
        assert run("keys", "revoke", "1", "--state", state)[0] == 0
        assert httpx.get(f"{here}/api/v1/users", headers={"authorization": f"Bearer {secret}"}).status_code == 401


def test_commands_about_people_and_the_trail(tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "state"))
    assert run("users", "add", "ann", "--role", "administrator", *state, given="short\n")[0] == 2
    assert run("users", "add", "ann", "--role", "administrator", *state, given="correct horse battery\n")[0] == 0
    assert run("users", "disable", "ann", *state)[0] == 10
    assert run("users", "password", "nobody", *state, given="correct horse battery\n")[0] == 9
    assert run("users", "password", "ann", *state, given="another horse battery\n")[0] == 0
    assert "administrator" in run("users", "list", *state)[1]
    assert run("keys", "create", "ann", "--name", "n", "--scope", "fly", *state)[0] == 2
    assert run("keys", "create", "ann", "--name", "n", "--scope", "classify", *state)[0] == 0
    assert "classify" in run("keys", "list", *state)[1]
    code, said = run("audit", "verify", *state)
    assert (code, "3 rows, whole" in said) == (0, True)
    head = said.split()[-1]
    assert run("audit", "verify", "--head", head, *state)[0] == 0
    assert run("audit", "verify", "--head", "f" * 64, *state)[0] == 15
    assert head in run("audit", "export", "-o", str(tmp_path / "trail.jsonl"), *state)[1]
    assert len((tmp_path / "trail.jsonl").read_text().splitlines()) == 3
    assert run("audit", "export", "-o", str(tmp_path / "trail.jsonl"), *state)[0] == 2
    assert run("backup", str(tmp_path / "b.sqlite"), *state)[0] == 0
    assert run("restore", str(tmp_path / "b.sqlite"), *state)[0] == 10
    assert run("restore", str(tmp_path / "b.sqlite"), "--state", str(tmp_path / "new"))[0] == 0
    assert head in run("audit", "verify", "--state", str(tmp_path / "new"))[1]


def test_an_address_in_use_is_said(tmp_path: Path) -> None:
    with serving(tmp_path / "a") as (process, client):
        code, said = run("serve", "--state", str(tmp_path / "b"), "--port", str(client.base_url.port))
        assert (code, "choose another with --host and --port" in said) == (2, True)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


TITLES = ["taxi driver", "primary school teacher", "accountant", "cook", "plumber", "nurse", "truck driver", "welder"]
ROWS = [[str(i), f"{TITLES[i % 8]} {i}"] for i in range(1600)]


def as_csv() -> bytes:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([["id", "title"], *ROWS])
    return file.getvalue().encode()


def test_killed_in_the_middle_of_a_file_it_goes_on_without_loss_or_repetition(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with serving(state) as (process, client):
        number = client.post("/api/v1/jobs", files={"data": ("f.csv", as_csv())}, params={"start": True}).json()["job"]["id"]
        wait(lambda: 0 < client.get(f"/api/v1/jobs/{number}").json()["done"] < len(ROWS))
        process.send_signal(signal.SIGKILL)
        process.wait()
    store = open_store(state)
    with store.write() as db:
        before = jobs.one(db, number)
        stored = [p for part in jobs.results(db, number) for p in part]
        assert before.state == "running"
        assert 0 < before.done == len(stored) < len(ROWS)
        # The lease is what others wait for; here it is over at once.
        db.execute(table.update().values(lease=""))
    with serving(state) as (_, client):
        wait(lambda: client.get(f"/api/v1/jobs/{number}").json()["state"] == "done")
        found = list(csv.reader(io.StringIO(client.get(f"/api/v1/jobs/{number}/result").text)))
    assert [row[:2] for row in found[1:]] == ROWS
    with store.read() as db:
        after = [p for part in jobs.results(db, number) for p in part]
        assert after[: len(stored)] == stored
        assert len(after) == len(ROWS)
        assert len(audit.listed(db, action="job.done")) == 1
        audit.verify(db)
    store.close()


def test_killed_in_the_middle_of_uploads_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    state, acknowledged = tmp_path / "state", []
    with serving(state, "--no-worker") as (process, client):
        killer = Timer(0.3, lambda: os.kill(process.pid, signal.SIGKILL))
        with suppress(httpx.TransportError):
            while True:
                answer = client.post("/api/v1/jobs", files={"data": ("f.csv", as_csv() * 4)})
                assert answer.status_code == 201
                acknowledged.append(answer.json()["job"]["id"])
                if len(acknowledged) == 1:
                    killer.start()
        killer.join()
    with open_store(state).read() as db:
        found = {job.id for job in jobs.listed(db)}
        assert set(acknowledged) <= found
        # At most the one that was stored and not answered any more.
        assert len(found) <= len(acknowledged) + 1
        for number in found:
            assert b"".join(jobs.uploaded(db, number)) == as_csv() * 4
        audit.verify(db)


@pytest.mark.parametrize("seconds", [0.0, 0.004, 0.012])
def test_killed_in_the_middle_of_decisions_each_counts_once(tmp_path: Path, seconds: float) -> None:
    state, acknowledged = tmp_path / "state", set()
    with serving(state, "--no-worker") as (process, client):
        numbers = []
        for i in range(60):
            place = client.post("/api/v1/classify", params={"keep": True}, json={"title": f"worker {i}"}).headers["location"]
            numbers.append(int(place.rsplit("/", 1)[1]))
        client.post("/api/v1/reviews", json={"predictions": numbers})
        waiting = [review["id"] for review in client.get("/api/v1/reviews", params={"limit": 100}).json()]
        killer = Timer(seconds, lambda: os.kill(process.pid, signal.SIGKILL))
        with suppress(httpx.TransportError):
            for number in waiting:
                if len(acknowledged) == 20:
                    killer.start()
                assert client.post(f"/api/v1/reviews/{number}/decisions", json={"kind": "code", "code": "9622"}).status_code == 200
                acknowledged.add(number)
        process.wait(PATIENCE)
    assert 20 <= len(acknowledged) < len(waiting)
    with serving(state, "--no-worker") as (_, client):
        for number in waiting:
            assert client.post(f"/api/v1/reviews/{number}/decisions", json={"kind": "code", "code": "9622"}).status_code == 200
    me = users.User(0, "local", "administrator", False, "", "")
    with open_store(state).read() as db:
        found = [reviews.one(db, number, me) for number in waiting]
        assert acknowledged <= {review.id for review in found if review.state == "done"}
        assert {len(review.decisions) for review in found} == {1}
        taught = corrections.listed(db, limit=1000)
        assert len(taught) == len({c.review_id for c in taught}) == sum(r.record.prediction.code != "9622" for r in found)
        assert len(audit.listed(db, action="review.code", limit=1000)) == len(waiting)
        audit.verify(db)
