"""The threshold for a bound on the errors in what goes out untouched."""

from pathlib import Path

import click

from isco_rag.commands.options import BUNDLE_OPTION, CALIBRATION_OPTION, GOLD_OPTION, INDEX_OPTION, SETTINGS_OPTION, chosen_settings

BOUNDS = (0.01, 0.03, 0.05, 0.1)


@click.command()
@GOLD_OPTION
@click.option(
    "--max-error", default=0.05, show_default=True, type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="The largest share of wrong codes in what goes out untouched.",
)  # fmt: skip
@click.option(
    "--confidence", default=0.95, show_default=True, type=click.FloatRange(0.5, 1, max_open=True), help="How sure the bound is to hold."
)
@BUNDLE_OPTION
@SETTINGS_OPTION
@CALIBRATION_OPTION
@INDEX_OPTION
def thresholds(
    gold: tuple[Path, ...],
    max_error: float,
    confidence: float,
    bundle: Path | None,
    settings_file: Path | None,
    calibration: Path | None,
    index_also: tuple[Path, ...],
) -> None:
    """Say what share of records can go out untouched at an error of at most so much, and the threshold that does it.

    An error is an emitted code that is wrong at its own level. The bound holds for records that come from where the coded ones come
    from: draw them at random from what is to be coded. Ends with lines for a settings file.
    """
    from isco_rag.calibration import load_calibration
    from isco_rag.commands.sample import code_sample, read_sample
    from isco_rag.risk import bound_error
    from isco_rag.show import Working, console
    from isco_rag.show_calibration import show_left_out
    from isco_rag.show_thresholds import show_bounds, show_fragment
    from isco_rag.wiring import default_bundle, open_classifier

    folder, settings = bundle or default_bundle(), chosen_settings(settings_file, calibration, index_also)
    classifier = open_classifier(folder, settings)
    own = read_sample(gold, classifier)
    show_left_out(own.left_out, 0)
    with Working("coding", len(own.jobs)) as progress:
        coded = code_sample(classifier, own, progress)
    bounds = [bound_error(coded.right, coded.untouched, bound, 1 - confidence) for bound in sorted({*BOUNDS, max_error})]
    show_bounds(bounds, coded, confidence)
    if settings.calibration and load_calibration(Path(settings.calibration), folder).was_fitted_on(gold):
        console().print(
            "[yellow]The calibration was fitted on these very rows, so the bounds are a little too hopeful; bring other rows.[/]"
        )
    show_fragment(next(b for b in bounds if b.max_error == max_error), confidence, coded, gold, classifier)
