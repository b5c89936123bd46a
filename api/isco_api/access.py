"""Who is asking, and whether it may: logins by cookie for people, keys for programs, one declaration of need at each route.

Every route says `**needs(role, scope)` or `**PUBLIC`; create_app refuses to start with one that does not. A key may do what its scopes
and its user's role allow; a person what the role allows. A request that changes something and comes with a login must carry the
login's token (header X-CSRF-Token or form field csrf_token), and none may come from another site's page.
"""

from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from msgspec import Struct
from sqlalchemy import Connection

from isco_api.options import is_loopback
from isco_api.problems import MEDIA_TYPE, Problem
from isco_api.service import LOCAL, Service
from isco_rag.errors import AccessError, LoginError, StoreError
from isco_rag.store import keys, users
from isco_rag.store.records import Key, Role, Scope, Session, User
from isco_rag.store.reviews import at_least
from isco_rag.store.settings import current

COOKIE = "isco_session"
CSRF_HEADER, CSRF_FIELD = "x-csrf-token", "csrf_token"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# What any address may answer instead, for the OpenAPI document.
PROBLEMS = {
    400: "The request can't be read as what the address takes", 401: "The caller did not say who it is", 403: "The caller may not do this",
    404: "There is no such thing", 409: "What is there does not allow it", 413: "Larger than is taken", 422: "The content can't be used",
    429: "Asked too often", 503: "The service can't answer now",
}  # fmt: skip
RESPONSES = {
    status: ResponseSpec(Problem, description=text, media_type=MEDIA_TYPE, generate_examples=False) for status, text in PROBLEMS.items()
}
# The empty requirement: the document says that nobody needs to log in for it.
PUBLIC: dict[str, Any] = {"opt": {"public": True}, "responses": RESPONSES, "security": [{}]}


class Need(NamedTuple):
    """What a route asks of its caller; one that `tells` the machine's answer is refused to those from whom answers are hidden."""

    role: Role
    scope: Scope
    tells: bool = False


class Caller(Struct, frozen=True):
    """Who is asking: a user, by login, by key, or as the one user of a service without login. From `blind` ones the machine's answers are hidden."""

    user: User
    session: Session | None = None
    key: Key | None = None
    blind: bool = False

    @property
    def name(self) -> str:
        """What stands in the audit trail."""
        return f"{self.user.name} (key {self.key.id})" if self.key else self.user.name

    def may(self, need: Need) -> bool:
        """Whether role and scopes allow it."""
        return at_least(self.user.role, need.role) and (self.key is None or need.scope in self.key.scopes)


def needs(role: Role, scope: Scope, *, tells: bool = False) -> dict[str, Any]:
    """What a handler's decorator takes to ask for a role and, of keys, a scope, and to say that it tells what the machine answers."""
    return {"opt": {"needs": Need(role, scope, tells)}, "responses": RESPONSES}


def identify(service: Service, scope: Any) -> Caller | None:
    """The caller of a request; None where it does not say. LoginError for a key that is not right; a login that has ended is no caller."""
    connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection(scope)
    header = connection.headers.get("authorization", "")
    if header:
        kind, _, secret = header.partition(" ")
        if kind.lower() != "bearer" or not secret:
            raise LoginError("the header Authorization must read: Bearer KEY")
        return Caller(*_by_key(service, secret.strip()))
    if service.single_user():
        return Caller(LOCAL)
    token = connection.cookies.get(COOKIE, "")
    if not token:
        return None
    with service.store.read() as db:
        session = users.session_of(db, token)
        return Caller(session.user, session=session, blind=is_blind(db, session.user)) if session else None


def is_blind(db: Connection, user: User) -> bool:
    """Whether the machine's answers are hidden from a user. Of settled records too: who undoes a decision decides anew."""
    return not at_least(user.role, "reviewer") and current(db).hide_machine_code


def _by_key(service: Service, secret: str) -> tuple[User, None, Key, bool]:
    with service.store.read() as db:
        key = keys.check(db, secret)
        user = users.named(db, key.user)
        blind = is_blind(db, user)
    service.buckets.take(f"key {key.id}", key.per_minute)
    if keys.stale(key):
        # That the last use can't be noted now is no reason to refuse.
        with suppress(StoreError), service.store.write() as db:
            keys.note_use(db, key)
    return user, None, key, blind


def check_host(service: Service, scope: Any) -> None:
    """Refuses names that are not ours: a page of another site could point its own name at this machine."""
    connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection(scope)
    host = connection.headers.get("host", "")
    name = urlsplit(f"//{host}").hostname or ""
    allowed = service.options.hosts
    if allowed and name not in allowed and not is_loopback(name):
        raise AccessError("this service is not known under that name; start it with --name for each name it has")
    if not allowed and service.options.loopback and not is_loopback(name):
        raise AccessError("this service answers on this machine only; open it as http://127.0.0.1")


async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Lets a request through to its handler, or says what is missing. Stands before every route of the application."""
    caller: Caller | None = connection.scope.get("user")
    method = connection.scope.get("method", "GET")
    if method not in SAFE:
        _check_origin(connection)
        if caller is not None and caller.session is not None:
            await _check_token(connection, caller.session)
    # The framework answers OPTIONS by itself, with the methods of the address.
    if handler.opt.get("public") or method == "OPTIONS":
        return
    need: Need = handler.opt["needs"]
    if caller is None:
        raise LoginError("log in first, or send an API key in the header: Authorization: Bearer KEY")
    if not caller.may(need):
        if caller.key is not None and need.scope not in caller.key.scopes:
            raise AccessError(f"this needs a key with the scope '{need.scope}'")
        raise AccessError(f"this needs the role {need.role}, your role is {caller.user.role}")
    if need.tells and caller.blind:
        raise AccessError("the machine's answers are hidden from you here, so that records are decided by their text; ask a reviewer")


def _check_origin(connection: ASGIConnection[Any, Any, Any, Any]) -> None:
    """Browsers say where a changing request comes from; programs say nothing and hold no cookie."""
    site = connection.headers.get("sec-fetch-site", "")
    origin = connection.headers.get("origin", "")
    if site not in ("", "same-origin", "none"):
        raise AccessError("a page of another site can't change anything here")
    if origin and not site and urlsplit(origin).netloc != connection.headers.get("host", ""):
        raise AccessError("a page of another site can't change anything here")


async def _check_token(connection: ASGIConnection[Any, Any, Any, Any], session: Session) -> None:
    token = connection.headers.get(CSRF_HEADER, "")
    if not token and connection.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        assert isinstance(connection, Request)
        token = str((await connection.form()).get(CSRF_FIELD, ""))
    if not users.same(token, session.csrf):
        raise AccessError("the request lacks the token of your login; load the page again, or send the header X-CSRF-Token")


def check_declared(routes: Any) -> None:
    """Refuses an application with a route that does not say what it needs."""
    for route in routes:
        for handler in getattr(route, "route_handlers", [getattr(route, "route_handler", None)]):
            own = handler is None or getattr(handler, "http_methods", ()) == {"OPTIONS"}
            if not own and not handler.opt.get("public") and not isinstance(handler.opt.get("needs"), Need):
                raise AssertionError(f"{route.path}: says neither what it needs nor that it is public")
