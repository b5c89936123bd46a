"""Corrections: added, listed, taken back, decided where two contradict."""

from collections.abc import Callable
from typing import Annotated

from litestar import get, post
from litestar.concurrency import sync_to_thread
from litestar.openapi.spec import Example
from litestar.params import Body, JSONBody, Parameter, QueryParameter
from msgspec import Meta, Struct
from sqlalchemy import Connection

from isco_api.access import Caller, needs
from isco_api.hiding import seen, seen_all
from isco_api.routes.given import LARGEST, Asking, Given
from isco_api.service import Service
from isco_rag.correcting import Outcome, Row, enter, fault
from isco_rag.errors import NotFoundError
from isco_rag.store import corrections
from isco_rag.store.records import Correction, CorrectionState
from isco_rag.types import Job

Number = Annotated[int, Parameter(ge=1, le=LARGEST, description="The correction's number.")]


class Correct(Struct, forbid_unknown_fields=True):
    """A job and the code that it should have; a shorter code is used at its level."""

    job: Job
    code: Annotated[str, Meta(min_length=1, max_length=40)]
    reason: Annotated[str, Meta(max_length=2000)] = ""


class Why(Struct, forbid_unknown_fields=True):
    """Why something is changed."""

    reason: Annotated[str, Meta(max_length=2000)] = ""


CORRECT = Body(examples=[Example(summary="A correction", value={"job": {"title": "cow man"}, "code": "9212", "reason": "labourer"})])


@post(
    "/corrections",
    operation_id="addCorrection",
    summary="Correct a job's code",
    tags=["corrections"],
    status_code=201,
    **needs("coder", "corrections"),
)
async def add(service: Given, caller: Asking, data: Annotated[Correct, CORRECT]) -> Correction:
    """The correction that stands now, with what the model answers at this time. The same text with another code is disputed until somebody decides."""
    return seen(caller, await correct(service, caller, data))


async def correct(service: Service, caller: Caller, data: Correct) -> Correction:
    """The correction, written; the index follows it."""
    corrections.check(service.engine.taxonomy, service.checked(data.job), data.code)
    answered = await service.engine.classify(data.job)

    def work() -> Correction:
        with service.store.write() as db:
            return corrections.add(
                db, service.engine.taxonomy, caller.name, "api", data.job, data.code, reason=data.reason, answered=answered
            )  # fmt: skip

    found = await sync_to_thread(work)
    service.taught.set()
    return found


@get("/corrections", operation_id="listCorrections", summary="Corrections", tags=["corrections"], sync_to_thread=True,
     **needs("coder", "corrections"))  # fmt: skip
def list_corrections(
    service: Given,
    caller: Asking,
    status: Annotated[CorrectionState | None, QueryParameter(name="state")] = None,
    code: Annotated[str, Parameter(max_length=40)] = "",
    of: Annotated[int, QueryParameter(name="import", ge=0, le=LARGEST, description="Only those that came with this import.")] = 0,
    by: Annotated[str, Parameter(max_length=120)] = "",
    before: Annotated[int, Parameter(ge=0, le=LARGEST)] = 0,
    limit: Annotated[int, Parameter(ge=1, le=1000)] = 100,
) -> list[Correction]:  # fmt: skip
    """The newest first."""
    with service.store.read() as db:
        found = corrections.listed(
            db, state=status or "", code=code, by=by, import_id=of, before=before, limit=limit, reviewed=not caller.blind
        )  # fmt: skip
    return seen_all(caller, found)


@get("/corrections/{number:int}", operation_id="getCorrection", summary="One correction", tags=["corrections"], sync_to_thread=True,
     **needs("coder", "corrections"))  # fmt: skip
def one(service: Given, caller: Asking, number: Number) -> Correction:
    """The correction, with what the model had answered."""
    with service.store.read() as db:
        found = corrections.one(db, number)
    if caller.blind and found.review_id is not None:
        raise NotFoundError(f"there is no correction {number} that you may see; list them to see their numbers")
    return seen(caller, found)


@post("/corrections/{number:int}/revert", operation_id="revertCorrection", summary="Take a correction back", tags=["corrections"],
      status_code=200, sync_to_thread=True, **needs("reviewer", "corrections"))  # fmt: skip
def revert(service: Given, caller: Asking, number: Number, data: JSONBody[Why]) -> Correction:
    """The correction, reverted; twice is once."""
    return decide(service, caller, corrections.revert, number, data.reason)


@post("/corrections/{number:int}/uphold", operation_id="upholdCorrection", summary="Decide a dispute", tags=["corrections"], status_code=200,
      sync_to_thread=True, **needs("reviewer", "corrections"))  # fmt: skip
def uphold(service: Given, caller: Asking, number: Number, data: JSONBody[Why]) -> Correction:
    """The disputed correction, active; the others of its text are taken back."""
    return decide(service, caller, corrections.adjudicate, number, data.reason)


@post("/corrections/{number:int}/release", operation_id="releaseCorrection", summary="Release a held correction", tags=["corrections"],
      status_code=200, sync_to_thread=True, **needs("reviewer", "corrections"))  # fmt: skip
def release(service: Given, caller: Asking, number: Number, data: JSONBody[Why]) -> Correction:
    """The correction, in the index, or disputed where others of its text say something else; twice is once."""
    return decide(service, caller, corrections.release, number, data.reason)


# What is done about a correction: reverted, upheld, released.
Deed = Callable[[Connection, str, int, str], Correction]


def decide(service: Service, caller: Caller, deed: Deed, number: int, reason: str) -> Correction:
    """The correction after what was decided about it; the index follows."""
    with service.store.write() as db:
        found = deed(db, caller.name, number, reason)
    service.taught.set()
    return found


class Batch(Struct, forbid_unknown_fields=True):
    """Corrections in a batch; what can't be taken is said of each row."""

    corrections: Annotated[list[Row], Meta(min_length=1, max_length=1000)]


BATCH = Body(examples=[Example(summary="Two", value={"corrections": [
    {"job": {"title": "cow man"}, "code": "9212", "reason": "labourer"}, {"job": {"title": "nurse", "duties": "ward"}, "code": "2221"},
]})])  # fmt: skip


@post("/corrections/batch", operation_id="addCorrections", summary="Correct up to 1,000 jobs", tags=["corrections"], status_code=200,
      **needs("coder", "corrections"))  # fmt: skip
async def add_batch(service: Given, caller: Asking, data: Annotated[Batch, BATCH]) -> list[Outcome]:
    """What became of each row: active, disputed, held for an expert, already there, or rejected, with the reason. The good ones go in, all at once."""
    taxonomy = service.engine.taxonomy
    rows = [i for i, row in enumerate(data.corrections) if not fault(taxonomy, row.job, row.code)]
    answers = await service.engine.classify_many([data.corrections[i].job for i in rows])
    found = await service.aside(
        enter, service.store, service.engine.bulk, service.known(), caller.name, data.corrections, dict(zip(rows, answers, strict=True))
    )
    service.taught.set()
    return seen_all(caller, found)


HANDLERS = (add, add_batch, list_corrections, one, revert, uphold, release)
