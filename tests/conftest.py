"""What tests share: the shipped bundle, opened once."""

from pathlib import Path

import pytest

from isco_rag.classify import Classifier
from isco_rag.wiring import default_bundle, open_classifier

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
