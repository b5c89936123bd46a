"""Files: dropped, looked at, mapped, coded, fetched. The upload itself goes to the API, which takes large bodies."""

from collections import Counter
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.params import Parameter
from litestar.plugins.htmx import HTMXRequest
from litestar.response import Redirect, Template

from isco_api.access import Caller, needs
from isco_api.pages.rendering import GRADES, page
from isco_api.routes import jobs as api
from isco_api.routes.given import Asking, Given
from isco_api.service import Service
from isco_api.worker import uploaded_file
from isco_rag.errors import NotFoundError
from isco_rag.results import FORMATS
from isco_rag.store import jobs
from isco_rag.store.records import FileJob
from isco_rag.types import FIELDS

CODES = 12
Number = Annotated[str, Parameter(max_length=40)]


def seconds_left(job: FileJob, now: datetime) -> float | None:
    """The time until a running file is done, at the pace so far; None where nothing is finished yet."""
    if not job.started or not job.done or job.state != "running":
        return None
    spent = (now - datetime.fromisoformat(job.started)).total_seconds()
    return max(0.0, spent * (job.rows - job.done) / job.done)


@get("/files", sync_to_thread=True, **needs("coder", "jobs"))
def listing(service: Given, caller: Asking) -> Template:
    """The place to drop a file, and the files so far."""
    found = api.files_of(service, caller)
    return page("files.html", caller, "/files", jobs=found)


@get("/files/{number:str}", sync_to_thread=True, **needs("coder", "jobs"))
def one(service: Given, caller: Asking, request: HTMXRequest, number: Number) -> Template:
    """One file: how it was read and what to code before it is started; progress and results after. For htmx the progress alone."""
    job = api.own(service, caller, number)
    return _shown(service, caller, job, part=bool(request.htmx))


def _shown(service: Service, caller: Caller, job: FileJob, *, part: bool) -> Template:
    look = None
    if job.state == "uploaded":
        with uploaded_file(service, job.id) as (path, form):
            look = api.look_of(job, form, path)
    return page(
        "parts/file.html" if part else "file.html", caller, "/files", job=job, look=look, fields=FIELDS, formats=FORMATS,
        left=seconds_left(job, datetime.now(UTC)), review_grades=service.running().review_grades, grade_names=GRADES,
    )  # fmt: skip


@post("/files/{number:str}/start", status_code=200, **needs("coder", "jobs"))
async def start(service: Given, caller: Asking, request: Request[Any, Any, Any], number: Number) -> Template:
    """The file in the queue, with the columns and the grades that the form named."""
    form = await request.form()
    wanted = msgspec.convert(
        {field: str(form.get(field, ""))[:1000] for field in FIELDS}
        | {"review": [str(g) for g in form.getall("review", []) if g in GRADES]},
        api.Start,
    )
    return await service.aside(lambda: _shown(service, caller, api.start_job(service, caller, number, wanted), part=True))


@post("/files/{number:str}/cancel", status_code=200, sync_to_thread=True, **needs("coder", "jobs"))
def cancel(service: Given, caller: Asking, number: Number) -> Template:
    """The file, stopped; what is finished can be fetched."""
    return _shown(service, caller, api.cancel_job(service, caller, number), part=True)


@post("/files/{number:str}/resume", status_code=200, sync_to_thread=True, **needs("coder", "jobs"))
def resume(service: Given, caller: Asking, number: Number) -> Template:
    """The file in the queue again."""
    return _shown(service, caller, api.resume_job(service, caller, number), part=True)


@post("/files/{number:str}/remove", status_code=303, sync_to_thread=True, **needs("coder", "jobs"))
def remove(service: Given, caller: Asking, number: Number) -> Redirect:
    """Back to the list without the file."""
    api.remove_job(service, caller, number)
    return Redirect("/files", status_code=303)


@get("/files/{number:str}/codes", **needs("coder", "jobs", tells=True))
async def codes(service: Given, caller: Asking, number: Number) -> Template:
    """The codes that came out most often; read from the whole result, so it is asked for apart from the page."""
    job = api.own(service, caller, number)
    counted = await service.aside(_count, service, job)
    taxonomy = service.engine.taxonomy
    most = [(taxonomy.group(code), count) for code, count in counted.most_common(CODES) if code in taxonomy]
    return page("parts/codes.html", caller, most=most, distinct=len(counted), rows=job.done)


def _count(service: Service, job: FileJob) -> Counter[str]:
    found: Counter[str] = Counter()
    try:
        with service.store.read() as db:
            for chunk in jobs.results(db, job.id):
                found.update(p.code for p in chunk if p.code)
    except NotFoundError:
        return Counter()
    return found


HANDLERS = (listing, one, start, cancel, resume, remove, codes)
