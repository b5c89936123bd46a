"""Flags for experts: what contradicts itself."""

from typing import Annotated

from litestar import get, post
from litestar.params import JSONBody, Parameter, QueryParameter
from msgspec import Meta, Struct

from isco_api.access import Caller, needs
from isco_api.routes.given import LARGEST, Asking, Given
from isco_api.service import Service
from isco_rag.errors import ConflictError
from isco_rag.flagging import raise_flags
from isco_rag.store import flags
from isco_rag.store.records import Flag, FlagKind, FlagState
from isco_rag.store.reviews import codes_under

# Gone through by a request; the command takes more.
NEWEST = 3000
Number = Annotated[int, Parameter(ge=1, le=LARGEST, description="The flag's number.")]


class Looked(Struct, frozen=True):
    """How many flags are new, and how many were closed since what they were about was taken back."""

    new: int
    closed: int


class Close(Struct, forbid_unknown_fields=True):
    """Why a flag is closed."""

    reason: Annotated[str, Meta(min_length=1, max_length=2000)]


@get(
    "/flags",
    operation_id="listFlags",
    summary="What contradicts itself",
    tags=["quality"],
    sync_to_thread=True,
    **needs("reviewer", "quality"),
)
def list_flags(
    service: Given,
    status: Annotated[FlagState, QueryParameter(name="state")] = "open",
    kind: Annotated[FlagKind | None, Parameter()] = None,
    group: Annotated[str, Parameter(max_length=40, description="Only those about codes under this one.")] = "",
    skip: Annotated[int, Parameter(ge=0, le=2**31 - 1)] = 0,
    limit: Annotated[int, Parameter(ge=1, le=1000)] = 100,
) -> list[Flag]:  # fmt: skip
    """Flags with why, and what to look at; of each kind the heaviest first, closed ones the newest first."""
    codes = codes_under(service.engine.taxonomy, group) if group else ()
    with service.store.read() as db:
        return flags.listed(db, state=status, kind=kind or "", codes=codes, before=skip, limit=limit)


@post(
    "/flags",
    operation_id="raiseFlags",
    summary="Look for contradictions",
    tags=["quality"],
    status_code=200,
    **needs("reviewer", "quality"),
)
async def look(service: Given, caller: Asking) -> Looked:
    """Goes through the newest 3,000 decisions and kept predictions; what was flagged before is not flagged again."""
    return await look_for(service, caller)


async def look_for(service: Service, caller: Caller) -> Looked:
    """What came of looking; ConflictError where this process looks already."""
    _ = service.engine.bulk
    if not service.looking.acquire(blocking=False):
        raise ConflictError("contradictions are being looked for already; ask for the flags in a moment")
    try:
        new, closed = await service.aside(raise_flags, service.store, service.engine.bulk, caller.name, lambda _: None, NEWEST)
    finally:
        service.looking.release()
    return Looked(new, closed)


@post("/flags/{number:int}/close", operation_id="closeFlag", summary="Close a flag", tags=["quality"], status_code=200, sync_to_thread=True,
      **needs("reviewer", "quality"))  # fmt: skip
def close(service: Given, caller: Asking, number: Number, data: JSONBody[Close]) -> Flag:
    """The flag, closed with its reason; the same is not flagged again."""
    return close_one(service, caller, number, data.reason)


def close_one(service: Service, caller: Caller, number: int, reason: str) -> Flag:
    """The flag, closed."""
    with service.store.write() as db:
        return flags.close(db, caller.name, number, reason)


HANDLERS = (list_flags, look, close)
