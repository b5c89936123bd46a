"""Where models lie: folders of the state's `models`, and the bundle that a fresh state begins with."""

import re
import shutil
from pathlib import Path

import msgspec
from msgspec import Struct

from isco_rag.bundle import MANIFEST, file_hash
from isco_rag.errors import BundleError, UsageError
from isco_rag.types import Manifest

FOLDER, WORK = "models", "retraining"
# What a retraining puts behind the name of the bundle that it began with.
_SUFFIX = re.compile(r"-c\d+$")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


class Place(Struct, frozen=True):
    """A bundle on disk: its folder, its name, and the hash of its manifest, which holds the hashes of all its files."""

    folder: Path
    name: str
    hash: str


def place_of(folder: Path) -> Place:
    """The bundle in a folder; BundleError where there is none."""
    return Place(folder, manifest_of(folder).name, file_hash(folder / MANIFEST))


def manifest_of(folder: Path) -> Manifest:
    """A bundle's manifest, read without looking at the files that it names."""
    try:
        return msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except OSError as error:
        raise BundleError(f"{folder}: holds no bundle ({error.strerror}); copy it there, or go back with: isco-rag rollback") from None
    except msgspec.DecodeError as error:
        raise BundleError(f"{folder / MANIFEST}: is damaged ({error}); restore the bundle") from None


def find(state: Path, base: Path, name: str, hashed: str = "") -> Place:
    """The bundle of a name: in the state's models, or the base if that is its name; BundleError where it is not there or not the same."""
    check_name(name)
    tried = state / FOLDER / name
    if not (tried / MANIFEST).exists() and (base / MANIFEST).exists() and manifest_of(base).name == name:
        tried = base
    found = place_of(tried)
    if hashed and found.hash != hashed:
        raise BundleError(f"{tried}: is not the bundle that was promoted (its manifest has another hash); restore it, or roll back")
    return found


def keep(state: Path, place: Place) -> Place:
    """The bundle in the state's models folder, copied there if it lies elsewhere: what can be rolled back to must not go with an upgrade."""
    wanted = state / FOLDER / place.name
    if not wanted.exists():
        beside = wanted.with_name(wanted.name + ".copy")
        shutil.rmtree(beside, ignore_errors=True)
        beside.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(place.folder, beside)
        beside.replace(wanted)
    return find(state, place.folder, place.name, place.hash)


def check_name(name: str) -> str:
    """The name, if a folder can have it; UsageError where not."""
    if not _NAME.fullmatch(name) or name.endswith((".new", ".copy", ".previous")):
        raise UsageError(f"'{name}' is no name for a model; use letters, digits, dots and dashes, at most 80")
    return name


def name_after(parent: str, until: int) -> str:
    """The name of what comes of a bundle and the corrections up to a number.

    >>> name_after("isco08-2-c500", 1200)
    'isco08-2-c1200'
    """
    return check_name(f"{_SUFFIX.sub('', parent)}-c{until}")
