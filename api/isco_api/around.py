"""What happens around every request: its number, who is asking, headers that every answer carries, its line in the log, its time."""

import logging
import secrets
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any

from litestar import Litestar
from litestar.concurrency import sync_to_thread
from litestar.datastructures import MutableScopeHeaders
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from isco_api.access import Caller, check_host, identify
from isco_api.service import Service

log = logging.getLogger("isco_api.access")
# No script or style inside a page, nothing from elsewhere, no frame around it.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
# Paths that are asked for so often, or say so little, that they need no caller and no line in the log.
QUIET = ("/health/", "/metrics", "/static/")


def around(service: Service) -> Callable[[ASGIApp], ASGIApp]:
    """A middleware that says who is asking before anything else happens."""

    def wrap(app: ASGIApp) -> ASGIApp:
        async def run(scope: Scope, receive: Receive, send: Send) -> None:
            scope["state"].update(request_id=secrets.token_hex(8), began=perf_counter())
            check_host(service, scope)
            quiet = scope["path"].startswith(QUIET)
            scope["user"] = None if quiet else await sync_to_thread(identify, service, scope)
            await app(scope, receive, send)

        return run

    return wrap


def before_send(service: Service) -> Callable[[Message, Scope], Awaitable[None]]:
    """A hook on every answer, also to addresses and methods that there are none for: its headers, its line in the log, its meters."""

    async def told(message: Message, scope: Scope) -> None:
        if message["type"] != "http.response.start":
            return
        state: dict[str, Any] = scope["state"]
        headers = MutableScopeHeaders.from_message(message)
        for name, value in HEADERS.items():
            headers.setdefault(name, value)
        headers["x-request-id"] = state.setdefault("request_id", secrets.token_hex(8))
        headers["isco-bundle"] = service.engine.name
        if not scope["path"].startswith("/static/"):
            headers.setdefault("cache-control", "no-store")
        if scope.get("method") == "OPTIONS" and "allow" in headers:
            headers["allow"] = _methods(scope)
        _note(service, scope, message["status"], perf_counter() - state.get("began", perf_counter()))

    return told


def _methods(scope: Scope) -> str:
    """The methods of the address; the framework's own answer knows only those of the first module that names it."""
    routes = Litestar.from_scope(scope).routes
    return ", ".join(sorted(m for r in routes if r.path_format == scope.get("path_template") for m in r.methods))


def _note(service: Service, scope: Scope, status: int, seconds: float) -> None:
    route, method = scope.get("path_template") or "none", str(scope.get("method", ""))
    service.meters.requests.labels(method, route, str(status)).inc()
    service.meters.seconds.labels(route).observe(seconds)
    if not scope["path"].startswith(QUIET):
        service.engine.turns.used()
        caller: Caller | None = scope.get("user")
        who = caller.name if isinstance(caller, Caller) else ""
        told = {"request_id": scope["state"]["request_id"], "method": method, "route": route, "status": status}
        log.info("request", extra={**told, "ms": round(1000 * seconds, 1), "who": who})
