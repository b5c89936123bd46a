"""What an administrator sets while the service runs; what needs a restart stands in the settings file (isco_rag/settings.py)."""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import Connection, select

from isco_rag.errors import InputError
from isco_rag.store import audit
from isco_rag.store.schema import settings
from isco_rag.types import Grade


class Running(Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of the running service with their defaults."""

    hide_machine_code: bool = False
    coders: Annotated[int, Meta(ge=1, le=2)] = 1
    result_days: Annotated[int, Meta(ge=1, le=3650)] = 30
    review_grades: tuple[Grade, ...] = ("very_low", "not_codable")


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
