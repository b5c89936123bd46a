"""The application, made of parts that it is handed: nothing happens when this module is imported."""

from litestar import Litestar
from litestar.datastructures import State

from isco_api.access import check_declared, guard
from isco_api.around import around, before_send
from isco_api.document import document
from isco_api.pages import Pages
from isco_api.problems import answer
from isco_api.routes import routers
from isco_api.routes.given import dependencies
from isco_api.service import Service
from isco_rag.errors import CoderError


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
        openapi_config=document(),
        plugins=pages.plugins,
        template_config=pages.templates,
        state=State({"error_page": pages.error_page}),
        request_max_body_size=service.options.limits.body,
        on_shutdown=[service.stopping.set],
        logging_config=None,
    )
    check_declared(app.routes)
    return app
