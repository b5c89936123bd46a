"""Evaluation against hand-counted cases."""

from pathlib import Path

import pytest
from isco_eval.gold import Gold, leaked, read_gold, read_golds, read_titles
from isco_eval.measure import code_gold, measure, wilson

from isco_rag.errors import InputError, UnknownCodeError
from isco_rag.types import Job
from tests.fakes import tiny_classifier, tiny_taxonomy


def test_figures_are_what_a_hand_counts() -> None:
    jobs = (Job("lorry driver"), Job("driver of taxis and trucks"), Job("sport teacher"), Job("retired"))
    gold = Gold("hand", jobs, ("truck", "taxi", "B-school", "maths"))
    report = measure(code_gold(tiny_classifier(), [gold]))
    metrics = {m.name: m for m in report.metrics["hand"]}
    assert metrics["top 1"].value == 0.5
    assert metrics["top 3"].value == 0.75
    assert metrics["top 1"].n == 4
    assert metrics["for review"].value >= 0.25
    assert report.levels["hand"][1].value == 0.75
    assert report.levels["hand"][2].value == 0.75
    assert (report.levels["hand"][3].n, round(report.levels["hand"][3].value, 3)) == (3, 0.333)


def test_a_file_without_codable_rows_is_measured_too() -> None:
    report = measure(code_gold(tiny_classifier(), [Gold("none", (Job("retired"),), ("truck",))]))
    assert report.metrics["none"][0].value == 0.0


def test_files_of_one_name_stay_apart(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "t.csv").write_text("title,code\ndriver,truck\n")
    golds = read_golds([tmp_path / "a" / "t.csv", tmp_path / "b" / "t.csv"], tiny_taxonomy())
    assert len({g.name for g in golds}) == 2


def test_a_parquet_file_that_is_none_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gone"):
        read_titles(tmp_path / "gone.parquet", tiny_taxonomy(), [])


def test_wilson_agrees_with_a_published_case() -> None:
    # Newcombe (1998), table I: 81 of 263 gives 0.2553 to 0.3662.
    found = wilson(81, 263, "share")
    assert (round(found.low, 4), round(found.high, 4)) == (0.2553, 0.3662)
    assert wilson(0, 0, "none").n == 0


def test_leaks_are_found() -> None:
    classifier = tiny_classifier()
    gold = Gold(
        "g",
        (Job("Lorry Driver", "Drives a heavy lorry with containers to the port."), Job("lorry driver"), Job("CAB driver")),
        ("truck",) * 3,
    )
    assert leaked(gold, classifier.parts.index.entries) == [0, 2]


def test_gold_needs_codes_that_exist(tmp_path: Path) -> None:
    path = tmp_path / "g.csv"
    path.write_text("title,isco08_code\ndriver,truck\nteacher,nowhere\n")
    with pytest.raises(UnknownCodeError, match="nowhere"):
        read_gold(path, tiny_taxonomy())
    path.write_text("title,other\ndriver,truck\n")
    with pytest.raises(InputError, match="isco08_code"):
        read_gold(path, tiny_taxonomy())


def test_a_limit_draws_the_same_rows_every_time(tmp_path: Path) -> None:
    path = tmp_path / "g.csv"
    path.write_text("title,code\n" + "".join(f"driver {i},truck\n" for i in range(50)))
    first = read_gold(path, tiny_taxonomy(), 10)
    assert first == read_gold(path, tiny_taxonomy(), 10)
    assert len(set(first.jobs)) == 10
