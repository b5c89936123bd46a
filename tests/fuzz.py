"""Hostile requests at length: every operation, every check of schemathesis that makes sense, several seeds, three callers.

    python -m tests.fuzz --seeds 3 --examples 100      (or: make fuzz)

The service is real, over HTTP on this machine, with models that answer at once. The callers are an administrator's key with every
scope, a key that may classify only, and nobody. tests/api/test_schema.py makes the same requests in a short form at each run of the tests.
"""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import uvicorn
from isco_api.app import create_app
from isco_api.pages import open_pages
from isco_api.serving import bind
from isco_api.worker import Worker

from isco_rag.store import keys, users
from isco_rag.store.records import SCOPES, Scope
from isco_rag.store.schema import keys as table
from tests.api.conftest import PASSWORD, make_service

CONFIG = Path(__file__).with_name("fuzz.toml")
OWNER = "owner-of-the-keys"
# Far from the numbers that are tried, since a revoked key asks nothing any more.
FAR = 2**40
# A file's progress ends with the file, not with the request.
LEFT_OUT = ("followJob",)
# Who is nobody is told to log in, whatever it sends.
SENSELESS = {
    "administrator": "",
    "classify": "positive_data_acceptance,negative_data_rejection,missing_required_header",
    "nobody": "positive_data_acceptance,negative_data_rejection,missing_required_header",
}


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The address of a service, and the header Authorization of each caller."""
    service = make_service(folder)
    scopes: dict[str, tuple[Scope, ...]] = {"administrator": SCOPES, "classify": ("classify",)}
    headers = {"nobody": ""}
    with service.store.write() as db:
        users.add(db, "fuzz", OWNER, PASSWORD, "administrator")
        for number, (name, may) in enumerate(scopes.items()):
            secret, key = keys.create(db, "fuzz", OWNER, name, may, 1, 1_000_000)
            db.execute(table.update().where(table.c.id == key.id).values(id=FAR + number))
            headers[name] = f"Bearer {secret}"
    bound = bind("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(create_app(service, open_pages()), log_config=None, lifespan="on"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    worker = Worker(service)
    thread.start()
    worker.start()
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}", headers
    finally:
        server.should_exit = True
        thread.join(30)
        worker.stop()
        service.close()


def tried(address: str, header: str, without: str, seed: int, examples: int) -> int:
    """What schemathesis ends with: 0 where it found nothing."""
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(CONFIG), "run", f"{address}/api/v1/schema/openapi.json", "--seed", str(seed), "--max-examples",
        str(examples), "--continue-on-failure", "--no-color", "--suppress-health-check", "all", "--warnings", "off", "--request-timeout", "60", "--wait-for-schema", "120",
    ]  # fmt: skip
    command += [part for name in LEFT_OUT for part in ("--exclude-operation-id", name)]
    command += ["--header", f"Authorization: {header}"] if header else []
    command += ["--exclude-checks", without] if without else []
    return subprocess.run(command, check=False).returncode


@click.command()
@click.option("--seeds", default=3, show_default=True, type=click.IntRange(1), help="How many times each caller tries.")
@click.option(
    "--examples", default=100, show_default=True, type=click.IntRange(1), help="Requests for each operation, phase and kind, at most."
)
@click.option("--caller", type=click.Choice(sorted(SENSELESS)), help="One caller instead of all.")
def main(seeds: int, examples: int, caller: str | None) -> None:
    """Ends with 1 where anything was found."""
    found = []
    for name in [caller] if caller else SENSELESS:
        for seed in range(1, seeds + 1):
            with TemporaryDirectory(ignore_cleanup_errors=True) as folder, served(Path(folder) / "state") as (address, headers):
                click.echo(f"caller {name}, seed {seed}")
                if tried(address, headers[name], SENSELESS[name], seed, examples):
                    found.append(f"{name}, seed {seed}")
    click.echo("found: " + "; ".join(found) if found else "nothing found")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
