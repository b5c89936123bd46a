"""How a bundle did on shipped gold when it first answered in this installation."""

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, delete, insert, select, update

from isco_rag.store import clock
from isco_rag.store.schema import evaluations
from isco_rag.types import Metric

# Longer than a few rows take; a process that was killed is followed by another after that.
LEASE_SECONDS = 60.0


class Evaluation(Struct, frozen=True):
    """A bundle's figures on a suite, beside those that its manifest promises; `finished` is empty while it is being measured."""

    key: str
    bundle: str
    suite: str
    started: str
    finished: str
    figures: tuple[Metric, ...]
    promised: tuple[Metric, ...]


def claim(db: Connection, key: str, bundle: str, suite: str) -> bool:
    """Whether the caller is to measure now: nobody has, and nobody is at it."""
    row = db.execute(select(evaluations).where(evaluations.c.key == key).with_for_update()).first()
    if row is not None and (row.state == "done" or row.lease > clock.now()):
        return False
    db.execute(delete(evaluations).where(evaluations.c.key == key))
    at, lease = clock.now(), clock.later(seconds=LEASE_SECONDS)
    db.execute(
        insert(evaluations).values(
            key=key, bundle=bundle, suite=suite, state="running", started=at, lease=lease, finished="", figures="[]", promised="[]"
        )
    )
    return True


def renew(db: Connection, key: str) -> None:
    """Prolongs the caller's claim."""
    db.execute(update(evaluations).where(evaluations.c.key == key).values(lease=clock.later(seconds=LEASE_SECONDS)))


def release(db: Connection, key: str) -> None:
    """Gives up what was not finished."""
    db.execute(delete(evaluations).where(evaluations.c.key == key, evaluations.c.state == "running"))


def finish(db: Connection, key: str, figures: tuple[Metric, ...], promised: tuple[Metric, ...]) -> None:
    """Keeps the figures for good."""
    values = {"figures": msgspec.json.encode(figures).decode(), "promised": msgspec.json.encode(promised).decode()}
    db.execute(update(evaluations).where(evaluations.c.key == key).values(state="done", finished=clock.now(), **values))


def listed(db: Connection, bundle: str = "") -> list[Evaluation]:
    """The newest first, of one bundle or of all."""
    query = select(evaluations).order_by(evaluations.c.started.desc(), evaluations.c.key)
    kind = tuple[Metric, ...]
    return [
        Evaluation(
            row.key, row.bundle, row.suite, row.started, row.finished, msgspec.json.decode(row.figures, type=kind),
            msgspec.json.decode(row.promised, type=kind),
        )
        for row in db.execute(query.where(evaluations.c.bundle == bundle) if bundle else query)
    ]  # fmt: skip
