"""Logins of people."""

from typing import Annotated, Any

from litestar import Request, Response, delete, get, post
from litestar.datastructures import Cookie
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import Body
from msgspec import Struct

from isco_api.access import COOKIE, PUBLIC, RESPONSES, Caller
from isco_api.routes.given import Given
from isco_api.service import Service
from isco_rag.errors import ConflictError, LoginError
from isco_rag.store import users
from isco_rag.store.records import Role, Session


class Login(Struct, forbid_unknown_fields=True):
    """A name and a password."""

    name: str
    password: str


class Who(Struct, frozen=True):
    """Who you are; `csrf` is what requests that change something must carry, `single_user` that this service has no login."""

    name: str
    role: Role
    csrf: str
    single_user: bool
    expires: str = ""


def log_in(service: Service, name: str, password: str, address: str) -> tuple[Cookie, Session]:
    """The cookie of a new login; LoginError where name or password is wrong, LimitError after too many tries."""
    for key in (f"login {name[:80]}", f"login from {address}"):
        service.buckets.take(key, service.options.limits.logins)
    with service.store.read() as db:
        user = users.check_password(db, name, password)
    with service.store.write() as db:
        token, session = users.log_in(db, user)
    return cookie(service, token, users.SESSION_HOURS * 3600), session


def cookie(service: Service, token: str, seconds: int) -> Cookie:
    """The cookie of a login; with no seconds it is taken away."""
    return Cookie(key=COOKIE, value=token, path="/", max_age=seconds, httponly=True, samesite="lax", secure=service.options.secure)


LOGIN = Body(examples=[Example(summary="A login", value={"name": "ann", "password": "correct horse battery"})])


@post("/session", operation_id="logIn", summary="Log in", tags=["session"], status_code=200, sync_to_thread=True, **PUBLIC)
def begin(service: Given, request: Request[Any, Any, Any], data: Annotated[Login, LOGIN]) -> Response[Who]:
    """Sets the login's cookie and returns the token that changing requests must carry in X-CSRF-Token."""
    if service.single_user():
        raise ConflictError("this service has no users and needs no login; add one with: isco-rag users add")
    found, session = log_in(service, data.name, data.password, request.client.host if request.client else "")
    return Response(Who(session.user.name, session.user.role, session.csrf, False, session.expires), cookies=[found])


@get("/session", operation_id="whoAmI", summary="Who you are", tags=["session"], sync_to_thread=False, **PUBLIC)
def who(service: Given, request: Request[Any, Any, Any]) -> Who:
    """Your name and role; 401 where you are not logged in."""
    caller: Caller | None = request.scope.get("user")
    if caller is None:
        raise LoginError("log in first, or send an API key in the header: Authorization: Bearer KEY")
    session = caller.session
    return Who(
        caller.user.name, caller.user.role, session.csrf if session else "", caller.user.id == 0, session.expires if session else ""
    )  # fmt: skip


# The answer is a Response for the sake of its cookie; it has no content.
ENDED = {**PUBLIC, "responses": {**RESPONSES, 204: ResponseSpec(None, description="Logged out", generate_examples=False)}}


@delete("/session", operation_id="logOut", summary="Log out", tags=["session"], status_code=204, sync_to_thread=True, **ENDED)
def end(service: Given, request: Request[Any, Any, Any]) -> Response[None]:
    """Ends the login and takes the cookie away; without one nothing happens."""
    token = request.cookies.get(COOKIE, "")
    if token:
        with service.store.write() as db:
            users.log_out(db, token)
    return Response(None, cookies=[cookie(service, "", 0)])


HANDLERS = (begin, who, end)
