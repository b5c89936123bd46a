"""The service started."""

from pathlib import Path

import click

from isco_rag.commands.options import BUNDLE_OPTION, DATABASE_OPTION, SETTINGS_OPTION, STATE_OPTION, keep_processors_for_models


@click.command()
@click.option("--host", default="127.0.0.1", envvar="ISCO_RAG_HOST", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8008, envvar="ISCO_RAG_PORT", type=click.IntRange(0, 65535), show_default=True, help="Port; 0 takes a free one."
)
@click.option("--name", "names", multiple=True, help="Host name under which people reach the service; give it for each name.")
@click.option("--secure", is_flag=True, envvar="ISCO_RAG_SECURE", help="People come by HTTPS (a proxy in front): cookies only go that way.")
@click.option("--max-upload", default=256, type=click.IntRange(1, 4096), show_default=True, help="Largest upload, in MB.")
@click.option("--max-rows", default=1_000_000, type=click.IntRange(1), show_default=True, help="Most rows of an uploaded file.")
@click.option("--no-worker", is_flag=True, help="Code no files here and retrain nothing; another replica does.")
@STATE_OPTION
@DATABASE_OPTION
@BUNDLE_OPTION
@SETTINGS_OPTION
def serve(
    host: str, port: int, names: tuple[str, ...], secure: bool, max_upload: int, max_rows: int, no_worker: bool, state: Path, database: str,
    bundle: Path | None, settings_file: Path | None,
) -> None:  # fmt: skip
    """Run the REST API and the web pages. On this machine only and without users there is no login; see isco-rag users."""
    keep_processors_for_models()
    from isco_api.options import Limits, Options
    from isco_api.serving import run
    from isco_rag.settings import load_settings

    limits = Limits(upload=max_upload << 20, rows=max_rows)
    options = Options(state, host, port, database, names, secure, not no_worker, limits, settings_file)
    run(options, bundle, load_settings(settings_file))
