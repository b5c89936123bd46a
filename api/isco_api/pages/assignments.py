"""Open records given to people: a reviewer says which and how many, and sees who has how many."""

from typing import Any

from litestar import Request, get, post
from litestar.plugins.htmx import HTMXRequest
from litestar.response import Template

from isco_api.access import Caller, needs
from isco_api.pages.rendering import GRADES, page
from isco_api.routes.given import Asking, Given
from isco_api.routes.jobs import files_of
from isco_api.service import Service
from isco_rag.errors import InputError
from isco_rag.store import assignments
from isco_rag.store.reviews import Filter

COUNT = 50


def filter_of(values: Any) -> Filter:
    """The filter in a query or a form: open records, those that nobody has unless others are asked for too."""
    grade, group, job = (str(values.get(name, ""))[:40].strip() for name in ("grade", "group", "job"))
    return Filter("open", grade if grade in GRADES else "", group, job, "", bool(values.get("flagged")), not values.get("given"))


@get("/review/assign", sync_to_thread=True, **needs("reviewer", "review"))
def show(service: Given, caller: Asking, request: HTMXRequest) -> Template:
    """Who has how many, and the form; for htmx how many records fit the form."""
    return _shown(service, caller, filter_of(request.query_params), part=bool(request.htmx))


def _shown(service: Service, caller: Caller, wanted: Filter, *, part: bool = False, dealt: dict[str, int] | None = None) -> Template:
    with service.store.read() as db:
        fits = assignments.fitting(db, service.engine.taxonomy, wanted)
        if part:
            return page("parts/fitting.html", caller, fits=fits)
        loads = assignments.loads(db)
    files = [job for job in files_of(service, caller) if job.fill]
    return page(
        "assign.html", caller, "/review", fits=fits, wanted=wanted, loads=loads, files=files, grade_names=GRADES, count=COUNT, dealt=dealt
    )


@post("/review/assign", status_code=200, **needs("reviewer", "review"))
async def deal(service: Given, caller: Asking, request: Request[Any, Any, Any]) -> Template:
    """The page, with what each has been given; without people the records are taken back."""
    form = await request.form()
    wanted, names, many = filter_of(form), [str(name) for name in form.getall("names", [])], str(form.get("count", ""))
    back = form.get("deed") == "take back"
    if not many.isdecimal() or len(many) > 9:
        raise InputError("say in digits how many records")
    if not names and not back:
        raise InputError("choose at least one person")

    def work() -> Template:
        with service.store.write() as db:
            dealt = assignments.deal(db, service.engine.taxonomy, caller.name, wanted, [] if back else names, int(many))
        return _shown(service, caller, wanted, dealt=dealt)

    return await service.engine.aside(work)


HANDLERS = (show, deal)
