"""How many rows wait for an expert (isco_rag.learn.suspects): of honest corrections, and of planted ones that move a group; and what lies far from the index.

    python -m isco_eval.holding            (make bench-holding)

Honest stands for a source whose codes agree with the model in a third of the cases. Planted are titles of the index itself under the code of a group
beside their own, word for word and reworded, alone and among honest rows in one person's name; of the groups that are most frequent among the honest rows,
where they hide best.
"""

import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, pairwise

import click
import msgspec
import numpy as np
from msgspec import Struct

from isco_eval.gold import Gold, read_suite
from isco_eval.suite import find_suite
from isco_rag.classify import CHUNK, Classifier
from isco_rag.errors import CoderError
from isco_rag.learn.suspects import Known, Proposal, known_titles, proposal, suspects
from isco_rag.ports import Floats
from isco_rag.settings import Holding
from isco_rag.show import Working, console, plain_table
from isco_rag.store.predictions import text_key
from isco_rag.store.tallies import NEAR
from isco_rag.types import Job, Prediction
from isco_rag.wiring import open_classifier

HONEST = "jobbert_dev"
SOURCES = ("ads_generated_dev", "ads_real_dev", "jobbert_dev", "ilo_index_dev", "survey_like_dev")
ROWS, SAMPLE, SAMPLES, SEED = 3000, 1000, 20, 5
# Groups that are planted, and titles of each: about half of those that the index has.
GROUPS, PLANTED = 24, 25
FAR = (0.55, NEAR, 0.75)
# Rows of each source that are looked at for what lies far.
LOOKED = 400


class Batch(Struct, frozen=True):
    """Rows under a code each, with what the model answered."""

    jobs: tuple[Job, ...]
    codes: tuple[str, ...]
    answers: tuple[Prediction, ...]

    def some(self, numbers: Iterable[int]) -> "Batch":
        """Those rows of it."""
        kept = list(numbers)
        return Batch(tuple(self.jobs[i] for i in kept), tuple(self.codes[i] for i in kept), tuple(self.answers[i] for i in kept))

    def proposals(self, first: int = 0) -> list[Proposal]:
        """The rows as one person brings them, numbered from `first` on."""
        rows = zip(self.jobs, self.codes, self.answers, strict=True)
        return [proposal(i, "ann", job, text_key(job), code, answer) for i, (job, code, answer) in enumerate(rows, first)]


def waiting(coder: Classifier, known: Known, rows: Sequence[Proposal], rules: Holding) -> set[int]:
    """The numbers of the rows that wait."""
    return set(suspects(coder.taxonomy, rows, known, {}, (), rules))


def honest_rows(coder: Classifier, limit: int) -> Batch:
    """The source, each text with each of its codes once, answered."""
    gold = read_suite(msgspec.structs.replace(find_suite(HONEST), limit=limit), coder.taxonomy)
    rows = {(text_key(job), code): job for job, code in zip(gold.jobs, gold.codes, strict=True)}
    jobs = tuple(rows.values())
    return Batch(jobs, tuple(code for _, code in rows), answered(coder, jobs, HONEST))


def planted_rows(coder: Classifier, honest: Batch, said: str) -> dict[str, Batch]:
    """For the most frequent groups, titles that the index has of them, put by `said`, under the code of a group beside them."""
    taxonomy, rng = coder.taxonomy, random.Random(SEED)
    titles: dict[str, dict[str, None]] = defaultdict(dict)
    for entry in coder.parts.index.entries:
        if entry.title and entry.code in taxonomy.leaf_number and entry.id.partition(":")[0] not in ("group", "definition", "task"):
            titles[entry.code][entry.title] = None
    beside = {code: [b for b in taxonomy.leaves if b != code and b[:-1] == code[:-1]] for code in titles}
    frequent = Counter(p.top[0].code for p in honest.answers if p.top)
    found = {}
    for code in sorted([code for code, _ in frequent.most_common() if beside.get(code)][:GROUPS]):
        jobs = tuple(Job(said.format(title)) for title in rng.sample(sorted(titles[code]), min(PLANTED, len(titles[code]))))
        found[code] = Batch(jobs, (rng.choice(beside[code]),) * len(jobs), answered(coder, jobs, code))
    return found


def answered(coder: Classifier, jobs: Sequence[Job], name: str) -> tuple[Prediction, ...]:
    """What the model says of jobs."""
    found: list[Prediction] = []
    with Working(name, len(jobs)) as step:
        for start in range(0, len(jobs), CHUNK):
            part = coder.classify(jobs[start : start + CHUNK])
            found += part
            step(len(part))
    return tuple(found)


def variants(rules: Holding) -> Iterator[tuple[str, Holding]]:
    """The rules with other thresholds beside, by what is different."""
    yield "as set", rules
    for sure, most in ((0.4, 0.67), (0.5, 0.67), (0.7, 0.67), (0.6, 0.5), (0.6, 0.6)):
        yield f"sure {sure:g}, most {most:g}", msgspec.structs.replace(rules, sure=sure, most=most)
    for certain, apart in ((0.6, 0.0075), (0.7, 0.005), (0.7, 0.01), (0.8, 0.0075), (0.7, 1.0)):
        yield f"certain {certain:g}, apart {apart:g}", msgspec.structs.replace(rules, certain=certain, apart=apart)


class Found(Struct, frozen=True):
    """How many rows wait: of honest ones, of all there are, of samples of them (the mean), of those that differ from the model, of those of one field at a time; and of
    planted ones alone and among honest ones: groups, most of whose rows wait, and rows."""

    honest: int
    all: int
    samples: float
    differing: int
    fields: int
    alone: tuple[int, int]
    among: tuple[int, int]
    among_more: tuple[int, int]


def measure(coder: Classifier, known: Known, honest: Batch, planted: dict[str, Batch], rules: Holding) -> Found:
    """What waits under the rules. Planted rows are counted with how many groups of theirs wait for the greater part."""
    rng = random.Random(SEED)
    order = rng.sample(range(len(honest.jobs)), len(honest.jobs))
    first, rest = honest.some(order[:ROWS]), len(honest.jobs)
    samples = [honest.some(rng.sample(range(rest), min(SAMPLE, rest))) for _ in range(SAMPLES)]
    differing = [i for i in order[:ROWS] if honest.answers[i].top and honest.answers[i].top[0].code != honest.codes[i]]
    fields: dict[str, list[int]] = defaultdict(list)
    for i in range(rest):
        fields[coder.taxonomy.path(honest.codes[i])[:2][-1].code].append(i)

    def count(batch: Batch) -> int:
        return len(waiting(coder, known, batch.proposals(), rules))

    def caught(among: Batch) -> tuple[int, int]:
        groups = rows = 0
        for batch in planted.values():
            n = len(among.jobs)
            held = sum(i >= n for i in waiting(coder, known, [*among.proposals(), *batch.proposals(n)], rules))
            rows, groups = rows + held, groups + (2 * held > len(batch.jobs))
        return groups, rows

    return Found(
        count(first), count(honest), float(np.mean([count(sample) for sample in samples])), count(honest.some(differing)),
        sum(count(honest.some(own)) for own in fields.values()), caught(honest.some(())), caught(first), caught(honest.some(order[: 2 * ROWS])),
    )  # fmt: skip


def show(found: dict[str, Found], total: int, planted: int) -> None:
    """The table."""
    table = plain_table(
        "rules", f"of {ROWS:,}", f"of {total:,}", f"of {SAMPLE:,}", "differ", "by field", "alone", f"in {ROWS:,}", f"in {2 * ROWS:,}"
    )
    click.echo(
        f"Honest rows that wait: of {ROWS:,}; of all; the mean of {SAMPLES} samples of {SAMPLE:,}; of those of the {ROWS:,} that differ from the model; when each "
        f"person brings one field alone. Then {planted} planted rows of {GROUPS} groups, reworded: groups that wait for the greater part (rows)."
    )
    for name, one in found.items():
        pairs = (f"{groups} ({rows})" for groups, rows in (one.alone, one.among, one.among_more))
        table.add_row(name, str(one.honest), str(one.all), f"{one.samples:.1f}", str(one.differing), str(one.fields), *pairs)
    console().print(table)


def show_far(coder: Classifier) -> None:
    """For each source, how many texts have their nearest entry in each range of cosines, and how often the model is right there."""
    edges = (-1.0, *FAR, 1.01)
    names = (f"below {FAR[0]:g}", *(f"from {edge:g}" for edge in FAR))
    table = plain_table("source", "rows", *(cell for name in names for cell in (name, "right")))
    for source in SOURCES:
        gold: Gold = read_suite(msgspec.structs.replace(find_suite(source), limit=LOOKED), coder.taxonomy)
        answers = answered(coder, gold.jobs, source)
        near = np.array([p.near for p in answers])
        right = np.array([bool(p.top) and p.top[0].code.startswith(code) for p, code in zip(answers, gold.codes, strict=True)])
        cells = list[str]()
        for low, high in pairwise(edges):
            here = (near >= low) & (near < high)
            cells += [f"{here.mean():.1%}", f"{right[here].mean():.0%}" if here.any() else "-"]
        table.add_row(source, str(len(near)), *cells)
    console().print(table)


def show_held(coder: Classifier, limit: int) -> None:
    """What waits, with each variant of the rules."""
    known = known_titles(coder.parts.index.entries)
    honest = honest_rows(coder, limit)
    verbatim, reworded = (planted_rows(coder, honest, said) for said in ("{}", "senior {} (m/f), full time"))
    rules = coder.settings.holding
    held = sum(len(waiting(coder, known, batch.proposals(), rules)) for batch in verbatim.values())
    click.echo(f"word for word: {held:,} of {sum(len(b.jobs) for b in verbatim.values()):,} planted rows wait")
    show(
        {name: measure(coder, known, honest, reworded, own) for name, own in variants(rules)},
        len(honest.jobs), sum(len(batch.jobs) for batch in reworded.values()),
    )  # fmt: skip


def show_centres(coder: Classifier) -> None:
    """How far the centres of texts turn (1 - cosine): those of two halves of a source, and those of two sources."""
    found, halves, rng = dict[str, Floats](), dict[str, float](), np.random.default_rng(SEED)
    for source in SOURCES:
        gold = read_suite(msgspec.structs.replace(find_suite(source), limit=LOOKED), coder.taxonomy)
        vectors = coder.parts.encoder.encode([text.told for text in map(coder.prepare, gold.jobs) if text.told]).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        first = rng.permutation(len(vectors)) < len(vectors) // 2
        halves[source], found[source] = turned(vectors[first].mean(0), vectors[~first].mean(0)), vectors.mean(0)
    between = [turned(a, b) for a, b in combinations(found.values(), 2)]
    click.echo("Centres of two halves: " + ", ".join(f"{source} {turn:.3f}" for source, turn in halves.items()))
    click.echo(f"Centres of two sources: {min(between):.2f} to {max(between):.2f}")


def turned(one: Floats, other: Floats) -> float:
    """1 - the cosine of two vectors."""
    return float(1 - one @ other / np.linalg.norm(one) / np.linalg.norm(other))


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--limit", default=0, show_default=True, type=click.IntRange(0), help="Honest rows that are looked at; 0 is all.")
@click.option("--far/--no-far", default=True, show_default=True, help="Also what lies far from the index.")
@click.option("--held/--no-held", default=True, show_default=True, help="What the rules hold.")
def main(limit: int, far: bool, held: bool) -> None:
    """Measure what the holding rules hold, with the thresholds as they are and with others."""
    coder = open_classifier()
    click.echo(f"bundle {coder.parts.name}")
    if held:
        show_held(coder, limit)
    if far:
        show_far(coder)
        show_centres(coder)


if __name__ == "__main__":
    try:
        main()
    except CoderError as error:
        click.echo(f"bench-holding: {error}", err=True)
        sys.exit(error.exit_code)
