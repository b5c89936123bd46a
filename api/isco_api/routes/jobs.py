"""Files: uploaded, looked at, started, followed, stopped, fetched."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated

import msgspec
from litestar import delete, get, post
from litestar.background_tasks import BackgroundTask
from litestar.concurrency import sync_to_thread
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.openapi.spec import Example
from litestar.params import Body, Parameter, QueryParameter
from litestar.response import File, ServerSentEvent, ServerSentEventMessage
from msgspec import Struct

from isco_api.access import Caller, needs
from isco_api.hiding import seen, seen_all
from isco_api.routes.given import Asking, Given
from isco_api.service import Service
from isco_api.worker import uploaded_file
from isco_rag.coding import COLUMNS
from isco_rag.errors import CoderError, ConflictError, InputError, NotFoundError, StoreError, TooLargeError
from isco_rag.formula import unguarded
from isco_rag.results import MEDIA_TYPES, Format, write_result
from isco_rag.sheets import first_rows, read_upload
from isco_rag.store import jobs
from isco_rag.store.records import FileJob
from isco_rag.store.reviews import at_least
from isco_rag.store.settings import current
from isco_rag.tables import Form, choose_columns, read_rows
from isco_rag.types import FIELDS, Grade, Prediction

PREVIEW = 10
CELL = 200
POLL_SECONDS = 0.5
Number = Annotated[str, Parameter(max_length=40, description="The job's number.")]


@dataclass
class Upload:
    """A form with one file, in the field `data`."""

    data: UploadFile


class Look(Struct, frozen=True):
    """A file as it was read: guessed encoding, delimiter and columns, and its first rows; `wide` rows have more cells than the header."""

    job: FileJob
    encoding: str
    delimiter: str
    columns: dict[str, str]
    rows: tuple[tuple[str, ...], ...]
    wide: int
    first_wide: int


class Start(Struct, forbid_unknown_fields=True):
    """Which columns hold what, by name; those left out are taken as guessed, an empty name leaves a field out. `review` names the grades whose rows go to review."""

    title: str | None = None
    duties: str | None = None
    industry: str | None = None
    review: tuple[Grade, ...] | None = None
    priority: Annotated[int, msgspec.Meta(ge=-10, le=10)] = 0


def own(service: Service, caller: Caller, number: str) -> FileJob:
    """A job that the caller may see, as far as it may: its own, or any for reviewers."""
    with service.store.read() as db:
        job = jobs.one(db, number)
    if job.owner != caller.user.name and not at_least(caller.user.role, "reviewer"):
        raise NotFoundError(f"there is no job '{number[:40]}' of yours; list the jobs to see their numbers")
    return seen(caller, job)


def take_upload(service: Service, who: str, name: str, path: Path, encoding: str = "", delimiter: str = "") -> Look:
    """The job of a file at `path`, checked and stored whole; errors name the file as its owner knows it."""
    shown = Path(name.replace("\\", "/")).name[:200] or "upload"
    beside = path.with_name(path.name + ".csv")
    try:
        kind, text, form = read_upload(path, beside, encoding, delimiter)
        if form.rows > service.options.limits.rows:
            raise TooLargeError(f"it has {form.rows:,} rows, at most {service.options.limits.rows:,} are taken; divide it")
        try:
            guessed = choose_columns(form, text, {})
        except InputError:
            guessed = {}
        with service.store.write() as db:
            job = jobs.create(db, who, shown, kind, form, guessed, _pieces(text), current(db).result_days)
        return look_of(job, form, text)
    except OSError as error:
        raise _no_space(error) from None
    except CoderError as error:
        raise type(error)(about(shown, str(error), path, beside)) from None
    finally:
        beside.unlink(missing_ok=True)


def about(shown: str, said: str, *paths: Path) -> str:
    """An error's words with the file's own name instead of where it lies here, and the API's options instead of the command line's."""
    for path in sorted(paths, key=lambda p: -len(str(p))):
        said = said.replace(f"{path}: ", "").replace(str(path), shown)
    for option, parameter in (
        ("--encoding", "the parameter encoding"), ("--delimiter", "the parameter delimiter"), ("--code-column", "the parameter code"),
        ("--title-column", "the parameter title"),
    ):  # fmt: skip
        said = said.replace(option, parameter)
    return f"{shown}: {said.replace(', or read quotes as ordinary characters with --no-quotes', '')}"


def _no_space(error: OSError) -> StoreError:
    return StoreError(
        f"the file can't be stored here ({error.strerror or type(error).__name__}); free space on the disk of the state folder, then do it again"
    )


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(jobs.PIECE):
            yield piece


def look_of(job: FileJob, form: Form, path: Path) -> Look:
    """A file as it was read, with its first rows; long cells are cut for the look."""
    rows = tuple(tuple(unguarded(cell)[:CELL] for cell in row) for row in first_rows(path, form, PREVIEW))
    named = {field: form.header[column] for field, column in job.columns.items()}
    return Look(job, form.encoding, form.delimiter, named, rows, form.wide, form.first_wide)


def start_job(service: Service, caller: Caller, number: str, wanted: Start) -> FileJob:
    """The job in the queue, with the columns chosen by name or guessed."""
    job = own(service, caller, number)
    columns = dict(job.columns)
    for field in FIELDS:
        name = getattr(wanted, field)
        if name is None:
            continue
        columns.pop(field, None)
        if name:
            if name not in job.header:
                raise InputError(f"there is no column '{name[:80]}'; the columns are: {', '.join(job.header)[:300]}")
            columns[field] = job.header.index(name)
    if "title" not in columns and "duties" not in columns:
        raise InputError(f"say which column holds the title or the duties; the columns are: {', '.join(job.header)[:300]}")
    taken = [name for name in job.header if name in COLUMNS]
    if taken:
        raise InputError(f"the file already has the column {taken[0]}; rename it or upload the original file")
    with service.store.write() as db:
        fill = current(db).review_grades if wanted.review is None else wanted.review
        started = jobs.start(db, caller.name, number, columns, tuple(fill), wanted.priority)
    service.wake.set()
    return seen(caller, started)


def write_out(service: Service, job: FileJob, kind: Format) -> Path:
    """The result so far as a file in the state's folder for passing things; whoever sends it removes it."""
    with NamedTemporaryFile(dir=service.store.folder / "tmp", prefix="result-", suffix=f".{kind}", delete=False) as file:
        path = Path(file.name)
    try:
        with uploaded_file(service, job.id) as (source, form):
            write_result(path, kind, form, _coded(service, job, source, form))
    except OSError as error:
        path.unlink(missing_ok=True)
        raise _no_space(error) from None
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def _coded(service: Service, job: FileJob, source: Path, form: Form) -> Iterator[tuple[Sequence[str], Prediction]]:
    rows = read_rows(source, form)
    with service.store.read() as db:
        for chunk in jobs.results(db, job.id):
            # The chunk first: zip must not take a row that has no answer yet.
            for prediction, row in zip(chunk, rows, strict=False):
                yield [unguarded(cell) for cell in row], prediction


@post("/jobs", operation_id="uploadFile", summary="Upload a file", tags=["jobs"], status_code=201, **needs("coder", "jobs"))
async def upload(
    service: Given, caller: Asking,
    data: Annotated[Upload, Body(media_type=RequestEncodingType.MULTI_PART)],
    encoding: Annotated[str, Parameter(max_length=40, description="Encoding of a text file, where the guess is wrong.")] = "",
    delimiter: Annotated[str, Parameter(max_length=1, description="Delimiter of a text file, where the guess is wrong.")] = "",
    start: Annotated[bool, Parameter(description="Start at once with the columns that were guessed.")] = False,
) -> Look:  # fmt: skip
    """Takes CSV or XLSX by its content and tells how it was read. Nothing is coded before the job is started."""
    path = await spooled(service, data.data)
    try:
        look = await sync_to_thread(take_upload, service, caller.user.name, data.data.filename or "upload", path, encoding, delimiter)
        if start:
            job = await sync_to_thread(start_job, service, caller, look.job.id, Start())
            look = msgspec.structs.replace(look, job=job)
        return look
    finally:
        path.unlink(missing_ok=True)


async def spooled(service: Service, data: UploadFile) -> Path:
    """What was sent, in a file of ours; nothing is left where it can't be written whole."""
    path = None
    try:
        with NamedTemporaryFile(dir=service.store.folder / "tmp", prefix="upload-", delete=False) as file:
            path = Path(file.name)
            while piece := await data.read(jobs.PIECE):
                file.write(piece)
        return path
    except BaseException as error:
        if path is not None:
            path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _no_space(error) from None
        raise


@get("/jobs", operation_id="listJobs", summary="Files", tags=["jobs"], sync_to_thread=True, **needs("coder", "jobs"))
def list_jobs(service: Given, caller: Asking, limit: Annotated[int, Parameter(ge=1, le=1000)] = 100) -> list[FileJob]:
    """The newest first: your own, or all for reviewers."""
    return files_of(service, caller, limit)


def files_of(service: Service, caller: Caller, limit: int = 100) -> list[FileJob]:
    """The files that the caller may see, the newest first."""
    with service.store.read() as db:
        return seen_all(caller, jobs.listed(db, "" if at_least(caller.user.role, "reviewer") else caller.user.name, limit))


@get("/jobs/{number:str}", operation_id="getJob", summary="One file", tags=["jobs"], sync_to_thread=True, **needs("coder", "jobs"))
def get_job(service: Given, caller: Asking, number: Number) -> FileJob:
    """Its state, how many rows are done, and what came of them."""
    return own(service, caller, number)


@get("/jobs/{number:str}/look", operation_id="lookAtFile", summary="A file as it was read", tags=["jobs"], sync_to_thread=True,
     **needs("coder", "jobs"))  # fmt: skip
def look(service: Given, caller: Asking, number: Number) -> Look:
    """Encoding, delimiter, columns and the first rows."""
    job = own(service, caller, number)
    with uploaded_file(service, number) as (path, form):
        return look_of(job, form, path)


START = Body(
    examples=[Example(summary="Two columns", value={"title": "job title", "duties": "main tasks", "review": ["very_low"], "priority": 0})]
)


@post("/jobs/{number:str}/start", operation_id="startJob", summary="Start coding", tags=["jobs"], status_code=202, sync_to_thread=True,
      **needs("coder", "jobs"))  # fmt: skip
def start(service: Given, caller: Asking, number: Number, data: Annotated[Start, START]) -> FileJob:
    """Puts the file into the queue; the same start twice counts once."""
    return start_job(service, caller, number, data)


@post("/jobs/{number:str}/cancel", operation_id="cancelJob", summary="Stop coding", tags=["jobs"], status_code=200, sync_to_thread=True,
      **needs("coder", "jobs"))  # fmt: skip
def cancel(service: Given, caller: Asking, number: Number) -> FileJob:
    """Stops after the piece at hand; what is finished can be fetched, and the job can go on later."""
    return cancel_job(service, caller, number)


def cancel_job(service: Service, caller: Caller, number: str) -> FileJob:
    """The job, stopped."""
    own(service, caller, number)
    with service.store.write() as db:
        return seen(caller, jobs.cancel(db, caller.name, number))


@post("/jobs/{number:str}/resume", operation_id="resumeJob", summary="Go on", tags=["jobs"], status_code=202, sync_to_thread=True,
      **needs("coder", "jobs"))  # fmt: skip
def resume(service: Given, caller: Asking, number: Number) -> FileJob:
    """Goes on with a cancelled or failed job behind its last finished chunk."""
    return resume_job(service, caller, number)


def resume_job(service: Service, caller: Caller, number: str) -> FileJob:
    """The job in the queue again."""
    own(service, caller, number)
    with service.store.write() as db:
        job = jobs.resume(db, caller.name, number)
    service.wake.set()
    return seen(caller, job)


@delete("/jobs/{number:str}", operation_id="removeJob", summary="Remove a file and its result", tags=["jobs"], status_code=204,
        sync_to_thread=True, **needs("coder", "jobs"))  # fmt: skip
def remove(service: Given, caller: Asking, number: Number) -> None:
    """Removes what was uploaded and what came out; predictions kept for review stay."""
    remove_job(service, caller, number)


def remove_job(service: Service, caller: Caller, number: str) -> None:
    """Removes the job."""
    own(service, caller, number)
    with service.store.write() as db:
        jobs.remove(db, caller.name, number)


@get("/jobs/{number:str}/events", operation_id="followJob", summary="Follow progress", tags=["jobs"], media_type="text/event-stream",
     **needs("coder", "jobs"))  # fmt: skip
async def follow(service: Given, caller: Asking, number: Number) -> ServerSentEvent:
    """Server-sent events 'progress' with the job as JSON whenever it has changed, until it has ended."""
    await sync_to_thread(own, service, caller, number)
    return ServerSentEvent(_progress(service, caller, number))


async def _progress(service: Service, caller: Caller, number: str) -> AsyncIterator[ServerSentEventMessage]:
    before = None
    while not service.stopping.is_set():
        try:
            job = await sync_to_thread(own, service, caller, number)
        except NotFoundError:
            return
        if job != before:
            yield ServerSentEventMessage(data=msgspec.json.encode(job).decode(), event="progress", id=str(job.done))
            before = job
        if job.state in ("done", "failed", "cancelled"):
            return
        await asyncio.sleep(POLL_SECONDS)


@get("/jobs/{number:str}/result", operation_id="fetchResult", summary="Fetch the result", tags=["jobs"],
     **needs("coder", "jobs", tells=True))  # fmt: skip
async def result(
    service: Given, caller: Asking, number: Number,
    kind: Annotated[Format, QueryParameter(name="format", description="csv, xlsx, parquet or jsonl")] = "csv",
) -> File:  # fmt: skip
    """Every input column and row with the answer's columns behind; of a stopped job the rows that are finished."""
    job = await sync_to_thread(own, service, caller, number)
    if not job.done:
        raise ConflictError(f"job '{number}' is {job.state} and has no finished rows yet")
    path = await service.aside(write_out, service, job, kind)
    name = f"{Path(job.name).stem}_coded.{kind}"
    return File(path, filename=name, media_type=MEDIA_TYPES[kind], background=BackgroundTask(os.unlink, path))


# `upload` stands apart: it takes larger bodies than the others.
HANDLERS = (list_jobs, get_job, look, start, cancel, resume, remove, follow, result)
