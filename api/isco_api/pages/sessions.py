"""Logging in and out."""

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, Parameter
from litestar.response import Redirect, Template
from msgspec import Struct

from isco_api.access import COOKIE, PUBLIC, Caller
from isco_api.pages.rendering import around as around_page
from isco_api.pages.rendering import environment, no_text, page
from isco_api.routes.given import Given
from isco_api.routes.sessions import cookie, log_in
from isco_rag.errors import LimitError, LoginError
from isco_rag.store import users

TRIED = no_text("Too many logins were tried in the last minute; wait a minute, then try again.")


class Login(Struct):
    """What the form sends."""

    name: str = ""
    password: str = ""
    wanted: str = "/"


def inside(address: str) -> str:
    """The address where it is one of this service, else the first page.

    >>> inside("/review?grade=low"), inside("//example.org"), inside("https://example.org"), inside("/\\\\example.org")
    ('/review?grade=low', '/', '/', '/')
    """
    return address if address.startswith("/") and not address.startswith("//") and "\\" not in address and address.isprintable() else "/"


@get("/login", sync_to_thread=False, **PUBLIC)
def show(request: Request[Any, Any, Any], wanted: Annotated[str, Parameter(max_length=500)] = "/") -> Template | Redirect:
    """The form; who needs no login is sent on."""
    caller: Caller | None = request.scope.get("user")
    if caller is not None:
        return Redirect(inside(wanted))
    return page("login.html", None, wanted=inside(wanted), said="", entered="")


@post("/login", status_code=303, sync_to_thread=True, **PUBLIC)
def begin(
    service: Given, request: Request[Any, Any, Any], data: Annotated[Login, Body(media_type=RequestEncodingType.URL_ENCODED)]
) -> Response[Any]:  # fmt: skip
    """On to the page that was wanted, with the login's cookie; or the form again with what was wrong."""
    if service.single_user():
        return Redirect("/", status_code=303)
    try:
        found, _ = log_in(service, data.name, data.password, request.client.host if request.client else "")
    except (LoginError, LimitError) as error:
        said = TRIED if isinstance(error, LimitError) else str(error)
        context = {**around_page(None), "wanted": inside(data.wanted), "said": said, "entered": data.name}
        return Response(environment().get_template("login.html").render(context), status_code=error.http_status, media_type="text/html")
    return Redirect(inside(data.wanted), status_code=303, cookies=[found])


@post("/logout", status_code=303, sync_to_thread=True, **PUBLIC)
def end(service: Given, request: Request[Any, Any, Any]) -> Redirect:
    """Ends the login."""
    token = request.cookies.get(COOKIE, "")
    if token:
        with service.store.write() as db:
            users.log_out(db, token)
    return Redirect("/login", status_code=303, cookies=[cookie(service, "", 0)])


HANDLERS = (show, begin, end)
