"""The REST API: thin handlers, one module for each noun."""

from litestar import Router

from isco_api.routes import administration, classification, classify, corrections, health, jobs, oversight, reviews, sessions

MODULES = (classify, classification, jobs, reviews, corrections, oversight, administration, sessions)


def routers() -> list[Router]:
    """Every router of the API and of operations."""
    api = Router("/api/v1", route_handlers=[handler for module in MODULES for handler in module.HANDLERS])
    return [api, Router("/", route_handlers=list(health.HANDLERS))]
