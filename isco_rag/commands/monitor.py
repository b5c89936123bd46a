"""What has changed in what is coded, and whether an alert stands."""

from pathlib import Path

import click

from isco_rag.commands.options import CHAMPION_OPTION, DATABASE_OPTION, STATE_OPTION


@click.command()
@click.option("--since", default="30d", show_default=True, help="The days to look at: 30d, 4w or a date; earlier ones are the reference.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@STATE_OPTION
@DATABASE_OPTION
@CHAMPION_OPTION
def monitor(since: str, as_json: bool, state: Path, database: str, bundle: Path | None) -> None:
    """Say what has changed since then: automation, codes, confidence, texts with no near example, errors, corrections by grade.

    Exit code 16 where an alert stands. Where there is too little data it says so, and that is no alert.
    """
    import msgspec

    from isco_rag.errors import AlertError
    from isco_rag.learn import looking, registry
    from isco_rag.learn.places import place_of
    from isco_rag.show_learning import show_report
    from isco_rag.store.database import open_store
    from isco_rag.taxonomy import load_taxonomy

    store = open_store(state, database)
    place = place_of(registry.answering(store, bundle))
    report = looking.report_of(store, load_taxonomy(place.folder / "taxonomy"), looking.day_since(since), place.name)
    store.close()
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(report)))
    else:
        show_report(report)
    if report.alerts:
        names = ", ".join(one.name for one in report.alerts)
        raise AlertError(
            f"{len(report.alerts)} alert{'s' if len(report.alerts) > 1 else ''}: {names}; see docs/guide/learning.md for what to do"
        )
