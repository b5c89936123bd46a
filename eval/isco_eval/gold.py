"""Coded rows to measure against, and the check that none of them is in the index."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import duckdb
from msgspec import Struct

from isco_rag.errors import InputError, UnknownCodeError
from isco_rag.sources import TITLE_KINDS, listed_text
from isco_rag.tables import choose_columns, read_form, read_rows
from isco_rag.taxonomy import Taxonomy
from isco_rag.text import key, title_text
from isco_rag.types import Entry, Job

CODE_NAMES = ("isco08 code", "isco code", "isco08", "isco", "code", "gold")


class Gold(Struct, frozen=True):
    """A gold file's rows: jobs and their codes, which may be shorter than a unit group."""

    name: str
    jobs: tuple[Job, ...]
    codes: tuple[str, ...]


def read_golds(paths: Sequence[Path], taxonomy: Taxonomy, limit: int = 0) -> list[Gold]:
    """Gold files by the names of their files; by their paths where two files have one name."""
    stems = Counter(path.stem for path in paths)
    return [read_gold(path, taxonomy, limit, path.stem if stems[path.stem] == 1 else str(path)) for path in dict.fromkeys(paths)]


def read_gold(path: Path, taxonomy: Taxonomy, limit: int = 0, name: str = "") -> Gold:
    """The gold rows of a CSV file with a code column; the first `limit` of them in a fixed shuffle, or all.

    InputError where there is no code column; UnknownCodeError names the first code that the classification does not have.
    """
    form = read_form(path)
    columns = choose_columns(form, path, {})
    number = next((i for name in CODE_NAMES for i, column in enumerate(form.header) if key(column.replace("_", " ")) == name), None)
    if number is None:
        raise InputError(f"{path}: has no column with codes; name one of its columns isco08_code")
    rows = list(read_rows(path, form))
    if limit:
        rows = sorted(rows, key=lambda row: hash_of("|".join(row)))[:limit]
    for i, row in enumerate(rows, 1):
        row[number] = row[number].strip()
        try:
            taxonomy.group(row[number])
        except UnknownCodeError as error:
            raise UnknownCodeError(f"{path}, record {i}: {error}") from None
    jobs = tuple(Job(**{field: row[i] for field, i in columns.items()}) for row in rows)
    return Gold(name or path.stem, jobs, tuple(row[number] for row in rows))


def hash_of(text: str) -> bytes:
    """A digest to shuffle by, the same in every run."""
    return hashlib.blake2b(text.encode(), digest_size=8).digest()


def leaked(gold: Gold, entries: Iterable[Entry]) -> list[int]:
    """Numbers of the gold rows that are in the index: same title and no duties, or same title and same duties (by key)."""
    known = {(key(title_text(e.title)), key(e.duties)) for e in entries}
    return [
        i
        for i, job in enumerate(gold.jobs)
        if (key(title_text(job.title)), key(job.duties)) in known
    ]  # fmt: skip


def read_titles(path: Path, taxonomy: Taxonomy, without: Sequence[Gold], language: str = "en") -> list[Entry]:
    """Unambiguous titles of a parquet file of coded texts as index entries, without any that is a row of `without`."""
    kinds = ", ".join(f"'{kind}'" for kind in TITLE_KINDS)
    query = f"""
        SELECT DISTINCT source, isco08_code, kind, text FROM read_parquet(?)
        WHERE language = ? AND NOT ambiguous AND kind IN ({kinds}) ORDER BY source, isco08_code, text
    """
    try:
        with duckdb.connect() as connection:
            found = connection.execute(query, [str(path), language]).fetchall()
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: can't be read as a parquet file of coded texts ({reason}); see docs/guide/data.md") from None
    gold = {key(title_text(job.title)) for g in without for job in g.jobs if not job.duties}
    entries: dict[tuple[str, str], Entry] = {}
    for source, code, kind, text in found:
        title = listed_text(text, kind, source)
        k = key(title_text(title))
        if code in taxonomy.leaf_number and k and k not in gold:
            entries.setdefault((k, code), Entry(f"{source}:{code}:{k}", code, title, source=source))
    return list(entries.values())
