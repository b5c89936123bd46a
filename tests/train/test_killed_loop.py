"""Retraining, promotion and rollback killed at any line, with a service that follows: always one champion that is whole, nothing twice.

Training itself is replaced by something quick; what is frozen, planned, put in place, registered, judged, promoted and rolled back is the real code.
"""

import json
import random
import shutil
import threading
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from isco_api.models import ChampionFollower

import isco_rag
from isco_rag.bundle import read_manifest, swap_in, write_manifest
from isco_rag.learn import registry
from isco_rag.learn import retrain as retraining
from isco_rag.learn.budget import Speeds
from isco_rag.learn.places import FOLDER, WORK
from isco_rag.learn.retrain import Order
from isco_rag.store import audit, corrections, frozen, models
from isco_rag.store.database import Store, open_store
from isco_rag.taxonomy import load_taxonomy
from isco_rag.train.kitchen import Report
from isco_rag.types import Job, Manifest
from tests.killing import Place, started
from tests.learn.bundles import CREATED, judged

KILLS = 140
ROOT = Path(isco_rag.__file__ or isco_rag.__path__[0] + "/x").parent
WATCHED = (str(ROOT / "learn"), str(ROOT / "store" / "models.py"), str(ROOT / "bundle.py"), str(ROOT / "store" / "database.py"))
SILENT = Report(lambda text: None, lambda stage, step, steps, loss: None)


def make_base(folder: Path) -> Path:
    """A bundle that a retraining can begin with, as far as it reads it."""
    for part in ("taxonomy", "index", "weights/encoder"):
        (folder / part).mkdir(parents=True)
    (folder / "taxonomy" / "classification.toml").write_text('name = "Tiny"\nversion = "1"\nlevels = ["top", "bottom"]\n')
    groups = [("1", 1, ""), ("11", 2, "1"), ("12", 2, "1")]
    lines = [
        {"code": c, "level": n, "parent": p, "title": f"group {c}", "definition": "", "tasks": [], "contrasts": []} for c, n, p in groups
    ]  # fmt: skip
    (folder / "taxonomy" / "groups.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    entries = [{"id": f"e{n}", "code": "11", "title": f"title {n}", "duties": "", "source": "written"} for n in range(8)]
    (folder / "index" / "entries.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    write_manifest(folder, Manifest(1, "base", CREATED, "Tiny", {}))
    return folder


def assemble(kitchen: Any, place: Path, judge: object) -> Path:
    """What stands for training: the parent again, with the corrections that it was given."""
    recipe, new = kitchen.recipe, place.with_name(place.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    shutil.copytree(recipe.parent, new)
    (new / "learned.csv").write_bytes(recipe.corrections.read_bytes())
    write_manifest(new, Manifest(1, recipe.name, CREATED, "Tiny", {}, "base", until=recipe.until, corrections=60))
    swap_in(new, place)
    return place


def go_through(said: Connection, state: Path, base: Path, turn: int) -> None:
    """A round of the loop: correct, retrain, judge, promote, and every third time back again."""
    retraining.assemble = assemble  # type: ignore[assignment]
    retraining.Kitchen = lambda recipe, work, report: SimpleNamespace(recipe=recipe)  # type: ignore[assignment, misc]
    retraining.measure = lambda bundle, texts: Speeds(100, 100, 100)  # type: ignore[assignment]
    store, taxonomy = open_store(state), load_taxonomy(base / "taxonomy")
    with store.write() as db:
        corrections.add(db, taxonomy, "ann", "api", Job(f"turn {turn}"), "12")
    with store.read() as db:
        until = frozen.last(db)
        taught = frozen.taught(db, until)
    order = Order(base, until, 600.0, state / WORK, state / FOLDER, None, f"round-{turn}")
    said.send(("retraining", order.name))
    made = retraining.retrain(order, taught, lambda entries: (), SILENT)
    registry.register(store, "ann", made.name)
    said.send(("made", made.name))
    verdict = judged(store, base, made.name)
    said.send(("promoting", made.name))
    registry.promote(store, "ann", base, verdict.id)
    said.send(("promoted", made.name))
    if turn % 3 == 2:
        said.send(("rolling", made.name))
        said.send(("rolled", registry.rollback(store, "ann", base).name))
    store.close()


class Following:
    """A service as far as it follows the champion; it keeps which bundles it opened."""

    def __init__(self, store: Store, base: Path) -> None:
        self.store, self.base, self.bundle, self.obstacle = store, base, base, ""
        self.stopping, self.promoted = threading.Event(), threading.Event()
        self.live = SimpleNamespace(open=lambda classifier: None)
        self.follower = ChampionFollower(self, lambda folder: read_manifest(folder))  # type: ignore[arg-type, return-value]


def test_killed_at_every_line_with_one_whole_champion_after_each(tmp_path: Path) -> None:
    state, base = tmp_path / "state", make_base(tmp_path / "shipped")
    store = open_store(state)
    with store.write() as db:
        taxonomy = load_taxonomy(base / "taxonomy")
        for n in range(60):
            corrections.add(db, taxonomy, "ann", "api", Job(f"text {n}"), "11")
    service = Following(store, base)
    seen: Counter[Place] = started(go_through, (state, base, 2), WATCHED)[0][-1][1]
    rng, kills, turn = random.Random(5), 0, 2
    places = [place for _ in range(-(-KILLS // len(seen))) for place in rng.sample(sorted(seen), len(seen))]
    assert len(seen) > 100
    for place in places:
        turn += 1
        said, killed = started(go_through, (state, base, turn), WATCHED, place, rng.randint(1, seen[place]))
        kills += killed
        told = dict(said)
        champion = registry.champion_of(store, base)
        read_manifest(champion.folder, with_weights=True)
        service.follower.step()
        assert service.bundle == champion.folder
        with store.read() as db:
            audit.verify(db)
            history, known = models.history(db), {m.name for m in models.listed(db)}
        rows = Counter(row.name for row in history if row.kind == "promoted")
        assert not rows or max(rows.values()) == 1, "nothing is promoted twice"
        assert (rows[f"round-{turn}"] == 1) >= ("promoted" in told), "what was acknowledged is there"
        assert rows[f"round-{turn}"] <= ("promoting" in told), "what was not begun is not"
        assert (f"round-{turn}" in known) >= ("made" in told)
        rolled = sum(row.kind == "rollback" for row in history)
        assert (history[-1].kind == "rollback") >= ("rolled" in told) if history else not told.get("rolled")
        assert rolled <= turn // 3 + 1
        for name in known:
            read_manifest(state / FOLDER / name, with_weights=True)
        if kills == KILLS:
            break
    assert kills == KILLS
    # What a killed retraining left is finished by the next, or gives way to it.
    assert not started(go_through, (state, base, turn + 1), WATCHED)[1]
    assert not list((state / FOLDER).glob("*.new"))
    store.close()
