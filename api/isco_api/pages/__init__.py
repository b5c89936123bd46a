"""The web pages: server-rendered, one module for each. What is here is all that the application knows of them."""

from collections.abc import Callable
from typing import Any

from litestar import Request, Router
from litestar.plugins import PluginProtocol
from litestar.plugins.htmx import HTMXPlugin
from litestar.template import TemplateConfig
from litestar.types import ControllerRouterHandler
from msgspec import Struct

from isco_api.pages import administration, assignments, classification, code, corrections, files, flags, many, quality, review, sessions
from isco_api.pages.rendering import error_page, static_files, templates
from isco_api.problems import Problem

MODULES = (code, many, files, corrections, review, assignments, classification, quality, flags, administration, sessions)


class Pages(Struct, frozen=True):
    """Handlers (each says what it needs, as those of the API do), the plugins and templates they use, and the page for an error."""

    handlers: tuple[ControllerRouterHandler, ...] = ()
    plugins: tuple[PluginProtocol, ...] = ()
    templates: TemplateConfig[Any] | None = None
    error_page: Callable[[Request[Any, Any, Any], Problem], str] | None = None


def open_pages() -> Pages:
    """The pages that are served."""
    pages = Router("/", route_handlers=[handler for module in MODULES for handler in module.HANDLERS], include_in_schema=False)
    return Pages((pages, static_files()), (HTMXPlugin(),), templates(), error_page)
