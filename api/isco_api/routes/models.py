"""Models: which there are, what the gate said of them, which one answers; promotion and rollback."""

from typing import Annotated

from litestar import get, post
from litestar.openapi.spec import Example
from litestar.params import Body, JSONBody, Parameter
from msgspec import Meta, Struct

from isco_api.access import Caller, needs
from isco_api.routes.corrections import Why
from isco_api.routes.given import Asking, Given
from isco_api.service import Service
from isco_rag.errors import BundleError, ConflictError, InputError
from isco_rag.learn import registry
from isco_rag.learn.places import find, manifest_of, place_of
from isco_rag.store import models as stored
from isco_rag.store import retrainings
from isco_rag.store.records import Champion, Judged, Retraining
from isco_rag.types import Metric

Name = Annotated[str, Parameter(max_length=80, description="The model's name.")]


class Model(Struct, frozen=True):
    """A bundle: where it comes from, what it learned, the figures of its manifest, and how it stands.

    `current` answers in this process, `champion` is the one that is to answer everywhere. `forced` is the promotion that went past the gate, if
    any ever did; `verdict` the newest of the gate; `problem` says why the bundle can't be read here.
    """

    name: str
    created: str
    parent: str
    classification: str
    figures: tuple[Metric, ...]
    current: bool
    champion: bool = False
    was_champion: bool = False
    until: int = 0
    corrections: int = 0
    forced: Champion | None = None
    verdict: Judged | None = None
    problem: str = ""


class Promotion(Struct, forbid_unknown_fields=True):
    """How a challenger becomes the champion: by a verdict that lets it, or by force with a reason."""

    force: bool = False
    reason: Annotated[str, Meta(max_length=2000)] = ""


@get("/models", operation_id="listModels", summary="Models", tags=["models"], sync_to_thread=True, **needs("viewer", "quality"))
def list_models(service: Given) -> list[Model]:
    """The bundles that this installation has, the one that answers first, then the newest."""
    return models(service)


def models(service: Given) -> list[Model]:
    """Every model that was made here, and the one that the service began with."""
    with service.store.read() as db:
        made, history, verdicts, row = stored.listed(db), stored.history(db), stored.judged(db, limit=1000), stored.champion(db)
    # An upgrade may have taken the bundle that was begun with; what was promoted since does not need it.
    base = [] if row else [place_of(service.base).name]
    champion = row.name if row else base[0]
    forced = {past.name: past for past in history if past.kind == "forced"}
    promoted = {past.name for past in history}
    names = dict.fromkeys([*(m.name for m in made), *reversed([past.name for past in history]), *base])
    answering = place_of(service.bundle)
    found = []
    for name in names:
        latest = next((verdict for verdict in verdicts if verdict.challenger == name), None)
        standing = {
            "champion": name == champion, "was_champion": name in promoted and name != champion, "forced": forced.get(name), "verdict": latest
        }  # fmt: skip
        try:
            m = manifest_of(find(service.store.folder, service.base, name).folder)
        except BundleError as error:
            found.append(Model(name, "", "", "", (), current=False, problem=str(error), **standing))  # type: ignore[arg-type]
            continue
        found.append(
            Model(
                name, m.created, m.parent, m.classification, m.figures, current=name == answering.name, until=m.until, corrections=m.corrections,
                **standing,  # type: ignore[arg-type]
            )
        )  # fmt: skip
    return sorted(found, key=lambda model: not model.current)


@get("/models/current", operation_id="currentModel", summary="The model that answers", tags=["models"], sync_to_thread=True,
     **needs("viewer", "quality"))  # fmt: skip
def current_model(service: Given) -> Model:
    """Its manifest's figures."""
    return models(service)[0]


@get("/models/verdicts", operation_id="listVerdicts", summary="Verdicts of the gate", tags=["models"], sync_to_thread=True,
     **needs("viewer", "quality"))  # fmt: skip
def list_verdicts(
    service: Given, challenger: Annotated[str, Parameter(max_length=80)] = "", limit: Annotated[int, Parameter(ge=1, le=1000)] = 100
) -> list[Judged]:  # fmt: skip
    """The newest first; those about one challenger if named. Each is kept whatever it says."""
    with service.store.read() as db:
        return stored.judged(db, challenger, limit)


@get("/models/retrainings", operation_id="listRetrainings", summary="Retrainings by schedule", tags=["models"], sync_to_thread=True,
     **needs("viewer", "quality"))  # fmt: skip
def list_retrainings(service: Given, limit: Annotated[int, Parameter(ge=1, le=1000)] = 20) -> list[Retraining]:
    """The newest first: when each began, up to which correction, who is at it, what came of it. The settings `retrain_...` say when one begins."""
    with service.store.read() as db:
        return retrainings.listed(db, limit)


PROMOTION = Body(
    examples=[Example(summary="By its verdict", value={}), Example(summary="By force", value={"force": True, "reason": "why"})]
)


@post("/models/{name:str}/promote", operation_id="promoteModel", summary="Promote a challenger", tags=["models"], status_code=200,
      sync_to_thread=True, **needs("administrator", "admin"))  # fmt: skip
def promote(service: Given, caller: Asking, name: Name, data: Annotated[Promotion, PROMOTION]) -> Champion:
    """The champion from now on. Every process goes over to it within a second or two, without a gap; the one before is kept.

    Needs a verdict of `isco-rag promote --judge-only` that lets it; without one, or against it, it has to be forced, with a reason that stands
    for ever.
    """
    return let_answer(service, caller, name, data)


def let_answer(service: Service, caller: Caller, name: str, data: Promotion) -> Champion:
    """The champion from now on."""
    if data.force and not data.reason.strip():
        raise InputError("a forced promotion needs a reason; say why")
    with service.store.read() as db:
        stored.one(db, name)
    verdict = registry.last_verdict(service.store, service.base, name)
    if verdict is None and not data.force:
        raise ConflictError(f"{name} was not compared with the champion; do it with: isco-rag promote {name} --judge-only")
    if verdict is None:
        found = registry.promote_unjudged(service.store, caller.name, service.base, name, data.reason, may_force=True)
    else:
        found = registry.promote(service.store, caller.name, service.base, verdict.id, data.reason if data.force else "", may_force=True)
    service.promoted.set()
    return found


@post("/models/rollback", operation_id="rollbackModel", summary="Go back to the champion before", tags=["models"], status_code=200,
      sync_to_thread=True, **needs("administrator", "admin"))  # fmt: skip
def rollback(service: Given, caller: Asking, data: JSONBody[Why]) -> Champion:
    """The champion before the present one, champion again in every process within a second or two."""
    return go_back(service, caller, data.reason)


def go_back(service: Service, caller: Caller, reason: str) -> Champion:
    """The champion before the present one, champion again."""
    found = registry.rollback(service.store, caller.name, service.base, reason)
    service.promoted.set()
    return found


HANDLERS = (list_models, current_model, list_verdicts, list_retrainings, promote, rollback)
