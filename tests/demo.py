"""An office at work, to look at the pages with: people, files, decisions, corrections, all made through the real service.

`python -m tests.demo STATE` fills a state folder that is not there yet; `isco-rag serve --state STATE` shows it. Everybody's password is
"correct horse battery". The texts and the codes that people give are the shipped gold.
"""

import csv
import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from time import sleep
from typing import Any

import httpx

from isco_rag.store import users
from isco_rag.store.database import open_store
from isco_rag.store.records import Role
from tests.load import ROOT, served

PASSWORD = "correct horse battery"
PEOPLE: dict[str, Role] = {"ann": "coder", "bob": "coder", "eve": "reviewer", "max": "administrator", "vic": "viewer"}
REASONS = ("too general", "retired", "no text", "student")
Row = dict[str, str]


def gold() -> list[Row]:
    """The shipped gold in an order of chance, always the same."""
    with (ROOT / "data" / "gold" / "written.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    Random(7).shuffle(rows)
    return rows


class Office:
    """People who are logged in, and what they do."""

    def __init__(self, address: str, rows: Sequence[Row]) -> None:
        self.known = {(row["title"], row["duties"]): row["code"] for row in rows}
        self.chance = Random(3)
        self.desks = {name: self._sit_down(address, name) for name in PEOPLE}

    def _sit_down(self, address: str, name: str) -> httpx.Client:
        desk = httpx.Client(base_url=f"{address}/api/v1", timeout=600)
        desk.headers["x-csrf-token"] = desk.post("/session", json={"name": name, "password": PASSWORD}).json()["csrf"]
        return desk

    def ask(self, name: str, method: str, path: str, **more: Any) -> Any:
        """What the service answers somebody."""
        answer = self.desks[name].request(method, path, **more)
        assert answer.status_code < 400, answer.text
        return answer.json()

    def upload(self, name: str, file: str, rows: Sequence[Row], *, grades: Sequence[str] = (), start: bool = True) -> str:
        """The number of a file, coded to its end where it is started."""
        lines = [("id", "job title", "duties", "branch"), *((row["id"], row["title"], row["duties"], row["industry"]) for row in rows)]
        job = self.ask(name, "POST", "/jobs", files={"data": (file, table(lines))})["job"]["id"]
        if start:
            self.ask(name, "POST", f"/jobs/{job}/start", json={"review": list(grades)})
            while self.ask(name, "GET", f"/jobs/{job}")["state"] not in ("done", "failed"):
                sleep(0.2)
        return str(job)

    def review(self, name: str, job: str, count: int) -> None:
        """Decides records of a file: mostly rightly, sometimes as the machine says, now and then something else."""
        for _ in range(count):
            found = self.ask(name, "GET", "/reviews", params={"job": job, "limit": 1})
            if not found:
                return
            [review] = found
            given, top = review["record"]["job"], [c["code"] for c in review["record"]["prediction"]["top"]]
            said: dict[str, Any] = {"kind": "code", "code": self.known[given["title"], given["duties"]]}
            luck = self.chance.random()
            if luck < 0.12 and top:
                said["code"] = self.chance.choice(top)
            elif luck < 0.16:
                said = {"kind": "not_codable", "reason": self.chance.choice(REASONS)}
            elif luck < 0.2:
                self._say(name, review["id"], {"kind": "comment", "comment": "the employer's branch would tell"})
                said = {"kind": "skip"}
            elif luck < 0.23:
                self._say(name, review["id"], {"kind": "flag"})
            self._say(name, review["id"], {**said, "milliseconds": self.chance.randrange(3_000, 20_000)})

    def _say(self, name: str, number: int, said: dict[str, Any]) -> None:
        self.ask(name, "POST", f"/reviews/{number}/decisions", json=said)

    def leave(self) -> None:
        """Closes all desks."""
        for desk in self.desks.values():
            desk.close()


def table(lines: Sequence[Sequence[str]]) -> bytes:
    """Lines as a CSV file."""
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    return text.getvalue().encode()


def fill(state: Path) -> None:
    """Makes a state folder in which an office has worked for a while."""
    store = open_store(state)
    with store.write() as db:
        for name, role in PEOPLE.items():
            users.add(db, "setup", name, PASSWORD, role)
    store.close()
    with working(state) as (_, office):
        rows = gold()
        survey = office.upload("ann", "household survey 2026, wave 1.csv", rows[:600], grades=("low", "very_low", "not_codable"))
        for name, count in (("ann", 90), ("bob", 60), ("eve", 20)):
            office.review(name, survey, count)
        office.ask("max", "PATCH", "/settings", json={"coders": 2})
        double = office.upload("max", "labour force survey, double coded.csv", rows[600:690], grades=("medium", "low", "very_low"))
        for name in ("ann", "bob"):
            office.review(name, double, 25)
        office.ask("max", "PATCH", "/settings", json={"coders": 1})
        office.upload("ann", "vacancies of the employment service, third quarter of 2026, as delivered.csv", rows[700:760], start=False)
        office.upload("bob", "pilot.csv", rows[760:800], grades=("very_low",))
        waiting = office.ask("eve", "GET", "/reviews", params={"job": survey, "mine": False, "limit": 30})
        office.ask("eve", "POST", "/reviews/assign", json={"reviews": [one["id"] for one in waiting[:12]], "user": "ann"})
        teach(office, rows[800:860])
        office.ask("max", "POST", "/keys", json={"user": "ann", "name": "nightly upload", "scopes": ["classify", "jobs"]})
        office.ask("eve", "POST", "/flags")


def teach(office: Office, rows: Sequence[Row]) -> None:
    """A file of corrections with rows that contradict what is known and rows that can't be taken; people who differ on a text, and on nearly one."""
    lines = [("title", "duties", "code"), *((row["title"], row["duties"], row["code"]) for row in rows)]
    lines += [("Cowman / Milker, relief", "", "7115"), ("physicist", "", "2221"), ("baker of nothing", "", "99999"), ("", "", "2411")]
    number = office.ask("bob", "POST", "/corrections/imports", files={"data": ("corrected by the region.csv", table(lines))})["id"]
    while office.ask("bob", "GET", f"/corrections/imports/{number}")["state"] != "done":
        sleep(0.2)
    for name, title, code in (("ann", "driver of the yellow school bus", "8331"), ("bob", "driver of the yellow school busses", "8322")):
        office.ask(name, "POST", "/corrections", json={"job": {"title": title}, "code": code, "reason": "as last year"})
    for name, code in (("ann", "5153"), ("bob", "9622")):
        office.ask(
            name, "POST", "/corrections", json={"job": {"title": "janitor who repairs things"}, "code": code, "reason": "as last year"}
        )


@contextmanager
def working(state: Path) -> Iterator[tuple[str, Office]]:
    """The address of the served state folder, and its people at their desks."""
    with served(state) as (_, address, _):
        office = Office(address, gold())
        yield address, office
        office.leave()


if __name__ == "__main__":
    fill(Path(sys.argv[1]))
