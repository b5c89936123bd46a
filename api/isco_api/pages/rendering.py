"""Pages as text: the templates, what every page shows around its own content, the page for an error, the static files.

Texts stand in the templates within `_( )` or `trans` (gettext); English is the only language now.
"""

import hashlib
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Request, Router
from litestar.datastructures.headers import CacheControlHeader
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Template
from litestar.static_files import create_static_files_router
from litestar.template import TemplateConfig

from isco_api.access import PUBLIC, Caller
from isco_api.problems import Problem
from isco_rag.store.records import Role
from isco_rag.store.reviews import at_least

HERE = Path(__file__).parent
STATIC = HERE / "static"
YEAR = 365 * 86_400
# No certainty is shown that no one has.
SUREST = 0.99


class Place(NamedTuple):
    """An entry of the navigation."""

    name: str
    address: str
    role: Role


def no_text(text: str) -> str:
    """The text itself: marks it for translation where it is shown by a template."""
    return text


PLACES = (
    Place(no_text("Code"), "/", "viewer"),
    Place(no_text("Files"), "/files", "coder"),
    Place(no_text("Review"), "/review", "coder"),
    Place(no_text("Classification"), "/classification", "viewer"),
    Place(no_text("Quality"), "/quality", "viewer"),
    Place(no_text("Administration"), "/administration", "reviewer"),
)
GRADES = {
    "very_high": no_text("very high"), "high": no_text("high"), "medium": no_text("medium"), "low": no_text("low"),
    "very_low": no_text("very low"), "not_codable": no_text("not codable"),
}  # fmt: skip


# What people are told where the API's words speak of its document.
SAID = {
    "urn:isco-rag:request": {
        400: no_text("This address or form can't be read; go back and load the page again."),
        404: no_text("There is no page at this address."),
        405: no_text("This address takes forms only; begin at the first page."),
    }
}


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The templates, which escape all that they are handed and refuse names they were not handed."""
    found = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )  # fmt: skip
    found.install_null_translations(newstyle=True)  # type: ignore[attr-defined]
    found.globals.update(static=_address, grades=GRADES, places=PLACES, at_least=at_least)
    found.filters.update(percent=percent, moment=moment, share=share)
    return found


def templates() -> TemplateConfig[JinjaTemplateEngine]:
    """The templates as Litestar takes them."""
    return TemplateConfig(instance=JinjaTemplateEngine.from_environment(environment()))


def percent(value: float, decimals: int = 0) -> str:
    """A probability in percent; never a whole 100, and what is nearly nothing is said to be so.

    >>> percent(0.784), percent(0.999), percent(0.004), percent(0.0)
    ('78\u202f%', '99\u202f%', '<1\u202f%', '0\u202f%')
    """
    if 0 < value < 0.005 and not decimals:
        return "<1\u202f%"
    return f"{100 * min(value, SUREST):.{decimals}f}\u202f%"


def share(value: float) -> str:
    """A measured share in percent with one decimal, which may be all.

    >>> share(1.0)
    '100.0\u202f%'
    """
    return f"{100 * value:.1f}\u202f%"


def moment(stamp: str) -> str:
    """A time of the store for reading, in UTC; nothing for none.

    >>> moment("2026-01-02T03:04:05.678Z"), moment("")
    ('2026-01-02 03:04', '')
    """
    return datetime.fromisoformat(stamp).strftime("%Y-%m-%d %H:%M") if stamp else ""


def around(caller: Caller | None, here: str = "") -> dict[str, Any]:
    """What every page needs: who looks at it, the token of its forms, where it stands, and where else there is to go."""
    role = caller.user.role if caller else None
    return {
        "user": caller.user if caller else None,
        "csrf": caller.session.csrf if caller and caller.session else "",
        "single_user": caller is not None and caller.user.id == 0,
        "here": here,
        "blind": caller is not None and caller.blind,
        "may": lambda needed: role is not None and at_least(role, needed),
    }


def page(name: str, caller: Caller | None, here: str = "", **context: Any) -> Template:
    """A page, or a part of one, for somebody."""
    return Template(name, context={**around(caller, here), **context})


def error_page(request: Request[Any, Any, Any], problem: Problem) -> str:
    """A whole page for an error, with a login where that is what is missing; for htmx the message alone."""
    part = request.headers.get("hx-request") == "true"
    # Of the others it is not known what they quote; a text for translation may hold no percent sign.
    ours = problem.status in SAID.get(problem.type, {})
    if ours:
        problem = msgspec.structs.replace(problem, detail=SAID[problem.type][problem.status])
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    shown = environment().get_template("parts/alert.html" if part else "error.html")
    caller = request.scope.get("user")
    return shown.render(
        **around(caller if isinstance(caller, Caller) else None),
        problem=problem,
        ours=ours,
        wanted=wanted if request.method == "GET" else "/",
    )


@lru_cache(maxsize=1)
def _version() -> str:
    """Changes with any static file, so that browsers may keep them for good."""
    digest = hashlib.sha256()
    for path in sorted(p for p in STATIC.rglob("*") if p.is_file()):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _address(name: str) -> str:
    return f"/static/{name}?v={_version()}"


def static_files() -> Router:
    """Style, scripts and pictures."""
    return create_static_files_router(
        path="/static", directories=[STATIC], cache_control=CacheControlHeader(max_age=YEAR, immutable=True, public=True), include_in_schema=False, opt=PUBLIC["opt"],
    )  # fmt: skip
