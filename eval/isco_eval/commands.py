"""The commands of the evaluation."""

from pathlib import Path

import click

from isco_eval import looking
from isco_eval.opening import DB_OPTION, open_bench, present
from isco_eval.suite import Cost
from isco_rag.commands.options import BUNDLE_OPTION, CALIBRATION_OPTION, SETTINGS_OPTION


class _Evaluation(click.Group):
    """A first word that is no command but a suite or a file is measured: `eval gold.csv` is short for `eval run gold.csv`."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and self.get_command(ctx, args[0]) is None and (Path(args[0]).exists() or args[0].endswith((".csv", ".toml"))):
            args = ["run", *args]
        return super().resolve_command(ctx, args)


@click.group(cls=_Evaluation)
def evaluate() -> None:
    """Measure the coder on coded samples: runs, reports, comparison, regression guard, error analysis.

    `isco-rag eval gold.csv` is short for `isco-rag eval run gold.csv`.
    """


@evaluate.command(short_help="Measure on suites or coded files.")
@click.argument("suites", nargs=-1, required=True, metavar="SUITE...")
@click.option(
    "--limit", default=0, type=click.IntRange(min=0), metavar="N", help="Measure on N rows of each suite, drawn by a fixed shuffle."
)
@click.option("--index-also", type=click.Path(path_type=Path), help="Parquet file of coded texts whose titles join the index first.")
@click.option(
    "--training",
    "training_file",
    type=click.Path(path_type=Path),
    help="The coded texts that the bundle was trained on, if elsewhere than its recipe says.",
)
@click.option("--no-training", is_flag=True, help="Look for leakage in the index alone.")
@click.option("--keep-texts", is_flag=True, help="Keep the texts of the records in the database too.")
@click.option("--json", "as_json", is_flag=True, help="Print the reports as JSON.")
@DB_OPTION
@BUNDLE_OPTION
@SETTINGS_OPTION
@CALIBRATION_OPTION
def run(
    suites: tuple[str, ...], limit: int, index_also: Path | None, training_file: Path | None, no_training: bool, keep_texts: bool, as_json: bool,
    database: Path, bundle: Path | None, settings_file: Path | None, calibration: Path | None,
) -> None:  # fmt: skip
    """Measure on suites: names (see `eval list`), suite files, or CSV files with title, duties and isco08_code.

    Each becomes a run in the database. Suites whose gold file is not on this machine are left out with a notice; exit code 21 if none is left.
    """
    from isco_eval.render import as_json as rendered
    from isco_eval.report import make_report
    from isco_eval.run import run_suite
    from isco_eval.show import show_runs
    from isco_eval.store import open_store
    from isco_rag.show import FileProgress
    from isco_rag.tables import read_form

    chosen = present(suites, limit)
    for suite in chosen:
        suite.check()
    with open_store(database) as store:
        bench = open_bench(
            store,
            chosen,
            bundle,
            settings_file,
            index_also,
            training_file,
            calibration=calibration,
            look=not no_training,
            keep_texts=keep_texts,
        )
        numbers = []
        for suite in chosen:
            rows = read_form(suite.path).rows
            with FileProgress(min(suite.limit or rows, rows), keep=0) as progress:
                numbers.append(run_suite(bench, suite, lambda n, step=progress.step: step(n, [])))  # type: ignore[misc]
        if as_json:
            click.echo(rendered([make_report(store, number) for number in numbers]), nl=False)
        else:
            show_runs(store, numbers)
            click.echo(
                f"{database}: kept as run {', '.join(map(str, numbers))}; see it whole with: isco-rag eval report {numbers[-1]} -o report.html"
            )


@evaluate.command(short_help="Write a report as HTML, Markdown or JSON.")
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@click.option("-o", "--output", "target", required=True, type=click.Path(path_type=Path), help="The file to write: .html, .md or .json.")
@DB_OPTION
def report(runs: tuple[str, ...], target: Path, database: Path) -> None:
    """Write the report of runs (numbers, "last", "last:SUITE"; without any, the last) as one HTML page, Markdown or JSON."""
    from isco_eval.render import write_report
    from isco_eval.report import make_report
    from isco_eval.store import open_store

    with open_store(database, must_exist=True) as store:
        write_report([make_report(store, store.run_number(named)) for named in runs or ("last",)], target)
    click.echo(f"written: {target}")


@evaluate.command(short_help="Say what is better and worse in another run.")
@click.argument("before", metavar="RUN_A")
@click.argument("after", metavar="RUN_B")
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
@DB_OPTION
def compare(before: str, after: str, as_json: bool, database: Path) -> None:
    """Say what is better, worse and not distinguishable in RUN_B against RUN_A, on the same records."""
    import msgspec

    from isco_eval import compare as comparing
    from isco_eval.show import show_rows
    from isco_eval.store import open_store

    with open_store(database, must_exist=True) as store:
        found = comparing.compare(store, store.run_number(before), store.run_number(after))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=1).decode())
        return
    for line in found.words:
        click.echo(line)
    click.echo()
    show_rows(*comparing.table(found.changes))


@evaluate.command(name="list", short_help="List suites and runs.")
@DB_OPTION
def list_all(database: Path) -> None:
    """List the suites that can be measured and the runs that there are."""
    from isco_eval.show import show_rows
    from isco_eval.store import open_store
    from isco_eval.suite import all_suites

    rows = [(s.name, s.title, "here" if s.path.is_file() else "absent", str(s.path)) for s in all_suites()]
    show_rows(["suite", "what it is", "gold", "file"], rows)
    if database.exists():
        click.echo()
        with open_store(database) as store:
            show_rows(*store.ask("runs", 0))


@evaluate.command(short_help="Make a suite of a coded sample of your own.")
@click.option("--gold", required=True, type=click.Path(path_type=Path), help="CSV file of coded records.")
@click.option("--name", default="", help="Name of the suite; default: that of the file.")
@click.option("--title", default="", help="What the sample is.")
@click.option("--trust", default="", help="How far its codes can be trusted: who coded it, and how it was checked.")
@click.option("--id-column", default="", help="Column with the ids of the records.")
@click.option("--title-column", default="", help="Column with the job title.")
@click.option("--duties-column", default="", help="Column with the duties.")
@click.option("--industry-column", default="", help="Column with the industry.")
@click.option("--code-column", default="", help="Column with the gold codes.")
@click.option(
    "--coder", "coders", multiple=True, metavar="COLUMN", help="Column with the codes of one of several coders; may be given several times."
)
@click.option("--slice", "by", multiple=True, metavar="COLUMN", help="Column by which figures are given apart; may be given several times.")
@click.option("--manual-minutes", default=Cost().manual_minutes, show_default=True, help="Minutes for a record coded by hand.")
@click.option("--review-minutes", default=Cost().review_minutes, show_default=True, help="Minutes for a record reviewed.")
@click.option("--folder", type=click.Path(path_type=Path), default=Path("suites"), show_default=True, help="Folder of the suite file.")
@click.option("--force", is_flag=True, help="Write over a suite of this name.")
def add(
    gold: Path, name: str, title: str, trust: str, id_column: str, title_column: str, duties_column: str, industry_column: str, code_column: str,
    coders: tuple[str, ...], by: tuple[str, ...], manual_minutes: float, review_minutes: float, folder: Path, force: bool,
) -> None:  # fmt: skip
    """Make a suite of a coded sample of your own; codes and ids are checked first."""
    from isco_eval.gold import guessed_slices, read_suite
    from isco_eval.suite import Columns, Suite, write_suite
    from isco_rag.bundle import file_hash
    from isco_rag.wiring import default_taxonomy

    if not gold.is_file():
        raise click.BadParameter(f"{gold}: there is no such file", param_hint="--gold")
    columns = Columns(id_column, title_column, duties_column, industry_column, code_column, coders=coders)
    slices = {column: column for column in by} or guessed_slices(gold)
    suite = Suite(
        name or gold.stem, str(gold.resolve()), title or f"the file {gold.name}", trust, file_hash(gold), columns=columns, slices=slices,
        cost=Cost(manual_minutes, review_minutes),
    )  # fmt: skip
    rows = len(read_suite(suite, default_taxonomy()).jobs)
    path = write_suite(suite, folder, force=force)
    click.echo(
        f"{path}: a suite of {rows:,} records; measure on it with: isco-rag eval run {suite.name if folder == Path('suites') else path}"
    )


@evaluate.command(short_help="Run the queries that reports are made of.")
@click.argument("name", required=False)
@click.option("--run", "named", default="last", show_default=True, metavar="RUN", help="The run that the query is about.")
@click.option(
    "--scope", type=click.Choice(["all", "without leaks"]), default="all", show_default=True, help="All records, or those without a leak."
)
@click.option("--show", is_flag=True, help="Print the query, ready for the DuckDB shell, instead of running it.")
@DB_OPTION
def sql(name: str | None, named: str, scope: str, show: bool, database: Path) -> None:
    """Run one of the queries that reports are made of; without NAME, list them. NAME may also be a SELECT of your own."""
    from isco_eval import store as storing
    from isco_eval.show import show_rows

    if not name:
        first = [
            (q, " ".join(line.removeprefix("-- ") for line in storing.query(q).splitlines() if line.startswith("--")))
            for q in storing.queries()
        ]
        show_rows(["query", "what it gives"], first)
        return
    own = " " in name.strip()
    with storing.open_store(database, must_exist=True) as store:
        number = store.run_number(named)
        if show and not own:
            click.echo(
                f"-- duckdb {database}\nSET VARIABLE run = {number};\nSET VARIABLE scope = '{scope}';\n{storing.query(name).rstrip()};"
            )
        elif own:
            show_rows(*store.own(name, number, scope=scope))
        else:
            show_rows(*store.ask(name, number, scope=scope))


for command in (looking.guard, looking.errors, looking.parts, looking.planted, looking.held):
    evaluate.add_command(command)
