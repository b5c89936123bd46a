"""What the project ships: the classification whole, the examples as promised, nothing from gold among them."""

import csv
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from isco_rag.taxonomy import Taxonomy
from isco_rag.text import key, title_text
from isco_rag.wiring import default_taxonomy

REGISTERS = {"survey", "colloquial", "vacancy", "official", "abbreviation", "misspelling"}


@pytest.fixture(scope="module")
def isco() -> Taxonomy:
    return default_taxonomy()


def rows_of(folder: Path) -> list[dict[str, str]]:
    found = []
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            found += list(csv.DictReader(file))
    return found


@pytest.fixture(scope="module")
def examples(root: Path) -> list[dict[str, str]]:
    return rows_of(root / "data" / "examples")


@pytest.fixture(scope="module")
def gold(root: Path) -> list[dict[str, str]]:
    return rows_of(root / "data" / "gold")


def test_isco_has_all_its_groups(isco: Taxonomy) -> None:
    assert Counter(g.level for g in isco.groups) == {1: 10, 2: 43, 3: 130, 4: 436}
    assert all(len(g.code) == g.level and (g.parent == g.code[:-1]) for g in isco.groups)
    assert "0110" in isco
    assert "110" not in isco
    assert "4110" in isco
    assert isco.group("411").level == 3


def test_every_group_is_described(isco: Taxonomy) -> None:
    for g in isco.groups:
        assert 10 <= len(g.definition.split()) <= 80, g.code
        assert len(g.tasks) >= 3, g.code
        assert g.contrasts, g.code
        assert all(c.code in isco and c.code != g.code and c.text for c in g.contrasts), g.code
    assert len({g.definition for g in isco.groups}) == len(isco.groups)


def test_every_unit_group_has_its_examples(isco: Taxonomy, examples: list[dict[str, str]]) -> None:
    by_code = defaultdict(list)
    for row in examples:
        by_code[row["code"]].append(row)
    assert set(by_code) == set(isco.leaves)
    for code, rows in by_code.items():
        assert len(rows) >= 40, code
        assert sum(bool(row["duties"]) for row in rows) >= 15, code
        assert len({row["register"] for row in rows}) >= 4, code


def test_rows_are_well_formed(examples: list[dict[str, str]], gold: list[dict[str, str]]) -> None:
    rows = examples + gold
    assert len({row["id"] for row in rows}) == len(rows)
    for row in rows:
        assert list(row) == ["id", "title", "duties", "industry", "code", "register", "origin"]
        assert row["title"] or row["duties"]
        assert row["register"] in REGISTERS
        assert row["origin"]


def test_no_text_has_two_codes(examples: list[dict[str, str]], gold: list[dict[str, str]]) -> None:
    codes = defaultdict(set)
    for row in examples + gold:
        codes[key(row["title"]), key(row["duties"]), key(row["industry"])].add(row["code"])
    assert [text for text, found in codes.items() if len(found) > 1] == []


def test_gold_is_apart_from_the_examples(examples: list[dict[str, str]], gold: list[dict[str, str]]) -> None:
    known = {(key(row["title"]), key(row["duties"])) for row in examples}
    assert [row["id"] for row in gold if (key(row["title"]), key(row["duties"])) in known] == []
    alone = {key(title_text(row["title"])) for row in gold if not row["duties"] and not row["industry"]}
    assert [row["id"] for row in examples if key(title_text(row["title"])) in alone] == []


def test_what_was_set_aside_is_no_gold(root: Path, gold: list[dict[str, str]]) -> None:
    aside = rows_of(root / "data" / "gold" / "near")
    assert aside
    assert {row["id"] for row in aside} & {row["id"] for row in gold} == set()


def test_samples_are_varied(root: Path) -> None:
    with (root / "data" / "samples" / "jobs.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= 60
    assert sum(bool(row["duties"]) for row in rows) >= 20
    assert len({row["job title"] for row in rows}) >= 60


def test_group_titles_have_no_slips(isco: Taxonomy) -> None:
    for g in isco.groups:
        assert g.title == " ".join(g.title.split()), g.code
        for word in g.title.replace("-", " ").split():
            assert word[1:] == word[1:].lower() or word.strip("()").isupper(), (g.code, word)
