"""The rows that a bundle held out, found again from what its manifest names: the same every time, and none that was read in training."""

import csv
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from isco_eval.held import write_held
from isco_eval.training import open_training

from isco_rag.bundle import file_hash
from isco_rag.errors import AbsentError, EvaluationError
from isco_rag.taxonomy import load_taxonomy
from isco_rag.text import key
from isco_rag.train import gather as gathering
from isco_rag.train.gather import SETS, gather, held_jobs
from isco_rag.train.recipe import Recipe, load_recipe
from isco_rag.types import Job, Manifest


@pytest.fixture
def recipe(workshop: Path, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """A recipe with titles of another language, of which fusion reads two, and examples with duties of their own."""
    monkeypatch.setattr(gathering, "FOREIGN_HELD", 2)
    rows = pq.read_table(workshop / "shared.parquet").to_pylist()
    rows += [
        {**row, "text": f"{row['text']} auf deutsch {i}", "language": "de", "occupation": f"{row['occupation']}:{i}"}
        for row in rows[:32]
        for i in range(3)
    ]
    pq.write_table(pa.Table.from_pylist(rows), workshop / "shared.parquet")
    (workshop / "gold" / "near").mkdir()
    (workshop / "gold" / "near" / "own.csv").write_text("id,title,duties\nn1,bus driver auf deutsch 0,\n")
    told = [f"t{i},nurse of ward {i},looks after the people of ward {i} by night,,2111,survey,w" for i in range(60)]
    (workshop / "examples" / "told.csv").write_text("\n".join(["id,title,duties,industry,code,register,origin", *told]) + "\n")
    return msgspec.structs.replace(load_recipe(workshop / "recipe.toml"), languages=("*",), held_out=0.3)


def manifest_of(recipe: Recipe) -> Manifest:
    assert recipe.shared is not None
    inputs = {f"{recipe.shared.parent.name}/{recipe.shared.name}": file_hash(recipe.shared)}
    return Manifest(1, "tiny", "", "Tiny 1", {}, recipe=msgspec.to_builtins(recipe, enc_hook=str), inputs=inputs)


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_no_row_was_read_in_training(recipe: Recipe, tmp_path: Path) -> None:
    counts = write_held(manifest_of(recipe), tmp_path, tmp_path / "held")
    data = gather(recipe, load_taxonomy(recipe.taxonomy))
    held = held_jobs(data.held, recipe.seed)
    fitted = {(key(j.title), key(j.duties)) for j, part in zip(held.jobs, held.parts, strict=True) if part != SETS}
    accounts = {duties for _, duties in fitted}
    trained = {key(row.text) for row in data.train if row.is_title}
    mixed, languages = read_csv(tmp_path / "held" / "mixed.csv"), read_csv(tmp_path / "held" / "languages.csv")
    assert {bool(row["duties"]) for row in mixed} == {True, False}
    assert languages
    for row in mixed + languages:
        assert (key(row["title"]), key(row["duties"])) not in fitted
        assert key(row["duties"]) not in accounts if row["duties"] else key(row["title"]) not in trained
    assert {row["language"] for row in languages} == {"de"}
    assert len({row["id"] for row in mixed}) == len(mixed)
    assert counts["mixed.csv"].total() == len(mixed)
    assert counts["languages.csv"] == {"de": len(languages)}


def test_rows_set_aside_below_the_gold_are_read_by_nothing(recipe: Recipe) -> None:
    data = gather(recipe, load_taxonomy(recipe.taxonomy))
    assert "bus driver auf deutsch 0" not in {row.text for row in data.train + data.held + data.spare}
    assert "bus driver auf deutsch 1" in {row.text for row in data.train + data.held + data.spare}


def test_the_same_rows_come_out_again(recipe: Recipe, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        write_held(manifest_of(recipe), tmp_path, tmp_path / folder)
    for name in ("mixed.csv", "languages.csv"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_the_leakage_check_knows_what_was_read_and_nothing_else(recipe: Recipe, tmp_path: Path) -> None:
    """Every text that was fitted on, of whatever language and kind, is found again; titles that were not read, and gold, are not."""
    manifest, taxonomy = manifest_of(recipe), load_taxonomy(recipe.taxonomy)
    texts = open_training(manifest, taxonomy).texts
    assert texts is not None
    data = gather(recipe, taxonomy)
    assert {row.language for row in data.train} == {"en", "de"}
    read = [Job(row.text, row.duties) for row in data.train]
    assert {leak.row for leak in texts.leaks(read) if leak.kind == "exact"} == set(range(len(read)))
    write_held(manifest, tmp_path, tmp_path / "held")
    apart = [
        Job(row["title"]) for name in ("mixed", "languages") for row in read_csv(tmp_path / "held" / f"{name}.csv") if not row["duties"]
    ]
    assert len(apart) > 1
    assert {leak.kind for leak in texts.leaks([*apart, Job("lorry driver"), Job("pizza cook")])} <= {"near"}


def test_a_row_of_several_codes_agrees_with_each(recipe: Recipe) -> None:
    texts = open_training(manifest_of(recipe), load_taxonomy(recipe.taxonomy)).texts
    assert texts is not None
    assert {entry.code for entry in texts.texts if entry.title == "ship driver"} == {"1111/2112"}


def test_what_of_the_training_is_not_here_is_said(recipe: Recipe) -> None:
    manifest, taxonomy = manifest_of(recipe), load_taxonomy(recipe.taxonomy)
    assert recipe.shared is not None
    assert "another hash" not in open_training(manifest, taxonomy).said
    lacking = msgspec.structs.replace(manifest, recipe={**manifest.recipe, "own": ["/nowhere/survey.csv"]})
    assert "survey.csv" in open_training(lacking, taxonomy).said
    table = pq.read_table(recipe.shared)
    pq.write_table(table.slice(1), recipe.shared)
    assert "another hash" in open_training(manifest, taxonomy).said
    recipe.shared.unlink()
    absent = open_training(manifest, taxonomy)
    assert absent.texts is None
    assert absent.said.startswith("not looked at: ")


def test_other_inputs_than_those_of_the_training_are_refused(recipe: Recipe, tmp_path: Path) -> None:
    manifest = manifest_of(recipe)
    assert recipe.shared is not None
    rows = pq.read_table(recipe.shared).to_pylist()
    pq.write_table(pa.Table.from_pylist(rows[:-1]), recipe.shared)
    with pytest.raises(EvaluationError, match=f"{next(iter(manifest.inputs.values()))}.*{file_hash(recipe.shared)}"):
        write_held(manifest, tmp_path, tmp_path / "held")
    recipe.shared.unlink()
    with pytest.raises(AbsentError, match=r"shared\.parquet"):
        write_held(manifest, tmp_path, tmp_path / "held")
