"""The review queue, one record a screen, by keyboard: each decision answers with the next record.

The page fetches the record to come while the one before it is looked at, shows it at the key and names it with the decision (`shown`); the
decision then answers with nothing where that record is still to be decided, and with another one where it is not.

What was decided on this screen travels with it as a list of numbers, the last first, so that undo goes back step by step.
"""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import Parameter
from litestar.response import Template
from msgspec import Struct

from isco_api.access import Caller, needs
from isco_api.hiding import seen
from isco_api.pages.rendering import GRADES, page
from isco_api.routes import jobs as files
from isco_api.routes.given import LARGEST, Asking, Given
from isco_api.service import Service
from isco_rag.errors import InputError
from isco_rag.store import assignments, reviews
from isco_rag.store.records import DecisionKind, Review
from isco_rag.store.reviews import Filter, at_least
from isco_rag.types import Job

KINDS: tuple[DecisionKind, ...] = ("code", "not_codable", "skip", "flag", "comment")
REASONS = ("retired", "unemployed", "student", "homemaker", "too general", "no text")
REMEMBERED = 100
# How long a record may have been looked at: longer is a break, and no number of 32 bits.
LONGEST_LOOK = 86_400_000
Number = Annotated[int, Parameter(ge=1, le=LARGEST)]


class Wanted(Struct, frozen=True):
    """The filter, as the address and the forms carry it, and what was decided here, the last first."""

    state: str = "open"
    grade: str = ""
    group: str = ""
    job: str = ""
    flagged: bool = False
    own: bool = False
    history: tuple[int, ...] = ()


def wanted_of(values: Any) -> Wanted:
    """The filter in a query or a form; what makes no sense is left out."""
    state, grade = str(values.get("state", "open")), str(values.get("grade", ""))
    history = [int(n) for n in str(values.get("history", "")).split(",") if n.isdecimal() and len(n) < 18]
    return Wanted(
        state if state in ("open", "dispute", "done") else "open", grade if grade in GRADES else "", str(values.get("group", ""))[:40].strip(),
        str(values.get("job", ""))[:40], bool(values.get("flagged")), bool(values.get("own")), tuple(history[:REMEMBERED]),
    )  # fmt: skip


@get("/review", sync_to_thread=True, **needs("coder", "review"))
def show(service: Given, caller: Asking, request: Request[Any, Any, Any]) -> Template:
    """The most useful record, within the page of the queue."""
    wanted = wanted_of(request.query_params)
    listed = files.files_of(service, caller)
    with service.store.read() as db:
        load = next((one for one in assignments.loads(db) if one.user == caller.user.name), None)
        disputes = assignments.disputes(db) if at_least(caller.user.role, "reviewer") else 0
    listed = [job for job in listed if job.fill]
    return _shown(service, caller, wanted, whole=True, files=listed, load=load, disputes=disputes)


def _asked(caller: Caller, wanted: Wanted) -> Filter:
    """The filter as the store takes it; nobody is told by it what the machine's answer is that is hidden from him."""
    grade, group = ("", "") if caller.blind else (wanted.grade, wanted.group)
    return Filter(wanted.state, grade, group, wanted.job, caller.user.name if wanted.own else "", wanted.flagged)


def next_of(service: Service, caller: Caller, wanted: Wanted, after: int = 0) -> Review | None:
    """The record that the caller can decide now and that is most useful, or that comes when `after` is decided; None where there is none."""
    with service.store.read() as db:
        found = reviews.ranked(db, service.engine.taxonomy, caller.user, _asked(caller, wanted), 1, blind=caller.blind, after=after)
        return seen(caller, reviews.one(db, found[0], caller.user)) if found else None


def _stands(service: Service, caller: Caller, wanted: Wanted, number: int) -> bool:
    """Whether a record that was shown ahead is still one that the caller can decide now."""
    with service.store.read() as db:
        return bool(reviews.ranked(db, service.engine.taxonomy, caller.user, _asked(caller, wanted), 1, blind=caller.blind, only=number))


def _having(wanted: Wanted, number: int) -> Wanted:
    """What is wanted when a record was decided."""
    return msgspec.structs.replace(wanted, history=(number, *wanted.history)[:REMEMBERED])


def _number(said: object) -> int:
    """The number that a form names, 0 where it names none that a record can have."""
    text = str(said or "")
    return int(text) if text.isdecimal() and len(text) < 16 else 0


def _shown(service: Service, caller: Caller, wanted: Wanted, *, whole: bool = False, review: Review | None = None, **more: Any) -> Template:
    review = review or next_of(service, caller, wanted)
    mine = tuple(d for d in review.decisions if not d.undone) if review else ()
    return page(
        "review.html" if whole else "parts/record.html", caller, "/review", wanted=wanted, review=review, taxonomy=service.engine.taxonomy,
        reasons=REASONS, grade_names=GRADES, said=mine, hidden=caller.blind, **more,
    )  # fmt: skip


@get("/review/{number:int}/next", sync_to_thread=True, **needs("coder", "review"))
def ahead(service: Given, caller: Asking, request: Request[Any, Any, Any], number: Number) -> Template | Response[None]:
    """The record that comes when this one is decided, as it will stand then; nothing where there is none."""
    wanted = wanted_of(request.query_params)
    review = next_of(service, caller, wanted, after=number)
    return _shown(service, caller, _having(wanted, number), review=review) if review else Response(None, status_code=204)


@post("/review/{number:int}/decide", status_code=200, **needs("coder", "review"))
async def decide(service: Given, caller: Asking, request: Request[Any, Any, Any], number: Number) -> Template | Response[None]:
    """The next record, after a decision, or nothing where the page shows one already that stands; the same one after a comment or a flag."""
    form = await request.form()
    kind = next((k for k in KINDS if k == form.get("kind", "code")), None)
    if kind is None:
        raise InputError("there is no such decision; load the page again")
    code, spent = str(form.get("code", ""))[:40], str(form.get("milliseconds", ""))
    milliseconds = min(int(spent), LONGEST_LOOK) if spent.isdecimal() and len(spent) < 12 else 0
    texts = {name: str(form.get(name, "")) for name in ("reason", "comment")}
    wanted, shown = wanted_of(form), _number(form.get("shown"))

    def work() -> Template | Response[None]:
        with service.store.write() as db:
            decided = reviews.decide(
                db, service.engine.taxonomy, caller.user, number, kind, code=code if kind == "code" else "",
                reason=texts["reason"] if kind == "not_codable" else "", comment=texts["comment"], milliseconds=milliseconds,
            )  # fmt: skip
        service.taught.set()
        stays = seen(caller, decided) if kind in ("flag", "comment") else None
        if shown and not stays and _stands(service, caller, wanted, shown):
            return Response(None, status_code=204)
        return _shown(service, caller, _having(wanted, number), review=stays)

    return await service.engine.aside(work)


@post("/review/undo", status_code=200, **needs("coder", "review"))
async def undo(service: Given, caller: Asking, request: Request[Any, Any, Any]) -> Template:
    """The record that was decided last, without that decision."""
    wanted = wanted_of(await request.form())
    if not wanted.history:
        raise InputError("there is nothing to undo on this screen")
    last, before = wanted.history[0], wanted.history[1:]

    def work() -> Template:
        with service.store.write() as db:
            found = reviews.undo(db, service.engine.taxonomy, caller.user, last)
        service.taught.set()
        after = msgspec.structs.replace(wanted, history=before)
        return _shown(service, caller, after, review=seen(caller, found))

    return await service.engine.aside(work)


@get("/review/{number:int}/why", **needs("coder", "review"))
async def why(service: Given, caller: Asking, number: Number) -> Template:
    """The evidence for a record's candidates, asked for when the record stands already."""

    def asked() -> Job | None:
        with service.store.read() as db:
            review = reviews.one(db, number, caller.user)
        return None if caller.blind else review.record.job

    job = await service.engine.aside(asked)
    return page("parts/why.html", caller, found=await service.engine.explain(job) if job else None)


HANDLERS = (show, ahead, decide, undo, why)
