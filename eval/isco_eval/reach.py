"""How far a correction should reach (isco_rag.taught): what corrections bring to titles that come next, and what they take from titles of another origin.

    python -m isco_eval.reach              (make bench-reach)

The weights of the fusion stay as they are in the bundle; `isco-rag retrain` fits them for the kernel that is set.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
import msgspec

from isco_eval.duel import difference_of
from isco_eval.gold import read_suite
from isco_eval.learning.stream import Right, right, split
from isco_eval.suite import find_suite
from isco_rag import taught
from isco_rag.classify import Classifier
from isco_rag.errors import CoderError
from isco_rag.show import Working, console, plain_table
from isco_rag.types import Entry
from isco_rag.wiring import open_classifier, with_entries

STREAM, OTHER = "jobbert_dev", "ilo_index_dev"
ROUNDS = (1000, 2000)
# Sharpness, reach, and what the other hits weigh: hardly a limit, a narrow one, and between them those that weigh the others, with the one that is set.
KERNELS = ((8.0, 0.0, 0.0), (16.0, 0.7, 0.0), (8.0, 0.4, 0.05), (taught.SHARPNESS, taught.REACH, taught.OTHERS), (8.0, 0.4, 0.3))


@contextmanager
def kernel(sharpness: float, reach: float, others: float) -> Iterator[None]:
    """Corrections reach so far inside the block, and the other hits weigh so much against them."""
    before = taught.SHARPNESS, taught.REACH, taught.OTHERS
    taught.SHARPNESS, taught.REACH, taught.OTHERS = sharpness, reach, others
    try:
        yield
    finally:
        taught.SHARPNESS, taught.REACH, taught.OTHERS = before


def silent(classifier: Classifier) -> Classifier:
    """The classifier to which a correction is an entry as any other."""
    fusion = msgspec.structs.replace(classifier.parts.fusion, taught=(1.0, 0.0))
    return Classifier(msgspec.structs.replace(classifier.parts, fusion=fusion), classifier.settings)


def told(after: Right, before: Right) -> str:
    """The difference in points with the interval of paired resamples."""
    d = difference_of("", before, after)
    return f"{100 * d.difference:+.1f} ({100 * d.low:+.1f} to {100 * d.high:+.1f})"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--limit", default=1000, show_default=True, type=click.IntRange(10), help="Titles of each kind that are measured.")
def main(limit: int) -> None:
    """Measure kernels of different reach after 1,000 and 2,000 corrections."""
    coder = open_classifier()
    stream = split(read_suite(msgspec.structs.replace(find_suite(STREAM), limit=0), coder.taxonomy), ROUNDS[-1], limit)
    other = read_suite(msgspec.structs.replace(find_suite(OTHER), limit=limit), coder.taxonomy)
    jobs, codes = stream.stream.jobs, stream.stream.codes
    entries = [
        Entry(f"correction:{n}", code, job.title, job.duties, taught.SOURCE)
        for n, (job, code) in enumerate(zip(jobs, codes, strict=True))
    ]  # fmt: skip
    golds = (stream.rest, other)

    def measure(name: str, classifier: Classifier) -> list[Right]:
        with Working(name, sum(len(gold.jobs) for gold in golds)) as step:
            return [right(classifier, gold, step) for gold in golds]

    click.echo(f"bundle {coder.parts.name}")
    before = measure("before", coder)
    table = plain_table(
        "corrections", "sharpness", "reach", "others", f"{STREAM}, {len(before[0]):,} titles", f"{OTHER}, {len(before[1]):,} titles"
    )
    table.add_row("0", "", "", "", *(f"{100 * found.mean():.1f} %" for found in before))
    for n in ROUNDS:
        knowing = with_entries(coder, entries[:n])
        after = measure(f"{n:,}, as any other entry", silent(knowing))
        table.add_row(f"{n:,}", "as any", "other", "entry", *map(told, after, before))
        for set_so in KERNELS:
            with kernel(*set_so):
                after = measure(f"{n:,}, {', '.join(f'{value:g}' for value in set_so)}", knowing)
            table.add_row(f"{n:,}", *(f"{value:g}" for value in set_so), *map(told, after, before))
    console().print(table)


if __name__ == "__main__":
    try:
        main()
    except CoderError as error:
        click.echo(f"bench-reach: {error}", err=True)
        sys.exit(error.exit_code)
