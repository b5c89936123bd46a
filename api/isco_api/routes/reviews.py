"""The review queue and what people decide."""

from typing import Annotated

import msgspec
from litestar import get, post
from litestar.openapi.spec import Example
from litestar.params import Body, JSONBody, Parameter, QueryParameter
from msgspec import Meta, Struct

from isco_api.access import Caller, needs
from isco_api.routes.given import Asking, Given
from isco_api.service import Service
from isco_rag.errors import InputError
from isco_rag.store import reviews
from isco_rag.store.records import DecisionKind, Review, ReviewState
from isco_rag.store.reviews import Filter, at_least
from isco_rag.types import Grade

Number = Annotated[int, Parameter(ge=1, le=2**62, description="The review's number.")]


class Decide(Struct, forbid_unknown_fields=True):
    """What you say of a record: a code, 'not_codable' with a reason, or a skip, flag or comment beside it."""

    kind: DecisionKind
    code: Annotated[str, Meta(max_length=40)] = ""
    reason: Annotated[str, Meta(max_length=2000)] = ""
    comment: Annotated[str, Meta(max_length=2000)] = ""
    milliseconds: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0


class Assign(Struct, forbid_unknown_fields=True):
    """Who is to look at which records; an empty name takes an assignment back."""

    reviews: Annotated[list[Annotated[int, Meta(ge=1, le=2**62)]], Meta(min_length=1, max_length=1000)]
    user: Annotated[str, Meta(max_length=80)]


class Open(Struct, forbid_unknown_fields=True):
    """Kept predictions that are to be looked at, why, and by how many coders blind to each other."""

    predictions: Annotated[list[Annotated[int, Meta(ge=1, le=2**62)]], Meta(min_length=1, max_length=1000)]
    why: Annotated[str, Meta(min_length=1, max_length=500)] = "asked for"
    coders: Annotated[int, Meta(ge=1, le=2)] | None = None


class Count(Struct, frozen=True):
    """How many records it was."""

    count: int


def hidden(review: Review) -> Review:
    """The review without what the machine said, for coders who are to decide without it."""
    said = msgspec.structs.replace(
        review.record.prediction, code="", title="", level=0, confidence=0.0, grade="not_codable", review=True, top=(), reason=""
    )  # fmt: skip
    # How likely a record was to be drawn tells its band, and its design how sure the machine was.
    return msgspec.structs.replace(review, score=0.0, weight=1.0, design="", record=msgspec.structs.replace(review.record, prediction=said))


def seen(service: Service, caller: Caller, review: Review) -> Review:
    """The review as the caller may see it: undecided, and the installation hides the machine's code from coders, without that."""
    hide = review.state != "done" and not at_least(caller.user.role, "reviewer") and service.running().hide_machine_code
    return hidden(review) if hide else review


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
    with service.store.read() as db:
        found = reviews.queue(db, service.engine.taxonomy, caller.user, wanted, limit, mine=mine)
    return [seen(service, caller, review) for review in found]


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
        return seen(service, caller, reviews.one(db, number, caller.user))


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
    return seen(service, caller, found)


@post("/reviews/{number:int}/undo", operation_id="undoDecision", summary="Take your last decision back", tags=["review"], status_code=200,
      sync_to_thread=True, **needs("coder", "review"))  # fmt: skip
def undo(service: Given, caller: Asking, number: Number) -> Review:
    """The record without it; the decision stays in the history with the time of its undoing."""
    with service.store.write() as db:
        found = reviews.undo(db, service.engine.taxonomy, caller.user, number)
    service.taught.set()
    return seen(service, caller, found)


@post("/reviews/assign", operation_id="assignReviews", summary="Assign records", tags=["review"], status_code=200, sync_to_thread=True,
      **needs("reviewer", "review"))  # fmt: skip
def assign(service: Given, caller: Asking, data: JSONBody[Assign]) -> Count:
    """How many open records are assigned now."""
    with service.store.write() as db:
        return Count(reviews.assign(db, caller.name, data.reviews, data.user))


@post("/reviews", operation_id="openReviews", summary="Put kept predictions into the queue", tags=["review"], status_code=201,
      sync_to_thread=True, **needs("coder", "review"))  # fmt: skip
def open_reviews(service: Given, data: JSONBody[Open]) -> Count:
    """How many were not in it yet."""
    with service.store.write() as db:
        coders = service.running().coders if data.coders is None else data.coders
        count = reviews.open_reviews(db, data.predictions, data.why, coders)
        if not count and not reviews.known(db, data.predictions):
            raise InputError("none of these predictions is kept; keep them first with: POST /api/v1/classify?keep=true")
    return Count(count)


HANDLERS = (queue, one, decide, undo, assign, open_reviews)
