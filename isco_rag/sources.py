"""How publishers write their lists of titles, and what is done about it before a title is embedded or indexed."""

import re

from isco_rag.text import clean, uninvert

TITLE_KINDS = ("title", "alt_title")
# Sources whose titles stand inverted, noun first: "Writer, technical".
INVERTED = ("ilo", "noc", "tabiya")
_BOTH_GENDERS = re.compile(r"/(?:wo)?m[ae]n\b")
_QUALIFIER = re.compile(r"\s+\(([^)]*)\)$")


def listed_text(text: str, kind: str, source: str, *, inverted: bool | None = None) -> str:
    """A text of a published list as people would write it; texts that are no titles are only cleaned.

    Whether titles stand inverted is known from the source, unless it is said.

    >>> listed_text("Writer, technical", "alt_title", "ilo-isco08-index"), listed_text("Jigmaker (Metal)", "title", "anzsco")
    ('technical writer', 'Jigmaker Metal')
    """
    text = clean(text)
    if kind not in TITLE_KINDS:
        return text
    text = _BOTH_GENDERS.sub("", text)
    if source.startswith(INVERTED) if inverted is None else inverted:
        text = uninvert(text)
    return _QUALIFIER.sub(r" \1", text)
