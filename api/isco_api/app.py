"""The application, made of parts that it is handed: nothing happens when this module is imported."""

from importlib.metadata import version

from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, Reference, SecurityScheme

from isco_api.access import check_declared, guard
from isco_api.around import around, before_send
from isco_api.pages import Pages
from isco_api.problems import answer
from isco_api.routes import routers
from isco_api.routes.given import dependencies
from isco_api.service import Service
from isco_rag.errors import CoderError

DESCRIPTION = (
    "Codes job descriptions into ISCO-08. Errors are problem documents (RFC 9457) that say what to do. The header Isco-Bundle names the "
    "model of every answer, X-Request-Id the request in the log."
)


def create_app(service: Service, pages: Pages | None = None) -> Litestar:
    """The REST API over a service, and the pages it is handed; every route says whom it lets in."""
    pages = pages or Pages()
    app = Litestar(
        route_handlers=[*routers(service.options.limits.upload), *pages.handlers],
        guards=[guard],
        middleware=[around(service)],
        before_send=[before_send(service)],
        dependencies=dependencies(service),
        exception_handlers={CoderError: answer, Exception: answer},
        openapi_config=_openapi(),
        plugins=pages.plugins,
        template_config=pages.templates,
        state=State({"error_page": pages.error_page}),
        request_max_body_size=service.options.limits.body,
        on_shutdown=[service.stopping.set],
        logging_config=None,
    )
    check_declared(app.routes)
    return app


def _openapi() -> OpenAPIConfig:
    """The document at /api/v1/schema/openapi.json; no viewer, since those load scripts from elsewhere."""
    schemes: dict[str, SecurityScheme | Reference] = {
        "key": SecurityScheme(type="http", scheme="bearer", description="An API key, made with: isco-rag keys create"),
        "login": SecurityScheme(type="apiKey", name="isco_session", security_scheme_in="cookie", description="A person's login"),
    }
    return OpenAPIConfig(
        title="ISCO-08 RAG", version=version("isco-rag"), description=DESCRIPTION,
        openapi_router=Router("/api/v1/schema", route_handlers=[], include_in_schema=False, opt={"public": True}), render_plugins=[JsonRenderPlugin(path="/openapi.json")], use_handler_docstrings=True, components=Components(security_schemes=schemes),
        security=[{"key": []}, {"login": []}],
    )  # fmt: skip
