"""The REST API: thin handlers, one module for each noun."""

from litestar import Router

from isco_api.routes import (
    administration,
    classification,
    classify,
    corrections,
    flags,
    health,
    imports,
    jobs,
    learning,
    models,
    oversight,
    reviews,
    sessions,
)

MODULES = (classify, classification, jobs, reviews, corrections, imports, flags, models, oversight, learning, administration, sessions)


def routers(upload: int) -> list[Router]:
    """Every router of the API and of operations; `upload` bytes are the most that a file may have."""
    files = Router("/", route_handlers=[jobs.upload, imports.upload], request_max_body_size=upload)
    api = Router("/api/v1", route_handlers=[files, *(handler for module in MODULES for handler in module.HANDLERS)])
    return [api, Router("/", route_handlers=list(health.HANDLERS))]
