"""The commands of the evaluation."""

from pathlib import Path

import click
import msgspec

from isco_rag.commands.options import BUNDLE_OPTION, CALIBRATION_OPTION, SETTINGS_OPTION, chosen_settings


@click.command()
@click.argument("gold", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--limit", default=0, type=click.IntRange(min=0), metavar="N", help="Measure on N rows of each file, drawn by a fixed shuffle."
)
@click.option(
    "--index-also",
    type=click.Path(path_type=Path),
    help="Parquet file of coded texts, or folder of `isco-rag data import`, whose titles join the index first.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@BUNDLE_OPTION
@SETTINGS_OPTION
@CALIBRATION_OPTION
def evaluate(
    gold: tuple[Path, ...], limit: int, index_also: Path | None, as_json: bool, bundle: Path | None, settings_file: Path | None,
    calibration: Path | None,
) -> None:  # fmt: skip
    """Measure accuracy and calibration on coded CSV files (title, duties, isco08_code), each with its interval and n."""
    from isco_eval.gold import leaked, read_golds, read_titles
    from isco_eval.measure import code_gold, measure
    from isco_eval.show import show_report
    from isco_rag.wiring import open_classifier, with_entries

    classifier = open_classifier(
        bundle, chosen_settings(settings_file, calibration, (index_also,) if index_also and index_also.is_dir() else ())
    )
    golds = read_golds(gold, classifier.taxonomy, limit)
    if index_also and not index_also.is_dir():
        classifier = with_entries(classifier, read_titles(index_also, classifier.taxonomy, golds))
    leaks = {g.name: len(leaked(g, classifier.parts.index.entries)) for g in golds}
    report = measure(code_gold(classifier, golds))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(report), indent=2).decode())
    else:
        show_report(report, leaks, len(classifier.parts.index.entries))
