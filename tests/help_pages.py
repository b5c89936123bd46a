"""The page docs/guide/command_line.md, made from the commands' own --help: `python -m tests.help_pages` writes it anew."""

from pathlib import Path

import click
from click.testing import CliRunner

from isco_rag.cli import COMMANDS, main

PAGE = Path(__file__).resolve().parent.parent / "docs" / "guide" / "command_line.md"
HEAD = """# Command line

What each command says of itself; `python -m tests.help_pages` writes this page, and a test fails where it is behind.

Errors are one line on standard error that says what to do, and the exit code tells their kind: 2 usage, 3 input file, 4 unknown code,
5 classification, 6 bundle, 7 training, 8 state database, 9 not found, 10 conflict, 11 login, 12 access, 13 limit, 14 too large, 15 audit
trail, 16 alert, 20 evaluation, 21 nothing to evaluate here, 22 below baseline; 0 is done. A record that can't be coded is no error: it is referred
in its row with a reason.
"""


def commands() -> list[tuple[str, ...]]:
    """The words that call each command, those within groups too."""

    def within(command: click.Command, words: tuple[str, ...]) -> list[tuple[str, ...]]:
        inner = command.commands.items() if words and isinstance(command, click.Group) else ()
        return [words, *(found for name, sub in inner for found in within(sub, (*words, name)))]

    context = click.Context(main)
    return [(), *(found for name in COMMANDS if (command := main.get_command(context, name)) for found in within(command, (name,)))]


def page() -> str:
    """The page as it should be now."""
    parts = [HEAD]
    for command in commands():
        name = " ".join(("isco-rag", *command))
        shown = CliRunner().invoke(main, [*command, "--help"], prog_name="isco-rag").output
        parts.append(f"## `{name}`\n\n```text\n{shown.rstrip()}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
