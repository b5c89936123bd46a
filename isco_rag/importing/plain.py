"""Any table with a column of texts and one of codes: an institution's own coding index, or records that it has coded."""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from isco_rag.errors import UsageError
from isco_rag.importing.lines import Line, column_key, read_lines
from isco_rag.importing.texts import Found
from isco_rag.tables import CODE_NAMES, NAMES
from isco_rag.text import key

TEXT_NAMES = ("text", *NAMES["title"])
# Columns of the project's own coded texts (docs/guide/data.md).
OWN = {"isco08 code", "text", "kind", "language", "source", "occupation", "ambiguous"}
KINDS = ("title", "alt_title", "task", "description", "definition")


def read_plain(
    path: Path, *, text: str = "", code: str = "", duties: str = "", language: str = "en", source: str = "", inverted: bool = False
) -> list[Found]:
    """The rows of a table; columns that are not named are found by the names that such columns usually have.

    A file of the project's own coded texts is read with what its other columns say. InputError where a column is not found, UsageError where
    one that is named is not there.
    """
    wanted = _chooser(path, text, code)
    missing = f"a column '{text}'" if text else "a column with texts (name it with --text-column)"
    missing += f" and a column '{code}'" if code else " and one with codes (name it with --code-column)"
    lines = read_lines(path, lambda keys: all(wanted(keys)), missing)
    keys = set(lines[0].cells)
    text_key, code_key = wanted(keys)
    duties_key = column_key(duties) if duties else next((name for name in NAMES["duties"] if name in keys - {text_key, code_key}), "")
    if duties and duties_key not in keys:
        raise UsageError(f"{path}: has no column '{duties}'; it has: {', '.join(sorted(keys))[:300]}")
    if keys >= OWN:
        return _own(lines)
    name = source or key(path.stem).replace(" ", "-")
    return [
        Found(
            line.get(text_key), tuple(part.strip() for part in line.get(code_key).replace("|", ";").split(";")), "alt_title", name,
            line.get("language") or language, f"{name}:{line.row}", line.get("source id", "id") or str(line.row), line.file, line.row,
            line.get(duties_key), inverted,
        )
        for line in lines
    ]  # fmt: skip


def _own(lines: list[Line]) -> list[Found]:
    """Rows of the project's own format, in which a partial label has a row for each of its codes."""
    codes: dict[tuple[str, ...], set[str]] = defaultdict(set)
    whose = ("text", "kind", "source", "occupation", "language")
    for line in lines:
        if line.get("ambiguous").lower() == "true":
            codes[tuple(line.get(name) for name in whose)].add(line.get("isco08 code"))
    found = []
    for line in lines:
        identity = tuple(line.get(name) for name in whose)
        own = (line.get("isco08 code"),) if line.get("ambiguous").lower() != "true" else tuple(sorted(codes.pop(identity, ())))
        if own:
            text, kind, source, occupation, language = identity
            kind = kind if kind in KINDS else "alt_title"
            found.append(
                Found(text, own, kind, source, language or "en", occupation, line.get("source id") or str(line.row), line.file, line.row)
            )
    return found


def _chooser(path: Path, text: str, code: str) -> Callable[[set[str]], tuple[str, str]]:
    """What picks the keys of the text and the code column out of a header; an empty key where there is none."""

    def choose(keys: set[str]) -> tuple[str, str]:
        codes = (column_key(code),) if code else CODE_NAMES
        found = next((name for name in codes if name in keys), "")
        texts = (column_key(text),) if text else TEXT_NAMES
        return next((name for name in texts if name in keys - {found}), ""), found

    if text and code and column_key(text) == column_key(code):
        raise UsageError(f"{path}: '{text}' can't be both the text and the code")
    return choose
