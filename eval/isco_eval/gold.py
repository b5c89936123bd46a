"""Coded rows to measure against, read from a gold file and checked: ids once, codes that exist."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import duckdb
from msgspec import Struct

from isco_eval.suite import Suite
from isco_rag.errors import InputError, UnknownCodeError, UsageError
from isco_rag.sources import TITLE_KINDS, listed_text
from isco_rag.tables import CODE_NAMES, Form, choose_columns, read_form, read_rows
from isco_rag.taxonomy import Taxonomy
from isco_rag.text import key, title_text
from isco_rag.types import Entry, Job

NAMES = {
    "code": CODE_NAMES,
    "id": ("id", "record id", "row id", "caseid", "case id"),
    "language": ("language", "lang"),
}
# Of bad rows, this many are named; the rest are counted.
NAMED = 20


class Gold(Struct, frozen=True):
    """A gold file's rows: jobs (with their ids) and their codes, which may be shorter than a unit group.

    `slices` has a value for each row under each name; `coders` has the codes of each coder, empty where he gave none.
    """

    name: str
    jobs: tuple[Job, ...]
    codes: tuple[str, ...]
    slices: dict[str, tuple[str, ...]] = {}
    coders: dict[str, tuple[str, ...]] = {}


def read_gold(path: Path, taxonomy: Taxonomy, limit: int = 0, name: str = "") -> Gold:
    """The rows of a gold file whose columns are guessed; the first `limit` of them in a fixed shuffle, or all."""
    return read_suite(Suite(name or path.stem, str(path.resolve()), limit=limit), taxonomy)


def read_suite(suite: Suite, taxonomy: Taxonomy) -> Gold:
    """The rows of a suite's gold file.

    InputError where there is no code column or ids stand twice; UnknownCodeError lists the rows whose code the classification does not have.
    """
    path, wanted = suite.path, suite.columns
    form = read_form(path)
    fields = {"title": wanted.title, "duties": wanted.duties, "industry": wanted.industry}
    columns = choose_columns(form, path, {field: column for field, column in fields.items() if column})
    number = _column(form, path, wanted.code, "code")
    if number is None:
        raise InputError(f"{path}: has no column with codes; name one of its columns isco08_code")
    ident, language = _column(form, path, wanted.id, "id"), _column(form, path, wanted.language, "language")
    rows = [(i, row) for i, row in enumerate(read_rows(path, form), 1)]
    coders = {coder: _named(form, path, coder) for coder in wanted.coders}
    _check_codes(path, rows, [number], taxonomy, may_be_empty=False)
    _check_codes(path, rows, list(coders.values()), taxonomy, may_be_empty=True)
    if ident is not None:
        _check_ids(path, [(i, row[ident]) for i, row in rows])
    if suite.limit:
        rows = sorted(rows, key=lambda item: hash_of("|".join(item[1])))[: suite.limit]
    jobs = tuple(
        Job(
            **{field: row[c] for field, c in columns.items() if field != "language"},
            id=str(i) if ident is None else row[ident],
            language=row[language].strip() if language is not None else Job().language,
        )
        for i, row in rows
    )
    slices = {name: tuple(row[c].strip() for _, row in rows) for name, column in suite.slices.items() for c in [_named(form, path, column)]}
    given = {coder: tuple(row[c].strip() for _, row in rows) for coder, c in coders.items()}
    return Gold(suite.name, jobs, tuple(row[number].strip() for _, row in rows), slices, given)


def guessed_slices(path: Path) -> dict[str, str]:
    """Columns of a gold file by which figures are worth giving apart."""
    header = read_form(path).header
    return {key(name): name for name in header if key(name) in ("source", "register", "country", "mode", "survey", "wave")}


def _named(form: Form, path: Path, column: str) -> int:
    if column not in form.header:
        raise UsageError(f"{path}: has no column '{column}'; it has: {', '.join(form.header)[:300]}")
    return form.header.index(column)


def _column(form: Form, path: Path, chosen: str, what: str) -> int | None:
    if chosen:
        return _named(form, path, chosen)
    keys = [key(column.replace("_", " ")) for column in form.header]
    return next((keys.index(name) for name in NAMES[what] if name in keys), None)


def _check_codes(
    path: Path, rows: Sequence[tuple[int, list[str]]], columns: Sequence[int], taxonomy: Taxonomy, *, may_be_empty: bool
) -> None:
    bad = [
        (i, code)
        for i, row in rows
        for code in [row[c].strip() for c in columns]
        if code not in taxonomy and not (may_be_empty and not code)
    ]  # fmt: skip
    if bad:
        named = _some(f"record {i}: '{code}'{_hint(code, taxonomy)}" for i, code in bad)
        raise UnknownCodeError(f"{path}: {len(bad)} codes are not in {taxonomy.heading.name}: {named}; mend or leave out these records")


def _hint(code: str, taxonomy: Taxonomy) -> str:
    padded = code.zfill(taxonomy.depth)
    return f" (is it {padded}?)" if code and padded != code and padded in taxonomy else ""


def _check_ids(path: Path, ids: Sequence[tuple[int, str]]) -> None:
    rows: dict[str, list[int]] = {}
    for i, found in ids:
        rows.setdefault(found, []).append(i)
    twice = [f"'{found}' in records {', '.join(map(str, numbers[:5]))}" for found, numbers in rows.items() if len(numbers) > 1]
    if twice:
        raise InputError(f"{path}: {len(twice)} ids stand more than once: {_some(twice)}; each record needs an id of its own")


def _some(items: Iterable[str]) -> str:
    found = list(items)
    return ", ".join(found[:NAMED]) + (f" and {len(found) - NAMED} more" if len(found) > NAMED else "")


def hash_of(text: str) -> bytes:
    """A digest to shuffle by, the same in every run."""
    return hashlib.blake2b(text.encode(), digest_size=8).digest()


def read_titles(path: Path, taxonomy: Taxonomy, without: Sequence[Gold] = (), language: str = "en") -> list[Entry]:
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


def suites_of(paths: Sequence[Path], limit: int = 0) -> list[Suite]:
    """Gold files as suites, by the names of their files; by their paths where two files have one name."""
    stems = Counter(path.stem for path in paths)
    return [
        Suite(path.stem if stems[path.stem] == 1 else str(path), str(path.resolve()), limit=limit, slices=guessed_slices(path))
        for path in dict.fromkeys(paths)
    ]
