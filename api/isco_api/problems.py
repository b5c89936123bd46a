"""Errors as answers: one table from error to HTTP, RFC 9457 problem documents, no path, query or stack in any of them."""

import logging
import secrets
from html import escape
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.exceptions.http_exceptions import ClientException

from isco_rag import errors
from isco_rag.errors import CoderError

log = logging.getLogger("isco_api")
MEDIA_TYPE = "application/problem+json"

# What a program can tell errors apart by.
TYPES: dict[type[CoderError], str] = {
    errors.UsageError: "usage",
    errors.InputError: "input",
    errors.UnknownCodeError: "unknown-code",
    errors.TaxonomyError: "classification",
    errors.BundleError: "bundle",
    errors.TrainingError: "training",
    errors.StoreError: "store",
    errors.NotFoundError: "not-found",
    errors.ConflictError: "conflict",
    errors.LoginError: "login",
    errors.AccessError: "access",
    errors.LimitError: "limit",
    errors.TooLargeError: "too-large",
    errors.AuditError: "audit",
    errors.AlertError: "alert",
    errors.EvaluationError: "evaluation",
    errors.AbsentError: "absent",
    errors.RegressionError: "regression",
}
# What is said where the framework refuses: its own words would repeat the path and the query.
SAID = {
    400: "the request can't be read as what this address takes; see /api/v1/schema/openapi.json",
    404: "there is nothing at this address; see /api/v1/schema/openapi.json",
    405: "this address does not take this method; see /api/v1/schema/openapi.json",
    413: "the body is larger than is taken; send less at once, or upload a file",
    415: "the body is of a type that is not taken here; send JSON, or a file as multipart form data",
}
# What the engine says in the seconds before it can answer.
OPENING = "still being opened"
RETRY = {429: "1", 503: "2"}


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """A problem document (RFC 9457); `errors` names the fields that do not fit."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str = ""
    errors: tuple[dict[str, str], ...] = ()


def problem_of(error: Exception) -> Problem:
    """What is told of an error."""
    if isinstance(error, CoderError):
        kind = TYPES.get(type(error), "error")
        detail = str(error) if error.http_status < 500 or isinstance(error, errors.StoreError) else _general(error)
        return _problem(kind, error.http_status, detail)
    if isinstance(error, HTTPException):
        status = error.status_code
        found = _problem("request", status, SAID.get(status, "the request can't be answered; see /api/v1/schema/openapi.json"))
        if isinstance(error, ValidationException | ClientException) and isinstance(error.extra, list):
            told = tuple(
                {k: str(v)[:300] for k, v in one.items() if k in ("key", "message")} for one in error.extra if isinstance(one, dict)
            )
            return msgspec.structs.replace(found, errors=told)
        return found
    if isinstance(error, RecursionError):
        return _problem("request", 400, "the body is nested too deeply; see /api/v1/schema/openapi.json")
    return _problem(
        "internal", 500, "something went wrong here, not with your request; the log of the service tells more under this request id"
    )


def _general(error: CoderError) -> str:
    """Errors of the installation name files, which are nobody's business but the administrator's."""
    if isinstance(error, errors.BundleError) and OPENING in str(error):
        return str(error)
    return "the model or the classification can't be used now; the log of the service says why"


def _problem(kind: str, status: int, detail: str) -> Problem:
    return Problem(f"urn:isco-rag:{kind}", HTTPStatus(status).phrase, status, detail)


def answer(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """The response for an error: a problem document, or a plain page for a person at a page that is not the API."""
    found = problem_of(error)
    opening = isinstance(error, errors.BundleError) and OPENING in str(error)
    if (found.status >= 500 and not opening) or isinstance(error, errors.AuditError):
        log.error("error", exc_info=error if found.status == 500 else None, extra={"kind": type(error).__name__, "status": found.status})
    state: dict[str, Any] = request.scope["state"]
    found = msgspec.structs.replace(found, request_id=state.setdefault("request_id", secrets.token_hex(8)))
    headers = {"Retry-After": RETRY[found.status]} if found.status in RETRY else {}
    if found.status == 401 and request.url.path.startswith("/api/"):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, HTTPException) and found.status == 405:
        headers["Allow"] = (error.headers or {}).get("allow", "")
    page = request.app.state.get("error_page")
    if not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", ""):
        body = page(request, found) if page else _page(found)
        return Response(body, status_code=found.status, media_type="text/html", headers=headers)
    return Response(msgspec.json.encode(found), status_code=found.status, media_type=MEDIA_TYPE, headers=headers)


def _page(found: Problem) -> str:
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{found.status} {escape(found.title)}</title>'
        f"<h1>{escape(found.title)}</h1><p>{escape(found.detail)}</p><p>{escape(found.request_id)}</p></html>"
    )
