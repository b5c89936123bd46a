"""A classification as a tree of codes. ISCO-08 is one instance; nothing here knows how many levels or digits there are.

A classification is a folder: `classification.toml` (name, version, level names from the top) and `groups.jsonl` (one group a line).
A code's parent is named in its row, so codes need not be prefixes of each other.
"""

import tomllib
from functools import cached_property
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from isco_rag.errors import TaxonomyError, UnknownCodeError
from isco_rag.text import key
from isco_rag.types import Contrast


class Group(Struct, frozen=True, forbid_unknown_fields=True):
    """One group of a classification; `parent` is empty at the top."""

    code: str
    level: int
    parent: str
    title: str
    definition: str
    tasks: tuple[str, ...]
    contrasts: tuple[Contrast, ...]


class Heading(Struct, frozen=True, forbid_unknown_fields=True):
    """The name of a classification and of its levels, top first."""

    name: str
    version: str
    levels: tuple[str, ...]


class Taxonomy:
    """A tree of groups. Order everywhere is the order of codes as strings within a level."""

    def __init__(self, heading: Heading, groups: tuple[Group, ...]) -> None:
        self.heading = heading
        self.groups = groups
        self._by_code = {g.code: g for g in groups}
        if len(self._by_code) != len(groups):
            raise TaxonomyError(f"{heading.name}: a code stands twice; each group needs one row")
        for g in groups:
            parent_level = self._by_code[g.parent].level if g.parent in self._by_code else 0
            if (g.parent and g.parent not in self._by_code) or parent_level != g.level - 1:
                raise TaxonomyError(f"{heading.name}: group {g.code} names the parent '{g.parent}', which is not one level above it")

    @property
    def depth(self) -> int:
        """The number of levels."""
        return len(self.heading.levels)

    @cached_property
    def leaves(self) -> tuple[str, ...]:
        """The codes of the lowest level, sorted; everything that is an array over codes follows this order."""
        return tuple(sorted(g.code for g in self.groups if g.level == self.depth))

    @cached_property
    def leaf_number(self) -> dict[str, int]:
        """The place of each lowest-level code in `leaves`."""
        return {code: i for i, code in enumerate(self.leaves)}

    def group(self, code: str) -> Group:
        """The group with this code; UnknownCodeError where there is none. Codes are strings: 0110 is not 110."""
        try:
            return self._by_code[code]
        except KeyError:
            near = ", ".join(c for c in (code.zfill(self.depth), code[:-1], code + "0") if c in self._by_code)
            hint = f"did you mean {near}?" if near else "look it up with: isco-rag codes --search WORDS"
            raise UnknownCodeError(f"{self.heading.name} has no code '{code}'; {hint}") from None

    def __contains__(self, code: str) -> bool:
        return code in self._by_code

    def children(self, code: str) -> tuple[Group, ...]:
        """The groups right below a code, sorted; those at the top for an empty code."""
        if code:
            self.group(code)
        return self._children.get(code, ())

    @cached_property
    def _children(self) -> dict[str, tuple[Group, ...]]:
        found: dict[str, list[Group]] = {}
        for group in sorted(self.groups, key=lambda g: g.code):
            found.setdefault(group.parent, []).append(group)
        return {code: tuple(groups) for code, groups in found.items()}

    def ancestor(self, code: str, level: int) -> str:
        """The code at `level` that holds `code`."""
        group = self.group(code)
        while group.level > level:
            group = self.group(group.parent)
        return group.code

    def path(self, code: str) -> tuple[Group, ...]:
        """The groups from the top down to the code."""
        self.group(code)
        return self._paths[code]

    @cached_property
    def _paths(self) -> dict[str, tuple[Group, ...]]:
        return {g.code: tuple(self.group(self.ancestor(g.code, level)) for level in range(1, g.level + 1)) for g in self.groups}

    @cached_property
    def _levels(self) -> dict[int, tuple[tuple[str, ...], NDArray[np.int64]]]:
        found = {}
        for level in range(1, self.depth + 1):
            codes = tuple(sorted(g.code for g in self.groups if g.level == level))
            number = {code: i for i, code in enumerate(codes)}
            found[level] = codes, np.array([number[self.ancestor(leaf, level)] for leaf in self.leaves])
        return found

    def roll_up(self, probabilities: NDArray[np.float64], level: int) -> tuple[tuple[str, ...], NDArray[np.float64]]:
        """Codes of a level and their probabilities [n, codes]: each is the sum over the leaves [n, leaves] beneath it."""
        codes, owner = self._levels[level]
        starts = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
        order = np.argsort(owner, kind="stable")
        if not np.array_equal(order, np.arange(len(owner))):
            probabilities, owner = probabilities[:, order], owner[order]
            starts = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
        return codes, np.add.reduceat(probabilities, starts, axis=1)

    def search(self, words: str, limit: int = 10) -> list[Group]:
        """Groups whose title, tasks or definition hold the words; those with a word in the title first, then by code."""
        wanted = key(words).split()
        found = []
        for g in self.groups:
            title, body = key(g.title), key(" ".join((g.definition, *g.tasks)))
            points = sum(3 * (w in title) + (w in body) for w in wanted)
            if wanted and points:
                found.append((-points, -g.level, g.code, g))
        return [g for *_, g in sorted(found, key=lambda f: f[:3])][:limit]


def load_taxonomy(folder: Path) -> Taxonomy:
    """The classification in a folder; TaxonomyError where a file is missing, a row is broken or the rows form no tree."""
    try:
        heading = msgspec.convert(tomllib.loads((folder / "classification.toml").read_text(encoding="utf-8")), Heading)
        lines = (folder / "groups.jsonl").read_bytes().splitlines()
    except OSError as error:
        raise TaxonomyError(f"{error.filename}: can't be read ({error.strerror}); a classification is a folder with "
                            "classification.toml and groups.jsonl") from error  # fmt: skip
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise TaxonomyError(f"{folder / 'classification.toml'}: {error}") from error
    groups = []
    for number, line in enumerate(lines, 1):
        try:
            groups.append(msgspec.json.decode(line, type=Group))
        except msgspec.DecodeError as error:
            raise TaxonomyError(f"{folder / 'groups.jsonl'}, line {number}: {error}") from error
    return Taxonomy(heading, tuple(groups))
