"""What handlers are given, by the names of their parameters: the service and the caller."""

from typing import Any

from litestar import Request
from litestar.di import NamedDependency, Provide

from isco_api.access import Caller
from isco_api.service import Service

Given = NamedDependency[Service]
Asking = NamedDependency[Caller]
# The largest number of a record that is taken: the largest that every JSON reader keeps exactly.
LARGEST = 2**53 - 1


async def caller_of(request: Request[Any, Any, Any]) -> Caller:
    """Who is asking; the guard has let nobody else through."""
    caller = request.scope["user"]
    assert isinstance(caller, Caller)
    return caller


def dependencies(service: Service) -> dict[str, Provide]:
    """The two, ready for the application."""
    return {"service": Provide(lambda: service, sync_to_thread=False), "caller": Provide(caller_of)}
