"""The texts that models are trained on: coded rows of every source, with what is held out kept apart.

A row is a text with the unit groups that it may belong to. Most rows have one; a crosswalk that names several unit groups gives a row
with all of them (a partial label: one of them is right). Rows whose text is a row of an evaluation file are dropped on reading.
"""

import csv
import hashlib
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
from msgspec import Struct

from isco_rag.errors import TrainingError
from isco_rag.sources import TITLE_KINDS, listed_text
from isco_rag.tables import choose_columns, code_column, read_form, read_rows
from isco_rag.taught import leaves_under
from isco_rag.taxonomy import Taxonomy
from isco_rag.text import duties_text, joined_text, key, title_text, uninvert

# The sources of an institution's own records, and of what its people corrected.
OWN = "own"
CORRECTED = "correction"
# Titles that nobody coded.
IMAGINED = "imagined"

# Agreement of exact titles with the ILO index, as measured by the data set's publishers: how far a label can be trusted.
SOURCE_QUALITY = {
    "ilo-isco08-index": 1.0,
    "ilo-isco08-structure": 1.0,
    "ilo-genai-tasks-isco08": 0.8,
    "anzsco": 0.95,
    "noc-canada-titles": 0.91,
    "tabiya-kenya": 0.84,
    "tabiya-southafrica": 0.8,
    "esco-1.2-en": 0.79,
    "esco-1.1.2-tabiya": 0.79,
    "esco-1.0.8": 0.79,
    "slsco08-srilanka": 0.79,
    "onet": 0.73,
    "written": 1.0,
    "own": 1.0,
    "correction": 1.0,
    "taxonomy": 1.0,
    "imagined": 0.5,
}


class Row(Struct, frozen=True):
    """One text; `codes` are the unit groups of which one is right (none: nobody coded it), `occupation` groups rows of one occupation."""

    text: str
    codes: tuple[str, ...]
    kind: str
    source: str
    occupation: str
    duties: str = ""
    industry: str = ""
    language: str = "en"
    # What the model answered that a person corrected; empty where nothing was confused.
    wrong: str = ""

    @property
    def told(self) -> str:
        """Duties and industry as one text."""
        return joined_text(self.duties, self.industry)

    @property
    def is_title(self) -> bool:
        return self.kind in TITLE_KINDS

    @property
    def weight(self) -> float:
        """Trust in the label; a partial label says less the more groups it names."""
        return SOURCE_QUALITY.get(self.source, 0.8) / max(1, len(self.codes)) ** 0.5


def read_shared(path: Path, languages: Sequence[str] = ("en",)) -> list[Row]:
    """Rows of a parquet file of coded texts (columns as in docs/guide/data.md), one per text and occupation; of other languages titles alone.

    `languages` are two letters each; "*" stands for all that the file has.
    """
    try:
        table = pq.read_table(path, filters=None if "*" in languages else [("language", "in", list(languages))])
    except (OSError, ValueError) as error:
        raise TrainingError(f"{path}: can't be read as a parquet file of coded texts ({error}); check the path") from error
    codes: dict[tuple[str, str, str, str, str], set[str]] = defaultdict(set)
    # A piece at a time: half a million rows as Python's dictionaries take a gigabyte.
    for r in (row for piece in table.to_batches() for row in piece.to_pylist()):
        if len(r["isco08_code"]) == 4 and (r["language"] == "en" or r["kind"] in TITLE_KINDS):
            codes[listed_text(r["text"], r["kind"], r["source"]), r["kind"], r["source"], r["occupation"], r["language"]].add(
                r["isco08_code"]
            )
    return [
        Row(text, tuple(sorted(found)), kind, source, occupation, language=language)
        for (text, kind, source, occupation, language), found in codes.items()
        if len(text) > 1
    ]


def read_pointers(path: Path) -> list[Row]:
    """Rows of a list of exclusions, "this occupation is not here but in that group" (columns isco08_code, text), coded to where they belong."""
    with path.open(encoding="utf-8", newline="") as file:
        found = [(r["text"], r["isco08_code"], r["source_id"]) for r in csv.DictReader(file)]
    return [
        Row(listed_text(text, "alt_title", "ilo-isco08-structure"), (code,), "alt_title", "ilo-isco08-structure", f"isco:{where}")
        for text, code, where in found
        if len(code) == 4
    ]


def read_own(path: Path) -> list[Row]:
    """Rows of an institution's coded records: any table with a column of codes and one of titles or duties.

    Rows of one text share an occupation, so that a text is held out with all its codes or not at all. Codes stand as they are in the file;
    `isco_rag.train.check` judges them.
    """
    form = read_form(path)
    columns, code = choose_columns(form, path, {}), code_column(form, path)
    rows = []
    for cells in read_rows(path, form):
        job = {name: cells[i].strip() for name, i in columns.items()}
        title, duties, industry = job.get("title", ""), job.get("duties", ""), job.get("industry", "")
        occupation = f"own:{_text_hash(key(title) + '|' + key(duties))}"
        rows.append(Row(title, (cells[code].strip(),), "title", OWN, occupation, duties, industry))
    return rows


def merged(rows: Sequence[Row]) -> list[Row]:
    """Rows of one's own with each text once: a text that was coded in several ways becomes a partial label with all of its codes."""
    codes: dict[str, dict[str, None]] = defaultdict(dict)
    first: dict[str, Row] = {}
    for row in rows:
        first.setdefault(row.occupation, row)
        codes[row.occupation].update(dict.fromkeys(row.codes))
    return [msgspec.structs.replace(row, codes=tuple(sorted(codes[name]))) for name, row in first.items() if row.text or row.told]


def read_examples(paths: Iterable[Path]) -> list[Row]:
    """Rows of coded example files (columns id, title, duties, industry, code, register, origin)."""
    rows = []
    for path in paths:
        with path.open(encoding="utf-8", newline="") as file:
            for r in csv.DictReader(file):
                rows.append(Row(r["title"], (r["code"],), "title", "written", r["id"], r["duties"], r["industry"]))
    return rows


def read_corrections(path: Path, taxonomy: Taxonomy) -> list[Row]:
    """Rows of frozen corrections (isco_rag.learn.frozen); a code above the lowest level is a partial label of all groups under it."""
    rows = []
    with path.open(encoding="utf-8", newline="") as file:
        for r in csv.DictReader(file):
            codes = tuple(taxonomy.leaves[i] for i in leaves_under(taxonomy, r["code"]))
            rows.append(Row(r["title"], codes, "title", CORRECTED, r["id"], r["duties"], r["industry"], r["language"] or "en", r["wrong"]))
    return rows


def read_gold_keys(folder: Path) -> set[str]:
    """Keys of every evaluation row under `folder` that is a title alone, both as written and turned round.

    A title that is a whole evaluation row would be that row in training or index; rows with duties are told apart by `gold_rows`.
    """
    keys: set[str] = set()
    for title, duties in gold_rows(folder):
        if not duties:
            keys.update((key(title), key(uninvert(title)), key(title_text(title))))
    return keys


def gold_rows(folder: Path) -> Iterator[tuple[str, str]]:
    """Title and duties of each row of the CSV files in `folder` and below: rows set aside there are not trained on either."""
    for path in sorted(folder.rglob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            for record in csv.DictReader(file):
                yield record.get("title") or "", record.get("duties") or ""


def drop_gold(rows: Sequence[Row], gold: set[str]) -> list[Row]:
    """The rows whose title is no evaluation row."""
    return [r for r in rows if not (r.is_title and (key(r.text) in gold or key(title_text(r.text)) in gold))]


def split(rows: Sequence[Row], share: float, seed: int) -> tuple[list[Row], list[Row]]:
    """Training rows and held-out rows, apart by occupation and by text.

    Sources with fine occupations are held out occupation by occupation (the sister titles go too), those whose "occupation" is a whole
    unit group (the ILO index, NOC) text by text. A training title that equals a held-out one is dropped, whatever its source.
    """
    held = [r for r in rows if r.is_title and len(r.codes) == 1 and _hash(_split_key(r), seed) < share]
    held_keys = {key(r.text) for r in held}
    held_groups = {_split_key(r) for r in held}
    kept = [r for r in rows if _split_key(r) not in held_groups and not (r.is_title and key(r.text) in held_keys)]
    return kept, held


def _split_key(row: Row) -> str:
    coarse = row.occupation.startswith(("isco:", "noc:", "slsco"))
    return f"{row.source}|{key(row.text)}" if coarse and row.is_title else f"{row.source.split('-')[0]}|{row.occupation}"


def _hash(text: str, seed: int) -> float:
    return int(_text_hash(f"{seed}|{text}"), 16) / 2**64


def _text_hash(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def with_duties(rows: Sequence[Row], rng: random.Random, share: float = 0.5) -> list[Row]:
    """Rows as the encoder reads them: a share of the titles joined with duties of the same occupation, the others alone.

    Written examples bring duties of their own; of other rows, a task or description of the same occupation is drawn. Texts that are no
    titles (tasks, definitions) come back as they are.
    """
    told: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if not row.is_title and row.kind != "definition":
            told[row.occupation].append(row)
    out = []
    for row in rows:
        if not row.is_title:
            out.append(ready(row, duties_text(row.text)))
            continue
        title = title_text(row.text) if row.text else ""
        duties = duties_text(row.told) if row.told else ""
        others = told.get(row.occupation)
        if not duties and others:
            other = rng.choice(others)
            if set(other.codes) == set(row.codes) or len(row.codes) == 1:
                duties = duties_text(other.text)
        if not duties or (title and rng.random() >= share):
            out.append(ready(row, title or duties))
        elif title and row.duties and rng.random() < 0.15:
            out.append(ready(row, duties))
        else:
            out.append(ready(row, joined_text(title, duties)))
    return [row for row in out if row.text]


def ready(row: Row, text: str) -> Row:
    """The row with one text that says all, as an encoder reads it."""
    return Row(text, row.codes, row.kind, row.source, row.occupation, language=row.language, wrong=row.wrong)


def with_title(row: Row, title: str) -> Row:
    """The row under another title."""
    return msgspec.structs.replace(row, text=title)


def distinct_texts(rows: Sequence[Row], rng: random.Random) -> list[str]:
    """Every distinct text of the rows, alone and joined: what a student learns its teacher's geometry on."""
    texts = dict.fromkeys(title_text(r.text) if r.is_title else duties_text(r.text) for r in rows if r.text)
    texts.update(dict.fromkeys(duties_text(r.told) for r in rows if r.told))
    texts.update(dict.fromkeys(r.text for r in with_duties(rows, rng, share=0.8)))
    return [t for t in texts if t]
