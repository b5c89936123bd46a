"""A file coded."""

from pathlib import Path

import click

from isco_rag.commands.options import (
    BUNDLE_OPTION,
    CALIBRATION_OPTION,
    INDEX_OPTION,
    SETTINGS_OPTION,
    chosen_settings,
    keep_processors_for_models,
)


@click.command()
@click.argument("source", metavar="INPUT", type=click.Path(path_type=Path))
@click.option("-o", "--output", "target", required=True, type=click.Path(path_type=Path), help="The file to write.")
@click.option("--title-column", default="", help="Column with the job title.")
@click.option("--duties-column", default="", help="Column with the duties.")
@click.option("--industry-column", default="", help="Column with the industry.")
@click.option("--delimiter", default="", help="Delimiter of INPUT; '\\t' for tabs.")
@click.option("--encoding", default="", help="Encoding of INPUT, such as cp1252.")
@click.option("--no-quotes", is_flag=True, help="Read quotes as ordinary characters.")
@click.option("--force", is_flag=True, help="Write over an output file that exists.")
@click.option("--preview", default=0, type=click.IntRange(min=0), metavar="N", help="Also print the first N rows as a table.")
@BUNDLE_OPTION
@SETTINGS_OPTION
@CALIBRATION_OPTION
@INDEX_OPTION
def code(
    source: Path, target: Path, title_column: str, duties_column: str, industry_column: str, delimiter: str, encoding: str,
    no_quotes: bool, force: bool, preview: int, bundle: Path | None, settings_file: Path | None,
    calibration: Path | None, index_also: tuple[Path, ...],
) -> None:  # fmt: skip
    """Code a CSV file. Delimiter, encoding and columns are found out and said; every input column comes back."""
    keep_processors_for_models()
    from isco_rag.coding import code_file
    from isco_rag.errors import UsageError
    from isco_rag.show import FileProgress, show_form, show_summary, show_table
    from isco_rag.tables import choose_columns, read_form
    from isco_rag.wiring import open_classifier

    delimiter = {"\\t": "\t", "tab": "\t"}.get(delimiter, delimiter)
    if len(delimiter) > 1:
        raise UsageError(f"--delimiter '{delimiter}' is no delimiter; give one character")
    if target.exists() and not force:
        raise UsageError(f"{target}: exists already; choose another name or add --force")
    if not target.parent.is_dir():
        raise UsageError(f"{target.parent}: there is no such folder; make it or choose another place with -o")
    form = read_form(source, encoding, delimiter, quotes=not no_quotes)
    chosen = {"title": title_column, "duties": duties_column, "industry": industry_column}
    columns = choose_columns(form, source, {field: name for field, name in chosen.items() if name})
    show_form(source, form, columns)
    classifier = open_classifier(bundle, chosen_settings(settings_file, calibration, index_also))
    with FileProgress(form.rows, keep=preview) as progress:
        summary = code_file(classifier, source, target, form, columns, progress.step)
    if preview:
        show_table(progress.kept)
    show_summary(summary, target, progress.seconds)
