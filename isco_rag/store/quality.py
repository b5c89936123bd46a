"""Quality as the reviews show it, each figure with its interval and n.

Reviewed records are mostly those that the machine was least sure of, so accuracy here is that of the reviewed records, not of all; what
is known of all that goes out untouched comes from the random sample alone (isco_rag/store/frames.py). Two records of the same text that were decided as one count once.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, func, select

from isco_rag.interval import wilson
from isco_rag.learn.estimate import Untouched
from isco_rag.learn.plan import Reviewed, upheld
from isco_rag.store import frames
from isco_rag.store.assignments import pace
from isco_rag.store.schema import decisions, jobs, predictions, reviews
from isco_rag.taxonomy import Taxonomy
from isco_rag.types import Metric

CONFUSIONS = 20


class GradeQuality(Struct, frozen=True):
    """What a grade is worth: mean confidence against the share that people upheld."""

    grade: str
    confidence: float
    right: Metric


class Agreement(Struct, frozen=True):
    """How often two coders, blind to each other, gave the same code at a level, and Cohen's kappa (1960)."""

    level: int
    same: Metric
    kappa: float


class Confusion(Struct, frozen=True):
    """A code that went out, the code that people gave instead, and how often."""

    machine: str
    people: str
    count: int


class Day(Struct, frozen=True):
    """What happened on a day."""

    day: str
    coded: int
    automatic: int
    decided: int
    upheld: int


class Quality(Struct, frozen=True):
    """The figures of the quality page."""

    automation: Metric
    untouched: Untouched
    accuracy: Metric
    by_group: tuple[Metric, ...]
    by_grade: tuple[GradeQuality, ...]
    agreement: tuple[Agreement, ...]
    backlog: dict[str, int]
    oldest_open: str
    by_coder: dict[str, int]
    confusions: tuple[Confusion, ...]
    days: tuple[Day, ...]


class Decided(Struct, frozen=True):
    """What people's decisions come to: the part of the figures that stays as it is until somebody decides, undoes or draws records.

    Each of these writes a row of the audit trail in its own transaction, so as long as the trail has the same last row, this is the same.
    """

    reviewed: tuple[Reviewed, ...]
    untouched: Untouched
    accuracy: Metric
    by_group: tuple[Metric, ...]
    by_grade: tuple[GradeQuality, ...]
    agreement: tuple[Agreement, ...]
    by_coder: dict[str, int]
    confusions: tuple[Confusion, ...]
    days: dict[str, tuple[int, int]]
    pace: dict[str, float]


def decided(db: Connection, taxonomy: Taxonomy, since: str = "") -> Decided:
    """What was decided from the day `since` on; `days` counts what was decided and what was upheld, `pace` is in seconds."""
    seen = reviewed(db, taxonomy, since)
    groups: dict[str, list[bool]] = defaultdict(list)
    for one in seen:
        if one.final in taxonomy:
            groups[taxonomy.path(one.final)[0].code].append(one.right)
    wrong = Counter((one.code, one.final) for one in seen if not one.right and one.code)
    by_day, upheld_on = Counter(one.day for one in seen), Counter(one.day for one in seen if one.right)
    people = select(decisions.c.by, func.count()).where(
        decisions.c.kind.in_(("code", "not_codable")), decisions.c.undone == "", decisions.c.at >= since
    )
    return Decided(
        reviewed=tuple(seen),
        untouched=frames.untouched(db, taxonomy, since),
        accuracy=wilson(sum(one.right for one in seen), len(seen), "upheld by people"),
        by_group=tuple(wilson(sum(found), len(found), code) for code, found in sorted(groups.items())),
        by_grade=by_grade(seen),
        agreement=_agreement(db, taxonomy, since),
        by_coder=_counts(db, people.group_by(decisions.c.by).order_by(decisions.c.by)),
        confusions=tuple(Confusion(a, b, n) for (a, b), n in sorted(wrong.items(), key=lambda kv: (-kv[1], kv[0]))[:CONFUSIONS]),
        days={day: (n, upheld_on[day]) for day, n in by_day.items()},
        pace=pace(db, since),
    )


def measure(db: Connection, taxonomy: Taxonomy, since: str = "", known: Decided | None = None) -> Quality:
    """All figures, from the day `since` on where given; with what was `decided` since then, where that is known."""
    found = known or decided(db, taxonomy, since)
    coded, automatic = _coded(db, since)
    backlog = _counts(db, select(reviews.c.state, func.count()).group_by(reviews.c.state))
    none = (0, 0)
    return Quality(
        automation=wilson(sum(automatic.values()), sum(coded.values()), "coded without a person"),
        untouched=found.untouched,
        accuracy=found.accuracy,
        by_group=found.by_group,
        by_grade=found.by_grade,
        agreement=found.agreement,
        backlog={state: backlog.get(state, 0) for state in ("open", "dispute", "done")},
        oldest_open=db.execute(select(func.min(reviews.c.created)).where(reviews.c.state == "open")).scalar() or "",
        by_coder=found.by_coder,
        confusions=found.confusions,
        days=tuple(Day(day, coded[day], automatic[day], *found.days.get(day, none)) for day in sorted({*coded, *found.days})),
    )


def by_grade(seen: Sequence[Reviewed]) -> tuple[GradeQuality, ...]:
    """What each grade is worth."""
    grades: dict[str, list[Reviewed]] = defaultdict(list)
    for one in seen:
        grades[one.grade].append(one)
    return tuple(
        GradeQuality(grade, round(sum(o.confidence for o in found) / len(found), 4), wilson(sum(o.right for o in found), len(found), grade))
        for grade, found in sorted(grades.items())
    )


def _counts(db: Connection, query: Any) -> dict[str, int]:
    return {str(row[0]): int(row[1]) for row in db.execute(query)}


def reviewed(db: Connection, taxonomy: Taxonomy, since: str) -> list[Reviewed]:
    """Settled reviews, one for each text that was decided."""
    query = (
        select(predictions.c.code, predictions.c.grade, predictions.c.confidence, reviews.c.final_code, reviews.c.closed)
        .join(reviews, reviews.c.prediction_id == predictions.c.id)
        .where(reviews.c.state == "done", reviews.c.same_as.is_(None), reviews.c.closed >= since)
        .order_by(reviews.c.id)
    )
    right: dict[tuple[str, str], bool] = {}
    found = []
    for code, grade, confidence, final, closed in db.execute(query):
        if (code, final) not in right:
            right[code, final] = upheld(taxonomy, code, final)
        found.append(Reviewed(code, grade, confidence, final, closed[:10], right[code, final]))
    return found


def _coded(db: Connection, since: str) -> tuple[Counter[str], Counter[str]]:
    """Rows of files coded, and those of them that need no person, by day."""
    coded: Counter[str] = Counter()
    automatic: Counter[str] = Counter()
    for row in db.execute(select(jobs.c.done, jobs.c.summary, jobs.c.started).where(jobs.c.done > 0, jobs.c.started >= since)):
        day = row.started[:10]
        coded[day] += row.done
        automatic[day] += row.done - msgspec.json.decode(row.summary).get("review", 0)
    return coded, automatic


def _agreement(db: Connection, taxonomy: Taxonomy, since: str) -> tuple[Agreement, ...]:
    """Pairs of first decisions on records that two people coded blind, undone ones left out."""
    query = (
        select(decisions.c.review_id, decisions.c.by, decisions.c.code)
        .join(reviews, reviews.c.id == decisions.c.review_id)
        .where(reviews.c.coders == 2, decisions.c.kind.in_(("code", "not_codable")), decisions.c.undone == "", decisions.c.at >= since)
        .order_by(decisions.c.review_id, decisions.c.id)
    )
    said: dict[int, list[str]] = defaultdict(list)
    for row in db.execute(query):
        if len(said[row.review_id]) < 2:
            said[row.review_id].append(row.code)
    pairs = [pair for codes in said.values() for pair in combinations(codes, 2)]
    found = []
    for level in range(1, taxonomy.depth + 1):
        at = [(_at(taxonomy, a, level), _at(taxonomy, b, level)) for a, b in pairs]
        found.append(Agreement(level, wilson(sum(a == b for a, b in at), len(at), f"level {level}"), kappa(at)))
    return tuple(found)


def _at(taxonomy: Taxonomy, code: str, level: int) -> str:
    return taxonomy.ancestor(code, level) if code in taxonomy else code


def kappa(pairs: list[tuple[str, str]]) -> float:
    """Cohen's kappa of pairs of codes; 1 where there are none, or where both always say the same one thing.

    >>> round(kappa([("a", "a")] * 20 + [("b", "b")] * 15 + [("a", "b")] * 5 + [("b", "a")] * 10), 2)
    0.4
    """
    if not pairs:
        return 1.0
    n = len(pairs)
    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    same = sum(a == b for a, b in pairs) / n
    chance = sum(first[code] * second[code] for code in first) / n**2
    return 1.0 if chance == 1 else round((same - chance) / (1 - chance), 4)
