"""Corrections in numbers: a list from a program, or a table, looked at before they go in.

A table is taken in by chunks, each in a transaction of its own; its rows wait outside the index until all are in. Then the whole is looked at
(isco_rag.learn.suspects), and what is not suspicious goes into the index. Killed anywhere, it goes on when the same file is given again.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Literal

from msgspec import Struct

from isco_rag.classify import Classifier
from isco_rag.correction_tables import COLUMNS, REPORT, REPORT_SIZE, Line, Table, as_csv, lines_of
from isco_rag.errors import CoderError
from isco_rag.learn.suspects import Known, Proposal, proposal, suspects
from isco_rag.store import clock, corrections, imports, intake, reviews
from isco_rag.store.database import Store
from isco_rag.store.predictions import text_key
from isco_rag.store.records import Correction, Import
from isco_rag.taxonomy import Taxonomy
from isco_rag.types import Job, Prediction

CHUNK = 256
# Keys that one question to the database may name.
KEYS = 5000
EVERYTHING = 1 << 40


class Row(Struct, frozen=True, forbid_unknown_fields=True):
    """A row of a batch: a job, the code it should have, and why."""

    job: Job
    code: str = ""
    reason: str = ""


class Outcome(Struct, frozen=True):
    """What became of a row of a batch, numbered from 0: its correction, and why it waits, contradicts or was not taken."""

    row: int
    outcome: Literal["active", "disputed", "held", "already", "rejected"]
    correction: int | None = None
    reason: str = ""


def fault(taxonomy: Taxonomy, job: Job, code: str) -> str:
    """Why a row can't teach; empty where it can."""
    try:
        corrections.check(taxonomy, job, code)
    except CoderError as error:
        return str(error)
    return ""


def enter(
    store: Store, classifier: Classifier, known: Known, who: str, batch: Sequence[Row], answers: Mapping[int, Prediction]
) -> list[Outcome]:  # fmt: skip
    """What became of each row of a batch, all in one transaction; `answers` are what the model said, by row, to those that can teach."""
    taxonomy, rules = classifier.taxonomy, classifier.settings.holding
    keys = {i: text_key(batch[i].job) for i in answers}
    rows = [proposal(i, who, batch[i].job, keys[i], batch[i].code, answer) for i, answer in answers.items()]
    found = [Outcome(i, "rejected", None, fault(taxonomy, given.job, given.code)) for i, given in enumerate(batch)]
    with store.write() as db:
        before = _proposals(corrections.brought(db, [who], clock.later(days=-rules.days)))
        settled = reviews.settled_texts(db, keys.values())
        there = {k: c.id for k, c in corrections.standing(db, keys.values()).items()}
        first = {(keys[i], batch[i].code): i for i in reversed(list(answers)) if (keys[i], batch[i].code) not in there}
        fresh = sorted(first.values())
        numbers = intake.take_in(
            db, who, "batch", [intake.Fresh(who, batch[i].job, batch[i].code, batch[i].reason, answers[i]) for i in fresh]
        )  # fmt: skip
        added = dict(zip(fresh, numbers, strict=True))
        why = suspects(taxonomy, rows, known, settled, before, rules)
        intake.settle(db, who, numbers, {added[i]: reason for i, reason in why.items() if i in added})
        for i in answers:
            one = there.get((keys[i], batch[i].code)) or added[first[keys[i], batch[i].code]]
            found[i] = Outcome(i, "active" if i in added else "already", one)
        return [_at_the_end(db, outcome) for outcome in found]


def _at_the_end(db: Any, outcome: Outcome) -> Outcome:
    """The outcome when all rows are in: a later row may have contradicted an earlier one."""
    if outcome.correction is None:
        return outcome
    one = corrections.one(db, outcome.correction)
    state = "already" if outcome.outcome == "already" else one.state
    return Outcome(outcome.row, state, one.id, _why(db, one))  # type: ignore[arg-type]


def _why(db: Any, one: Correction) -> str:
    """Why a correction is not in the index; empty where it is."""
    if one.state != "disputed":
        return one.held if one.state == "held" else ""
    others = corrections.disputed_with(db, one)
    return "the same text has another code in " + ", ".join(f"correction {other.id} ({other.code}, {other.by})" for other in others)


def _proposals(found: Iterable[Correction]) -> list[Proposal]:
    return [proposal(c.id, c.by, c.job, text_key(c.job), c.code, c.answered) for c in found]


def begin_import(store: Store, who: str, table: Table) -> Import:
    """The import of a table: a new one, or the unfinished one of the same content by the same person."""
    with store.write() as db:
        return imports.begin(db, who, table.name, table.digest, table.form.rows)


def import_table(
    store: Store, classifier: Classifier, known: Known, who: str, table: Table, begun: Import, step: Callable[[int], None]
) -> Import:  # fmt: skip
    """The finished import; `step` is told how many rows were done. ConflictError where another process takes the same file in."""
    counts, done = Counter(begun.counts), begun.done
    step(done)
    rows = islice(lines_of(table, classifier.taxonomy), done, None)
    while part := list(islice(rows, CHUNK)):
        counts = _take_in(store, classifier, who, begun.id, done, part, counts)
        done += len(part)
        step(len(part))
    _settle(store, classifier, known, who, begun.id)
    report = "".join(as_csv((*REPORT, *table.form.header), _reported(store, classifier.taxonomy, table), REPORT_SIZE))
    with store.write() as db:
        states = Counter(c.state for c in corrections.listed(db, import_id=begun.id, limit=EVERYTHING))
        came = {name: n for name, n in (counts + states).items() if n}
        return imports.finish(db, who, begun.id, came, report if report.count("\n") > 1 else "")


def _take_in(
    store: Store, classifier: Classifier, who: str, number: int, done: int, part: Sequence[Line], counts: Counter[str]
) -> Counter[str]:  # fmt: skip
    """Adds the rows of a chunk, waiting, and counts them, in one transaction; the counts with theirs."""
    taxonomy = classifier.taxonomy
    good = [line for line in part if not (line.fault or fault(taxonomy, line.job, line.code))]
    keys = [(text_key(line.job), line.code) for line in good]
    with store.read() as db:
        there = corrections.standing(db, {text for text, _ in keys})
    fresh = {k: line.job for k, line in zip(keys, good, strict=True) if k not in there}
    answers = dict(zip(fresh, classifier.classify(list(fresh.values())), strict=True))
    counts = counts + Counter(rejected=len(part) - len(good))
    with store.write() as db:
        there = corrections.standing(db, {text for text, _ in keys})
        mine = {k for k, c in there.items() if c.import_id == number}
        fresh_rows: list[intake.Fresh] = []
        for k, line in zip(keys, good, strict=True):
            if k in mine or k in there:
                counts["repeated" if k in mine else "already"] += 1
                continue
            fresh_rows.append(intake.Fresh(line.by or who, line.job, line.code, line.reason, answers.get(k)))
            mine.add(k)
        intake.take_in(db, who, "import", fresh_rows, number)
        imports.advance(db, number, done, done + len(part), dict(counts))
    return counts


def _settle(store: Store, classifier: Classifier, known: Known, who: str, number: int) -> None:
    """Brings the rows of a table into the index, but for those that an expert should see. Done again, it comes to the same."""
    rules = classifier.settings.holding
    with store.read() as db:
        mine = corrections.listed(db, import_id=number, limit=EVERYTHING)[::-1]
        rows = _proposals(mine)
        texts = [row.text for row in rows]
        settled = {k: v for i in range(0, len(texts), KEYS) for k, v in reviews.settled_texts(db, texts[i : i + KEYS]).items()}
        before = _proposals(corrections.brought(db, {row.by for row in rows}, clock.later(days=-rules.days), number))
    found = suspects(classifier.taxonomy, rows, known, settled, before, rules)
    waiting = [c.id for c in mine if c.held == intake.PENDING]
    for start in range(0, len(waiting), CHUNK):
        with store.write() as db:
            intake.settle(db, who, waiting[start : start + CHUNK], found)


def _reported(store: Store, taxonomy: Taxonomy, table: Table) -> Iterator[list[str]]:
    """The rows of a table that are not simply in: their number, what became of them and why, and themselves."""
    lines = lines_of(table, taxonomy)
    while part := list(islice(lines, CHUNK)):
        with store.read() as db:
            there = corrections.standing(db, {text_key(line.job) for line in part})
            for line in part:
                why = line.fault or fault(taxonomy, line.job, line.code)
                one = there.get((text_key(line.job), line.code))
                if why:
                    yield [str(line.row), "rejected", why, *line.cells]
                elif one is not None and one.state != "active":
                    yield [str(line.row), one.state, _why(db, one), *line.cells]


def export(store: Store, state: str = "active") -> Iterator[str]:
    """The corrections of a state, or all with an empty one, the first first, as lines of CSV that `import_table` reads back."""
    return as_csv(COLUMNS, (cells_of(one) for one in _all(store, state)))


def _all(store: Store, state: str) -> Iterator[Correction]:
    after = 0
    while True:
        with store.read() as db:
            found = corrections.after(db, after, state, KEYS)
        yield from found
        if len(found) < KEYS:
            return
        after = found[-1].id


def cells_of(one: Correction) -> list[str]:
    """A correction as the cells of COLUMNS."""
    said = one.answered
    return [
        str(one.id), one.job.title, one.job.duties, one.job.industry, one.job.language, one.code, one.state, one.by, one.at, one.source,
        one.reason, said.code if said else "", f"{said.confidence:.4f}" if said and said.code else "", one.bundle, one.held,
    ]  # fmt: skip
