"""Laws of the text functions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isco_rag.text import clean, duties_text, expand, key, not_codable, says_nothing, title_text, uninvert


@given(st.text(max_size=200))
def test_cleaning_and_keying_are_idempotent(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    assert key(key(text)) == key(text)


@given(st.text(max_size=300))
def test_no_text_breaks_the_functions(text: str) -> None:
    assert clean(text).isprintable()
    assert title_text(text) == title_text(text).strip()
    assert len(duties_text(text).split()) <= max(96, len(clean(text).split()))
    assert isinstance(not_codable(text, text), str)


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("Sales Manager (m/w/d)", "sales manager"),
        ("URGENT!! Cook - full time", "cook"),
        ("Senior Java Developer - $120k per year - Remote", "senior java developer"),
        ("asst mgr", "assistant manager"),
        ("NURSE", "nurse"),
        ("# Developer C#", "developer c#"),
        ("Full time", "full time"),
        ("Driver / Mechanic", "driver / mechanic"),
        ("Engineer Ref: AB-12345", "engineer"),
    ],
)
def test_vacancy_terms_go_and_the_work_stays(raw: str, wanted: str) -> None:
    assert title_text(raw) == wanted


def test_a_title_is_never_emptied() -> None:
    assert title_text("(m/f/d)") != ""
    assert title_text("Remote") == "remote"


def test_inverted_titles_turn_round() -> None:
    assert uninvert("Teacher, primary school") == "primary school teacher"
    assert uninvert("Carver, stone") == "stone carver"
    assert uninvert("plumber") == "plumber"


def test_abbreviations_need_whole_words() -> None:
    assert expand("op. room tech") == "operator room technician"
    assert expand("optician") == "optician"


def test_long_descriptions_keep_the_work_and_drop_the_employer() -> None:
    noise = "We are an equal opportunity employer without regard to race or veteran status. Our benefits include 401k and paid time off. "
    duty = "You will install and repair refrigeration units in supermarkets. "
    picked = duties_text(noise * 10 + duty + noise * 10, words=20)
    assert "refrigeration" in picked
    assert len(picked.split()) <= 30


def test_fifty_thousand_characters_are_read_in_bounds() -> None:
    assert len(duties_text("checks invoices and prepares payments. " * 1300).split()) <= 96
    assert len(duties_text("x" * 50_000)) <= 50_000


@pytest.mark.parametrize("title", ["", "   ", "n/a", "RETIRED", "student", "???", "12345", "-", "xxxxx", "Self-employed", "don't know"])
def test_hopeless_titles_alone_are_not_coded(title: str) -> None:
    assert not_codable(title, "")


@pytest.mark.parametrize("title", ["nurse", "boda boda rider", "IT", "cook", "student adviser", "retired officers home manager"])
def test_titles_that_name_work_are_coded(title: str) -> None:
    assert not_codable(title, "") == ""


@pytest.mark.parametrize(
    "title",
    ["soft\u00adware engi\u00adneer", "software \U0001f4bb engineer", "<b>software</b> engineer <s>", "soft\u200cware engineer"],
)
def test_what_readers_do_not_see_changes_nothing(title: str) -> None:
    assert title_text(title) == "software engineer"


def test_remote_goes_only_where_it_is_a_term() -> None:
    assert title_text("Remote pilot") == "remote pilot"
    assert title_text("Accountant (remote)") == title_text("Accountant - Remote") == title_text("Hybrid | Accountant") == "accountant"


def test_titles_without_end_are_cut() -> None:
    assert len(title_text("a " + "* " * 20_000 + "b")) <= 300


def test_white_space_does_not_hide_duties() -> None:
    assert "drives a truck" in duties_text("\n" * 50_001 + "drives a truck. " * 40)


def test_who_says_he_has_no_occupation_is_believed() -> None:
    assert not_codable("Student", "I study economics at university") == "in education"
    assert not_codable("Retired", "gardening") == "retired"
    assert not_codable("Private", "") == ""


@pytest.mark.parametrize("text", ["n/a", "-", "unknown", "999", ""])
def test_fillers_say_nothing(text: str) -> None:
    assert says_nothing(text)
    assert not says_nothing("government")


def test_duties_rescue_a_hopeless_title() -> None:
    assert not_codable("self employed", "sews dresses for customers at home") == ""
