"""A whole recipe on a tiny classification: texts in, a bundle out that a classifier opens."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from transformers import RobertaForSequenceClassification

from isco_rag.bundle import read_manifest
from isco_rag.errors import TrainingError
from isco_rag.train.assemble import assemble, refit
from isco_rag.train.export import load_weights
from isco_rag.train.kitchen import Kitchen, Report
from isco_rag.train.recipe import load_recipe
from isco_rag.types import Job, Metric
from isco_rag.wiring import open_classifier
from tests.checks import check_encoder, check_reranker


def check_weights(bundle: Path, work: Path) -> None:
    """What the bundle keeps for further training is what was trained, to float16."""
    encoder, cross = load_weights(bundle / "weights")
    trained = RobertaForSequenceClassification.from_pretrained(work / "reranker").state_dict()
    assert cross is not None
    for name, weights in cross.state_dict().items():
        np.testing.assert_allclose(weights, trained[name], atol=2e-3)
    assert encoder.num_parameters() > 0


def kitchen(workshop: Path, said: list[str]) -> Kitchen:
    return Kitchen(
        load_recipe(workshop / "recipe.toml"),
        workshop / "work",
        Report(said.append, lambda stage, step, steps, loss: said.append(f"{stage} {step}/{steps} loss {loss}")),
    )


def test_a_recipe_gives_a_bundle_that_codes(workshop: Path) -> None:
    said: list[str] = []
    run = kitchen(workshop, said)
    bundle = assemble(run, workshop / "bundle", lambda classifier: (Metric("rows", float(len(classifier.taxonomy.leaves)), 0, 9, 4),))
    manifest = read_manifest(bundle, with_weights=True)
    names = {name.split("/")[1] for name in manifest.inputs}
    assert names == {"shared.parquet", "all.csv", "own.csv", "dev.csv", "classification.toml", "groups.jsonl"}
    assert manifest.figures == (Metric("rows", 4.0, 0, 9, 4),)
    assert "all-MiniLM-L6-v2" in (bundle / "LICENCES.md").read_text()
    check_weights(bundle, workshop / "work")
    classifier = open_classifier(bundle)
    # 48 dimensions are fewer than whole numbers up to 127 are meant for: long components are clipped.
    check_encoder(classifier.parts.encoder, tolerance=0.1)
    assert classifier.parts.reranker is not None
    check_reranker(classifier.parts.reranker)
    answers = classifier.classify([Job("my night nurse"), Job("my hotel cook"), Job("n/a")])
    assert [a.top[0].code if a.top else "" for a in answers] == ["2111", "2112", ""]
    assert any(line.startswith("fine-tuning") for line in said)

    # A refit moves the fusion and what follows it, and nothing else.
    figures = (Metric("refit", 1.0, 0, 1, 1),)
    assert refit(run, bundle, lambda classifier: figures) == bundle
    after = read_manifest(bundle, with_weights=True)
    assert (after.parent, after.figures, after.sources) == (manifest.name, figures, manifest.sources)
    changed = {name for name in after.files if after.files[name] != manifest.files[name]}
    assert changed <= {"fusion.json", "calibrator.json", "conformal.json"}
    assert after.files.keys() == manifest.files.keys()

    # What was done is not done again, and a second bundle replaces the first only when it is whole.
    said.clear()
    again = kitchen(workshop, said)
    again.fine_tune()
    again.reranker()
    assert not any("loss" in line for line in said)


def test_evaluation_rows_and_gold_reach_no_training(workshop: Path) -> None:
    data = kitchen(workshop, []).data
    texts = {row.text.lower() for row in data.train + data.held}
    assert "lorry driver" not in texts
    assert "pizza cook" not in texts
    assert "truck driver" in texts


def test_held_rows_are_apart_and_the_split_is_stable(workshop: Path) -> None:
    first, second = kitchen(workshop, []).data, kitchen(workshop, []).data
    assert first == second
    assert first.held
    assert {row.occupation for row in first.held}.isdisjoint({row.occupation for row in first.train})
    assert {row.text for row in first.held if row.source != "written"}.isdisjoint(
        {row.text for row in first.train if row.source != "written"}
    )


def test_a_work_folder_serves_one_recipe(workshop: Path) -> None:
    kitchen(workshop, [])
    with (workshop / "examples" / "all.csv").open("a", encoding="utf-8") as file:
        file.write("x9,my crane driver,,,1111,survey,w\n")
    with pytest.raises(TrainingError, match="choose a new work folder"):
        kitchen(workshop, [])


def test_crosswalk_rows_keep_all_their_candidates(workshop: Path) -> None:
    row = next(row for row in kitchen(workshop, []).data.train if row.text == "ship driver")
    assert row.codes == ("1111", "2112")


def test_a_bad_recipe_is_refused_before_work_begins(workshop: Path) -> None:
    good = (workshop / "recipe.toml").read_text()
    for wrong, says in (
        (good + "\nspeed = 1\n", "speed"),
        (good.replace("shared.parquet", "gone.parquet"), "gone.parquet"),
        ("oops", "recipe"),
    ):
        (workshop / "recipe.toml").write_text(wrong)
        with pytest.raises(TrainingError, match=says):
            load_recipe(workshop / "recipe.toml")


def test_the_shipped_recipe_is_read(root: Path) -> None:
    import tomllib

    from isco_rag.train.recipe import Recipe

    text = (root / "isco_rag" / "train" / "recipe.toml").read_text()
    recipe = msgspec.convert(tomllib.loads(text), Recipe, dec_hook=lambda t, v: t(v))
    assert recipe.encoder.hidden % recipe.encoder.heads == 0
    assert recipe.reranker_layers <= recipe.encoder.layers


def test_nearest_is_an_exact_search() -> None:
    from isco_rag.train.crossencoder import nearest

    rng = np.random.default_rng(0)
    known, queries = rng.normal(size=(300, 8)), rng.normal(size=(40, 8))
    assert np.array_equal(nearest(queries, known, 5, block=7), np.argsort(-(queries @ known.T), axis=1)[:, :5])
