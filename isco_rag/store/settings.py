"""What an administrator sets while the service runs; what needs a restart stands in the settings file (isco_rag/settings.py)."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import Connection, select

from isco_rag.errors import InputError
from isco_rag.store import audit
from isco_rag.store.schema import settings
from isco_rag.types import Grade

DAY = r"^(\d{4}-\d{2}-\d{2})?$"


class Running(Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of the running service with their defaults."""

    hide_machine_code: bool = False
    coders: Annotated[int, Meta(ge=1, le=2)] = 1
    result_days: Annotated[int, Meta(ge=1, le=3650)] = 30
    review_grades: tuple[Grade, ...] = ("very_low", "not_codable")
    # What is drawn from each file for review: at most so many rows and at most this share of them, divided among three designs.
    sample_rows: Annotated[int, Meta(ge=0, le=100_000)] = 200
    sample_share: Annotated[float, Meta(ge=0, le=1)] = 0.02
    sample_random: Annotated[float, Meta(ge=0, le=1)] = 0.5
    sample_uncertain: Annotated[float, Meta(ge=0, le=1)] = 0.25
    sample_diverse: Annotated[float, Meta(ge=0, le=1)] = 0.25
    # From where on a watched figure is an alert (isco_rag/learn/monitor.py), and the days that it is compared with: empty for the year before.
    alert_rows: Annotated[int, Meta(ge=20, le=1_000_000)] = 200
    alert_psi: Annotated[float, Meta(gt=0, le=10)] = 0.25
    alert_automation: Annotated[float, Meta(gt=0, le=1)] = 0.1
    alert_far: Annotated[float, Meta(gt=0, le=1)] = 0.1
    alert_centroid: Annotated[float, Meta(gt=0, le=2)] = 0.05
    alert_calibration: Annotated[float, Meta(ge=0, le=1)] = 0.05
    alert_error: Annotated[float, Meta(gt=0, le=1)] = 0.15
    # Retraining by schedule, off at 0 days: at least so many days after the last, from one hour of the day to another (UTC), with at least so
    # many corrections that no model has learned, for at most so many minutes; what happens with the model then.
    retrain_days: Annotated[int, Meta(ge=0, le=3650)] = 0
    retrain_from: Annotated[int, Meta(ge=0, le=23)] = 0
    retrain_to: Annotated[int, Meta(ge=1, le=24)] = 24
    retrain_corrections: Annotated[int, Meta(ge=50, le=10_000_000)] = 500
    retrain_minutes: Annotated[int, Meta(ge=1, le=10_000)] = 30
    retrain_then: Literal["wait", "judge", "promote"] = "wait"
    reference_from: Annotated[str, Meta(pattern=DAY)] = ""
    reference_until: Annotated[str, Meta(pattern=DAY)] = ""


def current(db: Connection) -> Running:
    """The settings as they stand."""
    found = {row.name: msgspec.json.decode(row.value) for row in db.execute(select(settings))}
    return msgspec.convert({name: value for name, value in found.items() if name in Running.__struct_fields__}, Running)


def change(db: Connection, who: str, values: dict[str, object]) -> Running:
    """The settings with these values; InputError names one that does not exist or can't be."""
    before = current(db)
    try:
        after = msgspec.convert({**msgspec.to_builtins(before), **values}, Running)
    except msgspec.ValidationError as error:
        raise InputError(f"setting can't be: {error}; see docs/guide/service.md") from None
    for name in values:
        db.execute(settings.delete().where(settings.c.name == name))
        db.execute(settings.insert().values(name=name, value=msgspec.json.encode(getattr(after, name)).decode()))
    audit.append(db, who, "settings.change", "settings", before=before, after=after)
    return after
