"""The page on which many jobs are pasted at once, a line each, as they stand in a spreadsheet."""

import csv
import io
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
from isco_api.routes.given import Asking, Given
from isco_api.service import Service
from isco_rag.errors import InputError
from isco_rag.store import predictions
from isco_rag.store.reviews import open_reviews
from isco_rag.store.settings import current
from isco_rag.types import Job, Prediction


class Pasted(Struct):
    """What was pasted."""

    lines: str = ""


Sent = Annotated[Pasted, Body(media_type=RequestEncodingType.URL_ENCODED)]


def jobs_in(text: str) -> list[Job]:
    """A job for each line: title, duties and industry with tabs between them, as spreadsheets copy them; empty lines stay, but for the last.

    >>> jobs_in('nurse\\n\\ncook\\t"cooks\\nmeals"\\n\\n')[1:]
    [Job(title='', duties='', industry='', id='', language=''), Job(title='cook', duties='cooks\\nmeals', industry='', id='', language='')]
    """
    try:
        rows = list(csv.reader(io.StringIO(text.strip("\r\n").replace("\x00", ""), newline=""), delimiter="\t"))
    except csv.Error as error:
        raise InputError(f"the lines can't be read ({error}); upload them as a file") from None
    return [Job(*(cell.strip() for cell in row[:3])) for row in rows]


def beside(found: list[Prediction]) -> str:
    """The answers as lines with tabs, to be pasted beside the jobs: code, title, confidence, grade."""
    return "\n".join(f"{p.code}\t{p.title}\t{p.confidence:.4f}\t{p.grade}" if p.code else f"\t\t\t{p.grade}" for p in found)


@get("/many", sync_to_thread=False, **needs("viewer", "classify"))
def show(service: Given, caller: Asking) -> Template:
    """The empty form."""
    return page("many.html", caller, "/", pasted="", found=None, most=service.options.limits.batch)


@post("/many", status_code=200, **needs("viewer", "classify", tells=True))
async def answer(service: Given, caller: Asking, request: HTMXRequest, data: Sent) -> Template:
    """The answers, line by line; the whole page for a browser without scripts."""
    jobs, found = await _coded(service, data)
    return _shown(service, caller, request, data, jobs, found)


@post("/many/hand-over", status_code=200, **needs("coder", "review", tells=True))
async def hand_over(service: Given, caller: Asking, request: HTMXRequest, data: Sent) -> Template:
    """The answers, those of them that are for review in the queue."""
    jobs, found = await _coded(service, data)
    unsure = [(row, job, p) for row, (job, p) in enumerate(zip(jobs, found, strict=True)) if p.review and (job.title or job.duties)]

    def work() -> int:
        with service.store.write() as db:
            kept = predictions.keep(db, caller.user.name, "page", unsure)
            return open_reviews(db, kept, "handed over by a coder", current(db).coders)

    return _shown(service, caller, request, data, jobs, found, handed=await sync_to_thread(work))


async def _coded(service: Service, data: Pasted) -> tuple[list[Job], list[Prediction]]:
    jobs = service.checked_all(jobs_in(data.lines))
    found = await service.engine.classify_many(jobs)
    for prediction in found:
        service.meters.predictions.labels("page", prediction.grade).inc()
    return jobs, found


def _shown(
    service: Service,
    caller: Caller,
    request: HTMXRequest,
    data: Pasted,
    jobs: list[Job],
    found: list[Prediction],
    handed: int | None = None,
) -> Template:
    name = "parts/lines.html" if request.htmx else "many.html"
    return page(
        name, caller, "/", pasted=data.lines, found=list(zip(jobs, found, strict=True)), most=service.options.limits.batch, beside=beside(found),
        unsure=sum(p.review for p in found), handed=handed,
    )  # fmt: skip


HANDLERS = (show, answer, hand_over)
