"""A coding index of an institution's own, on disk: imported titles with their codes and vectors, in a folder beside the bundle.

    index.json         what was imported, from where, and the hash of the entries
    entries.jsonl      what joins the index: titles with one unit group
    coded_texts.csv    every text that was taken, in the project's format for coded texts: also tasks, descriptions and partial labels, for training
    report.csv         every row that was not taken as it stood, with its number and the reason
    vectors-KEY.npz    the vectors of the entries under one encoder; KEY is that encoder's hash

Vectors of several bundles' encoders may lie side by side. A bundle with another encoder needs vectors of its own: opening says so.
"""

import csv
import hashlib
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
from isco_index import FlatIndex
from isco_index.flat import index_rows
from msgspec import Struct

from isco_rag.bundle import file_hash
from isco_rag.errors import BundleError, InputError, UsageError
from isco_rag.importing.texts import Found, Imported, Note
from isco_rag.ports import Encoder
from isco_rag.types import Entry, Manifest

FORMAT = 1
HEAD, ENTRIES, TEXTS, REPORT = "index.json", "entries.jsonl", "coded_texts.csv", "report.csv"
COLUMNS = ("isco08_code", "text", "kind", "language", "source", "occupation", "ambiguous", "source_id")
EMBEDDED_AT_ONCE = 1024


class Head(Struct, frozen=True, forbid_unknown_fields=True):
    """What a coding index is: entries by source, what happened to the rows, the files they came from with their hashes."""

    format: int
    classification: str
    created: str
    entries: str
    sources: dict[str, int]
    languages: dict[str, int]
    counts: dict[str, int]
    inputs: dict[str, str]


def save_coding_index(imported: Imported, folder: Path, classification: str, inputs: Sequence[Path], *, force: bool = False) -> Head:
    """Writes the folder, without vectors, beside its place and moves it there; what stood there is only replaced with `force`.

    UsageError where something else stands there, InputError where no title is left to index.
    """
    if folder.exists() and not (force and (folder / HEAD).is_file()):
        raise UsageError(
            f"{folder}: exists already" + ("; add --force to replace it" if (folder / HEAD).is_file() else " and is no coding index")
        )
    if not imported.entries:
        first = f"; the first: row {imported.notes[0].row}, {imported.notes[0].reason}" if imported.notes else ""
        raise InputError(f"none of {imported.counts.get('read', 0):,} texts can join the index{first}")
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True)
        (part / ENTRIES).write_bytes(b"".join(msgspec.json.encode(entry) + b"\n" for entry in imported.entries))
        _write(part / TEXTS, COLUMNS, (row for text in imported.texts for row in _rows(text)))
        _write(part / REPORT, Note.__struct_fields__, map(msgspec.structs.astuple, imported.notes))
        head = Head(
            FORMAT,
            classification,
            datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            file_hash(part / ENTRIES),
            dict(Counter(entry.source for entry in imported.entries)),
            dict(Counter(text.language for text in imported.texts)),
            imported.counts,
            {path.name: file_hash(path) for path in inputs if path.is_file()},
        )
        (part / HEAD).write_bytes(msgspec.json.format(msgspec.json.encode(head), indent=1) + b"\n")
        if folder.exists():
            shutil.rmtree(folder)
        part.replace(folder)
    except OSError as error:
        raise InputError(f"{folder}: can't be written ({error.strerror}); choose another place with -o") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return head


def _write(path: Path, columns: Sequence[str], rows: Iterator[tuple[object, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def _rows(text: Found) -> Iterator[tuple[object, ...]]:
    """A partial label has a row for each of its codes; duties of a record are a description of the same occupation."""
    several = "true" if len(text.codes) > 1 else "false"
    for code in text.codes:
        yield code, text.text, text.kind, text.language, text.source, text.occupation, several, text.source_id
        if text.duties:
            yield code, text.duties, "description", text.language, text.source, text.occupation, several, text.source_id


def read_head(folder: Path) -> Head:
    """What a coding index is; InputError where the folder is none."""
    try:
        head = msgspec.json.decode((folder / HEAD).read_bytes(), type=Head)
    except OSError as error:
        raise InputError(f"{folder}: is no coding index ({error.strerror}); make one with: isco-rag data import") from None
    except msgspec.DecodeError as error:
        raise InputError(f"{folder / HEAD}: is damaged ({error}); import the files again") from None
    if head.format != FORMAT:
        raise InputError(f"{folder}: has format {head.format}, this version reads {FORMAT}; import the files again")
    return head


def encoder_key(manifest: Manifest) -> str:
    """What vectors are known by: the hash of a bundle's encoder and its tokenizer."""
    parts = "".join(f"{name}={digest};" for name, digest in sorted(manifest.files.items()) if name.startswith("encoder/"))
    return hashlib.blake2b(parts.encode(), digest_size=8).hexdigest()


def is_embedded(folder: Path, key: str) -> bool:
    """Whether vectors for this encoder lie in the folder and are those of its entries."""
    try:
        with np.load(_vectors(folder, key), allow_pickle=False) as file:
            return str(file["entries"]) == read_head(folder).entries
    except (OSError, KeyError, ValueError):
        return False


def embed(folder: Path, encoder: Encoder, key: str, progress: Callable[[int], None] = lambda rows: None) -> int:
    """Embeds the entries and keeps the vectors, one byte a dimension; how many texts there were. `progress` is told how many were done."""
    texts, owner = index_rows(_entries(folder, read_head(folder)))
    blocks = []
    for start in range(0, len(texts), EMBEDDED_AT_ONCE):
        blocks.append(encoder.encode(texts[start : start + EMBEDDED_AT_ONCE]).astype(np.int8))
        progress(len(blocks[-1]))
    vectors = np.concatenate(blocks) if blocks else np.zeros((0, encoder.dimension), np.int8)
    beside = folder / f".{key}.part.npz"
    try:
        np.savez(beside, vectors=vectors, owner=owner.astype(np.int32), entries=np.array(read_head(folder).entries))
        beside.replace(_vectors(folder, key))
    except OSError as error:
        raise InputError(f"{folder}: can't be written ({error.strerror}); vectors are kept beside the entries") from None
    finally:
        beside.unlink(missing_ok=True)
    return len(texts)


def open_coding_index(folder: Path, key: str, bundle: str) -> FlatIndex:
    """The entries with their vectors under the encoder of this bundle.

    InputError where the folder is no coding index, BundleError where its vectors are another encoder's or of other entries.
    """
    head = read_head(folder)
    entries = _entries(folder, head)
    try:
        with np.load(_vectors(folder, key), allow_pickle=False) as file:
            vectors, owner, embedded = file["vectors"], file["owner"].astype(np.int64), str(file["entries"])
    except (OSError, KeyError, ValueError):
        vectors, owner, embedded = np.zeros((0, 0), np.int8), np.zeros(0, np.int64), ""
    if embedded != head.entries:
        raise BundleError(
            f"{folder}: its {len(entries):,} entries have no vectors of the encoder of {bundle}; run: isco-rag data embed {folder}"
        )
    return FlatIndex(entries, vectors, owner)


def _entries(folder: Path, head: Head) -> list[Entry]:
    try:
        if file_hash(folder / ENTRIES) != head.entries:
            raise InputError(f"{folder / ENTRIES}: was changed since the import; import the files again")
        return [msgspec.json.decode(line, type=Entry) for line in (folder / ENTRIES).read_bytes().splitlines()]
    except (OSError, msgspec.DecodeError) as error:
        raise InputError(f"{folder / ENTRIES}: can't be read ({error}); import the files again") from None


def _vectors(folder: Path, key: str) -> Path:
    return folder / f"vectors-{key}.npz"
