"""A release on disk: encoders, index, fusion, calibrator, classification, and a manifest with the hash of every file.

    manifest.json   taxonomy/   encoder/   reranker/   index/   prototypes.npy   words.npz   fusion.json   calibrator.json
    conformal.json   weights/   LICENCES.md

A bundle is made beside its place and swapped in by renaming, so a reader sees the old one or the new one, never a half.
"""

import hashlib
import shutil
from pathlib import Path

import msgspec

from isco_rag.errors import BundleError
from isco_rag.types import Manifest

FORMAT = 3
MANIFEST = "manifest.json"
# Read only by training; serving does not wait for their hashes.
WEIGHTS = "weights/"


def file_hash(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_files(folder: Path) -> dict[str, str]:
    """The hash of every file under a bundle's folder but the manifest, by relative name."""
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and p.name != MANIFEST)
    return {name: file_hash(folder / name) for name in names}


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Writes the manifest with the hashes of the files that stand in the folder now."""
    full = msgspec.structs.replace(manifest, format=FORMAT, files=hash_files(folder))
    (folder / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(full), indent=1) + b"\n")


def read_manifest(folder: Path, *, with_weights: bool = False) -> Manifest:
    """The manifest of a bundle whose files are all as it says; BundleError names the first file that is not."""
    path = folder / MANIFEST
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except OSError as error:
        raise BundleError(f"{path}: can't be read ({error.strerror}); name a bundle with --bundle or restore data/bundle") from error
    except msgspec.DecodeError as error:
        raise BundleError(f"{path}: is damaged ({error}); restore the bundle") from error
    if manifest.format != FORMAT:
        raise BundleError(
            f"{path}: has format {manifest.format}, this version reads {FORMAT}; build the bundle anew or install its version"
        )
    for name, wanted in manifest.files.items():
        if name.startswith(WEIGHTS) and not with_weights:
            continue
        try:
            found = file_hash(folder / name)
        except OSError as error:
            raise BundleError(f"{folder / name}: can't be read ({error.strerror}); restore the bundle") from error
        if found != wanted:
            raise BundleError(f"{folder / name}: is damaged (its hash is not the manifest's); restore the bundle")
    return manifest


def swap_in(new: Path, place: Path) -> None:
    """Puts the bundle `new` in `place`; what stood there is kept beside it as NAME.previous until the next swap."""
    previous = place.with_name(place.name + ".previous")
    if place.exists():
        shutil.rmtree(previous, ignore_errors=True)
        place.replace(previous)
    new.replace(place)
