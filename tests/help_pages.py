"""The page docs/guide/command_line.md, made from the commands' own --help: `python -m tests.help_pages` writes it anew."""

from collections.abc import Iterator
from pathlib import Path

import click
from click.testing import CliRunner

from isco_rag.cli import COMMANDS, main

PAGE = Path(__file__).resolve().parent.parent / "docs" / "guide" / "command_line.md"
HEAD = """# Command line

What each command says of itself; `python -m tests.help_pages` writes this page, and a test fails where it is behind.

Errors are one line on standard error that says what to do, and the exit code tells their kind: 2 usage, 3 input file, 4 unknown code,
5 classification, 6 bundle, 7 training, 20 evaluation, 21 nothing to evaluate here, 22 below baseline; 0 is done. A record that can't be coded is no error: it is referred in its row with a reason.
"""


def page() -> str:
    """The page as it should be now."""
    parts = [HEAD]
    for command in ((), *_commands()):
        name = " ".join(("isco-rag", *command))
        shown = CliRunner().invoke(main, [*command, "--help"], prog_name="isco-rag").output
        parts.append(f"## `{name}`\n\n```text\n{shown.rstrip()}\n```\n")
    return "\n".join(parts)


def _commands() -> Iterator[tuple[str, ...]]:
    """Every command, and those beneath a group behind it."""
    for name in COMMANDS:
        yield (name,)
        found = main.get_command(click.Context(main), name)
        yield from ((name, below) for below in getattr(found, "commands", ()))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
