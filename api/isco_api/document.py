"""The OpenAPI document: what it says beside what the handlers say of themselves."""

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from litestar import Request, Router
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, Reference, SecurityScheme
from msgspec import Struct

DESCRIPTION = (
    "Codes job descriptions into ISCO-08. Errors are problem documents (RFC 9457) that say what to do. The header Isco-Bundle names the "
    "model of every answer, X-Request-Id the request in the log."
)


class Document(JsonRenderPlugin):
    """The document as JSON; of records that take no other fields it says so, which the framework leaves out."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """The document."""
        strict = {kind.__name__ for kind in _kinds(Struct) if kind.__struct_config__.forbid_unknown_fields}
        for name, schema in openapi_schema["components"]["schemas"].items():
            if name in strict:
                schema["additionalProperties"] = False
        return super().render(request, openapi_schema)


def _kinds(kind: type[Struct]) -> Iterator[type[Struct]]:
    for one in kind.__subclasses__():
        yield one
        yield from _kinds(one)


def document() -> OpenAPIConfig:
    """The document at /api/v1/schema/openapi.json; no viewer, since those load scripts from elsewhere."""
    schemes: dict[str, SecurityScheme | Reference] = {
        "key": SecurityScheme(type="http", scheme="bearer", description="An API key, made with: isco-rag keys create"),
        "login": SecurityScheme(type="apiKey", name="isco_session", security_scheme_in="cookie", description="A person's login"),
    }
    return OpenAPIConfig(
        title="ISCO-08 RAG", version=version("isco-rag"), description=DESCRIPTION,
        openapi_router=Router("/api/v1/schema", route_handlers=[], include_in_schema=False, opt={"public": True}),
        render_plugins=[Document(path="/openapi.json")], use_handler_docstrings=True, components=Components(security_schemes=schemes),
        security=[{"key": []}, {"login": []}],
    )  # fmt: skip
