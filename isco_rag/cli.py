"""The command line: a skin over the library. Every option is told by --help; exit codes stand in isco_rag/errors.py."""

import sys
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from isco_rag.errors import CoderError
from isco_rag.types import Job, Metric

if TYPE_CHECKING:
    from isco_rag.classify import Classifier


class _Group(click.Group):
    """Turns deliberate errors into one line and their exit code."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        # Bars and foreign letters must not fail where the terminal can't show them.
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="replace")
        try:
            return super().main(*args, **kwargs)
        except CoderError as error:
            click.echo(f"isco-rag: {error}", err=True)
            sys.exit(error.exit_code)


BUNDLE = click.option("--bundle", type=click.Path(path_type=Path), help="Folder of the model bundle; default: the one that is shipped.")
SETTINGS = click.option(
    "--settings", "settings_file", type=click.Path(path_type=Path), help="TOML file with thresholds and other settings."
)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "terminal_width": 100})
@click.version_option(package_name="isco-rag", prog_name="isco-rag")
def main() -> None:
    """Code job descriptions into ISCO-08, with probabilities that mean what they say.

    Exit codes: 0 done, 2 usage, 3 input file, 4 unknown code, 5 classification, 6 bundle, 7 training.
    """


@main.command(short_help="Code one job and say why.")
@click.argument("title")
@click.option("--duties", default="", help="What the person does, in a sentence or many.")
@click.option("--industry", default="", help="What the employer does.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole answer as JSON.")
@BUNDLE
@SETTINGS
def classify(title: str, duties: str, industry: str, as_json: bool, bundle: Path | None, settings_file: Path | None) -> None:
    """Code one job and say why: code, confidence, top three, nearest coded examples, why not the runner-up."""
    from isco_rag.explain import explain
    from isco_rag.settings import load_settings
    from isco_rag.show import show_explanation
    from isco_rag.wiring import open_classifier

    classifier = open_classifier(bundle, load_settings(settings_file))
    found = explain(classifier, Job(title, duties, industry))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        show_explanation(found, classifier.taxonomy)


@main.command(short_help="Code a CSV file.")
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
@BUNDLE
@SETTINGS
def code(
    source: Path, target: Path, title_column: str, duties_column: str, industry_column: str, delimiter: str, encoding: str,
    no_quotes: bool, force: bool, preview: int, bundle: Path | None, settings_file: Path | None,
) -> None:  # fmt: skip
    """Code a CSV file. Delimiter, encoding and columns are found out and said; every input column comes back."""
    from isco_rag.coding import code_file
    from isco_rag.errors import UsageError
    from isco_rag.settings import load_settings
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
    classifier = open_classifier(bundle, load_settings(settings_file))
    with FileProgress(form.rows, keep=preview) as progress:
        summary = code_file(classifier, source, target, form, columns, progress.step)
    if preview:
        show_table(progress.kept)
    show_summary(summary, target, progress.seconds)


@main.command(short_help="Browse and search the classification.")
@click.argument("code", required=False)
@click.option("--search", "words", default="", help="Find groups by words of their title, tasks or definition.")
def codes(code: str | None, words: str) -> None:
    """Browse the classification: the top without CODE, a group with its definition, tasks and contrasts with one."""
    from isco_rag.show import show_group, show_groups
    from isco_rag.wiring import default_taxonomy

    taxonomy = default_taxonomy()
    if words:
        found = taxonomy.search(words)
        if not found:
            raise click.ClickException(f"no group of {taxonomy.heading.name} speaks of '{words}'; try fewer or other words")
        show_groups(found, taxonomy)
    elif code:
        show_group(taxonomy.group(code), taxonomy)
    else:
        show_groups(taxonomy.children(""), taxonomy)


@main.command("eval", short_help="Measure accuracy and calibration on coded files.")
@click.argument("gold", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--limit", default=0, type=click.IntRange(min=0), metavar="N", help="Measure on N rows of each file, drawn by a fixed shuffle."
)
@click.option("--index-also", type=click.Path(path_type=Path), help="Parquet file of coded texts whose titles join the index first.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@BUNDLE
@SETTINGS
def evaluate(
    gold: tuple[Path, ...], limit: int, index_also: Path | None, as_json: bool, bundle: Path | None, settings_file: Path | None
) -> None:
    """Measure accuracy and calibration on coded CSV files (title, duties, isco08_code), each with its interval and n."""
    from isco_eval.gold import leaked, read_golds, read_titles
    from isco_eval.measure import code_gold, measure

    from isco_rag.settings import load_settings
    from isco_rag.show import show_report
    from isco_rag.wiring import open_classifier, with_entries

    classifier = open_classifier(bundle, load_settings(settings_file))
    golds = read_golds(gold, classifier.taxonomy, limit)
    if index_also:
        classifier = with_entries(classifier, read_titles(index_also, classifier.taxonomy, golds))
    leaks = {g.name: len(leaked(g, classifier.parts.index.entries)) for g in golds}
    report = measure(code_gold(classifier, golds))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(report), indent=2).decode())
    else:
        show_report(report, leaks, len(classifier.parts.index.entries))


@main.command(short_help="Train a bundle from a recipe.")
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option(
    "--work", required=True, type=click.Path(path_type=Path), help="Folder for what each stage leaves; a second run goes on there."
)
@click.option("--bundle", required=True, type=click.Path(path_type=Path), help="Where to put the finished bundle.")
def train(recipe: Path, work: Path, bundle: Path) -> None:
    """Train a bundle from a recipe (needs the extra: pip install 'isco-rag[train]')."""
    from isco_eval.gold import read_golds
    from isco_eval.measure import code_gold, measure

    try:
        from isco_rag.train.recipe import Kitchen, load_recipe
    except ImportError as error:
        raise click.ClickException(f"training needs more packages ({error.name} is missing): pip install 'isco-rag[train]'") from error
    plan = load_recipe(recipe)
    kitchen = Kitchen(plan, work, click.echo)

    def judge(classifier: "Classifier") -> tuple[Metric, ...]:
        paths = [path for folder in (plan.gold, plan.evaluation) for path in sorted(folder.glob("*.csv"))]
        report = measure(code_gold(classifier, read_golds(paths, classifier.taxonomy, 3000)))
        return tuple(msgspec.structs.replace(m, name=f"{gold}: {m.name}") for gold, found in report.metrics.items() for m in found)

    kitchen.fine_tune()
    kitchen.reranker()
    click.echo(f"bundle in {kitchen.bundle(bundle, judge)}")


if __name__ == "__main__":
    main()
