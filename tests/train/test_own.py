"""Training on an institution's own coded records, and what is refused before hours are spent."""

import csv
import shutil
from collections import namedtuple
from pathlib import Path

import msgspec
import pytest
import torch
from transformers import RobertaConfig, RobertaModel

from isco_rag.bundle import read_manifest
from isco_rag.errors import TrainingError
from isco_rag.train.assemble import assemble
from isco_rag.train.kitchen import Kitchen, Report
from isco_rag.train.recipe import Recipe, load_recipe
from isco_rag.types import Job
from isco_rag.wiring import open_classifier

SILENT = Report(lambda text: None, lambda stage, step, steps, loss: None)


def table(path: Path, rows: list[tuple[str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=";").writerows([("Job title", "ISCO08"), *rows])
    return path


def with_own(workshop: Path, rows: list[tuple[str, str]]) -> Recipe:
    recipe = load_recipe(workshop / "recipe.toml")
    return msgspec.structs.replace(recipe, own=(table(workshop / "own.csv", rows),))


def test_a_plain_table_trains_a_parent_further(workshop: Path) -> None:
    first = assemble(Kitchen(load_recipe(workshop / "recipe.toml"), workshop / "work", SILENT), workshop / "first", lambda c: ())
    own = [(f"zookeeper {n}", "2112") for n in ("lions", "apes", "birds", "snakes", "bears", "seals")] + [("zookeeper lions", "1111")]
    recipe = msgspec.structs.replace(
        with_own(workshop, own), name="second", parent=first, shared=None, evaluation=None, average=0.5, held_out=0.02,
        rerank_train=msgspec.structs.replace(load_recipe(workshop / "recipe.toml").rerank_train, epochs=0.0),
    )  # fmt: skip
    said: list[str] = []
    bundle = assemble(Kitchen(recipe, workshop / "work2", Report(said.append, SILENT.step)), workshop / "second", lambda c: ())
    manifest = read_manifest(bundle)
    assert manifest.parent == "tiny"
    assert any(name.endswith("own.csv") for name in manifest.inputs)
    assert "esco-1.2-en" in manifest.sources, "what the parent read is still acknowledged"
    assert any("coded in several ways" in line for line in said)
    classifier = open_classifier(bundle)
    assert {e.source for e in classifier.parts.index.entries} == {"Tiny", "written", "own"}
    assert classifier.classify([Job("zookeeper apes")])[0].top[0].code == "2112"


def test_any_roberta_can_be_the_base(workshop: Path) -> None:
    kitchen = Kitchen(load_recipe(workshop / "recipe.toml"), workshop / "words", SILENT)
    words = kitchen.tokenizer()
    config = RobertaConfig(
        vocab_size=len(words), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=130, pad_token_id=words.pad_token_id, type_vocab_size=1,
    )  # fmt: skip
    RobertaModel(config, add_pooling_layer=False).save_pretrained(workshop / "base")
    words.save_pretrained(workshop / "base")
    recipe = msgspec.structs.replace(load_recipe(workshop / "recipe.toml"), base=str(workshop / "base"))
    bundle = assemble(Kitchen(recipe, workshop / "work", SILENT), workshop / "bundle", lambda c: ())
    assert open_classifier(bundle).parts.encoder.dimension == 32
    gone = msgspec.structs.replace(recipe, base=str(workshop / "nothing"))
    with pytest.raises((TrainingError, OSError)):
        Kitchen(gone, workshop / "work3", SILENT).distil()


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([("baker", "9999"), ("butcher", "9999"), ("nurse", "2111")], r"'9999' \(2 rows\).*correct or leave out"),
        ([("baker", "211")], "'211'"),
        ([("baker", "")], "''"),
    ],
)
def test_unknown_codes_are_named_before_training(workshop: Path, rows: list[tuple[str, str]], says: str) -> None:
    with pytest.raises(TrainingError, match=says):
        Kitchen(with_own(workshop, rows), workshop / "work", SILENT).fine_tune()
    assert not (workshop / "work" / "tokenizer").exists()


def test_one_class_alone_teaches_nothing(workshop: Path) -> None:
    for path in (workshop / "examples").glob("*.csv"):
        path.write_text("id,title,duties,industry,code,register,origin\nx1,a cook,,,2112,survey,w\nx2,the cook,,,2112,survey,w\n")
    recipe = msgspec.structs.replace(load_recipe(workshop / "recipe.toml"), shared=None)
    with pytest.raises(TrainingError, match="at least two"):
        Kitchen(recipe, workshop / "work", SILENT).fine_tune()


def test_a_full_disk_and_a_missing_gpu_are_found_at_once(workshop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = load_recipe(workshop / "recipe.toml")
    if not torch.cuda.is_available():
        with pytest.raises(TrainingError, match="leave it out"):
            Kitchen(msgspec.structs.replace(recipe, device="cuda"), workshop / "work", SILENT)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 9, 1))
    with pytest.raises(TrainingError, match="make room"):
        Kitchen(recipe, workshop / "work", SILENT)


def test_a_failed_run_leaves_the_old_bundle(workshop: Path) -> None:
    kitchen = Kitchen(load_recipe(workshop / "recipe.toml"), workshop / "work", SILENT)
    place = workshop / "bundle"
    place.mkdir()
    (place / "manifest.json").write_text("the old one")

    def fails(classifier: object) -> tuple[()]:
        raise TrainingError("the judge is ill")

    with pytest.raises(TrainingError, match="ill"):
        assemble(kitchen, place, fails)
    assert (place / "manifest.json").read_text() == "the old one"
