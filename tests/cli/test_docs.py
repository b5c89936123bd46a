"""Docs and code agree."""

import re
import tomllib
from collections import Counter
from pathlib import Path

import msgspec

from isco_rag.bundle import read_manifest
from isco_rag.settings import Settings
from isco_rag.show import percent
from isco_rag.tables import read_form, read_rows
from tests.help_pages import PAGE, page


def test_the_command_line_page_is_what_help_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.help_pages"


def test_the_settings_page_shows_the_defaults(root: Path) -> None:
    text = (root / "docs" / "guide" / "settings.md").read_text(encoding="utf-8")
    block = re.search(r"```toml\n(.*?)```", text, re.DOTALL)
    assert block is not None
    assert msgspec.convert(tomllib.loads(block[1]), Settings) == Settings()


def test_links_in_the_docs_lead_somewhere(root: Path) -> None:
    pages = [root / "README.md", *sorted((root / "docs").rglob("*.md")), *sorted((root / "data").rglob("*.md"))]
    broken = [
        f"{path.name}: {target}"
        for path in pages
        for target in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8"))
        if "://" not in target and not (path.parent / target).exists()
    ]
    assert broken == []


def test_commands_of_the_readme_exist(root: Path) -> None:
    from isco_rag.cli import COMMANDS

    text = (root / "README.md").read_text(encoding="utf-8")
    used = set(re.findall(r"isco-rag ([a-z]+)", text))
    assert used
    assert used <= set(COMMANDS)
    targets = set(re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(), re.MULTILINE))
    made = set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE))
    assert {"run", "test"} <= made <= targets


def test_figures_in_the_data_card_are_counted(root: Path) -> None:
    rows = [row for path in sorted((root / "data" / "examples").glob("*.csv")) for row in read_rows(path, read_form(path))]
    gold = read_form(root / "data" / "gold" / "written.csv").rows
    per_code, registers = Counter(row[4] for row in rows), Counter(row[5] for row in rows)
    card = (root / "data" / "examples" / "README.md").read_text(encoding="utf-8")
    assert f"{len(rows):,} short descriptions" in card
    assert f"{min(per_code.values())} to {max(per_code.values())} for each unit group" in card
    assert f"{gold:,} more" in card
    for register, n in registers.items():
        assert re.search(rf"`{register}`[^(]*\({n:,}\)", card), register


def test_figures_in_the_readme_are_the_bundles(root: Path, bundle_folder: Path) -> None:
    text = (root / "README.md").read_text(encoding="utf-8")
    figures = {m.name: m for m in read_manifest(bundle_folder).figures}
    rows = re.findall(r"^\| [^|]+ \(`(\w+)`\) \| ([\d,]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|", text, re.MULTILINE)
    assert len(rows) == len({name.split(":")[0] for name in figures})
    for gold, n, *cells in rows:
        for cell, name in zip(cells, ("top 1", "top 3", "emitted right"), strict=True):
            metric = figures[f"{gold}: {name}"]
            assert cell == percent(metric)
            assert n == f"{metric.n:,}"


def test_the_api_page_is_what_the_application_says() -> None:
    from tests import api_page

    assert api_page.PAGE.read_text(encoding="utf-8") == api_page.page(), "run: python -m tests.api_page"


def test_the_service_page_names_what_there_is(root: Path) -> None:
    from isco_rag.store.records import ROLES
    from isco_rag.store.settings import Running

    text = (root / "docs" / "guide" / "service.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in text for name in Running.__struct_fields__)
    assert all(f"| {role} |" in text for role in ROLES)
