"""Files of corrections: taken in beside the requests, followed, their rows that need a look fetched."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

from litestar import Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.enums import RequestEncodingType
from litestar.params import Body, JSONBody, Parameter
from msgspec import Meta, Struct

from isco_api.access import Caller, needs
from isco_api.hiding import seen_report
from isco_api.routes.given import LARGEST, Asking, Given
from isco_api.routes.jobs import Upload, about, spooled
from isco_api.service import Service
from isco_rag.correcting import begin_import, import_table
from isco_rag.correction_tables import Table, open_table
from isco_rag.errors import CoderError, ConflictError, InputError, NotFoundError, TooLargeError
from isco_rag.sheets import read_upload
from isco_rag.store import corrections, imports
from isco_rag.store.records import Import
from isco_rag.store.reviews import at_least

log = logging.getLogger("isco_api.imports")
Number = Annotated[int, Parameter(ge=1, le=LARGEST, description="The import's number.")]


def own(service: Service, caller: Caller, number: int) -> Import:
    """An import that the caller may see: its own, or any for reviewers."""
    with service.store.read() as db:
        found = imports.one(db, number)
    if found.by != caller.name and not at_least(caller.user.role, "reviewer"):
        raise NotFoundError(f"there is no import {number} of yours; list them to see their numbers")
    return found


def visible(service: Service, caller: Caller, limit: int = 100) -> list[Import]:
    """The newest imports that the caller may see."""
    with service.store.read() as db:
        return imports.listed(db, "" if at_least(caller.user.role, "reviewer") else caller.name, limit)


def take(service: Service, caller: Caller, name: str, path: Path, chosen: dict[str, str], encoding: str, delimiter: str) -> Import:
    """The import of the file at `path`, begun; it goes on in the background and removes the file. Errors name it as its owner knows it."""
    shown, beside = Path(name.replace("\\", "/")).name[:200] or "upload", path.with_name(path.name + ".csv")

    def clear() -> None:
        path.unlink(missing_ok=True)
        beside.unlink(missing_ok=True)

    try:
        _, text, form = read_upload(path, beside, encoding, delimiter)
        if form.rows > service.options.limits.rows:
            raise TooLargeError(f"it has {form.rows:,} rows, at most {service.options.limits.rows:,} are taken; divide it")
        table = open_table(text, shown, form, chosen)
        _ = service.engine.bulk
        begun = begin_import(service.store, caller.name, table)
        if begun.id in service.importing:
            raise ConflictError(f"import {begun.id} of the same file is going on; follow it")
    except CoderError as error:
        clear()
        raise type(error)(about(shown, str(error), path, beside)) from None
    service.importing.add(begun.id)
    service.start_aside(_work, service, caller.name, table, begun, clear)
    return begun


def _work(service: Service, who: str, table: Table, begun: Import, clear: Callable[[], None]) -> None:
    """Takes a file in. What stops it is logged; the same file given again goes on where it was."""

    def step(_: int) -> None:
        if service.stopping.is_set():
            raise ConflictError("the service ends")

    try:
        with service.engine.turns.using():
            import_table(service.store, service.engine.bulk, service.known(), who, table, begun, step)
    except CoderError as error:
        log.warning("an import waits until its file is given again: %s", error, extra={"import": begun.id})
    except Exception:
        log.exception("an import stopped", extra={"import": begun.id})
    finally:
        clear()
        service.importing.discard(begun.id)
        service.taught.set()


def decide_all(service: Service, caller: Caller, number: int, deed: str, reason: str) -> int:
    """Releases or drops what is held of an import, or takes all of it back; how many corrections it was."""
    if deed not in ("release", "drop", "revert"):
        raise InputError("what is held can be released or dropped, an import reverted")
    with service.store.write() as db:
        imports.one(db, number)
        found = corrections.numbers_of(db, number, state="" if deed == "revert" else "held")
        work = corrections.release if deed == "release" else corrections.revert
        for one in found:
            work(db, caller.name, one, reason)
    service.taught.set()
    return len(found)


@post("/corrections/imports", operation_id="importCorrections", summary="Import a file of corrections", tags=["corrections"], status_code=202,
      **needs("coder", "corrections"))  # fmt: skip
async def upload(
    service: Given, caller: Asking,
    data: Annotated[Upload, Body(media_type=RequestEncodingType.MULTI_PART)],
    encoding: Annotated[str, Parameter(max_length=40, description="Encoding of a text file, where the guess is wrong.")] = "",
    delimiter: Annotated[str, Parameter(max_length=1, description="Delimiter of a text file, where the guess is wrong.")] = "",
    title: Annotated[str, Parameter(max_length=1000, description="Column with the job title, where the guess is wrong.")] = "",
    duties: Annotated[str, Parameter(max_length=1000, description="Column with the duties.")] = "",
    code: Annotated[str, Parameter(max_length=1000, description="Column with the people's codes.")] = "",
) -> Import:  # fmt: skip
    """Takes CSV or XLSX and goes on in the background; the same file again goes on with an import that was interrupted."""
    path = await spooled(service, data.data)
    chosen = {field: name for field, name in (("title", title), ("duties", duties), ("code", code)) if name}
    return await sync_to_thread(take, service, caller, data.data.filename or "upload", path, chosen, encoding, delimiter)


@get("/corrections/imports", operation_id="listImports", summary="Files of corrections", tags=["corrections"], sync_to_thread=True,
     **needs("coder", "corrections"))  # fmt: skip
def list_imports(service: Given, caller: Asking, limit: Annotated[int, Parameter(ge=1, le=1000)] = 100) -> list[Import]:
    """The newest first: your own, or all for reviewers."""
    return visible(service, caller, limit)


@get("/corrections/imports/{number:int}", operation_id="getImport", summary="One file of corrections", tags=["corrections"],
     sync_to_thread=True, **needs("coder", "corrections"))  # fmt: skip
def get_import(service: Given, caller: Asking, number: Number) -> Import:
    """How many rows are in, and, when it is done, what became of them."""
    return own(service, caller, number)


@get("/corrections/imports/{number:int}/report", operation_id="fetchImportReport", summary="Rows of a file that need a look",
     tags=["corrections"], sync_to_thread=True, media_type="text/csv", **needs("coder", "corrections"))  # fmt: skip
def fetch_report(service: Given, caller: Asking, number: Number) -> Response[str]:
    """Rejected, held and disputed rows as CSV, each with its number, the reason, and itself; empty where there is none."""
    own(service, caller, number)
    with service.store.read() as db:
        text = seen_report(caller, imports.report(db, number))
    headers = {"content-disposition": f'attachment; filename="import_{number}_report.csv"'}
    return Response(text, media_type="text/csv", headers=headers)


class Deed(Struct, forbid_unknown_fields=True):
    """What is decided about a file: `release` or `drop` what is held of it, or `revert` all of it; and why."""

    deed: Literal["release", "drop", "revert"]
    reason: Annotated[str, Meta(max_length=2000)] = ""


class Decided(Struct, frozen=True):
    """How many corrections it was."""

    count: int


@post("/corrections/imports/{number:int}/decide", operation_id="decideImport", summary="Decide about a whole file", tags=["corrections"],
      status_code=200, sync_to_thread=True, **needs("reviewer", "corrections"))  # fmt: skip
def decide(service: Given, caller: Asking, number: Number, data: JSONBody[Deed]) -> Decided:
    """How many of its corrections were released, dropped or taken back, all at once."""
    return Decided(decide_all(service, caller, number, data.deed, data.reason))


# `upload` stands apart: it takes larger bodies than the others.
HANDLERS = (list_imports, get_import, fetch_report, decide)
