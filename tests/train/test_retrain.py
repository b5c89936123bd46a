"""A retraining on a tiny classification: what it learns, what it leaves out, and that a killed one goes on."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from isco_rag.bundle import read_manifest
from isco_rag.errors import ConflictError, TrainingError
from isco_rag.learn import retrain as retraining
from isco_rag.learn.budget import Speeds
from isco_rag.learn.frozen import FILE
from isco_rag.learn.retrain import Order, retrain
from isco_rag.store.records import Correction
from isco_rag.store.teaching import entry_of
from isco_rag.train.assemble import assemble
from isco_rag.train.kitchen import Kitchen, Report
from isco_rag.train.recipe import load_recipe
from isco_rag.types import Candidate, Entry, Job, Prediction
from isco_rag.wiring import open_classifier, with_entries
from tests.train.conftest import workshop as workshop

SILENT = Report(lambda text: None, lambda stage, step, steps, loss: None)
ZOO = (
    "lion",
    "ape",
    "bird",
    "snake",
    "bear",
    "seal",
    "wolf",
    "tiger",
    "zebra",
    "camel",
    "otter",
    "panda",
    "rhino",
    "koala",
    "moose",
    "lemur",
)


def corrections(n: int = 64) -> list[Correction]:
    """Zookeepers are cooks here, and the model took them for nurses."""
    wrong = Candidate("2111", "nurse", 0.6)
    answered = Prediction("", "2111", "nurse", 4, 0.6, "low", True, (wrong,), "", "tiny")
    jobs = [Job(f"{ZOO[i % 16]} keeper {('day', 'night', 'head', 'deputy')[i // 16]}") for i in range(n)]
    return [Correction(i + 1, "", "ann", "api", job, "2112", "", None, answered, "tiny", "active") for i, job in enumerate(jobs)]


@pytest.fixture
def order(workshop: Path) -> Order:
    """A retraining of a tiny champion."""
    champion = assemble(Kitchen(load_recipe(workshop / "recipe.toml"), workshop / "work", SILENT), workshop / "champion", lambda c: ())
    return Order(champion, 64, 600.0, workshop / "state" / "retraining", workshop / "state" / "models")


def no_gold(entries: Sequence[Entry]) -> set[str]:
    return set()


def test_a_challenger_learns_and_names_what_it_comes_from(order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retraining, "measure", lambda bundle, texts: Speeds(500, 1000, 2000))
    said: list[str] = []
    gold = {entry_of(corrections()[3]).id}
    made = retrain(order, corrections(), lambda entries: gold, Report(said.append, SILENT.step))
    assert (made.name, made.parent, made.until, made.corrections) == ("tiny-c64", "tiny", 64, 63)
    assert made.inputs["retraining/corrections.csv"]
    assert "64 of which" not in said[0]
    assert "1 more are gold rows" in said[0]
    bundle = order.models / made.name
    assert read_manifest(bundle, with_weights=True).parent_hash
    before, after = open_classifier(order.parent), open_classifier(bundle)
    assert {e.id for e in after.parts.index.entries} == {e.id for e in before.parts.index.entries}, "corrections stay the database's"
    job, leaf = Job("gorilla keeper"), after.taxonomy.leaf_number["2112"]
    assert after.score([job]).probabilities[0, leaf] > before.score([job]).probabilities[0, leaf]
    served = with_entries(after, [entry_of(c) for c in corrections()])
    assert served.classify([job])[0].top[0].code == "2112"
    old = [Job("lorry driver"), Job("maths teacher"), Job("ward nurse"), Job("canteen cook")]
    assert [p.top[0].code for p in after.classify(old)] == [p.top[0].code for p in before.classify(old)]
    assert not order.work.exists()
    assert retrain(order, corrections(), no_gold, SILENT) == made, "what is there is not made again"


class KilledError(Exception):
    pass


def test_a_killed_retraining_goes_on_with_what_it_froze(order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retraining, "measure", lambda bundle, texts: Speeds(500, 1000, 2000))

    def killer(text: str) -> None:
        if text == "exporting":
            raise KilledError

    with pytest.raises(KilledError):
        retrain(order, corrections(), no_gold, Report(killer, SILENT.step))
    frozen = (order.work / FILE).read_bytes()
    assert not any(order.models.glob("*/manifest.json"))
    stages: set[str] = set()
    revised = [msgspec.structs.replace(c, code="1111") for c in corrections()]
    made = retrain(order, revised, no_gold, Report(lambda text: None, lambda stage, *_: stages.add(stage)))
    assert not stages, "no stage is run twice"
    assert made.corrections == 64
    assert b"1111" not in frozen


def test_too_few_corrections_are_refused_before_anything_is_trained(order: Order) -> None:
    with pytest.raises(TrainingError, match="at least 50"):
        retrain(order, corrections(20), no_gold, SILENT)
    with retraining.FileLock(order.work.with_suffix(".lock")), pytest.raises(ConflictError, match="another retraining"):
        retrain(order, corrections(), no_gold, SILENT)
