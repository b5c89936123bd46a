"""The champion in running services: gone over to under load, without a gap, in every process; and what the API lets through."""

import errno
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from isco_api.app import create_app
from isco_api.engine import Engine
from isco_api.models import ChampionFollower
from isco_api.options import Options
from isco_api.service import Service
from litestar.testing import TestClient

from isco_rag.classify import Classifier
from isco_rag.learn import registry
from isco_rag.learn.places import manifest_of
from isco_rag.store import audit
from isco_rag.store.database import open_store
from tests.api.conftest import BASE, Client, tiny
from tests.learn.bundles import judged, make_bundle, make_challenger


def opened(folder: Path) -> Classifier:
    """A classifier under the name of a bundle."""
    return Classifier(msgspec.structs.replace(tiny().parts, name=manifest_of(folder).name), tiny().settings)


def start(state: Path, base: Path, loaded: Callable[[Classifier, Path], None]) -> tuple[Service, ChampionFollower]:
    service = Service(open_store(state), Engine(2), Options(state), base)
    follower = ChampionFollower(service, opened, loaded)
    follower.begin()
    return service, follower


class Two:
    """Two services on one database, and the bundles that each opened."""

    def __init__(self, folder: Path) -> None:
        self.base, self.opened = make_bundle(folder / "shipped", "base"), [[], []]  # type: ignore[var-annotated]
        self.changed = threading.Condition()
        self.services = [start(folder / "state", self.base, self._note(side))[0] for side in (0, 1)]

    def _note(self, side: int) -> Callable[[Classifier, Path], None]:
        def note(classifier: Classifier, folder: Path) -> None:
            with self.changed:
                self.opened[side].append(classifier.parts.name)
                self.changed.notify_all()

        return note

    def wait(self, name: str) -> None:
        """Until both answer with a bundle."""
        with self.changed:
            assert self.changed.wait_for(lambda: all(names[-1:] == [name] for names in self.opened), timeout=60)

    def close(self) -> None:
        for service in self.services:
            service.close()


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    found = Two(tmp_path)
    yield found
    found.close()


def test_two_services_go_over_under_load_without_a_gap(two: Two) -> None:
    first, second = two.services
    for name in ("one", "two"):
        make_challenger(first.store, name)
    stop, heard, apps = threading.Event(), [set(), set()], [create_app(service) for service in two.services]  # type: ignore[var-annotated]
    begun = threading.Barrier(3)

    def ask(side: int) -> int:
        count = 0
        with TestClient(apps[side], base_url=BASE) as client:
            while not stop.is_set():
                answer = client.post("/api/v1/classify", json={"title": "taxi driver"})
                assert answer.status_code == 200
                heard[side].add(answer.json()["bundle"])
                count += 1
                if count == 1:
                    begun.wait(60)
        two.services[side].stopping.clear()
        return count

    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(ask, side) for side in (0, 1)]
        try:
            begun.wait(60)
            for name in ("one", "two"):
                registry.promote(first.store, "ann", two.base, judged(first.store, two.base, name).id)
                first.promoted.set()
                two.wait(name)
            registry.rollback(second.store, "ann", two.base)
            two.wait("one")
        finally:
            stop.set()
        assert all(task.result() > 0 for task in asked)
    for side in (0, 1):
        assert heard[side] <= {"base", "one", "two"}
        assert two.opened[side] == ["base", "one", "two", "one"], "each is told of once"


def test_a_champion_that_is_not_here_is_told_and_the_one_before_answers(two: Two) -> None:
    first = two.services[0]
    folder = make_challenger(first.store, "one")
    verdict = judged(first.store, two.base, "one")
    away = folder.with_name("away.copy")
    follower = ChampionFollower(first, opened)
    follower.step()
    registry.promote(first.store, "ann", two.base, verdict.id)
    two.wait("one")
    folder.rename(away)
    follower._try()
    assert "holds no bundle" in first.obstacle
    assert first.engine.name == "one"
    away.rename(folder)
    follower._try()
    assert first.obstacle == ""


def test_a_start_without_space_says_so_and_goes_on_when_there_is_some(tmp_path: Path) -> None:
    full = [True]

    def opening(folder: Path) -> Classifier:
        if full[0]:
            raise OSError(errno.ENOSPC, "No space left on device", str(folder / "secret"))
        return opened(folder)

    service = Service(open_store(tmp_path / "state"), Engine(2), Options(tmp_path / "state"), make_bundle(tmp_path / "shipped", "base"))
    follower = ChampionFollower(service, opening)
    try:
        with TestClient(create_app(service), base_url=BASE) as client:
            assert not follower._try()
            said = client.get("/health/ready")
            assert said.status_code == 503
            assert "No space left on device" in said.json()["detail"]
            assert "free space on the disk of the state folder" in said.json()["detail"]
            assert "secret" not in said.text
            full[0] = False
            assert follower._try()
            assert client.get("/health/ready").json()["status"] == "ready"
            assert service.obstacle == ""
    finally:
        service.close()


@pytest.fixture
def challenger(people: Service) -> Service:
    """A service of many people with a challenger that nobody has judged."""
    make_challenger(people.store, "one", "tiny")
    return people


def test_the_gate_stands_in_the_api_too(challenger: Service, as_role: Callable[[str], Client]) -> None:
    client, base = as_role("administrator"), challenger.base

    def promote(**body: object) -> tuple[int, str]:
        answer = client.post("/api/v1/models/one/promote", json=body)
        return answer.status_code, answer.text

    assert promote()[0] == 409
    assert "--judge-only" in promote()[1]
    judged(challenger.store, base, "one", passed=False)
    assert promote()[0] == 409
    assert promote(force=True)[0] == 422
    assert client.get("/api/v1/models").json()[0]["champion"]
    status, text = promote(force=True, reason="the gold is outdated")
    assert status == 200, text
    models = {m["name"]: m for m in client.get("/api/v1/models").json()}
    assert models["one"]["champion"]
    assert models["tiny"]["was_champion"]
    assert (models["one"]["forced"]["by"], models["one"]["forced"]["reason"]) == ("administrator", "the gold is outdated")
    assert client.get("/api/v1/models/verdicts?challenger=one").json()[0]["passed"] is False
    assert client.post("/api/v1/models/rollback", json={"reason": "as it was"}).json()["name"] == "tiny"
    assert client.post("/api/v1/models/rollback", json={}).status_code == 409
    assert client.post("/api/v1/models/nothing/promote", json={}).status_code == 404
    kept = {m["name"]: m for m in client.get("/api/v1/models").json()}
    assert kept["one"]["forced"]["reason"] == "the gold is outdated", "for ever"
    with challenger.store.read() as db:
        found = [(r.action, r.who) for r in audit.rows(db) if r.action.startswith("model.") and r.who == "administrator"]
    assert found == [("model.promote_forced", "administrator"), ("model.rollback", "administrator")]


def test_a_challenger_that_passed_is_promoted_by_its_verdict(challenger: Service, as_role: Callable[[str], Client]) -> None:
    judged(challenger.store, challenger.base, "one")
    answer = as_role("administrator").post("/api/v1/models/one/promote", json={})
    assert (answer.status_code, answer.json()["kind"]) == (200, "promoted")
    assert challenger.promoted.is_set()
