"""An application of real code over fake models, and people of every role."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import pytest
from isco_api.app import create_app
from isco_api.engine import Engine
from isco_api.options import Limits, Options
from isco_api.service import Service
from isco_api.worker import Worker
from litestar.testing import TestClient

from isco_rag.bundle import write_manifest
from isco_rag.classify import Classifier
from isco_rag.store import keys, users
from isco_rag.store.database import open_store
from isco_rag.store.records import ROLES, SCOPES
from isco_rag.types import Manifest
from tests.fakes import tiny_classifier


@lru_cache(maxsize=1)
def tiny() -> Classifier:
    return tiny_classifier()


PASSWORD = "correct horse battery"
BASE = "http://127.0.0.1"
Client = TestClient  # type: ignore[type-arg]


def make_service(folder: Path, url: str = "", *, exist_ok: bool = False, **options: object) -> Service:
    engine = Engine(2)
    service = Service(open_store(folder, url), engine, Options(folder, **options), folder / "bundle")  # type: ignore[arg-type]
    (folder / "bundle").mkdir(exist_ok=exist_ok)
    write_manifest(folder / "bundle", Manifest(1, "tiny", "2026-01-01T00:00:00Z", "Tiny", {}))
    service.live.open(tiny())
    return service


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    found = make_service(tmp_path / "state", limits=Limits(upload=1 << 20, rows=2000, body=1 << 19))
    yield found
    found.close()


@pytest.fixture
def alone(service: Service) -> Iterator[Client]:
    """The one user of a service without login."""
    with TestClient(create_app(service), base_url=BASE) as client:
        yield client


@pytest.fixture
def people(service: Service) -> Service:
    """The service with a user of each role, named as the role."""
    with service.store.write() as db:
        for role in ROLES:
            users.add(db, "test", role, PASSWORD, role)
    return service


@pytest.fixture
def as_role(people: Service) -> Iterator[Callable[[str], Client]]:
    """A logged-in client for a role; an empty role is nobody."""
    app = create_app(people)
    found: dict[str, Client] = {}

    def get(role: str) -> Client:
        if role not in found:
            client = TestClient(app, base_url=BASE)
            if role:
                with people.store.write() as db:
                    token, session = users.log_in(db, users.named(db, role))
                client.cookies.set("isco_session", token)
                client.headers["x-csrf-token"] = session.csrf
            found[role] = client
        return found[role]

    with TestClient(app, base_url=BASE):
        yield get


@pytest.fixture
def with_key(people: Service) -> Callable[..., Client]:
    """A client with a key of a user."""

    def get(user: str = "administrator", scopes: tuple[str, ...] = SCOPES, per_minute: int = 6000) -> Client:
        with people.store.write() as db:
            secret, _ = keys.create(db, "test", user, "test", scopes, 30, per_minute)  # type: ignore[arg-type]
        client = TestClient(create_app(people), base_url=BASE)
        client.headers["authorization"] = f"Bearer {secret}"
        return client

    return get


@pytest.fixture
def worker(service: Service) -> Worker:
    """A worker that is stepped by hand."""
    return Worker(service)
