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
5 classification, 6 bundle, 7 training, 8 state database, 9 not found, 10 conflict, 11 login, 12 access, 13 limit, 14 too large, 15 audit
trail; 0 is done. A record that can't be coded is no error: it is referred in its row with a reason.
"""


def paths() -> Iterator[tuple[str, ...]]:
    """The words of every command, those of groups behind their group's."""
    for name in COMMANDS:
        yield (name,)
        command = main.get_command(click.Context(main), name)
        if isinstance(command, click.Group):
            yield from ((name, under) for under in command.commands)


def page() -> str:
    """The page as it should be now."""
    parts = [HEAD]
    for command in ((), *paths()):
        name = " ".join(("isco-rag", *command))
        shown = CliRunner().invoke(main, [*command, "--help"], prog_name="isco-rag").output
        parts.append(f"## `{name}`\n\n```text\n{shown.rstrip()}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
