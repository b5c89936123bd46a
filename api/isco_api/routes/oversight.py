"""Quality, models, the audit trail, the index."""

from typing import Annotated

import msgspec
from litestar import get, post
from litestar.params import Parameter
from msgspec import Struct

from isco_api.access import Caller, needs
from isco_api.routes.given import LARGEST, Asking, Given
from isco_api.service import Service
from isco_rag.bundle import MANIFEST
from isco_rag.errors import BundleError, ConflictError
from isco_rag.store import audit, quality
from isco_rag.store.audit import Verified
from isco_rag.store.quality import Quality
from isco_rag.store.records import AuditRow
from isco_rag.types import Manifest, Metric


class Model(Struct, frozen=True):
    """A bundle: where it comes from, the figures that its manifest holds, and whether it answers now."""

    name: str
    created: str
    parent: str
    classification: str
    figures: tuple[Metric, ...]
    current: bool


class IndexStatus(Struct, frozen=True):
    """The index that answers: entries of the bundle, corrections on top, the last change it holds and the last there is."""

    bundle: str
    entries: int
    corrections: int
    change: int
    last_change: int
    megabytes: float
    rebuilding: bool


@get("/quality", operation_id="getQuality", summary="Quality figures", tags=["quality"], sync_to_thread=True, **needs("viewer", "quality"))
def get_quality(
    service: Given, since: Annotated[str, Parameter(pattern=r"^(\d{4}-\d{2}-\d{2})?$", max_length=10, description="Only from this day on.")] = ""
) -> Quality:  # fmt: skip
    """Automation share, accuracy and calibration from reviews with intervals, coders' agreement, backlog, throughput, confusion pairs."""
    with service.store.read() as db:
        return quality.measure(db, service.engine.taxonomy, since)


@get("/models", operation_id="listModels", summary="Models", tags=["models"], sync_to_thread=True, **needs("viewer", "quality"))
def list_models(service: Given) -> list[Model]:
    """The bundles that this installation has, the one that answers first."""
    return models(service)


def models(service: Service) -> list[Model]:
    """The bundle that answers, and the one kept beside it, where there is one."""
    found = []
    place = service.bundle
    for folder in (place, place.with_name(place.name + ".previous")):
        if (folder / MANIFEST).is_file():
            m = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
            found.append(Model(m.name, m.created, m.parent, m.classification, m.figures, folder == place))
    if not found:
        raise BundleError("the bundle's manifest is gone; restore the bundle")
    return found


@get("/models/current", operation_id="currentModel", summary="The model that answers", tags=["models"], sync_to_thread=True,
     **needs("viewer", "quality"))  # fmt: skip
def current_model(service: Given) -> Model:
    """Its manifest's figures."""
    return models(service)[0]


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
    """How large it is and how far behind the corrections."""
    return status(service)


def status(service: Service) -> IndexStatus:
    """The index as it is now."""
    live = service.live.status()
    entries = len(service.engine.one.parts.index.entries)
    return IndexStatus(
        service.engine.name, entries - live.corrections, live.corrections, live.change, live.last, live.megabytes, live.rebuilding
    )  # fmt: skip


@post("/index/rebuild", operation_id="rebuildIndex", summary="Rebuild the index", tags=["index"], status_code=202, sync_to_thread=True,
      **needs("administrator", "admin"))  # fmt: skip
def rebuild(service: Given, caller: Asking) -> IndexStatus:
    """Begins anew from the bundle and all corrections, beside the index that answers, which is replaced at the end."""
    return begin_rebuild(service, caller)


def begin_rebuild(service: Service, caller: Caller) -> IndexStatus:
    """The index while it is being begun anew; ConflictError where it is already."""
    _ = service.engine.one
    if service.live.status().rebuilding:
        raise ConflictError("the index is being rebuilt already; see its status")
    with service.store.write() as db:
        audit.append(db, caller.name, "index.rebuild", "index", model=service.engine.name)
    service.live.rebuild()
    return status(service)


HANDLERS = (get_quality, list_models, current_model, list_audit, verify_audit, index_status, rebuild)
