"""Options that several commands share."""

from pathlib import Path

import click

BUNDLE_OPTION = click.option(
    "--bundle", type=click.Path(path_type=Path), help="Folder of the model bundle; default: the one that is shipped."
)
SETTINGS_OPTION = click.option(
    "--settings", "settings_file", type=click.Path(path_type=Path), help="TOML file with thresholds and other settings."
)
