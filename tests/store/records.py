"""Predictions and people to test with, over the tiny classification."""

from sqlalchemy import Connection

from isco_rag.store import predictions, reviews, users
from isco_rag.store.records import Role, User
from isco_rag.types import Candidate, Grade, Job, Prediction

PASSWORD = "correct horse battery"


def prediction(code: str = "truck", confidence: float = 0.4, grade: Grade = "very_low", level: int = 3) -> Prediction:
    top = tuple(Candidate(c, c, p) for c, p in ((code if level == 3 else "truck", confidence), ("taxi", 0.2), ("sport", 0.1)))
    return Prediction("", code, code, level, confidence, grade, grade == "very_low", top, "", "tiny")


def person(db: Connection, name: str, role: Role = "coder") -> User:
    return users.add(db, "test", name, PASSWORD, role)


def waiting(db: Connection, title: str, coders: int = 1, **about: object) -> int:
    """A review that is open; its number."""
    kept = predictions.keep(db, "ann", "api", [(0, Job(title), prediction(**about))])  # type: ignore[arg-type]
    reviews.open_reviews(db, kept, "test", coders)
    return int(db.execute(reviews.reviews.select().order_by(reviews.reviews.c.id.desc())).first().id)  # type: ignore[union-attr]
