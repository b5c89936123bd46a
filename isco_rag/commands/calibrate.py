"""The calibration refitted on an institution's own coded sample."""

from pathlib import Path

import click

from isco_rag.commands.options import BUNDLE_OPTION, GOLD_OPTION, INDEX_OPTION, SETTINGS_OPTION, chosen_settings


@click.command()
@GOLD_OPTION
@click.option(
    "-o",
    "--output",
    "target",
    type=click.Path(path_type=Path),
    help="The calibration file to write; without it, only the figures are shown.",
)
@click.option("--force", is_flag=True, help="Write over a file that exists.")
@BUNDLE_OPTION
@SETTINGS_OPTION
@INDEX_OPTION
def calibrate(
    gold: tuple[Path, ...], target: Path | None, force: bool, bundle: Path | None, settings_file: Path | None, index_also: tuple[Path, ...]
) -> None:
    """Refit the calibration on your own coded records and say how the curve moved.

    What is shown was measured on rows that the calibration was not fitted to: each fifth by what the others teach. The file that is
    written is fitted on all of them, and belongs to this bundle alone. Use it with --calibration or in a settings file.
    """
    from isco_rag.calibration import calibration_of, save_calibration, temperature_of
    from isco_rag.commands.sample import read_sample
    from isco_rag.crossfit import changes, observe
    from isco_rag.errors import UsageError
    from isco_rag.show import Working
    from isco_rag.show_calibration import show_changes, show_fitted, show_left_out
    from isco_rag.wiring import default_bundle, open_classifier

    if target and target.exists() and not force:
        raise UsageError(f"{target}: exists already; choose another name or add --force")
    if target and not target.parent.is_dir():
        raise UsageError(f"{target.parent}: there is no such folder; make it or choose another place with -o")
    folder = bundle or default_bundle()
    classifier = open_classifier(folder, chosen_settings(settings_file, index_also=index_also))
    own = read_sample(gold, classifier)
    with Working("coding", len(own.jobs)) as progress:
        sample = observe(classifier, own.jobs, own.codes, own.texts, progress)
    show_left_out(own.left_out, len(own.jobs) - len(sample.truth))
    moved = changes(temperature_of(classifier), sample, classifier.taxonomy, classifier.settings)
    show_changes(moved)
    fitted = calibration_of(classifier, folder, sample, gold, moved)
    show_fitted(temperature_of(classifier), fitted)
    if target:
        save_calibration(fitted, target)
        click.echo(f'written: {target}; use it with --calibration, or in a settings file as\ncalibration = "{target.resolve()}"')
    else:
        click.echo("nothing was written; name a file with -o to keep this calibration")
