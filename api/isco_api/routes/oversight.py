"""Quality, the audit trail, the index."""

from typing import Annotated

from litestar import get, post
from litestar.params import Parameter

from isco_api.access import Caller, needs
from isco_api.routes.given import LARGEST, Asking, Given
from isco_api.service import Service
from isco_rag.errors import ConflictError
from isco_rag.learn.follow import IndexStatus
from isco_rag.store import audit
from isco_rag.store.audit import Verified
from isco_rag.store.quality import Quality
from isco_rag.store.records import AuditRow


@get("/quality", operation_id="getQuality", summary="Quality figures", tags=["quality"], sync_to_thread=True, **needs("viewer", "quality"))
def get_quality(
    service: Given, since: Annotated[str, Parameter(pattern=r"^(\d{4}-\d{2}-\d{2})?$", max_length=10, description="Only from this day on.")] = ""
) -> Quality:  # fmt: skip
    """Automation share, accuracy and calibration from reviews with intervals, coders' agreement, backlog, throughput, confusion pairs."""
    return service.figures.quality(since)


@get("/audit", operation_id="listAudit", summary="The audit trail", tags=["audit"], sync_to_thread=True, **needs("reviewer", "audit"))
def list_audit(
    service: Given,
    before: Annotated[int, Parameter(ge=0, le=LARGEST)] = 0,
    limit: Annotated[int, Parameter(ge=1, le=1000)] = 100,
    who: Annotated[str, Parameter(max_length=120)] = "",
    action: Annotated[str, Parameter(max_length=40)] = "",
    subject: Annotated[str, Parameter(max_length=200, description="For example correction:12.")] = "",
) -> list[AuditRow]:  # fmt: skip
    """The newest rows first."""
    with service.store.read() as db:
        return audit.listed(db, before=before, limit=limit, who=who, action=action, subject=subject)


@get("/audit/verify", operation_id="verifyAudit", summary="Verify the audit trail", tags=["audit"], sync_to_thread=True,
     **needs("administrator", "audit"))  # fmt: skip
def verify_audit(
    service: Given, head: Annotated[str, Parameter(max_length=64, description="A hash that was noted earlier.")] = ""
) -> Verified:
    """How many rows, and the head's hash, to be noted elsewhere; an error names the first row that was changed, removed or moved."""
    with service.store.read() as db:
        return audit.verify(db, head)


@get("/index", operation_id="indexStatus", summary="The index", tags=["index"], sync_to_thread=True, **needs("viewer", "quality"))
def index_status(service: Given) -> IndexStatus:
    """Its generation and size, and how far behind the corrections it is."""
    return service.live.status()


@post("/index/rebuild", operation_id="rebuildIndex", summary="Rebuild the index", tags=["index"], status_code=202, sync_to_thread=True,
      **needs("administrator", "admin"))  # fmt: skip
def rebuild(service: Given, caller: Asking) -> IndexStatus:
    """A new generation from the bundle and all corrections, made beside the index that answers, which is replaced at the end."""
    return begin_rebuild(service, caller)


def begin_rebuild(service: Service, caller: Caller) -> IndexStatus:
    """The index while a new generation is being made; ConflictError where one is already."""
    model = service.live.status().bundle
    if not service.live.rebuild():
        raise ConflictError("the index is being rebuilt already; see its status")
    with service.store.write() as db:
        audit.append(db, caller.name, "index.rebuild", "index", model=model)
    return service.live.status()


HANDLERS = (get_quality, list_audit, verify_audit, index_status, rebuild)
