"""The ILO's files for ISCO-08: the index of occupational titles, and the structure with its definitions; Excel or CSV."""

import re
from collections.abc import Iterator
from pathlib import Path

from isco_rag.errors import InputError
from isco_rag.importing.lines import Line, members, read_lines
from isco_rag.importing.texts import Found

CODES = ("isco 08 code", "isco 08", "isco08", "isco08 code", "isco 08 unit group", "isco 08 unit group code", "code isco 08", "isco code")
TITLES = (
    "title en",
    "title",
    "occupational title",
    "occupational titles",
    "occupation title",
    "index title",
    "title of occupation",
    "occupation",
)
_BULLET = re.compile(r"\n|;|(?:^|(?<=\s))[-–•]\s|\((?:[a-z]|[ivx]+)\)\s")
# A related occupation that is classified elsewhere ends with the code it belongs to.
_ELSEWHERE = re.compile(r"(.{3,120}?)\s*[-–—:]?\s*\(?(\d{4})\)?")


def read_ilo(path: Path, language: str = "en") -> list[Found]:
    """Titles of the index, or titles, definitions, tasks and named occupations of the structure, whichever the files hold.

    Index titles stand noun first ("Writer, technical") and are turned round when they are indexed. Occupations that the structure names as
    classified elsewhere come with the code that it gives them. InputError where neither kind of file is found.
    """
    with members(path, lambda name: name.lower().endswith((".xlsx", ".csv"))) as files:
        found: list[Found] = []
        for file in files:
            try:
                found += _texts(read_lines(file, _is_header, "a column with ISCO-08 codes and one with titles"), language)
            except InputError:
                # A folder may hold files of ISCO-88 beside those of ISCO-08.
                if len(files) == 1:
                    raise
    if not found:
        raise InputError(f"{path}: holds no index of titles and no structure of ISCO-08; name the ILO's file itself")
    return found


def _is_header(keys: set[str]) -> bool:
    return bool(keys & set(CODES)) and bool(keys & set(TITLES))


def _texts(lines: list[Line], language: str) -> Iterator[Found]:
    structure = bool(lines) and {"definition", "level"} & set(lines[0].cells)
    for line in lines:
        if structure:
            yield from _of_group(line, language)
        else:
            code = line.get(*CODES)
            yield Found(
                line.get(*TITLES), (code,), "alt_title", "ilo-isco08-index", language, f"isco:{code}", f"ilo-index:{line.row}", line.file, line.row
            )  # fmt: skip


def _of_group(line: Line, language: str) -> Iterator[Found]:
    code = line.get(*CODES)

    def found(text: str, kind: str, code: str = code) -> Found:
        return Found(text, (code,), kind, "ilo-isco08-structure", language, f"isco:{code}", f"ilo-structure:{code}", line.file, line.row)

    yield found(line.get(*TITLES), "title")
    if line.get("definition"):
        yield found(line.get("definition"), "definition")
    for task in _items(line.get("tasks include", "tasks")):
        yield found(task, "task")
    for title in _items(line.get("included occupations", "examples")):
        yield found(title, "alt_title")
    for title in _items(line.get("excluded occupations", "excluded")):
        match = _ELSEWHERE.fullmatch(title)
        if match:
            yield found(match[1].rstrip(" -–—"), "alt_title", match[2])


def _items(cell: str) -> list[str]:
    """The items of a cell that lists them with bullets, letters, semicolons or lines; the words that introduce the list fall away.

    >>> _items("Tasks include - (a) planning work; (b) advising farmers")
    ['planning work', 'advising farmers']
    >>> _items("Examples of the occupations classified here: - Ambassador - Chief-whip")
    ['Ambassador', 'Chief-whip']
    >>> _items("- Policy analyst - 2422 - Mayor - 1111")
    ['Policy analyst - 2422', 'Mayor - 1111']
    """
    joined = re.sub(r"\s[-–—]\s+(?=\(?\d{4}\b)", " \x00 ", cell)
    items = [item.replace("\x00", "-").strip(" \t\r.,-–") for item in _BULLET.split(joined)]
    introduced = items[:1] and (items[0].endswith(":") or items[0].lower().startswith(("tasks include", "examples of", "some related")))
    return [item for item in items[1 if introduced else 0 :] if len(item) > 1]
