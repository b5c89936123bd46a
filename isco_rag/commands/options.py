"""Options that several commands share."""

from pathlib import Path

import click

BUNDLE_OPTION = click.option(
    "--bundle", type=click.Path(path_type=Path), help="Folder of the model bundle; default: the one that is shipped."
)
SETTINGS_OPTION = click.option(
    "--settings", "settings_file", type=click.Path(path_type=Path), help="TOML file with thresholds and other settings."
)
STATE_OPTION = click.option(
    "--state", type=click.Path(path_type=Path), default=Path("state"), envvar="ISCO_RAG_STATE", show_default=True,
    help="Folder of the state database; also ISCO_RAG_STATE.",
)  # fmt: skip
DATABASE_OPTION = click.option(
    "--database", default="", envvar="ISCO_RAG_DATABASE", help="PostgreSQL database as URL, instead of SQLite; also ISCO_RAG_DATABASE."
)
# Who stands in the audit trail for what the command line does.
WHO = "command line"
