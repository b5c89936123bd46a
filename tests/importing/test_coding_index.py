"""What is done with each row, and a coding index on disk: nothing is lost, and its vectors belong to one encoder."""

import csv
from pathlib import Path

import numpy as np
import pytest
from isco_index import build_index

from isco_rag.coding_index import REPORT, TEXTS, embed, encoder_key, is_embedded, open_coding_index, read_head, save_coding_index
from isco_rag.errors import BundleError, InputError, UsageError
from isco_rag.importing.plain import read_plain
from isco_rag.importing.texts import Found, Imported, take
from isco_rag.types import Manifest
from isco_rag.wiring import default_taxonomy
from tests.fakes import FakeEncoder

KEY = "0123456789abcdef"


def rows(*texts: tuple[str, str], kind: str = "alt_title", duties: str = "") -> list[Found]:
    return [
        Found(text, tuple(code.split(";")), kind, "own", "en", f"own:{i}", str(i), "own.csv", i, duties)
        for i, (text, code) in enumerate(texts, 2)
    ]


def taken(*texts: tuple[str, str], slips: bool = False) -> Imported:
    return take(rows(*texts), default_taxonomy(), slips=slips)


def notes(done: Imported) -> list[tuple[int, str, str]]:
    return [(n.row, n.code, n.done) for n in done.notes]


def test_bad_rows_are_reported_with_their_numbers_and_good_ones_go_in() -> None:
    done = taken(("cook", "5120"), ("", "5120"), ("--", "5120"), ("baker", "9999"), ("waiter", ""), ("colonel", "110"), ("maid", "5152.0"))
    assert [(e.title, e.code) for e in done.entries] == [("cook", "5120"), ("colonel", "0110"), ("maid", "5152")]
    assert notes(done) == [
        (3, "5120", "not taken"),
        (4, "5120", "not taken"),
        (5, "9999", "not taken"),
        (6, "6", "not taken"),
        (7, "110", "mended"),
    ]
    assert done.counts["read"] == 7
    assert done.counts["not taken"] == 4
    assert done.counts["mended"] == 1


def test_short_codes_and_partial_labels_are_kept_but_do_not_vote() -> None:
    done = taken(("baker or cook", "7512;5120"), ("some teacher", "234"), ("cook", "5120;9999"))
    assert [e.title for e in done.entries] == ["cook"]
    assert [t.codes for t in done.texts] == [("5120", "7512"), ("234",), ("5120",)]
    assert notes(done) == [(4, "5120, 9999", "taken without"), (3, "234", "not indexed")]


def test_a_title_under_two_codes_stands_in_the_index_twice_and_a_repeated_one_once() -> None:
    done = taken(("Driver", "8322"), ("driver", "8332"), ("DRIVER (m/f)", "8322"), ("cook", "5120"))
    assert [(e.title, e.code) for e in done.entries] == [("Driver", "8322"), ("driver", "8332"), ("cook", "5120")]
    assert done.counts["repeated"] == 1
    assert notes(done) == [(2, "8322", "indexed"), (3, "8332", "indexed")]


def test_a_rare_code_among_coded_records_is_taken_for_a_slip() -> None:
    records = [("driver", "8322")] * 19 + [("driver", "5120")]
    assert [e.code for e in taken(*records, slips=True).entries] == ["8322"]
    assert notes(taken(*records, slips=True))[-1] == (21, "5120", "not indexed")
    assert len(taken(*records).entries) == 2
    assert len(taken(*records[-9:], slips=True).entries) == 2


def test_tasks_are_kept_for_training_and_titles_are_turned_round() -> None:
    taxonomy = default_taxonomy()
    done = take([*rows(("planting trees", "6210"), kind="task"), *rows(("Writer, technical", "2641"))], taxonomy)
    assert [e.title for e in done.entries] == ["Writer, technical"]
    ilo = Found("Writer, technical", ("2641",), "alt_title", "ilo-isco08-index", "en", "o", "1", "f", 2)
    own = Found("Writer, technical", ("2641",), "alt_title", "own", "en", "o", "1", "f", 2, inverted=True)
    assert [take([f], taxonomy).entries[0].title for f in (ilo, own)] == ["technical writer"] * 2
    assert take([ilo], taxonomy).texts[0].text == "Writer, technical"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = [
        *rows(("cook", "5120"), ("baker or cook", "7512;5120"), ("nobody", "9999")),
        *rows(("tram driver", "8331"), duties="drives trams"),
    ]
    place = tmp_path / "own index"
    save_coding_index(take(found, default_taxonomy()), place, "ISCO-08", [])
    return place


def test_what_was_read_is_in_one_of_the_files(folder: Path) -> None:
    with (folder / TEXTS).open(encoding="utf-8", newline="") as file:
        texts = list(csv.DictReader(file))
    assert [(t["text"], t["isco08_code"], t["ambiguous"], t["kind"]) for t in texts] == [
        ("cook", "5120", "false", "alt_title"),
        ("baker or cook", "5120", "true", "alt_title"),
        ("baker or cook", "7512", "true", "alt_title"),
        ("tram driver", "8331", "false", "alt_title"),
        ("drives trams", "8331", "false", "description"),
    ]
    with (folder / REPORT).open(encoding="utf-8", newline="") as file:
        assert [(r["row"], r["text"], r["done"]) for r in csv.DictReader(file)] == [("4", "nobody", "not taken")]
    head = read_head(folder)
    assert head.sources == {"own": 2}
    assert head.counts["read"] == 4
    # The file of coded texts can be imported as it is.
    again = take(read_plain(folder / TEXTS), default_taxonomy())
    assert [(e.title, e.code) for e in again.entries] == [("cook", "5120"), ("tram driver", "8331")]


def test_an_embedded_index_opens_as_it_was_built(folder: Path) -> None:
    encoder = FakeEncoder()
    assert embed(folder, encoder, KEY) == 3
    opened = open_coding_index(folder, KEY, "tiny")
    built = build_index(opened.entries, encoder)
    assert np.array_equal(opened.vectors, built.vectors)
    assert np.array_equal(opened.owner, built.owner)
    assert opened.vectors.dtype == np.int8
    assert [e.duties for e in opened.entries] == ["", "drives trams"]


def test_a_bundle_with_another_encoder_needs_vectors_of_its_own(folder: Path) -> None:
    embed(folder, FakeEncoder(), KEY)
    other = encoder_key(Manifest(1, "b", "", "", {"encoder/model.onnx": "new", "index/vectors.npy": "x"}))
    assert other == encoder_key(Manifest(1, "c", "", "", {"encoder/model.onnx": "new", "index/vectors.npy": "y"}))
    assert other != encoder_key(Manifest(1, "b", "", "", {"encoder/model.onnx": "old"}))
    assert (is_embedded(folder, KEY), is_embedded(folder, other)) == (True, False)
    with pytest.raises(BundleError, match=r"2 entries have no vectors of the encoder of next; run: isco-rag data embed"):
        open_coding_index(folder, other, "next")
    embed(folder, FakeEncoder(), other)
    assert is_embedded(folder, KEY)
    assert len(open_coding_index(folder, other, "next")) == 2


def test_vectors_of_other_entries_and_changed_entries_are_refused(folder: Path) -> None:
    embed(folder, FakeEncoder(), KEY)
    vectors = (folder / f"vectors-{KEY}.npz").read_bytes()
    save_coding_index(taken(("cook", "5120"), ("waiter", "5131")), folder, "ISCO-08", [], force=True)
    assert not (folder / f"vectors-{KEY}.npz").exists()
    (folder / f"vectors-{KEY}.npz").write_bytes(vectors)
    assert not is_embedded(folder, KEY)
    with pytest.raises(BundleError, match="no vectors"):
        open_coding_index(folder, KEY, "tiny")
    (folder / "entries.jsonl").write_text("{}")
    with pytest.raises(InputError, match="was changed since the import"):
        open_coding_index(folder, KEY, "tiny")


def test_what_stands_there_is_not_lost(folder: Path, tmp_path: Path) -> None:
    before = read_head(folder)
    with pytest.raises(UsageError, match="--force"):
        save_coding_index(taken(("cook", "5120")), folder, "ISCO-08", [])
    with pytest.raises(InputError, match="none of 1 texts"):
        save_coding_index(taken(("cook", "9999")), folder, "ISCO-08", [], force=True)
    assert read_head(folder) == before
    (tmp_path / "precious").mkdir()
    with pytest.raises(UsageError, match="is no coding index"):
        save_coding_index(taken(("cook", "5120")), tmp_path / "precious", "ISCO-08", [], force=True)
    with pytest.raises(InputError, match="isco-rag data import"):
        read_head(tmp_path / "precious")
