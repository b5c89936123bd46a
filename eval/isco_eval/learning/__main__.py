"""The learning benchmark run: each step leaves its result in the work folder and is not done twice."""

import sys
from pathlib import Path
from time import perf_counter

import click
import msgspec
import numpy as np

from isco_eval.gold import Gold, read_suite
from isco_eval.learning.report import Found, Other, Point, page, write
from isco_eval.learning.stream import Right, Split, answers, corrected, kept, kept_answers, knowing, right, split
from isco_eval.machine import machine, said
from isco_eval.suite import find_suite
from isco_rag.classify import Classifier
from isco_rag.errors import CoderError
from isco_rag.show import Working
from isco_rag.store.records import Correction
from isco_rag.wiring import default_bundle, open_classifier

STREAM = "jobbert_dev"
OTHERS = ("ilo_index_dev", "ads_real_dev", "survey_like_dev", "ads_generated_dev", "written")
MINUTES = "minutes.json"


class Bench:
    """One benchmark in a work folder."""

    def __init__(self, work: Path, stream: Split, others: list[Gold], a_round: int, budget: float) -> None:
        self.work, self.split, self.others, self.a_round, self.budget = work, stream, others, a_round, budget
        self.taught: list[Correction] = []

    def run(self, rounds: int, *, retrain: bool) -> Found:
        """Every round, then the other samples; each retraining begins at the first bundle, with all corrections so far, as `isco-rag retrain` does."""
        first = default_bundle()
        champion = first
        before = self.measure("before", first, [], self.split.rest)
        points = []
        for number in range(1, rounds + 1):
            incoming = self._correct(number, champion)
            appended = self.measure(f"round-{number}-appended", champion, self.taught, self.split.rest)
            only = appended if champion == first else self.measure(f"round-{number}-only-appended", first, self.taught, self.split.rest)
            trained = None
            if retrain:
                champion = self._retrained(number, first)
                trained = self.measure(f"round-{number}-retrained", champion, self.taught, self.split.rest)
            points.append(Point(len(self.taught), only, appended, trained, incoming))
            click.echo(f"{len(self.taught):,} corrections: {_percent(before)} before, {_percent(only)} appended only, {_percent(appended)} appended"
                       + (f", {_percent(trained)} retrained" if trained is not None else ""))  # fmt: skip
        others = [
            Other(
                gold.name, self.measure(f"{gold.name}-before", first, [], gold), self.measure(f"{gold.name}-appended", first, self.taught, gold),
                self.measure(f"{gold.name}-retrained", champion, self.taught, gold) if retrain else None,
            )
            for gold in self.others
        ]  # fmt: skip
        return Found(
            before, tuple(points), tuple(others), self.split.same, said(machine(())), tuple(self._minutes().values()) if retrain else ()
        )

    def measure(self, name: str, bundle: Path, taught: list[Correction], gold: Gold) -> Right:
        """Which records of a sample are right."""

        def work() -> Right:
            with Working(name, len(gold.jobs)) as step:
                return right(self._open(bundle, taught), gold, step)

        return kept(self.work / f"{name}.npy", work)

    def _open(self, bundle: Path, taught: list[Correction]) -> Classifier:
        return knowing(open_classifier(bundle), taught)

    def _correct(self, number: int, champion: Path) -> Right:
        """The expert corrects the rows of a round, which the champion answers first with what it knows so far; which of them were right."""
        first = (number - 1) * self.a_round
        rows = Gold(STREAM, self.split.stream.jobs[: first + self.a_round], self.split.stream.codes[: first + self.a_round])

        def work() -> list:  # type: ignore[type-arg]
            with Working(f"round {number}, predicted first", self.a_round) as step:
                return answers(self._open(champion, self.taught), rows.jobs[first:], step)

        answered = kept_answers(self.work / f"round-{number}-incoming.msgpack", work)
        self.taught = [*self.taught, *corrected(rows, first, answered)]
        return np.array(
            [bool(p.top) and p.top[0].code == code for p, code in zip(answered, rows.codes[first:], strict=True)], dtype=np.bool_
        )

    def _retrained(self, number: int, root: Path) -> Path:
        from isco_rag.learn.places import FOLDER, WORK
        from isco_rag.learn.retrain import Order, retrain
        from isco_rag.show import StageProgress
        from isco_rag.train.kitchen import Report

        name, models = f"round-{number}", self.work / FOLDER
        order = Order(root, len(self.taught), 60 * self.budget, self.work / WORK, models, name=name)
        known, began = (models / name).exists(), perf_counter()
        with StageProgress() as progress:
            retrain(order, self.taught, lambda entries: (), Report(progress.say, progress.step))
        if not known:
            minutes = self._minutes() | {name: (perf_counter() - began) / 60}
            (self.work / MINUTES).write_bytes(msgspec.json.encode(minutes))
        return models / name

    def _minutes(self) -> dict[str, float]:
        path = self.work / MINUTES
        return msgspec.json.decode(path.read_bytes(), type=dict[str, float]) if path.exists() else {}


def _percent(found: Right) -> str:
    return f"{100 * found.mean():.1f} %"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1))
@click.option("--round", "a_round", default=1000, show_default=True, type=click.IntRange(50), help="Corrections a round.")
@click.option("--limit", default=0, show_default=True, type=click.IntRange(0), help="Rows of the rest that are measured; 0 is all.")
@click.option("--other-limit", default=0, show_default=True, type=click.IntRange(0), help="Rows of each other sample; 0 is all.")
@click.option("--budget", default=30.0, show_default=True, type=click.FloatRange(1), help="Minutes for each retraining.")
@click.option("--append-only", is_flag=True, help="Retrain nothing: what appending brings.")
@click.option(
    "--work", default=Path("output/learning"), show_default=True, type=click.Path(path_type=Path), help="Folder for what each step leaves."
)
@click.option(
    "-o", "--output", default=Path("docs/learning.md"), show_default=True, type=click.Path(path_type=Path), help="The page to write."
)
def main(rounds: int, a_round: int, limit: int, other_limit: int, budget: float, append_only: bool, work: Path, output: Path) -> None:
    """Measure what corrections bring, appended and retrained, and write the page."""
    taxonomy = open_classifier().taxonomy
    gold = read_suite(msgspec.structs.replace(find_suite(STREAM), limit=0), taxonomy)
    others = [read_suite(msgspec.structs.replace(find_suite(name), limit=other_limit), taxonomy) for name in OTHERS]
    found = Bench(work, split(gold, rounds * a_round, limit), others, a_round, budget).run(rounds, retrain=not append_only)
    write(found, output)
    click.echo(page(found, output.with_suffix(".svg").name))


if __name__ == "__main__":
    try:
        main()
    except CoderError as error:
        click.echo(f"bench-learning: {error}", err=True)
        sys.exit(error.exit_code)
