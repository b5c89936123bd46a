"""Doubts about gold codes: planted ones come first, a clean sample has few, and what is said of them is true."""

import csv
from pathlib import Path

import numpy as np
import pytest
from isco_eval.doubts import FIRST, WORTH, Doubted, doubts_of, likelihoods, shares, slips, wrong_codes, wrongness
from isco_eval.gold import Gold, read_suite
from isco_eval.planted import HEADS, PLANTED, RANKINGS, SLIPS, confident_learning, plant, simulate, tables
from isco_eval.reading import Reading, read_again
from isco_eval.rerun import write_doubts
from isco_eval.suite import find_suite
from msgspec.structs import replace

from isco_rag.classify import Classifier
from isco_rag.taxonomy import Group, Heading, Taxonomy
from isco_rag.types import Job
from tests.eval.tiny import tiny_gold
from tests.fakes import tiny_classifier

CLASSES, FAMILY = 60, 5


def families() -> Taxonomy:
    """Sixty lowest groups, five under each group above, but for the last, which stands alone."""
    above = {f"{n:02}": f"a{min(n, CLASSES - 2) // FAMILY if n < CLASSES - 1 else 99:02}" for n in range(CLASSES)}
    groups = [Group(code, 1, "", code, "", (), ()) for code in dict.fromkeys(above.values())]
    return Taxonomy(
        Heading("Families", "1", ("above", "lowest")),
        (*groups, *(Group(code, 2, parent, code, "", (), ()) for code, parent in above.items())),
    )


def perfect_coder(records: int, seed: int = 1) -> Reading:
    """The reading of a coder whose probabilities are exactly right: each gold class is drawn by them."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(CLASSES, 0.03), records)
    truth = np.array([rng.choice(CLASSES, p=row) for row in p])
    nothing = np.full((records, 3), -1)
    return Reading(np.arange(records), truth, p, p.argmax(axis=1), np.zeros((records, 3), np.float32), nothing, nothing)


def told(reading: Reading, taxonomy: Taxonomy, doubtful: float = 0.5) -> Doubted:
    codes = [""] * (int(reading.rows.max(initial=-1)) + 1)
    for row, c in zip(reading.rows, reading.truth, strict=True):
        codes[row] = taxonomy.leaves[c]
    return doubts_of(taxonomy, Gold("x", tuple(Job(str(i), id=str(i)) for i in range(len(codes))), tuple(codes)), reading, doubtful)


def with_planted(reading: Reading, taxonomy: Taxonomy, share: float, seed: int = 2) -> tuple[Reading, set[int]]:
    """Half of the planted codes are siblings, half are anywhere."""
    rng, to, k = np.random.default_rng(seed), slips(taxonomy), round(share * len(reading) / 2)
    codes = reading.truth
    for slip in ("sibling", "anywhere"):
        codes, _ = plant(reading.probabilities, codes, to, slip, k, rng)
    return replace(reading, truth=codes), {int(i) for i in np.flatnonzero(codes != reading.truth)}


def test_wrong_siblings_come_from_each_class_with_equal_chance() -> None:
    taxonomy = families()
    to = slips(taxonomy)
    parent = [taxonomy.group(code).parent for code in taxonomy.leaves]
    for row, chances in enumerate(to):
        assert chances[row] == 0
        assert {parent[c] for c in np.flatnonzero(chances)} <= {parent[row]}
        assert chances.sum() == pytest.approx(0 if parent.count(parent[row]) == 1 else 1)


def test_each_case_is_a_distribution_over_the_codes_that_can_be_seen() -> None:
    """Whatever the coder says, the chances of all gold codes in one case sum to one; but for classes that have no sibling."""
    taxonomy, p = families(), np.random.default_rng(0).dirichlet(np.ones(CLASSES), 1)
    to, every = slips(taxonomy), np.arange(CLASSES)
    seen = likelihoods(np.repeat(p, CLASSES, axis=0), np.repeat(p @ to, CLASSES, axis=0), every)
    assert seen[:, 0].sum() == pytest.approx(1)
    assert seen[:, 1].sum() == pytest.approx(1 - p[0][to.sum(axis=1) == 0].sum())
    assert seen[:, 2].sum() == pytest.approx(1)


def test_shares_are_the_likeliest_ones() -> None:
    seen = np.random.default_rng(3).random((400, 3)) ** 3
    found = shares(seen, np.ones((1, 400)))[0]
    assert found.sum() == pytest.approx(1)

    def likelihood(w: np.ndarray) -> float:
        return float(np.log(seen @ w).sum() + WORTH * (np.array(FIRST) * np.log(w)).sum())

    for other in np.random.default_rng(4).dirichlet(np.ones(3), 500):
        assert likelihood(found) >= likelihood(0.98 * found + 0.02 * other) - 1e-3
    # A record of weight two is the record twice, and without records the belief stands.
    weights = np.random.default_rng(5).integers(0, 3, 400)
    twice = shares(np.repeat(seen, weights, axis=0), np.ones((1, weights.sum())))
    np.testing.assert_allclose(shares(seen, weights[None].astype(float)), twice, atol=1e-9)
    np.testing.assert_allclose(shares(seen, np.zeros((1, 400))), [FIRST])


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3])
def test_planted_codes_come_first_and_their_share_is_estimated(share: float) -> None:
    taxonomy, clean = families(), perfect_coder(3000)
    reading, planted = with_planted(clean, taxonomy, share)
    found = told(reading, taxonomy)
    w = found.wrong_codes
    assert w.low <= len(planted) / 3000 <= w.high
    listed = [d.row in planted for d in found.doubts]
    assert len(listed) > 0.4 * len(planted)
    # What is said of the doubts is true of them, within three standard errors.
    stated = np.array([d.wrong for d in found.doubts])
    assert abs(np.mean(listed) - stated.mean()) < 3 * np.sqrt((stated * (1 - stated)).sum()) / len(listed)
    whole = told(reading, taxonomy, 1e-9)
    places = [i for i, d in enumerate(whole.doubts) if d.row in planted]
    others = [i for i, d in enumerate(whole.doubts) if d.row not in planted]
    assert np.mean(np.searchsorted(others, places)) < 0.1 * len(others)


def test_a_clean_sample_has_few_doubts() -> None:
    found = told(perfect_coder(3000), families())
    assert len(found.doubts) <= 10
    assert found.wrong_codes.low < 0.002
    assert found.wrong_codes.value < 0.01


def test_order_of_records_and_names_of_classes_do_not_count() -> None:
    taxonomy = families()
    reading, _ = with_planted(perfect_coder(500), taxonomy, 0.1)
    first = told(reading, taxonomy)
    turn = np.random.default_rng(6).permutation(500)
    turned = replace(
        reading, rows=reading.rows[turn], truth=reading.truth[turn], probabilities=reading.probabilities[turn], fused=reading.fused[turn]
    )
    assert [d.row for d in told(turned, taxonomy).doubts] == [d.row for d in first.doubts]
    assert told(reading, taxonomy) == first


def test_the_more_doubtful_the_surer_the_coder_is_of_a_sibling() -> None:
    taxonomy = families()
    p = np.full((3, CLASSES), 1e-4)
    p[0, 0], p[1, 7], p[2, 59] = 0.9, 0.9, 0.9
    p /= p.sum(axis=1, keepdims=True)
    truth = np.ones(3, dtype=np.int64)
    wrong = wrongness(likelihoods(p, p @ slips(taxonomy), truth), np.array([0.94, 0.03, 0.03]))
    assert wrong[0] > wrong[1] == pytest.approx(wrong[2])


def test_a_record_that_cannot_be_coded_is_not_judged() -> None:
    classifier, gold = tiny_classifier(), tiny_gold(3)
    reading = read_again(classifier, gold)
    silent = {int(reading.rows[n]) for n in np.flatnonzero(reading.best < 0)}
    assert silent
    found = doubts_of(classifier.taxonomy, gold, reading, 1e-12)
    assert found.wrong_codes.n == len(reading) - len(silent)
    assert not silent & {d.row for d in found.doubts}


def test_nothing_to_judge_is_no_error() -> None:
    classifier = tiny_classifier()
    gold = Gold("x", (Job("retired", id="1"), Job("teacher", id="2")), ("taxi", "B-school"))
    found = doubts_of(classifier.taxonomy, gold, read_again(classifier, gold))
    assert (found.doubts, found.wrong_codes.n) == ((), 0)
    assert len(read_again(classifier, Gold("x", (), ()))) == 0


def test_a_reading_is_what_the_coder_says_and_embeds_once() -> None:
    classifier, gold = tiny_classifier(), tiny_gold(2)
    encoder, asked = classifier.parts.encoder, []

    class Counting:
        dimension = encoder.dimension

        def encode(self, texts):  # type: ignore[no-untyped-def]
            asked.extend(texts)
            return encoder.encode(texts)

    counted = Classifier(replace(classifier.parts, encoder=Counting()), classifier.settings)
    reading = read_again(counted, gold)
    assert len(asked) == (reading.best >= 0).sum()
    jobs = [gold.jobs[i] for i in reading.rows]
    np.testing.assert_array_equal(reading.probabilities, classifier.score(jobs).probabilities)
    for n, prediction in enumerate(classifier.classify(jobs)):
        assert (reading.best[n] >= 0) == bool(prediction.top) == (reading.fused[n] >= 0)
        near = reading.cosines[n][reading.entries[n] >= 0]
        assert (np.diff(near) <= 0).all()


def test_a_doubt_says_why_and_no_cell_is_a_formula(tmp_path: Path) -> None:
    classifier = tiny_classifier()
    jobs = tuple(
        Job(title, id=f"={i}") for i, title in enumerate(["=lorry driver", "truck driver", "taxi driver", "cab driver", "sport teacher"])
    )
    gold = Gold("x", jobs, ("taxi", "truck", "taxi", "taxi", "sport"))
    reading = read_again(classifier, gold)
    found = doubts_of(classifier.taxonomy, gold, reading, 1e-9)
    first = next(d for d in found.doubts if d.row == 0)
    assert (first.gold, first.suggested) == ("taxi", "truck")
    assert "truck has" in first.why
    assert "taxi has" in first.why
    assert "nearest coded examples" in first.why
    write_doubts(tmp_path / "d.csv", found.doubts, gold, classifier.taxonomy)
    with (tmp_path / "d.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["title"] for row in rows} >= {"'=lorry driver"}
    assert all(row["id"].startswith("'=") and row["decision"] == "" for row in rows)


@pytest.mark.parametrize("slip", SLIPS)
def test_so_many_codes_are_planted_as_asked_and_as_said(slip: str) -> None:
    taxonomy, reading = families(), perfect_coder(400)
    codes, marked = plant(reading.probabilities, reading.truth, slips(taxonomy), slip, 30, np.random.default_rng(1))  # type: ignore[arg-type]
    assert marked.sum() == 30
    np.testing.assert_array_equal(codes != reading.truth, marked)
    parent = np.array([taxonomy.group(code).parent for code in taxonomy.leaves])
    if slip == "sibling":
        assert (parent[codes] == parent[reading.truth]).all()
    if slip == "coder's own":
        best = reading.probabilities.argmax(axis=1)
        assert (codes[marked] == best[marked])[best[marked] != reading.truth[marked]].all()


def test_confident_learning_doubts_the_one_wrong_code() -> None:
    """Of ten records of each of three classes with sure probabilities, one has the code of another class: that one alone is doubted."""
    truth = np.repeat([0, 1, 2], 10)
    p = np.full((30, 4), 0.02)
    p[np.arange(30), truth] = 0.94
    truth[0] = 1
    assert np.flatnonzero(confident_learning(p, truth) >= 2).tolist() == [0]


def test_the_simulation_gives_each_figure_with_its_interval() -> None:
    taxonomy, reading = families(), perfect_coder(600)
    found = simulate(taxonomy, reading, draws=20)
    assert found == simulate(taxonomy, reading, draws=20)
    assert (found.records, found.planted) == (600, round(PLANTED * 600))
    assert [(r.slip, r.ranking) for r in found.ranked] == [(slip, name) for slip in SLIPS for name in RANKINGS]
    assert all(m.low - 1e-9 <= m.value <= m.high + 1e-9 for r in found.ranked for m in r.heads)
    by = {(r.slip, r.ranking): [m.value for m in r.heads] for r in found.ranked}
    for slip in ("sibling", "anywhere"):
        assert by[slip, RANKINGS[0]][-1] > by[slip, "confident learning"][-1] > HEADS[-1]
    clean = found.listed[0]
    assert clean.slip == ""
    assert clean.figures[0].value < 0.02
    for columns, rows in tables(found):
        assert all(len(row) == len(columns) for row in rows)


def test_on_the_real_coder_planted_codes_come_first(shipped: Classifier) -> None:
    """Three hundred records of the shipped gold; twenty get a sibling's code, and half of these stand among the first forty."""
    gold = read_suite(replace(find_suite("written"), limit=300), shipped.taxonomy)
    reading = read_again(shipped, gold)
    assert len(doubts_of(shipped.taxonomy, gold, reading).doubts) <= 6
    codes, marked = plant(reading.probabilities, reading.truth, slips(shipped.taxonomy), "sibling", 20, np.random.default_rng(1))
    wrong = replace(reading, truth=codes)
    held = Gold(gold.name, gold.jobs, tuple(shipped.taxonomy.leaves[c] for c in codes))
    found = doubts_of(shipped.taxonomy, held, wrong, 1e-9).doubts[:40]
    assert sum(marked[d.row] for d in found) >= 10
    assert wrong_codes(likelihoods(wrong.probabilities, wrong.probabilities @ slips(shipped.taxonomy), codes)).value > 0.02
