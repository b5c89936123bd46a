"""One job coded and explained."""

from pathlib import Path

import click
import msgspec

from isco_rag.commands.options import BUNDLE_OPTION, CALIBRATION_OPTION, INDEX_OPTION, SETTINGS_OPTION, chosen_settings
from isco_rag.types import Job


@click.command()
@click.argument("title")
@click.option("--duties", default="", help="What the person does, in a sentence or many.")
@click.option("--industry", default="", help="What the employer does.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole answer as JSON.")
@BUNDLE_OPTION
@SETTINGS_OPTION
@CALIBRATION_OPTION
@INDEX_OPTION
def classify(
    title: str,
    duties: str,
    industry: str,
    as_json: bool,
    bundle: Path | None,
    settings_file: Path | None,
    calibration: Path | None,
    index_also: tuple[Path, ...],
) -> None:
    """Code one job and say why: code, confidence, top three, nearest coded examples, why not the runner-up."""
    from isco_rag.explain import explain
    from isco_rag.show import show_explanation
    from isco_rag.wiring import open_classifier

    classifier = open_classifier(bundle, chosen_settings(settings_file, calibration, index_also))
    found = explain(classifier, Job(title, duties, industry))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        show_explanation(found, classifier.taxonomy)
