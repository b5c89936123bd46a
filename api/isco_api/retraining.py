"""Retraining by schedule: a thread that looks whether one is wanted, and runs it in a process of its own beside the service.

What runs are the commands that people have, `isco-rag retrain` and, if the settings say so, `isco-rag promote`, at the lowest priority. The table says who is
at it (isco_rag.store.retrainings): one service of all that share the database. A service that ends, in order or not, takes its process with
it; the work folder keeps what was done, and the next one to look goes on.
"""

import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from signal import Signals
from tempfile import TemporaryFile
from time import monotonic
from typing import IO

from isco_api.service import Service
from isco_rag.beside import LOST
from isco_rag.errors import ConflictError, RegressionError, StoreError
from isco_rag.learn import registry
from isco_rag.learn.places import manifest_of, name_after
from isco_rag.store import retrainings
from isco_rag.store.records import Retraining
from isco_rag.store.retrainings import WHO

log = logging.getLogger("isco_api.retraining")
COMMAND = (sys.executable, "-m", "isco_rag.cli", "--beside")
# How often the settings and the corrections are looked at, and the process while it runs.
LOOK_SECONDS, WATCH_SECONDS = 30.0, 1.0
# How long a process may take to end when its input does.
END_SECONDS = 10.0
# What is read of the end of a command's errors, and how those of its own begin.
SAID, OURS = 4000, "isco-rag: "


class Lost(Exception):  # noqa: N818
    """The process is not to go on: the service ends, or another has the claim."""


class Failed(Exception):  # noqa: N818
    """What ran has said why it could not."""


class Retrainer:
    """Runs retrainings as the settings say, one at a time, each in a process that is watched from a thread."""

    def __init__(self, service: Service, command: Sequence[str] = COMMAND) -> None:
        self.service, self.command = service, command
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self._thread = threading.Thread(target=self._run, name="isco-retrain", daemon=True)

    def start(self) -> None:
        """Begins to look."""
        self._thread.start()

    def stop(self) -> None:
        """Ends, with the process; what it had done is gone on with by whoever looks next."""
        self.service.stopping.set()
        self._thread.join(timeout=END_SECONDS + 5)

    def _run(self) -> None:
        while not self.service.stopping.wait(LOOK_SECONDS):
            try:
                self.step()
            except StoreError as error:
                log.warning("retraining waits: %s", error)
            except Exception:
                log.exception("retraining failed")

    def step(self) -> bool:
        """Runs a retraining if one is wanted; whether one was."""
        running, store = self.service.running(), self.service.store
        if not running.retrain_days:
            return False
        champion = registry.champion_of(store, self.service.base)
        learned = manifest_of(champion.folder).until
        with store.read() as db:
            if not retrainings.is_wanted(db, running, learned):
                return False
        with store.write() as db:
            found = retrainings.claim(db, self.name, running, learned, champion.name, lambda until: name_after(champion.name, until))
        if found is None:
            return False
        log.info("retraining", extra={"retraining": found.id, "until": found.until, "attempt": found.attempts})
        try:
            self._work(found, running.retrain_minutes, running.retrain_then)
        except Lost:
            with store.write() as db:
                retrainings.put_off(db, self.name, found.id, "", lost=False)
        return True

    def _work(self, found: Retraining, minutes: int, then: str) -> None:
        said, store = "", self.service.store
        try:
            self._call(found, "retrain", "--until", str(found.until), "--budget", str(minutes), "--name", found.model, "--by", WHO)
            if then != "wait":
                said = self._judge(found, only=then == "judge")
        except Failed as error:
            code, said = error.args
            with store.write() as db:
                if code < 0 or code in (LOST, ConflictError.exit_code):
                    retrainings.put_off(db, self.name, found.id, said, lost=code != ConflictError.exit_code)
                else:
                    retrainings.close(db, self.name, found.id, "failed", said)
            log.warning("retraining did not come to a model", extra={"retraining": found.id, "code": code})
            return
        with store.write() as db:
            retrainings.close(db, self.name, found.id, "done", said)
        self.service.promoted.set()
        log.info("retrained", extra={"retraining": found.id, "model": found.model})

    def _judge(self, found: Retraining, *, only: bool) -> str:
        """What the gate said of the model."""
        try:
            self._call(found, "promote", found.model, "--by", WHO, *(("--judge-only",) if only else ()))
        except Failed as error:
            if error.args[0] != RegressionError.exit_code:
                raise
        verdict = registry.newest_verdict(self.service.store, found.model)
        return verdict.words[0] if verdict else ""

    def _call(self, found: Retraining, *arguments: str) -> None:
        """Runs a command to its end; Failed with its exit code and last words, Lost where it was not to go on."""
        options = self.service.options
        place = ["--state", str(options.state), "--bundle", str(self.service.base)]
        place += ["--settings", str(options.settings_file)] if options.settings_file else []
        # Its URL may hold a password, and everybody on the machine can read a process's arguments.
        environment = {**os.environ, **({"ISCO_RAG_DATABASE": options.database} if options.database else {})}
        with TemporaryFile(dir=self.service.store.folder / "tmp") as words:
            process = subprocess.Popen(
                [*self.command, *arguments, *place], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=words, env=environment
            )  # fmt: skip
            try:
                self._watch(found, process)
            finally:
                _end(process)
            if process.returncode:
                raise Failed(process.returncode, _last(words, process.returncode))

    def _watch(self, found: Retraining, process: "subprocess.Popen[bytes]") -> None:
        """Returns when the process has ended; Lost where the service ends, or the claim is gone or could not be renewed in time."""
        renewed = monotonic()
        while process.poll() is None:
            if self.service.stopping.wait(WATCH_SECONDS):
                raise Lost
            if monotonic() - renewed > retrainings.LEASE_SECONDS / 4:
                try:
                    with self.service.store.write() as db:
                        if not retrainings.renew(db, self.name, found.id):
                            raise Lost
                    renewed = monotonic()
                except StoreError:
                    # In time: the process must be gone before another may take over.
                    if monotonic() - renewed > retrainings.LEASE_SECONDS - 2 * END_SECONDS:
                        raise Lost from None


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Ends a process that has not ended, by its input; by force where it does not mind that."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _last(words: IO[bytes], code: int) -> str:
    """The error that a command ended with, in its own words; those of a library are not kept, since they might hold texts."""
    words.seek(0)
    lines = words.read().decode(errors="replace")[-SAID:].splitlines()
    told = [line.removeprefix(OURS) for line in lines if line.startswith(OURS)]
    if told:
        return told[-1]
    if code < 0:
        return f"its process was killed ({Signals(-code).name}); where the machine was short of memory, training needs more of it"
    return f"its process ended with exit code {code}; run `isco-rag retrain` to see why"
