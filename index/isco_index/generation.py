"""A live index on disk: a manifest that names the present generation, one folder per generation, a journal of the tail in each.

    manifest.json   write.lock   rebuild.lock
    generation-3/   entries.jsonl vectors.npy owner.npy [centres.npy lists.npy] removed.json journal.jsonl

A generation is written beside the present one and becomes the present one when the manifest is replaced. The one before is kept.
"""

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from isco_index.flat import FlatIndex, load_index, save_index
from isco_index.layout import Rules
from isco_rag.bundle import file_hash, hash_files
from isco_rag.errors import BundleError

FORMAT = 1
MANIFEST, JOURNAL, REMOVED = "manifest.json", "journal.jsonl", "removed.json"
PREFIX = "generation-"


class IndexManifest(Struct, frozen=True):
    """A generation: its number, the encoder that made its vectors, the last correction in it, its size and the hash of each file."""

    format: int
    generation: int
    encoder: str
    last: int
    entries: int
    rows: int
    created: str
    files: dict[str, str]


def folder_of(root: Path, generation: int) -> Path:
    """Where a generation lies."""
    return root / f"{PREFIX}{generation}"


def read_index_manifest(root: Path) -> IndexManifest:
    """The manifest of the present generation; BundleError where there is none or it can't be read."""
    path = root / MANIFEST
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=IndexManifest)
    except OSError as error:
        raise BundleError(f"{path}: can't be read ({error.strerror}); create the index from a bundle") from error
    except msgspec.DecodeError as error:
        raise BundleError(f"{path}: is damaged ({error}); delete the folder and create the index again from a bundle") from error
    if manifest.format != FORMAT:
        raise BundleError(f"{path}: has format {manifest.format}, this version reads {FORMAT}; create the index again from a bundle")
    return manifest


def write_generation(root: Path, generation: int, index: FlatIndex, removed: frozenset[str], encoder: str, last: int) -> IndexManifest:
    """Writes a generation's folder and returns the manifest that will make it the present one."""
    folder = folder_of(root, generation)
    # Left by a rebuild that was killed before its generation became the present one.
    shutil.rmtree(folder, ignore_errors=True)
    save_index(index, folder)
    (folder / REMOVED).write_bytes(msgspec.json.encode(sorted(removed)))
    files = hash_files(folder)
    (folder / JOURNAL).touch()
    for path in (*folder.iterdir(), folder, root):
        sync(path)
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return IndexManifest(FORMAT, generation, encoder, last, len(index), len(index.vectors), now, files)


def make_present(root: Path, manifest: IndexManifest) -> None:
    """Replaces the manifest: from here on this is the present generation."""
    part = root / f"part-{MANIFEST}"
    part.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")
    sync(part)
    part.replace(root / MANIFEST)
    sync(root)


def read_generation(root: Path, manifest: IndexManifest, rules: Rules) -> tuple[FlatIndex, frozenset[str]]:
    """The base of a generation and the ids that were taken out for good; BundleError where a file is not as the manifest says."""
    folder = folder_of(root, manifest.generation)
    for name, wanted in manifest.files.items():
        if not (folder / name).is_file() or file_hash(folder / name) != wanted:
            raise BundleError(f"{folder / name}: missing or damaged; delete {root} and create the index again")
    removed = frozenset(msgspec.json.decode((folder / REMOVED).read_bytes(), type=list[str]))
    return load_index(folder, rules, mapped=True), removed


def drop_old(root: Path, present: int) -> None:
    """Deletes all generations but the present one and the one before."""
    for folder in root.glob(f"{PREFIX}*"):
        number = folder.name.removeprefix(PREFIX)
        if number.isdigit() and int(number) < present - 1:
            shutil.rmtree(folder, ignore_errors=True)


def sync(path: Path) -> None:
    """Waits until a file or a folder's list of names is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
