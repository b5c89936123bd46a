"""Whether the service lives and is ready, and what Prometheus reads."""

from litestar import Response, get
from msgspec import Struct
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from sqlalchemy import func, select

from isco_api.access import PUBLIC
from isco_api.routes import learning
from isco_api.routes.given import Given
from isco_rag.errors import BundleError, StoreError
from isco_rag.store.schema import corrections, jobs, retrainings, reviews


class Health(Struct, frozen=True):
    """What a probe needs to know."""

    status: str
    bundle: str


@get("/health/live", operation_id="live", summary="Whether the process answers", tags=["operations"], sync_to_thread=False, **PUBLIC)
def live(service: Given) -> Health:
    """Always 'live' while the process answers."""
    return Health("live", service.engine.name)


@get("/health/ready", operation_id="ready", summary="Whether it can code", tags=["operations"], sync_to_thread=True, **PUBLIC)
def ready(service: Given) -> Health:
    """'ready' once the model is open and the state database answers; 503 before."""
    if not service.engine.ready:
        if service.no_room:
            raise StoreError(service.no_room)
        raise BundleError("the model is still being opened; ask again in a second")
    with service.store.read() as db:
        db.execute(select(1))
    return Health("ready", service.engine.name)


@get(
    "/metrics",
    operation_id="metrics",
    summary="Prometheus metrics",
    tags=["operations"],
    sync_to_thread=True,
    media_type="text/plain",
    **PUBLIC,
)
def metrics(service: Given) -> Response[bytes]:
    """Requests, times, records coded, backlog of reviews, files, corrections and retrainings by state, alerts of monitoring."""
    meters = service.meters
    meters.ready.set(service.engine.ready)
    meters.bundle.labels(service.engine.name).set(1)
    with service.store.read() as db:
        by_state = (
            (meters.backlog, reviews), (meters.jobs, jobs), (meters.corrections, corrections), (meters.retrainings, retrainings)
        )  # fmt: skip
        for gauge, table in by_state:
            # A state that nothing is in any more is not shown with its last count.
            gauge.clear()
            for state, count in db.execute(select(table.c.state, func.count()).group_by(table.c.state)):
                gauge.labels(state).set(count)
    if service.engine.ready:
        meters.alerts.clear()
        for finding in learning.report(service).findings:
            meters.alerts.labels(finding.name).set(finding.state == "alert")
    return Response(meters.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})


HANDLERS = (live, ready, metrics)
