"""The web pages: server-rendered, one module for each."""

from litestar.types import ControllerRouterHandler


def handlers() -> list[ControllerRouterHandler]:
    """Every handler of the pages; each says what it needs, as those of the API do."""
    return []
