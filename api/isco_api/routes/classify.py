"""Jobs coded and explained, alone and in batches; predictions that were asked to be kept."""

from typing import Annotated

from litestar import Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.openapi.spec import Example
from litestar.params import Body, Parameter

from isco_api.access import needs
from isco_api.hiding import seen, seen_all
from isco_api.routes.given import LARGEST, Asking, Given
from isco_api.service import Service
from isco_rag.errors import NotFoundError
from isco_rag.store import predictions
from isco_rag.store.records import Kept
from isco_rag.store.reviews import at_least
from isco_rag.types import Explanation, Job, Prediction

EXAMPLE = {
    "title": "cow man",
    "duties": "milk the cows at 4 am, fix the fence, help the vet at calving",
    "industry": "",
    "id": "r1",
    "language": "en",
}
ONE = Body(title="Job", examples=[Example(summary="A farm worker", value=EXAMPLE)])
MANY = Body(title="Jobs", description="1 to 1,000 jobs.", examples=[Example(summary="Two jobs", value=[EXAMPLE, {"title": "taxi driver"}])])
KEEP = Parameter(description="Keep the prediction with its text; its address comes in the header Location.")


@post("/classify", operation_id="classify", summary="Code one job", tags=["classify"], status_code=200,
      **needs("viewer", "classify", tells=True))  # fmt: skip
async def classify(service: Given, caller: Asking, data: Annotated[Job, ONE], keep: Annotated[bool, KEEP] = False) -> Response[Prediction]:
    """The prediction for one job: emitted code, confidence, grade, top three. A job that names no occupation is referred with its reason."""
    found = await service.engine.classify(service.checked(data))
    service.coded("api", [found])
    headers = {}
    if keep:
        number = await sync_to_thread(_keep, service, caller.user.name, data, found)
        headers["Location"] = f"/api/v1/predictions/{number}"
    return Response(found, headers=headers)


def _keep(service: Service, who: str, job: Job, found: Prediction) -> int:
    with service.store.write() as db:
        return predictions.keep(db, who, "api", [(0, job, found)])[0]


@post(
    "/classify/batch", operation_id="classifyBatch", summary="Code up to 1,000 jobs", tags=["classify"], status_code=200,
    **needs("viewer", "classify", tells=True),
)  # fmt: skip
async def classify_batch(service: Given, data: Annotated[list[Job], MANY]) -> list[Prediction]:
    """One prediction per job, in the order of the jobs."""
    found = await service.engine.classify_many(service.checked_all(data))
    service.coded("batch", found)
    return found


@post(
    "/explain",
    operation_id="explain",
    summary="Code one job and say why",
    tags=["classify"],
    status_code=200,
    **needs("viewer", "classify", tells=True),
)
async def explain(service: Given, data: Annotated[Job, ONE]) -> Explanation:
    """The prediction with the definition, tasks and nearest coded examples of each of the top three, and why not the runner-up."""
    return await service.engine.explain(service.checked(data))


@get("/predictions", operation_id="listPredictions", summary="Predictions that were kept", tags=["classify"], sync_to_thread=True,
     **needs("coder", "classify"))  # fmt: skip
def list_predictions(
    service: Given, caller: Asking,
    before: Annotated[int, Parameter(ge=0, le=LARGEST, description="Only predictions with lower numbers.")] = 0,
    limit: Annotated[int, Parameter(ge=1, le=1000)] = 100,
) -> list[Kept]:  # fmt: skip
    """The newest first: your own, or all for reviewers."""
    own = "" if at_least(caller.user.role, "reviewer") else caller.user.name
    with service.store.read() as db:
        return seen_all(caller, predictions.listed(db, own, before, limit))


@get("/predictions/{number:int}", operation_id="getPrediction", summary="One kept prediction", tags=["classify"], sync_to_thread=True,
     **needs("coder", "classify"))  # fmt: skip
def get_prediction(service: Given, caller: Asking, number: Annotated[int, Parameter(ge=1, le=LARGEST)]) -> Kept:
    """The job and what was answered: of your own, or of any for reviewers."""
    with service.store.read() as db:
        found = predictions.one(db, number)
    if found.owner != caller.user.name and not at_least(caller.user.role, "reviewer"):
        raise NotFoundError(f"there is no kept prediction {number} of yours; list the predictions to see their numbers")
    return seen(caller, found)


HANDLERS = (classify, classify_batch, explain, list_predictions, get_prediction)
