"""What tests share: the shipped bundle, opened once."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from isco_rag.classify import Classifier
from isco_rag.store.database import Store, open_store
from isco_rag.wiring import default_bundle, open_classifier
from tests import postgres

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def bundle_folder() -> Path:
    return default_bundle()


@pytest.fixture(scope="session")
def shipped(bundle_folder: Path) -> Classifier:
    """The real classifier over the shipped bundle."""
    return open_classifier(bundle_folder)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """A PostgreSQL server; where none is installed the test is left out and says so, in CI that is a failure."""
    if not postgres.program("initdb"):
        if os.environ.get("ISCO_RAG_TEST_POSTGRES") == "required":
            pytest.fail(postgres.MISSING)
        pytest.skip(postgres.MISSING)
    with postgres.server() as found:
        yield found


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store, once in each kind of database."""
    url = request.getfixturevalue("postgres_server").database() if request.param == "postgresql" else ""
    found = open_store(tmp_path / "state", url)
    yield found
    found.close()
