"""The review queue and what people decide."""

from typing import Annotated

from litestar import get, post
from litestar.openapi.spec import Example
from litestar.params import Body, JSONBody, Parameter, QueryParameter
from msgspec import Meta, Struct

from isco_api.access import needs
from isco_api.hiding import seen, seen_all
from isco_api.routes.given import LARGEST, Asking, Given
from isco_rag.errors import AccessError, NotFoundError
from isco_rag.store import assignments, reviews
from isco_rag.store.records import DecisionKind, Review, ReviewState
from isco_rag.store.reviews import Filter
from isco_rag.types import Grade

Number = Annotated[int, Parameter(ge=1, le=LARGEST, description="The review's number.")]


class Decide(Struct, forbid_unknown_fields=True):
    """What you say of a record: a code, 'not_codable' with a reason, or a skip, flag or comment beside it."""

    kind: DecisionKind
    code: Annotated[str, Meta(max_length=40)] = ""
    reason: Annotated[str, Meta(max_length=2000)] = ""
    comment: Annotated[str, Meta(max_length=2000)] = ""
    milliseconds: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0


class Assign(Struct, forbid_unknown_fields=True):
    """Who is to look at which records; an empty name takes an assignment back."""

    reviews: Annotated[list[int], Meta(min_length=1, max_length=1000)]
    user: Annotated[str, Meta(max_length=80)]


class Open(Struct, forbid_unknown_fields=True):
    """Kept predictions that are to be looked at, why, and by how many coders blind to each other."""

    predictions: Annotated[list[int], Meta(min_length=1, max_length=1000)]
    why: Annotated[str, Meta(min_length=1, max_length=500)] = "asked for"
    coders: Annotated[int, Meta(ge=1, le=2)] | None = None


class Count(Struct, frozen=True):
    """How many records it was."""

    count: int


def possible(numbers: list[int]) -> list[int]:
    """Those that a record can have; there is none with another."""
    return [number for number in numbers if 0 < number <= LARGEST]


@get("/reviews", operation_id="listReviews", summary="The review queue", tags=["review"], sync_to_thread=True, **needs("coder", "review"))
def queue(
    service: Given, caller: Asking,
    status: Annotated[ReviewState, QueryParameter(name="state")] = "open",
    grade: Annotated[Grade | None, Parameter()] = None,
    group: Annotated[str, Parameter(max_length=40, description="Only records whose code lies under this one.")] = "",
    job: Annotated[str, Parameter(max_length=40, description="Only records of this file.")] = "",
    assigned: Annotated[str, Parameter(max_length=80)] = "",
    flagged: Annotated[bool, Parameter(description="Only flagged records.")] = False,
    mine: Annotated[bool, Parameter(description="Only what you can decide now.")] = True,
    limit: Annotated[int, Parameter(ge=1, le=500)] = 20,
) -> list[Review]:  # fmt: skip
    """The most useful first, those you skipped last; of blind records you see only what you said."""
    wanted = Filter(status, grade or "", group, job, assigned, flagged)
    if caller.blind and (grade or group):
        raise AccessError("the machine's answer is hidden from coders here, so records can't be chosen by it; leave grade and group out")
    with service.store.read() as db:
        return seen_all(caller, reviews.queue(db, service.engine.taxonomy, caller.user, wanted, limit, mine=mine, blind=caller.blind))


@get(
    "/reviews/{number:int}",
    operation_id="getReview",
    summary="One record",
    tags=["review"],
    sync_to_thread=True,
    **needs("coder", "review"),
)
def one(service: Given, caller: Asking, number: Number) -> Review:
    """The record, the machine's answer and what was said of it so far."""
    with service.store.read() as db:
        return seen(caller, reviews.one(db, number, caller.user))


DECIDE = Body(
    examples=[
        Example(summary="A code", value={"kind": "code", "code": "2411"}),
        Example(summary="Not codable", value={"kind": "not_codable", "reason": "retired"}),
    ]
)


@post("/reviews/{number:int}/decisions", operation_id="decide", summary="Decide", tags=["review"], status_code=200, sync_to_thread=True,
      **needs("coder", "review"))  # fmt: skip
def decide(service: Given, caller: Asking, number: Number, data: Annotated[Decide, DECIDE]) -> Review:
    """The record with your decision; the same decision sent twice counts once. A code that is not the machine's becomes a correction."""
    with service.store.write() as db:
        found = reviews.decide(
            db, service.engine.taxonomy, caller.user, number, data.kind,
            code=data.code, reason=data.reason, comment=data.comment, milliseconds=data.milliseconds,
        )  # fmt: skip
    service.taught.set()
    return seen(caller, found)


@post("/reviews/{number:int}/undo", operation_id="undoDecision", summary="Take your last decision back", tags=["review"], status_code=200,
      sync_to_thread=True, **needs("coder", "review"))  # fmt: skip
def undo(service: Given, caller: Asking, number: Number) -> Review:
    """The record without it; the decision stays in the history with the time of its undoing."""
    with service.store.write() as db:
        found = reviews.undo(db, service.engine.taxonomy, caller.user, number)
    service.taught.set()
    return seen(caller, found)


@post("/reviews/assign", operation_id="assignReviews", summary="Assign records", tags=["review"], status_code=200, sync_to_thread=True,
      **needs("reviewer", "review"))  # fmt: skip
def assign(service: Given, caller: Asking, data: JSONBody[Assign]) -> Count:
    """How many open records are assigned now."""
    with service.store.write() as db:
        return Count(assignments.assign(db, caller.name, possible(data.reviews), data.user))


@post("/reviews", operation_id="openReviews", summary="Put kept predictions into the queue", tags=["review"], status_code=201,
      sync_to_thread=True, **needs("coder", "review"))  # fmt: skip
def open_reviews(service: Given, data: JSONBody[Open]) -> Count:
    """How many were not in it yet."""
    with service.store.write() as db:
        coders = service.running().coders if data.coders is None else data.coders
        numbers = possible(data.predictions)
        count = reviews.open_reviews(db, numbers, data.why, coders)
        if not count and not reviews.known(db, numbers):
            raise NotFoundError("none of these predictions is kept; keep them first with: POST /api/v1/classify?keep=true")
    return Count(count)


HANDLERS = (queue, one, decide, undo, assign, open_reviews)
