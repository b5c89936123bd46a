"""The commands of the evaluation that look into a bundle: its baselines, its mistakes, its parts, the rows it was not fitted on."""

from pathlib import Path

import click

from isco_eval.opening import DB_OPTION, open_bench, present
from isco_rag.commands.options import BUNDLE_OPTION, CALIBRATION_OPTION, SETTINGS_OPTION


@click.command(short_help="Fail where a bundle falls below its baseline.")
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
    chosen = present(names or ("written",), 0)
    known = {} if write else {suite.name: guarding.read_baseline(suite.name, folder) for suite in chosen}
    for suite in chosen:
        if suite.name in known:
            guarding.check_gold(known[suite.name], suite.path)
    fell: list[str] = []
    with open_store(None) as store:
        bench = open_bench(store, chosen, bundle, settings_file, calibration=calibration, look=False)
        for suite in chosen:
            number = run_suite(bench, suite)
            if write:
                click.echo(f"written: {guarding.write_baseline(store, number, folder)}")
                continue
            changes = guarding.guard(store, number, known[suite.name])
            show_guard(suite.name, known[suite.name], bench.classifier.parts.name, changes)
            fell += [f"{suite.name}: {change.baseline.name}" for change in changes if change.fell]
            gates = msgspec.structs.asdict(suite)["gates"]
            fell += [f"{suite.name}: gate {name} at least {least}" for name, least, _ in failed_gates(store, number, gates)]
    if fell:
        raise RegressionError(
            f"below baseline or gate: {'; '.join(fell)}; mend the bundle, or measure a new baseline with --write and say why"
        )


@click.command(short_help="Cluster the wrong records and say what would mend them.")
@click.argument("named", default="last", metavar="[RUN]")
@click.option("--show", default=10, show_default=True, type=click.IntRange(min=0), metavar="N", help="Clusters to print.")
@click.option("-o", "--output", "target", type=click.Path(path_type=Path), help="Write the whole analysis as JSON.")
@click.option("--doubts", type=click.Path(path_type=Path), help="Write the doubted gold codes as CSV, for review.")
@click.option(
    "--doubtful", default=0.5, show_default=True, type=click.FloatRange(0, 1, min_open=True), metavar="P",
    help="Doubt gold codes that are wrong with at least this probability.",
)  # fmt: skip
@click.option("--index-also", type=click.Path(path_type=Path), help="As given to the run.")
@DB_OPTION
def errors(
    named: str, show: int, target: Path | None, doubts: Path | None, doubtful: float, index_also: Path | None, database: Path
) -> None:
    """Cluster the wrong records of a run: where each lost the right code, and what would mend it. Say which gold codes are likely wrong.

    The run's bundle reads its gold file again, so both must be where they were.
    """
    import msgspec

    from isco_eval.doubts import doubts_of
    from isco_eval.mistakes import analyse
    from isco_eval.reading import read_again
    from isco_eval.rerun import reopen, write_doubts
    from isco_eval.show import show_analysis
    from isco_eval.store import open_store
    from isco_rag.show import FileProgress

    with open_store(database, must_exist=True) as store:
        classifier, gold = reopen(store, store.run_number(named), index_also)
    with FileProgress(len(gold.jobs), keep=0) as progress:
        reading = read_again(classifier, gold, lambda n: progress.step(n, []))
    found = analyse(classifier, gold, reading, doubts_of(classifier.taxonomy, gold, reading, doubtful))
    show_analysis(found, gold, classifier.taxonomy, show)
    if target:
        target.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")
        click.echo(f"written: {target}")
    if doubts:
        write_doubts(doubts, found.doubts, gold, classifier.taxonomy)
        click.echo(f"written: {doubts} ({len(found.doubts):,} gold codes to look at)")


@click.command(short_help="Say what each part of the coder earns.")
@click.argument("names", nargs=-1, required=True, metavar="SUITE...")
@click.option(
    "--limit", default=0, type=click.IntRange(min=0), metavar="N", help="Measure on N rows of each suite, drawn by a fixed shuffle."
)
@click.option("--index-also", type=click.Path(path_type=Path), help="Parquet file or coding index whose titles join the index first.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@BUNDLE_OPTION
@SETTINGS_OPTION
@CALIBRATION_OPTION
def parts(
    names: tuple[str, ...], limit: int, index_also: Path | None, as_json: bool, bundle: Path | None, settings_file: Path | None,
    calibration: Path | None,
) -> None:  # fmt: skip
    """Code the records of suites without each part of the coder, and say with intervals of paired resamples what is lost.

    A part's evidence weighs nothing, the other weights stay as they ship: a coder fitted without the part would lose less. The cross-encoder
    is left out, and made to read every record. Nothing is kept.
    """
    import msgspec

    from isco_eval.gold import read_suite
    from isco_eval.parts import measure_parts, table
    from isco_eval.run import without_own
    from isco_eval.show import show_rows
    from isco_eval.store import open_store
    from isco_rag.show import FileProgress

    chosen = present(names, limit)
    found = {}
    with open_store(None) as store:
        bench = open_bench(store, chosen, bundle, settings_file, index_also, calibration=calibration, look=False)
    for suite in chosen:
        suite.check()
        gold = read_suite(suite, bench.classifier.taxonomy)
        classifier = without_own(bench.classifier, suite, gold)
        with FileProgress(len(gold.jobs), keep=0) as progress:
            found[suite.name] = measure_parts(
                classifier,
                gold,
                suite.resamples,
                suite.seed,
                lambda n, step=progress.step: step(n, []),  # type: ignore[misc]
            )
        if not as_json:
            click.echo(f"\n{suite.name}: {len(gold.jobs):,} records")
            show_rows(*table(found[suite.name]))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=1).decode())


@click.command(short_help="Say how well wrong gold codes are found.")
@click.argument("names", nargs=-1, required=True, metavar="SUITE...")
@click.option(
    "--limit", default=0, type=click.IntRange(min=0), metavar="N", help="Measure on N rows of each suite, drawn by a fixed shuffle."
)
@click.option(
    "--share", default=7.0, show_default=True, type=click.FloatRange(0.1, 50), help="Percent of the records that get a wrong code."
)
@click.option("--draws", default=200, show_default=True, type=click.IntRange(20), help="How often records are drawn and codes planted.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@BUNDLE_OPTION
@SETTINGS_OPTION
@CALIBRATION_OPTION
def planted(
    names: tuple[str, ...], limit: int, share: float, draws: int, as_json: bool, bundle: Path | None, settings_file: Path | None,
    calibration: Path | None,
) -> None:  # fmt: skip
    """Plant wrong gold codes in suites and say how many of them `isco-rag eval errors` would list, beside other ways to rank doubts.

    Nothing is kept.
    """
    import msgspec

    from isco_eval import planted as planting
    from isco_eval.gold import read_suite
    from isco_eval.reading import read_again
    from isco_eval.run import without_own
    from isco_eval.show import show_rows
    from isco_eval.store import open_store
    from isco_rag.show import FileProgress

    chosen = present(names, limit)
    found = {}
    with open_store(None) as store:
        bench = open_bench(store, chosen, bundle, settings_file, calibration=calibration, look=False)
    for suite in chosen:
        suite.check()
        gold = read_suite(suite, bench.classifier.taxonomy)
        with FileProgress(len(gold.jobs), keep=0) as progress:
            reading = read_again(without_own(bench.classifier, suite, gold), gold, lambda n, step=progress.step: step(n, []))  # type: ignore[misc]
        found[suite.name] = planting.simulate(bench.classifier.taxonomy, reading, share / 100, draws, suite.seed)
        if not as_json:
            one = found[suite.name]
            click.echo(f"\n{suite.name}: {one.planted:,} codes planted in {one.records:,} records that can be coded, {one.draws} draws\n")
            for table in planting.tables(one):
                show_rows(*table)
                click.echo()
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=1).decode())


@click.command(short_help="Write the rows that a bundle held out as gold.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where to write them; default: output/held of the checkout.")
@BUNDLE_OPTION
def held(folder: Path | None, bundle: Path | None) -> None:
    """Write the rows that neither encoder, fusion nor calibration of a bundle were fitted on, for the suites mixed and languages.

    They are found again from the training data that the bundle's manifest names, which must be here. Needs the extra: pip install
    'isco-rag[train]'.
    """
    from isco_rag.bundle import read_manifest
    from isco_rag.wiring import data_folder, default_bundle

    try:
        from isco_eval.held import default_folder, write_held
    except ImportError as error:
        raise click.ClickException(
            f"finding the rows again needs more packages ({error.name} is missing): pip install 'isco-rag[train]'"
        ) from error
    place = folder or default_folder()
    for name, counts in write_held(read_manifest(bundle or default_bundle()), data_folder().parent, place).items():
        told = ", ".join(f"{value} {n:,}" for value, n in counts.most_common())
        click.echo(f"{place / name}: {counts.total():,} rows ({told})")
