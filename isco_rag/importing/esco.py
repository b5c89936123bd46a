"""The occupations of ESCO as its portal hands them out: occupations_en.csv or another language, alone, in a folder or a zip archive."""

import re
from collections.abc import Iterator
from pathlib import Path

from isco_rag.errors import InputError
from isco_rag.importing.lines import members, read_lines
from isco_rag.importing.texts import Found

_NAME = re.compile(r"occupations_([a-z]{2})(?:[-_][a-z]+)?\.csv", re.IGNORECASE)


def read_esco(path: Path, language: str = "") -> list[Found]:
    """Preferred, alternative and hidden labels and descriptions of every occupation in force, with the unit group that ESCO gives it.

    InputError where there is no occupations file, or several and no language is chosen.
    """
    with members(path, lambda name: bool(_NAME.fullmatch(name))) as files:
        languages = {match[1].lower(): file for file in files if (match := _NAME.fullmatch(file.name))}
        if len(files) == 1 and not (language and languages):
            chosen, language = files[0], language or next(iter(languages), "en")
        elif language.lower() in languages:
            chosen = languages[language.lower()]
        else:
            raise InputError(_what_is_missing(path, language, sorted(languages)))
        return list(_texts(chosen, language.lower()))


def _what_is_missing(path: Path, language: str, languages: list[str]) -> str:
    if not languages:
        return f"{path}: holds no occupations_LANGUAGE.csv; download the classification from the ESCO portal as CSV"
    if language:
        return f"{path}: has no occupations in '{language}'; it has {', '.join(languages)}"
    return f"{path}: has occupations in several languages; choose one of {', '.join(languages)} with --language"


def _texts(path: Path, language: str) -> Iterator[Found]:
    source = f"esco-{language}"
    for line in read_lines(path, lambda keys: {"preferred label", "isco group"} <= keys, "the columns preferredLabel and iscoGroup"):
        if line.get("status") not in ("", "released"):
            continue
        identity = line.get("concept uri").rsplit("/", 1)[-1] or str(line.row)
        texts = [("title", line.get("preferred label"))]
        for column in ("alt labels", "hidden labels"):
            texts += [("alt_title", label) for label in map(str.strip, line.get(column).splitlines()) if label]
        if line.get("description"):
            texts.append(("description", line.get("description")))
        for kind, text in texts:
            yield Found(text, (line.get("isco group"),), kind, source, language, f"esco:{identity}", identity, line.file, line.row)
