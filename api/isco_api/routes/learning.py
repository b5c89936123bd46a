"""What to learn next, the review queue filled for it, and what has changed."""

from typing import Annotated

from litestar import get, post
from litestar.openapi.spec import Example
from litestar.params import Body, Parameter
from msgspec import Meta, Struct

from isco_api.access import needs
from isco_api.drawing import vectors_of
from isco_api.figures import MOST
from isco_api.routes.given import Asking, Given
from isco_api.service import Service
from isco_rag.learn import looking
from isco_rag.learn.filling import fill_from_kept
from isco_rag.learn.looking import Report
from isco_rag.learn.plan import Challenge
from isco_rag.store import evaluations
from isco_rag.store.evaluations import Evaluation

DAY = r"^(\d{4}-\d{2}-\d{2})?$"
SinceDay = Annotated[str, Parameter(pattern=DAY, max_length=10, description="Only from this day on.")]
# What is looked at where no day is asked for.
DAYS = "30d"


class Fill(Struct, forbid_unknown_fields=True):
    """How many records are to be drawn; 0 as the settings say."""

    rows: Annotated[int, Meta(ge=0, le=10_000)] = 0


class Filled(Struct, frozen=True):
    """How many records each design drew into the queue."""

    random: int
    uncertain: int
    diverse: int


@get(
    "/learn/plan", operation_id="getPlan", summary="What to learn next", tags=["quality"], sync_to_thread=True, **needs("viewer", "quality")
)
def get_plan(service: Given, since: SinceDay = "", limit: Annotated[int, Parameter(ge=1, le=MOST)] = 50) -> list[Challenge]:
    """Groups that people correct, confusions, confidence that is not kept and thin coverage, the costliest first, with reasons and advice."""
    return list(service.figures.plan(since)[:limit])


FILL = Body(examples=[Example(summary="As the settings say", value={"rows": 0}), Example(summary="A hundred", value={"rows": 100})])


@post("/learn/fill", operation_id="fillQueue", summary="Draw kept predictions into the review queue", tags=["review"], status_code=201,
      sync_to_thread=True, **needs("reviewer", "review"))  # fmt: skip
def fill(service: Given, caller: Asking, data: Annotated[Fill, FILL]) -> Filled:
    """How many were drawn. Each kept prediction is seen by one drawing only; files are drawn from when they end."""
    bulk = service.engine.bulk
    drawn = fill_from_kept(service.store, caller.name, lambda jobs: vectors_of(bulk, jobs), most=data.rows)
    return Filled(drawn["random"], drawn["uncertain"], drawn["diverse"])


@get(
    "/monitor",
    operation_id="getMonitoring",
    summary="What has changed",
    tags=["quality"],
    sync_to_thread=True,
    **needs("viewer", "quality"),
)
def get_monitoring(service: Given, since: SinceDay = "") -> Report:
    """Watched figures of the last 30 days, or since a day, beside what was before: automation, codes, confidence, nearness, errors; which are alerts."""
    return report(service, since)


def report(service: Service, since: str = "") -> Report:
    """The monitoring report, at most a minute old."""
    return service.watch.report(service.engine.taxonomy, looking.day_since(since or DAYS), service.engine.name)


@get("/evaluations", operation_id="listEvaluations", summary="Bundles measured when they first answered", tags=["models"], sync_to_thread=True,
     **needs("viewer", "quality"))  # fmt: skip
def list_evaluations(service: Given) -> list[Evaluation]:
    """Figures on the shipped gold beside those of the manifest, the newest first; `finished` is empty while one is being measured."""
    with service.store.read() as db:
        return evaluations.listed(db)


HANDLERS = (get_plan, fill, get_monitoring, list_evaluations)
