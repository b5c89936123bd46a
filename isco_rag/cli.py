"""The command line: a skin over the library. Every option is told by --help; exit codes stand in isco_rag/errors.py.

Each command lives in a module of its own that is imported when it is called, so that asking for help loads no model.
"""

import sys
from importlib import import_module
from io import TextIOWrapper
from typing import Any

import click

from isco_rag.beside import stand_back
from isco_rag.errors import CoderError

# Name: where the command stands (module:attribute), and what the list of commands says of it.
COMMANDS = {
    "classify": ("isco_rag.commands.classify:classify", "Code one job and say why."),
    "code": ("isco_rag.commands.code:code", "Code a CSV file."),
    "codes": ("isco_rag.commands.codes:codes", "Browse and search the classification."),
    "data": ("isco_rag.commands.data:data", "Import coded titles into an index of your own."),
    "eval": ("isco_eval.commands:evaluate", "Measure the coder: runs, reports, comparison, guard, errors."),
    "correct": ("isco_rag.commands.correct:correct", "Correct one job's code."),
    "corrections": ("isco_rag.commands.corrections:corrections", "Import, list, export and decide corrections."),
    "calibrate": ("isco_rag.commands.calibrate:calibrate", "Refit the calibration on your own coded records."),
    "thresholds": ("isco_rag.commands.thresholds:thresholds", "Say what can go out untouched at a given error."),
    "serve": ("isco_api.commands:serve", "Run the REST API and the web pages."),
    "index": ("isco_rag.commands.index:index", "See and rebuild the index that corrections go into."),
    "users": ("isco_rag.commands.users:users", "Manage the people who may log in."),
    "keys": ("isco_rag.commands.keys:keys", "Manage the keys of programs."),
    "learn": ("isco_rag.commands.learn:learn", "Say what to learn next, fill the review queue, find contradictions."),
    "monitor": ("isco_rag.commands.monitor:monitor", "Say what has changed, and whether an alert stands."),
    "audit": ("isco_rag.commands.audit:audit", "Check the audit trail and take it out."),
    "backup": ("isco_rag.commands.backup:backup", "Save the state of the service."),
    "restore": ("isco_rag.commands.backup:restore", "Bring a saved state back."),
    "models": ("isco_rag.commands.models:models", "See the models made here and what the gate said of them."),
    "retrain": ("isco_rag.commands.retrain:retrain", "Train a challenger from the champion and the corrections."),
    "promote": ("isco_rag.commands.models:promote", "Judge a challenger and make it the champion if it is better."),
    "rollback": ("isco_rag.commands.models:rollback", "Go back to the champion before."),
    "train": ("isco_rag.commands.train:train", "Train a bundle from a recipe."),
}


class _Group(click.Group):
    """Imports a command when it is called, and turns deliberate errors into one line and their exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        found: click.Command = getattr(import_module(module), attribute)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, short) for name, (_, short) in COMMANDS.items()])

    def main(self, *args: Any, **kwargs: Any) -> Any:
        # Bars and foreign letters must not fail where the terminal can't show them.
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="replace")
        try:
            return super().main(*args, **kwargs)
        except CoderError as error:
            click.echo(f"isco-rag: {error}", err=True)
            sys.exit(error.exit_code)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "terminal_width": 100})
@click.version_option(package_name="isco-rag", prog_name="isco-rag")
@click.option("--beside", is_flag=True, hidden=True, help="Run as a service runs it beside itself; see isco_rag/beside.py.")
def main(beside: bool) -> None:
    """Code job descriptions into ISCO-08, with probabilities that mean what they say.

    Exit codes: 0 done, 2 usage, 3 input file, 4 unknown code, 5 classification, 6 bundle, 7 training, 8 state database,
    9 not found, 10 conflict, 11 login, 12 access, 13 limit, 14 too large, 15 audit trail, 16 alert,
    20 evaluation, 21 nothing to evaluate here, 22 below baseline.
    """
    if beside:
        stand_back()


if __name__ == "__main__":
    main()
