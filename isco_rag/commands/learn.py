"""What to learn next, and the review queue filled for it."""

from collections.abc import Sequence
from pathlib import Path

import click

from isco_rag.commands.flags import close_flag, flags
from isco_rag.commands.options import CHAMPION_OPTION, DATABASE_OPTION, STATE_OPTION, WHO


@click.group()
def learn() -> None:
    """Say what to learn next, fill the review queue, find what contradicts itself."""


SINCE_OPTION = click.option("--since", default="", help="Only from then on: 30d, 4w or a date; default: since the beginning.")


@learn.command()
@SINCE_OPTION
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 500), help="Challenges shown.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@STATE_OPTION
@DATABASE_OPTION
@CHAMPION_OPTION
def plan(since: str, limit: int, as_json: bool, state: Path, database: str, bundle: Path | None) -> None:
    """Rank what costs most: groups that people correct, pairs that are confused, confidence that is not kept, thin coverage.

    Each with its figure, interval, n, reason and what to do. Begins with the error rate of what went out untouched, estimated from the random
    sample of it that people looked at.
    """
    from collections import Counter

    import msgspec
    from isco_index import load_index

    from isco_rag.learn import looking, registry
    from isco_rag.show_learning import show_plan, show_untouched
    from isco_rag.store import corrections
    from isco_rag.store.database import open_store
    from isco_rag.taxonomy import load_taxonomy

    first = looking.day_since(since) if since else ""
    store = open_store(state, database)
    folder = registry.answering(store, bundle)
    taxonomy = load_taxonomy(folder / "taxonomy")
    entries = Counter(entry.code for entry in load_index(folder / "index", mapped=True).entries)
    with store.read() as db:
        entries.update(corrections.taught(db))
    untouched = looking.untouched_of(store, taxonomy, first)
    challenges = looking.plan_of(store, taxonomy, entries, first, limit)
    store.close()
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode({"untouched": untouched, "challenges": challenges})))
        return
    show_untouched(untouched)
    show_plan(challenges)


@learn.command()
@click.option("--rows", default=0, type=click.IntRange(0, 10_000), help="Records to draw; default: as the settings of the service say.")
@STATE_OPTION
@DATABASE_OPTION
@CHAMPION_OPTION
def fill(rows: int, state: Path, database: str, bundle: Path | None) -> None:
    """Draw from predictions that were kept one by one into the review queue: at random, uncertain ones, and unlike ones.

    Files are drawn from when they are finished. Each kept prediction is seen by one drawing only.
    """
    from numpy import floating, zeros
    from numpy.typing import NDArray

    from isco_rag.learn import registry
    from isco_rag.learn.filling import fill_from_kept
    from isco_rag.store.database import open_store
    from isco_rag.text import duties_text, joined_text, title_text
    from isco_rag.types import Job
    from isco_rag.wiring import open_bundle_encoder

    def encode(jobs: Sequence[Job]) -> NDArray[floating]:
        encoder, _ = open_bundle_encoder(registry.answering(store, bundle))
        texts = [joined_text(title_text(job.title), duties_text(job.duties)) for job in jobs]
        found = zeros((len(texts), encoder.dimension))
        told = [i for i, text in enumerate(texts) if text]
        found[told] = encoder.encode([texts[i] for i in told])
        return found

    store = open_store(state, database)
    drawn = fill_from_kept(store, WHO, encode, most=rows)
    store.close()
    parts = ", ".join(f"{n:,} {design}" for design, n in sorted(drawn.items()))
    click.echo(f"{drawn.total():,} records drawn into the review queue" + (f": {parts}" if parts else "; no kept prediction is new"))


@learn.command()
@click.option("--repetitions", default=1000, show_default=True, type=click.IntRange(10, 100_000), help="Samples drawn in each case.")
def coverage(repetitions: int) -> None:
    """Check the estimate by simulation: how often its interval covers the true error rate, for error rates from none to many."""
    from isco_rag.learn.simulation import CASES, simulate
    from isco_rag.show import Working, console, plain_table

    table = plain_table("errors by band, least sure first", "true error", "drawn", "covered", "bias", "mean width")
    with Working("drawing", len(CASES)) as progress:
        for case in CASES:
            found = simulate(case, repetitions)
            shown = " ".join(f"{100 * rate:g}" for rate in case.errors)
            true, width = f"{found.true:.2%}", f"{100 * found.width:.2f}"
            table.add_row(f"{shown} %", true, f"{case.drawn}", f"{found.covered:.1%}", f"{100 * found.bias:+.3f}", width)
            progress(1)
    console().print(table)


learn.add_command(flags)
learn.add_command(close_flag)
