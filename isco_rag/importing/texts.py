"""Coded texts on their way into an index of one's own: checked one by one, and everything that was not taken as it stood is reported.

What happens to a row:

- no text, only signs, or an unknown code: not taken, reported;
- a code that lost its leading zero ("110" for 0110): mended, reported;
- a code above the lowest level (1 to 3 digits): kept among the coded texts, not indexed, because an entry votes for a unit group; reported;
- several codes by a crosswalk: kept among the coded texts as partial labels (one row for each, `ambiguous`), not indexed;
- the same text with the same code again: taken once, counted;
- the same title under two codes: both are indexed, for such a title is ambiguous, and an exact match shares its weight between them; reported.
  Among records that people have coded, a code that fewer than one in ten of at least ten rows of a title carry is taken for a slip: kept, not
  indexed, reported.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable

from msgspec import Struct

from isco_rag.sources import TITLE_KINDS, listed_text
from isco_rag.taxonomy import Taxonomy
from isco_rag.text import clean, key, says_nothing, title_text
from isco_rag.types import Entry

SLIP_ROWS, SLIP_SHARE = 10, 0.1


class Found(Struct, frozen=True):
    """A text as an importer found it: its codes as written, what kind it is, and where it stood."""

    text: str
    codes: tuple[str, ...]
    kind: str
    source: str
    language: str
    occupation: str
    source_id: str
    file: str
    row: int
    duties: str = ""
    inverted: bool | None = None


class Note(Struct, frozen=True):
    """What was done about a row that could not be taken as it stood."""

    file: str
    row: int
    text: str
    code: str
    done: str
    reason: str


class Imported(Struct):
    """What came of an import: coded texts with codes that exist, entries for the index, notes, and counts of what was done."""

    texts: list[Found]
    entries: list[Entry]
    notes: list[Note]
    counts: dict[str, int]


def take(found: Iterable[Found], taxonomy: Taxonomy, *, slips: bool = False) -> Imported:
    """The texts that serve, and the index entries among them, in the order in which they were found; see the module's head.

    `slips`: the texts are records that people have coded, in which rare codes of a common title are slips.
    """
    done = Imported([], [], [], {})
    counts: Counter[str] = Counter()
    seen: dict[tuple[str, ...], int] = {}
    rows: Counter[tuple[str, str]] = Counter()
    for item in found:
        counts["read"] += 1
        checked = _checked(item, taxonomy, done.notes)
        if checked is None:
            counts["not taken"] += 1
            continue
        k = key(title_text(checked.text)) if checked.kind in TITLE_KINDS else key(checked.text)
        if len(checked.codes) == 1:
            rows[k, checked.codes[0]] += 1
        identity = (k, key(checked.duties), *checked.codes, *(() if checked.kind in TITLE_KINDS else (checked.occupation,)))
        if identity in seen:
            counts["repeated"] += 1
            continue
        seen[identity] = len(done.texts)
        done.texts.append(checked)
    counts["mended"] = sum(note.done == "mended" for note in done.notes)
    _index(done, rows, taxonomy, counts, slips=slips)
    done.counts = {name: n for name, n in counts.items() if n}
    return done


def _checked(item: Found, taxonomy: Taxonomy, notes: list[Note]) -> Found | None:
    """The text with codes that exist, or nothing; what is wrong is noted."""
    text, said = clean(item.text), ", ".join(filter(None, item.codes)) or item.source_id

    def note(done: str, reason: str) -> None:
        notes.append(Note(item.file, item.row, text[:200], said, done, reason))

    if says_nothing(text):
        note("not taken", "no text" if not text else "says nothing")
        return None
    if not any(item.codes):
        note("not taken", "no code for it")
        return None
    codes = [mended_code(code, taxonomy) for code in item.codes]
    unknown = [code for code, mended in zip(item.codes, codes, strict=True) if not mended]
    if unknown and len(unknown) == len(codes):
        note("not taken", f"{taxonomy.heading.name} has no such code")
        return None
    if unknown:
        note("taken without", f"{taxonomy.heading.name} has no code {', '.join(unknown)}")
    elif [c for c, m in zip(item.codes, codes, strict=True) if plain_code(c) != m]:
        note("mended", f"the leading zero was lost: {', '.join(codes)}")
    return Found(
        text, tuple(sorted(set(filter(None, codes)))), item.kind, item.source, item.language, item.occupation, item.source_id,
        item.file, item.row, clean(item.duties), item.inverted,
    )  # fmt: skip


def plain_code(code: str) -> str:
    """A code without what spreadsheets and publishers put around it.

    >>> plain_code("http://data.europa.eu/esco/isco/C2166"), plain_code("2166.0"), plain_code(" 0110 ")
    ('2166', '2166', '0110')
    """
    return re.sub(r"^(?:.*/)?C(?=\d)|\.0$", "", code.strip())


def mended_code(code: str, taxonomy: Taxonomy) -> str:
    """The code as the classification has it, a lost leading zero put back; empty where there is none."""
    code = plain_code(code)
    if code in taxonomy:
        return code
    longer = code.zfill(taxonomy.depth)
    return longer if code.isdigit() and longer in taxonomy else ""


def _index(done: Imported, rows: Counter[tuple[str, str]], taxonomy: Taxonomy, counts: Counter[str], *, slips: bool) -> None:
    """Fills in the entries: titles with one code of the lowest level that are not taken for a slip."""
    codes_of: dict[str, set[str]] = defaultdict(set)
    total: Counter[str] = Counter()
    for (k, code), n in rows.items():
        codes_of[k].add(code)
        total[k] += n
    for item in done.texts:
        if len(item.codes) > 1:
            counts["ambiguous, not indexed"] += 1
            continue
        if item.kind not in TITLE_KINDS:
            counts["tasks and descriptions, not indexed"] += 1
            continue
        code, k = item.codes[0], key(title_text(item.text))
        if code not in taxonomy.leaf_number:
            counts["code above the lowest level, not indexed"] += 1
            done.notes.append(_note(item, "not indexed", f"{code} is a code above the lowest level"))
            continue
        others = sorted(codes_of[k] - {code})
        if slips and others and total[k] >= SLIP_ROWS and rows[k, code] < SLIP_SHARE * total[k]:
            counts["taken for a slip, not indexed"] += 1
            done.notes.append(_note(item, "not indexed", f"{rows[k, code]} of {total[k]} rows of this title have this code"))
            continue
        if others:
            counts["titles under several codes"] += 1
            done.notes.append(_note(item, "indexed", f"stands under {', '.join(others)} too"))
        title = listed_text(item.text, item.kind, item.source, inverted=item.inverted)
        done.entries.append(Entry(f"{item.source}:{item.source_id or item.row}:{len(done.entries)}", code, title, item.duties, item.source))


def _note(item: Found, done: str, reason: str) -> Note:
    return Note(item.file, item.row, item.text[:200], ", ".join(item.codes), done, reason)
