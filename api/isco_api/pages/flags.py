"""Flags: what contradicts itself, for experts."""

from typing import Annotated, Any

from litestar import Request, get, post
from litestar.params import Parameter, QueryParameter
from litestar.response import Redirect, Template

from isco_api.access import needs
from isco_api.pages.rendering import no_text, page
from isco_api.routes import flags as api
from isco_api.routes.given import LARGEST, Asking, Given
from isco_rag.errors import InputError
from isco_rag.store import flags
from isco_rag.store.flags import Told
from isco_rag.store.reviews import codes_under

PAGE = 100
KINDS = {
    "twins": no_text("nearly the same text, different codes"), "neighbours": no_text("a decision against its nearest examples"),
    "voices": no_text("the coder's voices against each other"), "drift": no_text("a coder against the others"),
}  # fmt: skip


@get("/quality/flags", sync_to_thread=True, **needs("reviewer", "quality"))
def show(
    service: Given, caller: Asking,
    kind: Annotated[str, Parameter(max_length=12)] = "", group: Annotated[str, Parameter(max_length=40)] = "",
    status: Annotated[str, QueryParameter(name="state", max_length=8)] = "open", skip: Annotated[int, Parameter(ge=0, le=2**31 - 1)] = 0,
) -> Template:  # fmt: skip
    """Flags of a kind, about codes under a group, open or closed."""
    if status not in ("open", "closed") or kind not in ("", *KINDS):
        raise InputError("flags are open or closed, and of a kind that the page offers")
    codes = codes_under(service.engine.taxonomy, group.strip()) if group.strip() else ()
    with service.store.read() as db:
        found = flags.listed(db, state=status, kind=kind, codes=codes, before=skip, limit=PAGE)
        counts, told = flags.counted(db), flags.told(db, {ref for one in found for ref in one.about})
    wanted = {ref.removeprefix("entry:") for one in found for ref in one.about if ref.startswith("entry:")}
    entries = {f"entry:{e.id}": Told(e.title or e.duties, e.code, "") for e in service.engine.one.parts.index.entries if e.id in wanted}
    return page(
        "flags.html", caller, "/quality", told={**told, **entries}, flags=found, counts=counts, kinds=KINDS, kind=kind, group=group, state=status,
        more=skip + PAGE if len(found) == PAGE else 0, taxonomy=service.engine.taxonomy,
    )  # fmt: skip


@post("/quality/flags", status_code=303, **needs("reviewer", "quality"))
async def look(service: Given, caller: Asking) -> Redirect:
    """The flags, after a look for new ones."""
    await api.look_for(service, caller)
    return Redirect("/quality/flags", status_code=303)


@post("/quality/flags/{number:int}/close", status_code=303, **needs("reviewer", "quality"))
async def close(
    service: Given, caller: Asking, request: Request[Any, Any, Any], number: Annotated[int, Parameter(ge=1, le=LARGEST)]
) -> Redirect:
    """The flags without this one, which is closed with its reason."""
    form = await request.form()
    reason, back = str(form.get("reason", ""))[:2000], str(form.get("back", ""))
    await service.aside(api.close_one, service, caller, number, reason)
    return Redirect(f"/quality/flags?kind={back}" if back in KINDS else "/quality/flags", status_code=303)


HANDLERS = (show, look, close)
