"""Titles matched as strings."""

from rapidfuzz import fuzz

from isco_rag.lexical import build_lexical

TITLES = ["truck driver", "taxi driver", "primary school teacher", "Nurse, registered", "plumber", "truck driver"]
LABELS = [0, 1, 2, 3, 4, 5]


def test_exact_titles_count_every_label_whatever_the_spelling() -> None:
    index = build_lexical(TITLES, LABELS)
    assert index.exact("Truck-Driver") == {0: 1, 5: 1}
    assert not index.exact("truck")


def test_misspelt_titles_find_their_own_first() -> None:
    index = build_lexical(TITLES, LABELS)
    for slip, label in (("plumer", 4), ("primry shcool teacher", 2), ("registered nurse", 3), ("driver taxi", 1)):
        likeness, alike = index.near(slip)[0]
        assert label in index.labels(alike)
        assert 0.6 < likeness <= 1.0


def test_the_shortlist_holds_what_a_full_scan_would_find() -> None:
    titles = [
        f"{kind} {work}" for kind in ("steel", "wood", "glass", "paper", "stone") for work in ("cutter", "grinder", "polisher", "packer")
    ]
    index = build_lexical(titles, range(len(titles)))
    for query in ("glas cutter", "papr packer", "stone polishr"):
        best = max(titles, key=lambda t: fuzz.ratio(query, t))
        assert index.near(query)[0][1] == best


def test_nothing_in_common_finds_nothing() -> None:
    assert build_lexical(TITLES, LABELS).near("ж") == []
    assert build_lexical([], []).near("nurse") == []
