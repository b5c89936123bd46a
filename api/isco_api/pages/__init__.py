"""The web pages: server-rendered, one module for each. What is here is all that the application knows of them."""

from collections.abc import Callable
from typing import Any

from litestar import Request
from litestar.plugins import InitPlugin
from litestar.template import TemplateConfig
from litestar.types import ControllerRouterHandler
from msgspec import Struct

from isco_api.problems import Problem


class Pages(Struct, frozen=True):
    """Handlers (each says what it needs, as those of the API do), the plugins and templates they use, and the page for an error."""

    handlers: tuple[ControllerRouterHandler, ...] = ()
    plugins: tuple[InitPlugin, ...] = ()
    templates: TemplateConfig[Any] | None = None
    error_page: Callable[[Request[Any, Any, Any], Problem], str] | None = None


def open_pages() -> Pages:
    """The pages that are served."""
    return Pages()
