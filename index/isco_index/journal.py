"""The tail on disk: one line for each append or removal, whole or not at all.

A line is a checksum and a JSON record. A process that is killed while it writes leaves part of a line: its write was never
acknowledged, so a line that does not fit its checksum counts for nothing, and the next writer starts a new line.
"""

import os
from pathlib import Path
from zlib import crc32

import msgspec
from msgspec import Struct

from isco_rag.types import Entry


class Record(Struct, frozen=True, omit_defaults=True):
    """Entries that came in, how many rows each has and their vectors (int8, row by row); ids taken out; the last correction in all this."""

    add: tuple[Entry, ...] = ()
    rows: tuple[int, ...] = ()
    vectors: bytes = b""
    remove: tuple[str, ...] = ()
    last: int = 0


class Read(Struct, frozen=True):
    """What a journal held from some place on: its records, the place after the last whole line, and how many lines were damaged."""

    records: tuple[Record, ...]
    end: int
    damaged: int


def write_record(path: Path, record: Record) -> None:
    """Adds a record and waits until it is on the disk; the caller holds the lock of the index."""
    body = msgspec.json.encode(record)
    line = b"%08x " % crc32(body) + body + b"\n"
    with path.open("r+b") as file:
        if file.seek(0, os.SEEK_END) and not _ends_a_line(path):
            line = b"\n" + line
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def read_records(path: Path, start: int = 0) -> Read:
    """The records from a place on; what comes after the last line end is left for the next time."""
    with path.open("rb") as file:
        file.seek(start)
        data = file.read()
    whole = data[: data.rfind(b"\n") + 1]
    lines = [line for line in whole.split(b"\n") if line]
    records = [record for record in map(_record, lines) if record is not None]
    return Read(tuple(records), start + len(whole), len(lines) - len(records))


def _record(line: bytes) -> Record | None:
    checksum, _, body = line.partition(b" ")
    if checksum != b"%08x" % crc32(body):
        return None
    return msgspec.json.decode(body, type=Record)


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
