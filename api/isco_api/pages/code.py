"""The page on which one job is coded while it is typed, with the reasons, and corrected."""

from typing import Annotated

from litestar import get, post
from litestar.concurrency import sync_to_thread
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.plugins.htmx import HTMXRequest
from litestar.response import Template
from msgspec import Struct

from isco_api.access import Caller, needs
from isco_api.pages.rendering import page
from isco_api.routes import corrections
from isco_api.routes.given import Asking, Given
from isco_api.service import Service
from isco_rag.store import predictions
from isco_rag.store.records import Correction
from isco_rag.store.reviews import open_reviews
from isco_rag.store.settings import current
from isco_rag.types import Job


class Asked(Struct):
    """A job as the form sends it."""

    title: str = ""
    duties: str = ""
    industry: str = ""

    @property
    def job(self) -> Job:
        """The job."""
        return Job(self.title, self.duties, self.industry)


class Correcting(Asked):
    """A job, the code that it should have, and why."""

    code: str = ""
    reason: str = ""


Typed = Annotated[Asked, Body(media_type=RequestEncodingType.URL_ENCODED)]
Corrected = Annotated[Correcting, Body(media_type=RequestEncodingType.URL_ENCODED)]


@get("/", sync_to_thread=False, **needs("viewer", "classify"))
def show(caller: Asking) -> Template:
    """The empty form."""
    return page("code.html", caller, "/", asked=Asked(), found=None)


@post("/answer", status_code=200, **needs("viewer", "classify", tells=True))
async def answer(service: Given, caller: Asking, request: HTMXRequest, data: Typed) -> Template:
    """The answer to what is typed so far; the whole page for a browser without scripts."""
    return await _answered(service, caller, data, whole=not request.htmx)


@post("/correct", status_code=200, **needs("coder", "corrections", tells=True))
async def correct(service: Given, caller: Asking, request: HTMXRequest, data: Corrected) -> Template:
    """The new answer, with the correction already among its evidence."""
    wanted = corrections.Correct(data.job, data.code.strip(), data.reason[:2000])
    saved = await corrections.correct(service, caller, wanted)
    await sync_to_thread(service.live.follow)
    return await _answered(service, caller, data, whole=not request.htmx, saved=saved)


@post("/hand-over", status_code=200, **needs("coder", "review", tells=True))
async def hand_over(service: Given, caller: Asking, request: HTMXRequest, data: Typed) -> Template:
    """The answer, kept and put into the review queue."""
    found = await service.engine.classify(service.checked(data.job))

    def work() -> None:
        with service.store.write() as db:
            kept = predictions.keep(db, caller.user.name, "page", [(0, data.job, found)])
            open_reviews(db, kept, "handed over by a coder", current(db).coders)

    await sync_to_thread(work)
    return await _answered(service, caller, data, whole=not request.htmx, handed=True)


async def _answered(
    service: Service, caller: Caller, asked: Asked, *, whole: bool, saved: Correction | None = None, handed: bool = False
) -> Template:
    found = None
    if asked.title.strip() or asked.duties.strip():
        found = await service.engine.explain(service.checked(asked.job))
        service.coded("page", [found.prediction])
    name = "code.html" if whole else "parts/answer.html"
    return page(name, caller, "/", asked=asked, found=found, taxonomy=service.engine.taxonomy, saved=saved, handed=handed)


HANDLERS = (show, answer, correct, hand_over)
