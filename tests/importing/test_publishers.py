"""Publishers' files in the shapes in which they are handed out; the contents are made up."""

import csv
import zipfile
from pathlib import Path

import pytest
from openpyxl import Workbook

from isco_rag.errors import InputError, UsageError
from isco_rag.importing.esco import read_esco
from isco_rag.importing.ilo import read_ilo
from isco_rag.importing.onet import read_crosswalk, read_onet
from isco_rag.importing.plain import read_plain
from isco_rag.importing.texts import Found

ESCO = (
    "conceptType", "conceptUri", "iscoGroup", "preferredLabel", "altLabels", "hiddenLabels", "status", "modifiedDate", "description", "code",
)  # fmt: skip


def write_csv(path: Path, rows: list[tuple[str, ...]], delimiter: str = ",") -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return path


def write_xlsx(path: Path, rows: list[tuple[object, ...]]) -> Path:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def said(found: list[Found]) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(f.kind, f.text, f.codes) for f in found]


@pytest.fixture
def esco(tmp_path: Path) -> Path:
    folder = tmp_path / "ESCO dataset"
    folder.mkdir()
    uri = "http://data.europa.eu/esco/occupation/"
    rows = [
        ESCO,
        (
            "Occupation",
            uri + "a1",
            "2512",
            "app maker",
            "maker of apps\napp builder",
            "ap maker",
            "released",
            "",
            "Makes apps, tests them.",
            "1",
        ),
        ("Occupation", uri + "a2", "http://data.europa.eu/esco/isco/C0110", "colonel", "", "", "released", "", "", "2"),
        ("Occupation", uri + "a3", "2512", "old job", "", "", "obsolete", "", "", "3"),
    ]
    write_csv(folder / "occupations_en.csv", rows)
    write_csv(
        folder / "occupations_de.csv", [ESCO, ("Occupation", uri + "a1", "2512", "App-Entwicklerin", "", "", "released", "", "", "1")]
    )
    write_csv(folder / "skills_en.csv", [("conceptUri", "preferredLabel"), ("x", "welding")])
    return folder


def test_esco_gives_labels_and_descriptions_of_occupations_in_force(esco: Path) -> None:
    found = read_esco(esco / "occupations_en.csv")
    assert said(found) == [
        ("title", "app maker", ("2512",)),
        ("alt_title", "maker of apps", ("2512",)),
        ("alt_title", "app builder", ("2512",)),
        ("alt_title", "ap maker", ("2512",)),
        ("description", "Makes apps, tests them.", ("2512",)),
        ("title", "colonel", ("http://data.europa.eu/esco/isco/C0110",)),
    ]
    assert {(f.source, f.language, f.occupation, f.row) for f in found[:5]} == {("esco-en", "en", "esco:a1", 2)}


def test_esco_comes_in_a_folder_or_a_zip_and_in_any_language(esco: Path, tmp_path: Path) -> None:
    archive = tmp_path / "esco.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in esco.iterdir():
            file.write(path, f"ESCO dataset/{path.name}")
    for place in (esco, archive):
        assert [f.text for f in read_esco(place, "de")] == ["App-Entwicklerin"]
        with pytest.raises(InputError, match="several languages; choose one of de, en"):
            read_esco(place)
        with pytest.raises(InputError, match="no occupations in 'fr'; it has de, en"):
            read_esco(place, "fr")


def test_what_is_no_esco_file_says_what_is_missing(esco: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="preferredLabel and iscoGroup"):
        read_esco(esco / "skills_en.csv")
    with pytest.raises(InputError, match="no such file"):
        read_esco(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"occupations_LANGUAGE\.csv"):
        read_esco(tmp_path / "empty")
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(InputError, match="zip archive"):
        read_esco(tmp_path / "broken.zip")


def test_a_zip_cannot_write_outside_its_folder(tmp_path: Path) -> None:
    archive = tmp_path / "evil.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("../../occupations_en.csv", "preferredLabel,iscoGroup\ncook,5120\n")
    assert [f.text for f in read_esco(archive)] == ["cook"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["evil.zip"]


def test_the_ilo_index_is_found_under_headings_in_excel_and_in_csv(tmp_path: Path) -> None:
    rows: list[tuple[object, ...]] = [
        ("Index of titles", None, None),
        (None, None, None),
        ("ISCO 08", "ISCO 88", "Title EN"),
        (2641, 2451, "Scribe, technical"),
        ("0110", "0110", "Colonel"),
    ]
    for path in (write_xlsx(tmp_path / "index.xlsx", rows), write_csv(tmp_path / "index.csv", [tuple(map(str, r)) for r in rows[2:]])):
        assert said(read_ilo(path)) == [("alt_title", "Scribe, technical", ("2641",)), ("alt_title", "Colonel", ("0110",))]
    assert read_ilo(tmp_path / "index.xlsx")[0].row == 4
    (tmp_path / "old.xls").write_bytes(b"\xd0\xcf\x11\xe0")
    with pytest.raises(InputError, match=r"save it as \.xlsx"):
        read_ilo(tmp_path / "old.xls")


def test_the_ilo_structure_gives_titles_tasks_and_where_others_belong(tmp_path: Path) -> None:
    head = ("Level", "ISCO 08 Code", "Title EN", "Definition", "Tasks include", "Included occupations", "Excluded occupations", "Notes")
    row = (
        4, "6111", "Field growers", "They grow things.", "Tasks include - (a) sowing seed; (b) bringing in the harvest",
        "Examples of the occupations classified here: - Wheat grower - Hop-grower", "Some related occupations classified elsewhere: - Farm manager - 1311 - Seed seller - 5223", "",
    )  # fmt: skip
    found = read_ilo(write_xlsx(tmp_path / "structure.xlsx", [head, (1, "6", "Growers", "All growers.", "", "", "", ""), row]))
    assert said(found) == [
        ("title", "Growers", ("6",)),
        ("definition", "All growers.", ("6",)),
        ("title", "Field growers", ("6111",)),
        ("definition", "They grow things.", ("6111",)),
        ("task", "sowing seed", ("6111",)),
        ("task", "bringing in the harvest", ("6111",)),
        ("alt_title", "Wheat grower", ("6111",)),
        ("alt_title", "Hop-grower", ("6111",)),
        ("alt_title", "Farm manager", ("1311",)),
        ("alt_title", "Seed seller", ("5223",)),
    ]


@pytest.fixture
def onet(tmp_path: Path) -> Path:
    folder = tmp_path / "db_29_text"
    folder.mkdir()
    write_csv(
        folder / "Occupation Data.txt",
        [
            ("O*NET-SOC Code", "Title", "Description"),
            ("11-1011.00", "Chiefs", "They lead"),
            ("11-1011.03", "Green Chiefs", "Lead"),
            ("99-9999.00", "Others", "Do"),
        ],
        "\t",
    )
    (folder / "Alternate Titles.txt").write_text(
        'O*NET-SOC Code\tAlternate Title\tShort Title\tSource(s)\n11-1011.00\t6" Pipe Boss\tn/a\t2\n53-3041.00\tCabbie\tCab\t2\n'
    )
    write_csv(folder / "Task Statements.txt", [("O*NET-SOC Code", "Task ID", "Task"), ("53-3041.00", "1", "Take people home.")], "\t")
    return folder


def test_onet_keeps_every_unit_group_of_the_crosswalk(onet: Path, tmp_path: Path) -> None:
    crosswalk = write_csv(
        tmp_path / "isco_soc.csv",
        [
            ("ISCO-08 Code", "ISCO-08 Title EN", "2010 SOC Code", "2010 SOC Title"),
            ("1112", "a", "11-1011", "x"),
            ("1120", "b", "11-1011", "x"),
            ("8322", "c", "53-3041", "y"),
        ],
    )
    assert said(read_onet(onet, crosswalk)) == [
        ("title", "Chiefs", ("1112", "1120")),
        ("title", "Green Chiefs", ("1112", "1120")),
        ("title", "Others", ()),
        ("description", "They lead", ("1112", "1120")),
        ("description", "Lead", ("1112", "1120")),
        ("description", "Do", ()),
        ("alt_title", '6" Pipe Boss', ("1112", "1120")),
        ("alt_title", "Cabbie", ("8322",)),
        ("alt_title", "Cab", ("8322",)),
        ("task", "Take people home.", ("8322",)),
    ]


def test_of_several_versions_of_soc_the_one_that_fits_is_taken(onet: Path, tmp_path: Path) -> None:
    head = ("from_scheme", "from_code", "to_scheme", "to_code", "relation")
    rows = [
        head,
        ("US SOC 2010", "11-1011", "ISCO-08", "1112", ""),
        ("US SOC 2018", "11-1011", "ISCO-08", "1120", ""),
        ("US SOC 2018", "99-9999", "ISCO-08", "9629", ""),
        ("UK SOC 2020", "11-1011", "ISCO-08", "1", ""),
        ("ISCO-88", "1110", "ISCO-08", "1111", ""),
    ]
    crosswalk = write_csv(tmp_path / "all.csv", rows)
    assert set(read_crosswalk(crosswalk)) == {"US SOC 2010", "US SOC 2018"}
    assert read_onet(onet, crosswalk)[0].codes == ("1120",)


def test_onet_without_its_table_or_with_another_crosswalk_says_so(onet: Path, tmp_path: Path) -> None:
    other = write_csv(tmp_path / "other.csv", [("SOC code", "ISCO code"), ("77-7777", "1112")])
    with pytest.raises(InputError, match="fits no code"):
        read_onet(onet, other)
    with pytest.raises(InputError, match="US SOC codes and one with ISCO-08"):
        read_onet(onet, write_csv(tmp_path / "none.csv", [("a", "b"), ("1", "2")]))
    (onet / "Occupation Data.txt").unlink()
    with pytest.raises(InputError, match="Occupation Data"):
        read_onet(onet, other)


def test_a_plain_table_is_read_by_its_usual_or_its_named_columns(tmp_path: Path) -> None:
    usual = write_csv(
        tmp_path / "own index.csv", [("id", "Job title", "Duties", "ISCO-08"), ("7", "tram driver", "drives trams", "8331")], ";"
    )
    found = read_plain(usual)[0]
    assert (found.text, found.codes, found.duties, found.source, found.source_id, found.row) == (
        "tram driver",
        ("8331",),
        "drives trams",
        "own-index",
        "7",
        2,
    )
    odd = write_xlsx(tmp_path / "odd.xlsx", [("bezeichnung", "nummer"), ("Tramfahrer", "8331;8332")])
    assert read_plain(odd, text="bezeichnung", code="nummer", language="de")[0].codes == ("8331", "8332")
    with pytest.raises(InputError, match="--text-column"):
        read_plain(odd)
    with pytest.raises(InputError, match="a column 'nope'"):
        read_plain(odd, text="nope", code="nummer")
    with pytest.raises(UsageError, match="no column 'nope'"):
        read_plain(usual, duties="nope")


def test_rows_of_the_own_format_come_back_as_partial_labels(tmp_path: Path) -> None:
    head = ("isco08_code", "text", "kind", "language", "source", "occupation", "ambiguous", "source_id")
    rows = [
        head,
        ("1112", "chief", "title", "en", "onet", "o1", "true", "a"),
        ("1120", "chief", "title", "en", "onet", "o1", "true", "b"),
        ("5120", "cook", "alt_title", "en", "x", "o2", "false", "c"),
    ]
    assert said(read_plain(write_csv(tmp_path / "coded_texts.csv", rows))) == [
        ("title", "chief", ("1112", "1120")),
        ("alt_title", "cook", ("5120",)),
    ]
