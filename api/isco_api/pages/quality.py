"""Quality: the figures of the store as pictures, each with its table."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from litestar import get
from litestar.params import Parameter
from litestar.response import Template

from isco_api.access import needs
from isco_api.pages.rendering import GRADES, no_text, page
from isco_api.routes import learning
from isco_api.routes.given import Asking, Given

SPANS = (0, 7, 30, 365)
CHALLENGES = 8
KINDS = {
    "errors": no_text("corrected often"), "confusion": no_text("confused"), "calibration": no_text("surer than right"),
    "coverage": no_text("few examples"),
}  # fmt: skip
STATES = {"ok": no_text("ok"), "alert": no_text("alert"), "little": no_text("too little")}


@get("/quality", sync_to_thread=True, **needs("viewer", "quality"))
def show(service: Given, caller: Asking, days: Annotated[int, Parameter(ge=0, le=3650)] = 0) -> Template:
    """Automation, accuracy, calibration, agreement, backlog, throughput and confusions, of the last days or since the beginning."""
    since = (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%d") if days else ""
    found, taxonomy = service.figures.quality(since), service.engine.taxonomy
    grades = {one.grade: one for one in found.by_grade}
    return page(
        "quality.html", caller, "/quality", q=found, pace=service.figures.decided(taxonomy, since).pace, days=days, spans=SPANS, taxonomy=taxonomy,
        challenges=service.figures.plan(since)[:CHALLENGES], kinds=KINDS, report=learning.report(service, since), states=STATES,
        grade_order=tuple(GRADES), by_grade=[grades[name] for name in GRADES if name in grades], most=max((day.coded for day in found.days), default=0),
    )  # fmt: skip


HANDLERS = (show,)
