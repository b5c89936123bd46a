"""The commands of the evaluation."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from isco_eval.suite import Cost
from isco_rag.commands.options import BUNDLE_OPTION, CALIBRATION_OPTION, SETTINGS_OPTION, chosen_settings

if TYPE_CHECKING:
    from isco_eval.run import Bench
    from isco_eval.suite import Suite

DB_OPTION = click.option(
    "--db", "database", type=click.Path(path_type=Path), default=Path("output") / "evaluation.duckdb", show_default=True, envvar="ISCO_RAG_EVALUATION",
    help="The evaluation database.",
)  # fmt: skip


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

    chosen = _present(suites, limit)
    for suite in chosen:
        suite.check()
    with open_store(database) as store:
        bench = _bench(
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


@evaluate.command(short_help="Fail where a bundle falls below its baseline.")
@click.argument("names", nargs=-1, metavar="[SUITE]...")
@click.option("--write", is_flag=True, help="Measure a new baseline instead of guarding the old one.")
@click.option("--baselines", type=click.Path(path_type=Path), help="Folder of the baselines; default: eval/baselines of the checkout.")
@BUNDLE_OPTION
@SETTINGS_OPTION
@CALIBRATION_OPTION
def guard(
    names: tuple[str, ...], write: bool, baselines: Path | None, bundle: Path | None, settings_file: Path | None, calibration: Path | None,
) -> None:  # fmt: skip
    """Measure a bundle on suites (default: written) and fail, with exit code 22, where it falls below their baselines or gates."""
    import msgspec

    from isco_eval import guard as guarding
    from isco_eval.report import failed_gates
    from isco_eval.run import run_suite
    from isco_eval.show import show_guard
    from isco_eval.store import open_store
    from isco_rag.errors import RegressionError

    folder = baselines or guarding.BASELINES
    chosen = _present(names or ("written",), 0)
    known = {} if write else {suite.name: guarding.read_baseline(suite.name, folder) for suite in chosen}
    for suite in chosen:
        if suite.name in known:
            guarding.check_gold(known[suite.name], suite.path)
    fell: list[str] = []
    with open_store(None) as store:
        bench = _bench(store, chosen, bundle, settings_file, calibration=calibration, look=False)
        for suite in chosen:
            number = run_suite(bench, suite)
            if write:
                click.echo(f"written: {guarding.write_baseline(store, number, folder)}")
                continue
            changes = guarding.guard(store, number, known[suite.name])
            show_guard(suite.name, known[suite.name], bench.classifier.parts.name, changes)
            fell += [f"{suite.name}: {change.found.name}" for change in changes if change.fell]
            gates = msgspec.structs.asdict(suite)["gates"]
            fell += [f"{suite.name}: gate {name} at least {least}" for name, least, _ in failed_gates(store, number, gates)]
    if fell:
        raise RegressionError(
            f"below baseline or gate: {'; '.join(fell)}; mend the bundle, or measure a new baseline with --write and say why"
        )


@evaluate.command(short_help="Cluster the wrong records and say what would mend them.")
@click.argument("named", default="last", metavar="[RUN]")
@click.option("--show", default=10, show_default=True, type=click.IntRange(min=0), metavar="N", help="Clusters to print.")
@click.option("-o", "--output", "target", type=click.Path(path_type=Path), help="Write the whole analysis as JSON.")
@click.option("--doubts", type=click.Path(path_type=Path), help="Write the doubted gold codes as CSV, for review.")
@click.option("--index-also", type=click.Path(path_type=Path), help="As given to the run.")
@DB_OPTION
def errors(named: str, show: int, target: Path | None, doubts: Path | None, index_also: Path | None, database: Path) -> None:
    """Cluster the wrong records of a run: where each lost the right code, and what would mend it.

    The run's bundle reads its gold file again, so both must be where they were.
    """
    import msgspec

    from isco_eval.mistakes import analyse
    from isco_eval.rerun import reopen, write_doubts
    from isco_eval.show import show_analysis
    from isco_eval.store import open_store

    with open_store(database, must_exist=True) as store:
        classifier, gold = reopen(store, store.run_number(named), index_also)
    found = analyse(classifier, gold)
    show_analysis(found, classifier.taxonomy, show)
    if target:
        target.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")
        click.echo(f"written: {target}")
    if doubts:
        write_doubts(doubts, found, gold, classifier.taxonomy)
        click.echo(f"written: {doubts} ({len(found.doubts):,} gold codes to look at)")


def _present(names: tuple[str, ...], limit: int) -> list["Suite"]:
    """The suites that names mean, less those whose gold is not here; a notice names these, AbsentError if none is left."""
    import msgspec

    from isco_eval.gold import guessed_slices
    from isco_eval.suite import find_suite
    from isco_rag.errors import AbsentError

    found = [find_suite(name) for name in dict.fromkeys(names)]
    absent = [suite for suite in found if not suite.path.is_file()]
    for suite in absent:
        click.echo(f"{suite.name}: left out, its gold file is not on this machine ({suite.path})", err=True)
    # A plain file says by its header what is worth telling apart; a suite says it itself.
    here = [
        suite if suite.folder else msgspec.structs.replace(suite, slices=guessed_slices(suite.path))
        for suite in found
        if suite not in absent
    ]
    if not here:
        raise AbsentError(
            f"nothing was measured: the gold of {', '.join(s.name for s in absent)} is not on this machine; name a suite whose file is here"
        )
    return [msgspec.structs.replace(suite, limit=limit) if limit else suite for suite in here]


def _bench(
    store: Any, suites: list["Suite"], bundle: Path | None, settings_file: Path | None, index_also: Path | None = None, training_file: Path | None = None, *,
    calibration: Path | None = None, look: bool = True, keep_texts: bool = False,
) -> "Bench":  # fmt: skip
    from isco_eval.gold import read_suite, read_titles
    from isco_eval.leakage import Texts
    from isco_eval.run import Bench
    from isco_eval.training import Training, open_training
    from isco_rag.bundle import read_manifest
    from isco_rag.wiring import default_bundle, open_classifier, with_entries

    folder = bundle or default_bundle()
    owned = index_also if index_also and index_also.is_dir() else None
    classifier = open_classifier(folder, chosen_settings(settings_file, calibration, (owned,) if owned else ()))
    # Gold is read before anything is coded: what is wrong with a later file is said at once.
    golds = [read_suite(suite, classifier.taxonomy) for suite in suites]
    if index_also and not owned:
        classifier = with_entries(classifier, read_titles(index_also, classifier.taxonomy, golds))
    training = (
        open_training(read_manifest(folder), classifier.taxonomy, training_file) if look else Training(None, "not looked at, as asked")
    )
    return Bench(store, classifier, folder.resolve(), Texts(classifier.parts.index.entries), training, keep_texts)
