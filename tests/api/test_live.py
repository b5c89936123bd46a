"""The running service follows the corrections: other processes hear of them, models change without a gap, and a kill loses none."""

import asyncio
import os
import random
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Timer

import httpx
import msgspec
import pytest
from isco_api.live import FOLLOW_SECONDS
from isco_api.service import Service
from isco_index import FlatIndex, build_index

from isco_rag.classify import Classifier
from isco_rag.explain import explain
from isco_rag.learn.follow import open_follower
from isco_rag.ports import Floats
from isco_rag.store import corrections
from isco_rag.store.database import Store, open_store
from isco_rag.store.teaching import standing
from isco_rag.types import Entry, Job
from isco_rag.wiring import open_classifier, with_index
from tests.api.conftest import Client, make_service, tiny
from tests.api.test_serving import PATIENCE, run, serving, wait
from tests.fakes import FakeEncoder, tiny_entries, tiny_taxonomy

TREE = tiny_taxonomy()
JOB = Job("zorbing instructor")


def teach(store: Store, title: str, code: str) -> int:
    with store.write() as db:
        return corrections.add(db, TREE, "ann", "api", Job(title), code).id


def top(service: Service, job: Job = JOB) -> str:
    return service.engine.one.classify([job])[0].top[0].code


@pytest.fixture
def two(store: Store, tmp_path: Path) -> Iterator[tuple[Service, Service]]:
    """Two services with folders of their own over one database, of either kind."""
    url = "" if store.embedded else store.engine.url.render_as_string(hide_password=False)
    found = []
    for name in ("a", "b"):
        if store.embedded:
            (tmp_path / name).mkdir()
            (tmp_path / name / "state.sqlite").symlink_to(store.file)
        found.append(make_service(tmp_path / name, url, exist_ok=True))
    yield found[0], found[1]
    for service in found:
        service.close()


def test_each_of_two_services_hears_of_what_the_other_was_taught(two: tuple[Service, Service]) -> None:
    here, there = two
    number = teach(here.store, JOB.title, "sport")
    here.taught.set()
    # Nobody tells the other: it looks at the table by itself.
    wait(lambda: top(here) == top(there) == "sport")
    assert explain(there.engine.one, JOB).evidence[0].nearest[0].entry.id == f"correction:{number}"
    with there.store.write() as db:
        corrections.revert(db, "eve", number)
    wait(lambda: here.live.status().corrections == there.live.status().corrections == 0)
    assert here.live.status().behind == there.live.status().behind == 0
    assert explain(here.engine.one, JOB) == explain(there.engine.one, JOB) == explain(tiny(), JOB)
    assert FOLLOW_SECONDS < 1


def test_a_rebuild_elsewhere_is_gone_over_to(service: Service, alone: Client) -> None:
    teach(service.store, JOB.title, "sport")
    service.live.follow()
    other = make_service(service.store.folder, exist_ok=True)
    assert other.live.rebuild()
    wait(lambda: other.live.status().generation == service.live.status().generation == 2)
    assert (service.live.status().tail, top(service)) == (0, "sport")
    assert alone.post("/api/v1/index/rebuild").status_code == 202
    wait(lambda: other.live.status().generation == 3 and not service.live.status().rebuilding)
    assert alone.get("/api/v1/index").json()["generation"] == 3
    assert next(row["action"] for row in alone.get("/api/v1/audit").json()) == "index.rebuild"
    other.close()


def other_model(store: Store, seen: Callable[[], object]) -> Classifier:
    """The same coder under another name, with an encoder that is another one and calls `seen` whenever it embeds."""

    class Turned:
        dimension = FakeEncoder.dimension

        def encode(self, texts: Sequence[str]) -> Floats:
            seen()
            return FakeEncoder().encode(texts)[:, ::-1].copy()

    base, encoder = tiny(), Turned()
    index = build_index(tiny_entries(), encoder)
    parts = msgspec.structs.replace(
        base.parts, encoder=encoder, index=index, prototypes=base.parts.prototypes[:, ::-1].copy(), name="other"
    )
    return Classifier(parts, base.settings)


def test_another_model_comes_with_all_corrections_and_without_a_gap(service: Service) -> None:
    teach(service.store, JOB.title, "sport")
    service.live.follow()
    assert isinstance(tiny().parts.index, FlatIndex)
    names: list[str] = []

    def seen() -> None:
        """While the other model takes up the corrections, the one before answers, and what is taught now is not lost."""
        names.append(service.engine.name)
        if len(names) == 3:
            teach(service.store, "quonk zwibbler", "maths")
            service.live.follow()
            assert top(service, Job("quonk zwibbler")) == "maths"

    other = other_model(service.store, seen)
    names.clear()
    names += ["", ""]
    service.live.open(other)
    assert names[2:]
    assert service.engine.name == "other"
    assert set(names[2:4]) == {"tiny"}
    assert (top(service), top(service, Job("quonk zwibbler"))) == ("sport", "maths")
    teach(service.store, "lorry whisperer", "truck")
    wait(lambda: service.live.status().behind == 0)
    assert top(service, Job("lorry whisperer")) == "truck"
    service.live.open(tiny())
    assert (service.engine.name, service.live.status().corrections) == ("tiny", 3)


def test_a_file_and_single_requests_in_the_midst_of_corrections_see_one_index_each(service: Service) -> None:
    jobs = [Job(f"{title} {i % 7}", id=str(i)) for i, title in enumerate(["zorbing instructor", "cab driver", "lorry driver"] * 60)]
    before = tiny().classify(jobs)
    codes = random.Random(2)

    def teaching() -> None:
        for i in range(12):
            teach(service.store, f"quonk {i}", codes.choice(TREE.leaves))
            service.live.follow()

    async def many() -> tuple[list[object], list[object]]:
        bulk = [service.engine.aside(service.engine.bulk.classify, jobs) for _ in range(3)]
        single = [service.engine.classify(job) for job in jobs[:40]]
        return list(await asyncio.gather(*bulk)), list(await asyncio.gather(*single))

    teacher = threading.Thread(target=teaching)
    teacher.start()
    files, single = asyncio.run(many())
    teacher.join()
    # None of the corrections is near to these, so that their answers differ by nothing but a mixed-up index.
    after = service.engine.one.classify(jobs)
    kept = [i for i, (a, b) in enumerate(zip(before, after, strict=True)) if a == b]
    assert len(kept) > 20
    for file in files:
        assert isinstance(file, list)
        assert [file[i] for i in kept] == [before[i] for i in kept]
    assert [single[i] for i in kept if i < 40] == [before[i] for i in kept if i < 40]
    assert service.live.status().corrections == 12


def test_a_folder_that_is_deleted_under_a_running_service_is_made_again(service: Service) -> None:
    teach(service.store, JOB.title, "sport")
    service.live.follow()
    for path in sorted((service.store.folder / "index").rglob("*"), reverse=True):
        if path.is_file():
            path.unlink()
    service.taught.set()
    wait(lambda: any((service.store.folder / "index").rglob("manifest.json")))
    teach(service.store, "quonk zwibbler", "maths")
    wait(lambda: service.live.status().behind == 0 and service.live.status().corrections == 2)
    assert (top(service), top(service, Job("quonk zwibbler"))) == ("sport", "maths")


KILLS = 6
CODES = ("9622", "2411", "5120")


def test_killed_in_the_midst_of_corrections_and_rebuilds_each_is_found_once(tmp_path: Path) -> None:
    state, rng, acknowledged = tmp_path / "state", random.Random(4), dict[int, tuple[str, str]]()
    for turn in range(KILLS):
        with serving(state, "--no-worker") as (process, client):
            Timer(rng.uniform(0.05, 1.2), os.kill, (process.pid, signal.SIGKILL)).start()
            with suppress(httpx.TransportError):
                for i in range(10_000):
                    title, code = f"quonk {'abcdef'[turn]} worker {i}", CODES[i % 3]
                    answer = client.post("/api/v1/corrections", json={"job": {"title": title}, "code": code})
                    assert answer.status_code == 201
                    acknowledged[answer.json()["id"]] = (title, code)
                    if i % 5 == 2:
                        number = answer.json()["id"]
                        del acknowledged[number]
                        answer = client.post(f"/api/v1/corrections/{number}/revert", json={})
                    if i % 7 == 1:
                        assert client.post("/api/v1/index/rebuild").status_code in (202, 409)
            process.wait(PATIENCE)
    store = open_store(state)
    with store.read() as db:
        wanted = {entry.id: entry for entry in standing(db).entries}
    assert {f"correction:{n}" for n in acknowledged} <= set(wanted)
    with serving(state, "--no-worker") as (_, client):
        status = client.get("/api/v1/index").json()
        assert (status["corrections"], status["behind"]) == (len(wanted), 0)
        for number, (title, code) in list(acknowledged.items())[:: max(len(acknowledged) // 10, 1)]:
            said = client.post("/api/v1/explain", json={"title": title}).json()
            nearest = [hit["entry"] for e in said["evidence"] if e["code"] == code for hit in e["nearest"]]
            assert [entry["id"] for entry in nearest].count(f"correction:{number}") == 1
    held = [entry for entry in open_follower(open_classifier(), store).classifier.known.living() if entry.source == "correction"]
    assert len(held) == len(wanted)
    assert {entry.id: entry for entry in held} == wanted
    store.close()


def test_the_index_is_seen_and_rebuilt_by_command_beside_the_service(tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "state"))
    with serving(tmp_path / "state", "--no-worker") as (_, client):
        client.post("/api/v1/corrections", json={"job": {"title": "quonk zwibbler"}, "code": "9622"})
        wait(lambda: client.get("/api/v1/index").json()["behind"] == 0)
        code, said = run("index", "status", *state)
        assert (code, "tail         1 since" in said, "it holds every correction" in said) == (0, True, True)
        code, said = run("index", "rebuild", *state)
        assert (code, "generation 2" in said, "tail         0" in said) == (0, True, True)
        wait(lambda: client.get("/api/v1/index").json()["generation"] == 2)
        found = client.post("/api/v1/explain", json={"title": "quonk zwibbler"}).json()
        assert found["evidence"][0]["nearest"][0]["entry"]["source"] == "correction"
        code, said = run("index", "status", "--json", *state)
        assert msgspec.json.decode(said)["base"] == client.get("/api/v1/index").json()["base"]


def test_entries_of_the_bundle_and_of_corrections_stand_apart(service: Service) -> None:
    own = with_index(tiny(), build_index([*tiny_entries(), Entry("x", "taxi", "quonk", source="correction")], tiny().parts.encoder))
    service.live.open(own)
    assert service.live.status().corrections == 0
