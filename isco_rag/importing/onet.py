"""The occupations of O*NET: the text files of its database (or the same tables in Excel), with a crosswalk from US SOC to ISCO-08."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from isco_rag.errors import InputError
from isco_rag.importing.lines import Line, members, read_lines
from isco_rag.importing.texts import Found
from isco_rag.text import says_nothing

# File, column of the text, kind.
TABLES = (
    ("occupation data", "title", "title"),
    ("occupation data", "description", "description"),
    ("alternate titles", "alternate title", "alt_title"),
    ("alternate titles", "short title", "alt_title"),
    ("sample of reported titles", "reported job title", "alt_title"),
    ("task statements", "task", "task"),
)
SOC = "o net soc code"

Crosswalk = dict[str, tuple[str, ...]]


def read_onet(path: Path, crosswalk: Path) -> list[Found]:
    """Titles, reported titles, descriptions and tasks of each occupation, with every unit group that the crosswalk gives it.

    InputError where "Occupation Data" is missing, or the crosswalk fits none of its codes.
    """
    wanted = {name for name, _, _ in TABLES}
    with members(path, lambda name: Path(name).stem.lower() in wanted and name.lower().endswith((".txt", ".xlsx", ".csv"))) as files:
        tables = {file.stem.lower(): _table(file) for file in files}
    if "occupation data" not in tables:
        raise InputError(f"{path}: holds no 'Occupation Data' table; name the folder or zip archive of the O*NET database")
    codes = {line.get(SOC) for line in tables["occupation data"]}
    schemes = read_crosswalk(crosswalk)
    best = max(schemes, key=lambda name: sum(bool(_codes(code, schemes[name])) for code in codes))
    if not any(_codes(code, schemes[best]) for code in codes):
        raise InputError(f"{crosswalk}: fits no code of {path}; it needs a column with US SOC codes (11-1011) and one with ISCO-08 codes")
    return [found for name, column, kind in TABLES for found in _texts(tables.get(name, []), column, kind, schemes[best])]


def _table(file: Path) -> list[Line]:
    plain = file.suffix.lower() == ".txt"
    return read_lines(file, lambda keys: SOC in keys, "a column 'O*NET-SOC Code'", delimiter="\t" if plain else "", quotes=not plain)


def _texts(lines: list[Line], column: str, kind: str, crosswalk: Crosswalk) -> Iterator[Found]:
    for line in lines:
        code, text = line.get(SOC), line.get(column)
        # Most alternate titles have no short form ("n/a").
        if not (column == "short title" and says_nothing(text)):
            yield Found(text, _codes(code, crosswalk), kind, "onet", "en", f"onet:{code}", code, line.file, line.row)


def _codes(code: str, crosswalk: Crosswalk) -> tuple[str, ...]:
    """Unit groups of an O*NET-SOC code (11-1011.03): by itself, or by its SOC code (11-1011)."""
    return crosswalk.get(code) or crosswalk.get(code.split(".")[0], ())


def read_crosswalk(path: Path) -> dict[str, Crosswalk]:
    """SOC codes to ISCO-08 codes, for each version of SOC that the file names (one without a name where it names none).

    Read are files with a SOC and an ISCO-08 column, as the US Bureau of Labor Statistics hands out, and files of many schemes with the
    columns from_scheme, from_code, to_scheme and to_code. InputError where the columns are not found.
    """
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for line in read_lines(path, lambda keys: bool(_columns(keys)), "a column with US SOC codes and one with ISCO-08 codes"):
        soc, isco = _columns(set(line.cells))
        scheme = line.get("from scheme")
        if scheme and ("SOC" not in scheme or "UK" in scheme or "ISCO-08" not in line.get("to scheme")):
            continue
        if line.get(soc) and line.get(isco):
            found[scheme][line.get(soc)].add(line.get(isco))
    if not found:
        raise InputError(f"{path}: has no row from US SOC to ISCO-08; name a crosswalk between these two")
    return {scheme: {code: tuple(sorted(codes)) for code, codes in rows.items()} for scheme, rows in found.items()}


def _columns(keys: set[str]) -> tuple[str, ...]:
    """The keys of the SOC and the ISCO column; empty where one is missing."""
    if {"from scheme", "from code", "to scheme", "to code"} <= keys:
        return "from code", "to code"
    soc = sorted(k for k in keys if "soc" in k.split() and "title" not in k)
    isco = sorted(k for k in keys if {"isco", "isco08"} & set(k.split()) and "title" not in k)
    return (soc[0], isco[0]) if soc and isco else ()
