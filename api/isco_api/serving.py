"""The process of a service: state opened, address bound, model opened beside, worker started, requests served until it is told to stop."""

import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import click
import uvicorn

from isco_api.app import create_app
from isco_api.engine import Engine
from isco_api.first_look import evaluate_once
from isco_api.logs import set_up_logs
from isco_api.models import ChampionFollower
from isco_api.options import Options
from isco_api.pages import open_pages
from isco_api.retraining import COMMAND, Retrainer
from isco_api.service import Service, start_opening
from isco_api.worker import Worker
from isco_rag.errors import UsageError
from isco_rag.settings import Settings
from isco_rag.store import users
from isco_rag.store.database import Store, open_store
from isco_rag.wiring import default_bundle, open_classifier, threads_of

# Connections that are still open when the service stops (progress of a file) are closed after this time.
GRACE_SECONDS = 5


def run(options: Options, bundle: Path | None, settings: Settings, trainer: Sequence[str] = COMMAND) -> None:
    """Serves until interrupted; UsageError where the address can't be had or may not be served yet.

    `trainer` is the command that retrains by schedule.
    """
    set_up_logs()
    store = open_store(options.state, options.database)
    check_may_serve(options, store)
    bound = bind(options.host, options.port)
    engine = Engine(threads_of(settings), options.limits.waiting)
    service = Service(store, engine, options, bundle or default_bundle())
    follower = ChampionFollower(
        service, lambda folder: open_classifier(folder, settings), lambda classifier, folder: evaluate_once(service, folder, classifier)
    )
    start_opening(service, follower.begin)
    workers: list[Worker | Retrainer] = [Worker(service), Retrainer(service, trainer)] if options.worker else []
    for worker in workers:
        worker.start()
    config = uvicorn.Config(
        create_app(service, open_pages()), log_config=None, access_log=False, server_header=False, date_header=True, proxy_headers=options.secure,
        timeout_graceful_shutdown=GRACE_SECONDS, timeout_keep_alive=30, h11_max_incomplete_event_size=64 << 10, lifespan="on",
    )  # fmt: skip
    port = bound.getsockname()[1]
    host = f"[{options.host}]" if ":" in options.host else options.host
    click.echo(
        f"ISCO-08 RAG on http://{host}:{port}" + ("  (single-user mode: no login, this machine only)" if service.single_user() else "")
    )
    # The server raises the signal that ended it once more when it is done; the default would end the process before its threads have ended in order.
    signal.signal(signal.SIGTERM, _end)
    try:
        uvicorn.Server(config).run(sockets=[bound])
    finally:
        service.stopping.set()
        for worker in workers:
            worker.stop()
        service.close()


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(0)


def check_may_serve(options: Options, store: Store) -> None:
    """Refuses to let other machines in before somebody is responsible."""
    if options.loopback:
        return
    with store.read() as db:
        if not users.has_administrator(db):
            raise UsageError(
                f"{options.host} can be reached by others, and there is no administrator yet; add one first: "
                "isco-rag users add NAME --role administrator"
            )


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens; UsageError where the address is taken or is not this machine's."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except OSError as error:
        raise UsageError(f"{host} is no address ({error.strerror}); choose another with --host") from None
    found = socket.socket(family, kind, protocol)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen(1024)
    except OSError as error:
        found.close()
        raise UsageError(f"{host} port {port} can't be listened on ({error.strerror}); choose another with --host and --port") from None
    return found
