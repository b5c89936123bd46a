"""Corrections as they stand up to a number, for a retraining; and where the numbers are."""

from sqlalchemy import Connection, func, select

from isco_rag.store.corrections import record
from isco_rag.store.records import Correction
from isco_rag.store.schema import corrections


def taught(db: Connection, until: int) -> list[Correction]:
    """The active corrections up to number `until`, in order."""
    query = select(corrections).where(corrections.c.id <= until, corrections.c.state == "active").order_by(corrections.c.id)
    return [record(row) for row in db.execute(query)]


def ever(db: Connection, until: int) -> list[Correction]:
    """Every correction up to number `until`, those that were taken back too: a model may have learned them before."""
    return [record(row) for row in db.execute(select(corrections).where(corrections.c.id <= until).order_by(corrections.c.id))]


def last(db: Connection) -> int:
    """The number of the newest correction, 0 where there is none."""
    return int(db.execute(select(func.coalesce(func.max(corrections.c.id), 0))).scalar_one())
