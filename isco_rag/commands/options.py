"""Options that several commands share."""

import os
from pathlib import Path

import click
import msgspec

from isco_rag.settings import Settings, load_settings

BUNDLE_OPTION = click.option(
    "--bundle", type=click.Path(path_type=Path), help="Folder of the model bundle; default: the one that is shipped."
)
# Of commands on a state: there the bundle that answers is the champion, unless another is chosen.
CHAMPION_OPTION = click.option(
    "--bundle", type=click.Path(path_type=Path),
    help="Folder of the model bundle; default: the champion of the state, or the one that is shipped where none was promoted.",
)  # fmt: skip
BASE_OPTION = click.option(
    "--bundle", type=click.Path(path_type=Path), help="Folder of the bundle that the state began with; default: the one that is shipped."
)
SETTINGS_OPTION = click.option(
    "--settings", "settings_file", type=click.Path(path_type=Path), help="TOML file with thresholds and other settings."
)
CALIBRATION_OPTION = click.option(
    "--calibration", type=click.Path(path_type=Path), help="File of `isco-rag calibrate` to use instead of the bundle's calibration."
)
INDEX_OPTION = click.option(
    "--index-also", multiple=True, type=click.Path(path_type=Path),
    help="Folder of `isco-rag data import` whose titles join the index; may be given several times.",
)  # fmt: skip
GOLD_OPTION = click.option(
    "--gold", required=True, multiple=True, type=click.Path(path_type=Path),
    help="CSV file of your own coded records (title, duties, code); may be given several times.",
)  # fmt: skip


def chosen_settings(settings_file: Path | None, calibration: Path | None = None, index_also: tuple[Path, ...] = ()) -> Settings:
    """The settings with what options put in their place."""
    found = load_settings(settings_file)
    if calibration:
        found = msgspec.structs.replace(found, calibration=str(calibration))
    return msgspec.structs.replace(found, index_also=tuple(map(str, index_also))) if index_also else found


STATE_OPTION = click.option(
    "--state", type=click.Path(path_type=Path), default=Path("state"), envvar="ISCO_RAG_STATE", show_default=True,
    help="Folder of the state database; also ISCO_RAG_STATE.",
)  # fmt: skip
DATABASE_OPTION = click.option(
    "--database", default="", envvar="ISCO_RAG_DATABASE", help="PostgreSQL database as URL, instead of SQLite; also ISCO_RAG_DATABASE."
)


def keep_processors_for_models() -> None:
    """Gives products of numpy to the thread that asks; to be called before numpy is loaded. What the user has set stays.

    Its own threads wait for the next product by spinning, on processors that the models need: a record alone took twice the processor time.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


# Who stands in the audit trail for what the command line does.
WHO = "command line"
BY_OPTION = click.option("--by", "who", default=WHO, show_default=True, help="Who does it: the name that stands in the audit trail.")
