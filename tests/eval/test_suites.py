"""Suites and gold files: what is wrong with them is said with row numbers and hashes."""

from pathlib import Path

import pytest
from isco_eval.gold import read_gold, read_suite, read_titles, suites_of
from isco_eval.suite import Columns, Suite, all_suites, find_suite, load_suite, write_suite

from isco_rag.bundle import file_hash
from isco_rag.errors import EvaluationError, InputError, UnknownCodeError, UsageError
from isco_rag.wiring import default_taxonomy
from tests.fakes import tiny_taxonomy


def test_shipped_suites_are_whole() -> None:
    found = {suite.name: suite for suite in all_suites()}
    assert "written" in found
    assert all(s.title and s.trust and s.sha256 for s in found.values())
    assert found["written"].check() == found["written"].sha256
    assert found["written"].gates


def test_codes_that_do_not_exist_are_listed_with_their_rows(tmp_path: Path) -> None:
    path = tmp_path / "g.csv"
    path.write_text("title,isco08_code\ndriver,8322\nsoldier,110\nx,\nteacher,nowhere\n")
    with pytest.raises(UnknownCodeError, match=r"3 codes.*record 2: '110' \(is it 0110\?\), record 3: '', record 4: 'nowhere'"):
        read_gold(path, default_taxonomy())
    path.write_text("title,other\ndriver,truck\n")
    with pytest.raises(InputError, match="isco08_code"):
        read_gold(path, tiny_taxonomy())


def test_a_file_without_records_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "g.csv"
    path.write_text("title,code\n")
    with pytest.raises(InputError, match="no record"):
        read_gold(path, tiny_taxonomy())


def test_shorter_gold_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "g.csv"
    path.write_text("title,isco08_code\ndriver,832\nsoldier,0\n")
    assert read_gold(path, default_taxonomy()).codes == ("832", "0")


def test_ids_that_stand_twice_are_listed_with_their_rows(tmp_path: Path) -> None:
    path = tmp_path / "g.csv"
    path.write_text("id,title,code\na,driver,truck\nb,cook,taxi\na,teacher,maths\n")
    with pytest.raises(InputError, match="'a' in records 1, 3"):
        read_gold(path, tiny_taxonomy())


def test_a_changed_gold_file_is_refused_with_both_hashes(tmp_path: Path) -> None:
    path = tmp_path / "g.csv"
    path.write_text("title,code\ndriver,truck\n")
    suite = Suite("g", str(path), sha256=file_hash(path))
    assert suite.check() == suite.sha256
    path.write_text("title,code\ndriver,taxi\n")
    with pytest.raises(EvaluationError, match=rf"(?s){suite.sha256}.*{file_hash(path)}"):
        suite.check()


def test_a_suite_of_ones_own_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text('nr,job,what,c1,c2,final,wave\n1,"driver, ""big"" lorry",loads,truck,taxi,truck,1\n2,teacher,,maths,,maths,2\n')
    suite = Suite("own", str(path), "A \"title\"", "two coders", file_hash(path), columns=Columns("nr", "job", "what", code="final", coders=("c1", "c2")),
                  slices={"wave": "wave"}, gates={"top 1": 0.5})  # fmt: skip
    written = write_suite(suite, tmp_path / "suites")
    read = load_suite(written)
    assert read.digest == suite.digest
    assert (read.title, read.trust, read.gates) == (suite.title, suite.trust, suite.gates)
    gold = read_suite(read, tiny_taxonomy())
    assert gold.coders == {"c1": ("truck", "maths"), "c2": ("taxi", "")}
    assert gold.slices == {"wave": ("1", "2")}
    assert [job.id for job in gold.jobs] == ["1", "2"]
    with pytest.raises(UsageError, match="--force"):
        write_suite(suite, tmp_path / "suites")


def test_what_is_no_suite_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="written"):
        find_suite("nowhere")
    bad = tmp_path / "bad.toml"
    bad.write_text('gold = "x.csv"\ncolour = "red"\n')
    with pytest.raises(UsageError, match="colour"):
        find_suite(str(bad))


def test_files_of_one_name_stay_apart(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "t.csv").write_text("title,code\ndriver,truck\n")
    assert len({s.name for s in suites_of([tmp_path / "a" / "t.csv", tmp_path / "b" / "t.csv"])}) == 2


def test_a_limit_draws_the_same_rows_every_time(tmp_path: Path) -> None:
    path = tmp_path / "g.csv"
    path.write_text("title,code\n" + "".join(f"driver {i},truck\n" for i in range(50)))
    first = read_gold(path, tiny_taxonomy(), 10)
    assert first == read_gold(path, tiny_taxonomy(), 10)
    assert len(set(first.jobs)) == 10


def test_a_parquet_file_that_is_none_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gone"):
        read_titles(tmp_path / "gone.parquet", tiny_taxonomy())
