"""Administration: users, keys, models and the index, corrections, the audit trail, settings. Reviewers see corrections and audit."""

from typing import Annotated, Any

from litestar import Request, get, post
from litestar.params import Parameter, QueryParameter
from litestar.response import Redirect, Template

from isco_api.access import Caller, needs
from isco_api.pages.rendering import GRADES, no_text, page
from isco_api.routes import administration as api
from isco_api.routes import corrections, oversight
from isco_api.routes import models as registered
from isco_api.routes.given import LARGEST, Asking, Given
from isco_api.service import Service
from isco_rag.errors import AuditError, CoderError, InputError, NotFoundError
from isco_rag.store import audit, retrainings
from isco_rag.store import corrections as stored
from isco_rag.store import keys as programs
from isco_rag.store import models as kept
from isco_rag.store import users as people
from isco_rag.store.records import ROLES, SCOPES
from isco_rag.store.settings import change, current

HERE = "/administration"
PAGE = 100
# Retrainings that the page of the models shows.
RUNS = 5
Number = Annotated[int, Parameter(ge=1, le=LARGEST)]
Before = Annotated[int, Parameter(ge=0, le=LARGEST)]
Name = Annotated[str, Parameter(max_length=80)]
Form = Request[Any, Any, Any]
# The settings that are numbers, as the form names them.
NUMBERS = {
    "sample_rows": no_text("at most so many rows"), "sample_share": no_text("at most this share of the rows (0.02 is two in a hundred)"), "sample_random": no_text("share of them drawn at random"),
    "sample_uncertain": no_text("share of them that are uncertain"), "sample_diverse": no_text("share of them that differ from each other"),
    "alert_rows": no_text("rows that it takes to say anything"), "alert_psi": no_text("codes or confidence shift (PSI; above 0.25 is much)"),
    "alert_automation": no_text("automation falls by"), "alert_far": no_text("texts with no near example rise by"),
    "alert_centroid": no_text("centre of the texts turns by"), "alert_calibration": no_text("corrected more often than expected by"),
    "alert_error": no_text("wrong of what goes out untouched, surely above"),
    "retrain_days": no_text("at least so many days apart (0: never)"), "retrain_from": no_text("begins at this hour at the earliest (UTC)"),
    "retrain_to": no_text("and before this hour (UTC)"), "retrain_corrections": no_text("new corrections, at least"),
    "retrain_minutes": no_text("minutes, at most"),
}  # fmt: skip


def _page(name: str, caller: Caller, **context: Any) -> Template:
    return page(f"administration/{name}.html", caller, HERE, section=name, **context)


@get(HERE, sync_to_thread=False, **needs("reviewer", "corrections"))
def first(caller: Asking) -> Redirect:
    """The first section that the caller may see."""
    return Redirect(f"{HERE}/users" if caller.user.role == "administrator" else f"{HERE}/corrections")


@get(f"{HERE}/users", sync_to_thread=True, **needs("administrator", "admin"))
def users(service: Given, caller: Asking) -> Template:
    """Users and what may be changed about them."""
    with service.store.read() as db:
        return _page("users", caller, users=people.listed(db), roles=ROLES)


@post(f"{HERE}/users", status_code=303, **needs("administrator", "admin"))
async def add_user(service: Given, caller: Asking, request: Form) -> Redirect:
    """A new user."""
    form = await request.form()
    name, password, role = (str(form.get(field, "")) for field in ("name", "password", "role"))

    def work() -> None:
        with service.store.write() as db:
            people.add(db, caller.name, name, password, role)  # type: ignore[arg-type]

    await service.aside(work)
    return Redirect(f"{HERE}/users", status_code=303)


@post(f"{HERE}/users/{{name:str}}", status_code=303, **needs("administrator", "admin"))
async def change_user(service: Given, caller: Asking, request: Form, name: Name) -> Redirect:
    """A user with another role or password, disabled or enabled."""
    form = await request.form()
    disabled = {"yes": True, "no": False}.get(str(form.get("disabled", "")))
    data = api.UserChange(form.get("role") or None, disabled, str(form["password"]) if form.get("password") else None)
    await service.aside(api.changed, service, caller, name, data)
    return Redirect(f"{HERE}/users", status_code=303)


@get(f"{HERE}/keys", sync_to_thread=True, **needs("administrator", "admin"))
def keys(service: Given, caller: Asking) -> Template:
    """Keys without their secrets."""
    return _keys(service, caller, made=None)


def _keys(service: Service, caller: Caller, made: api.MadeKey | None) -> Template:
    with service.store.read() as db:
        found, users = programs.listed(db), people.listed(db)
    return _page("keys", caller, keys=found, users=users, scopes=SCOPES, made=made, per_minute=programs.PER_MINUTE)


@post(f"{HERE}/keys", status_code=200, **needs("administrator", "admin"))
async def create_key(service: Given, caller: Asking, request: Form) -> Template:
    """The keys, and the secret of the new one, which is shown this once."""
    form = await request.form()
    try:
        days, pace = int(form.get("days", "365")), int(form.get("per_minute", str(programs.PER_MINUTE)))
    except ValueError:
        raise InputError("days and requests a minute are whole numbers") from None
    user, name, scopes = str(form.get("user", "")), str(form.get("name", "")), tuple(str(scope) for scope in form.getall("scopes", []))

    def work() -> Template:
        with service.store.write() as db:
            made = api.MadeKey(*programs.create(db, caller.name, user, name, scopes, days, pace))  # type: ignore[arg-type]
        return _keys(service, caller, made)

    return await service.aside(work)


@post(f"{HERE}/keys/{{number:int}}/revoke", status_code=303, sync_to_thread=True, **needs("administrator", "admin"))
def revoke_key(service: Given, caller: Asking, number: Number) -> Redirect:
    """The keys; the next request with this one is refused."""
    with service.store.write() as db:
        programs.revoke(db, caller.name, number)
    return Redirect(f"{HERE}/keys", status_code=303)


@get(f"{HERE}/models", sync_to_thread=True, **needs("administrator", "admin"))
def models(service: Given, caller: Asking) -> Template:
    """The models that are here, and the index that answers."""
    found = registered.models(service)
    with service.store.read() as db:
        line, runs, running = kept.standing_line(kept.history(db)), retrainings.listed(db, RUNS), current(db)
    before = line[-2].name if len(line) > 1 else ""
    return _page(
        "models", caller, models=found, index=service.live.status(), obstacle=service.obstacle, before=before, retrainings=runs, running=running
    )  # fmt: skip


@get(f"{HERE}/models/{{name:str}}", sync_to_thread=True, **needs("administrator", "admin"))
def model(service: Given, caller: Asking, name: Name) -> Template:
    """A model with its verdicts, and what can be done with it."""
    found = next((m for m in registered.models(service) if m.name == name), None)
    if found is None:
        raise NotFoundError(f"there is no model {name}")
    with service.store.read() as db:
        verdicts = kept.judged(db, name, 20)
    return page("administration/model.html", caller, HERE, section="models", model=found, verdicts=verdicts)


@post(f"{HERE}/models/{{name:str}}/promote", status_code=303, **needs("administrator", "admin"))
async def promote_model(service: Given, caller: Asking, request: Form, name: Name) -> Redirect:
    """The champion from now on; the form has asked whether it is meant."""
    form = await request.form()
    data = registered.Promotion(form.get("force") == "yes", str(form.get("reason", ""))[:2000])
    await service.aside(registered.let_answer, service, caller, name, data)
    return Redirect(f"{HERE}/models", status_code=303)


@post(f"{HERE}/models/rollback", status_code=303, **needs("administrator", "admin"))
async def rollback_model(service: Given, caller: Asking, request: Form) -> Redirect:
    """The champion before, champion again."""
    why = str((await request.form()).get("reason", ""))[:2000]
    await service.aside(registered.go_back, service, caller, why)
    return Redirect(f"{HERE}/models", status_code=303)


@post(f"{HERE}/index/rebuild", status_code=303, sync_to_thread=True, **needs("administrator", "admin"))
def rebuild(service: Given, caller: Asking) -> Redirect:
    """The index is begun anew beside the one that answers."""
    oversight.begin_rebuild(service, caller)
    return Redirect(f"{HERE}/models", status_code=303)


@get(f"{HERE}/corrections", sync_to_thread=True, **needs("reviewer", "corrections"))
def list_corrections(
    service: Given, caller: Asking, before: Before = 0,
    status: Annotated[str, QueryParameter(name="state", max_length=10)] = "", of: Annotated[int, QueryParameter(name="import", ge=0, le=LARGEST)] = 0,
    number: Annotated[int, Parameter(ge=0, le=LARGEST)] = 0,
) -> Template:  # fmt: skip
    """Corrections, the newest first: all, those of a state, those of an import, or a single one."""
    with service.store.read() as db:
        found = [stored.one(db, number)] if number else stored.listed(db, state=status, import_id=of, before=before, limit=PAGE)
        counts = stored.counted(db)
    more = found[-1].id if len(found) == PAGE else 0
    return _page("corrections", caller, corrections=found, counts=counts, state=status, of=of, number=number, more=more)


@post(f"{HERE}/corrections/{{number:int}}/{{deed:str}}", status_code=303, **needs("reviewer", "corrections"))
async def decide_correction(
    service: Given, caller: Asking, request: Form, number: Number, deed: Annotated[str, Parameter(max_length=10)]
) -> Redirect:
    """A correction taken back, or upheld against others of its text."""
    work = {"revert": stored.revert, "uphold": stored.adjudicate}.get(deed)
    if work is None:
        raise InputError("a correction can be reverted or upheld")
    reason = str((await request.form()).get("reason", ""))[:2000]
    await service.aside(corrections.decide, service, caller, work, number, reason)
    return Redirect(f"{HERE}/corrections", status_code=303)


@get(f"{HERE}/audit", sync_to_thread=True, **needs("reviewer", "audit"))
def show_audit(
    service: Given, caller: Asking, before: Before = 0, who: Name = "", action: Annotated[str, Parameter(max_length=40)] = ""
) -> Template:
    """The audit trail, the newest row first."""
    with service.store.read() as db:
        found = audit.listed(db, before=before, limit=PAGE, who=who, action=action)
    return _page("audit", caller, rows=found, who=who, action=action, more=found[-1].id if len(found) == PAGE else 0)


@get(f"{HERE}/audit/verify", sync_to_thread=True, **needs("administrator", "audit"))
def verify(service: Given, caller: Asking) -> Template:
    """Whether the trail is whole."""
    said: CoderError | None = None
    verified = None
    try:
        with service.store.read() as db:
            verified = audit.verify(db)
    except AuditError as error:
        said = error
    return page("administration/verified.html", caller, verified=verified, said=str(said or ""))


def _number(text: str) -> int | float | str:
    """A number of the form; what is none stays as it is and is refused by name."""
    try:
        return int(text) if text.isdecimal() else float(text)
    except ValueError:
        return text


@get(f"{HERE}/settings", sync_to_thread=True, **needs("administrator", "admin"))
def show_settings(service: Given, caller: Asking) -> Template:
    """The settings of the running service."""
    return _page("settings", caller, running=service.running(), grade_names=GRADES, numbers=NUMBERS)


@post(f"{HERE}/settings", status_code=303, **needs("administrator", "admin"))
async def change_settings(service: Given, caller: Asking, request: Form) -> Redirect:
    """The settings as the form has them."""
    form = await request.form()
    data = {
        "hide_machine_code": bool(form.get("hide_machine_code")), "coders": 2 if form.get("coders") == "2" else 1,
        "result_days": int(form["result_days"]) if str(form.get("result_days", "")).isdecimal() else form.get("result_days"),
        "review_grades": [g for g in form.getall("review_grades", []) if g in GRADES],
        **{name: _number(form[name]) for name in NUMBERS if form.get(name)},
        **{name: form[name] for name in ("reference_from", "reference_until", "retrain_then") if name in form},
    }  # fmt: skip

    def work() -> None:
        with service.store.write() as db:
            change(db, caller.name, data)

    await service.aside(work)
    return Redirect(f"{HERE}/settings", status_code=303)


HANDLERS = (
    first, users, add_user, change_user, keys, create_key, revoke_key, models, model, promote_model, rollback_model, rebuild, list_corrections, decide_correction, show_audit, verify,
    show_settings, change_settings,
)  # fmt: skip
