"""Corrections by file, and held ones released: what coders and reviewers do with corrections beyond the single one."""

from typing import Annotated, Any

from litestar import Request, get, post
from litestar.params import Parameter
from litestar.plugins.htmx import HTMXRequest
from litestar.response import Redirect, Template

from isco_api.access import needs
from isco_api.pages.rendering import page
from isco_api.routes import imports as api
from isco_api.routes.corrections import decide
from isco_api.routes.given import LARGEST, Asking, Given
from isco_rag.store import corrections

Number = Annotated[int, Parameter(ge=1, le=LARGEST)]


@get("/corrections/imports", sync_to_thread=True, **needs("coder", "corrections"))
def listing(service: Given, caller: Asking) -> Template:
    """The place to drop a file of corrections, and those so far."""
    return page("imports.html", caller, "/files", imports=api.visible(service, caller))


@get("/corrections/imports/{number:int}", sync_to_thread=True, **needs("coder", "corrections"))
def one(service: Given, caller: Asking, request: HTMXRequest, number: Number) -> Template:
    """One file: how far it is, and what became of its rows. For htmx that alone."""
    found = api.own(service, caller, number)
    name = "parts/import.html" if request.htmx else "import.html"
    return page(name, caller, "/files", one=found, going=number in service.importing)


@post("/corrections/{number:int}/release", status_code=303, **needs("reviewer", "corrections"))
async def release(service: Given, caller: Asking, request: Request[Any, Any, Any], number: Number) -> Redirect:
    """A held correction released."""
    reason = str((await request.form()).get("reason", ""))[:2000]
    await service.aside(decide, service, caller, corrections.release, number, reason)
    return Redirect("/administration/corrections?state=held", status_code=303)


@post("/corrections/imports/{number:int}/{deed:str}", status_code=303, **needs("reviewer", "corrections"))
async def decide_all(
    service: Given, caller: Asking, request: Request[Any, Any, Any], number: Number, deed: Annotated[str, Parameter(max_length=10)]
) -> Redirect:
    """The held corrections of a file released (`release`), or taken back (`drop`), or all of its corrections taken back (`revert`)."""
    reason = str((await request.form()).get("reason", ""))[:2000]
    await service.aside(api.decide_all, service, caller, number, deed, reason)
    return Redirect(f"/corrections/imports/{number}", status_code=303)


HANDLERS = (listing, one, release, decide_all)
