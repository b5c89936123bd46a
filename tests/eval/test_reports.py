"""Reports, comparison, guard and error analysis on small runs."""

import json
import re
from pathlib import Path

import msgspec
import numpy as np
import pytest
from isco_eval.compare import compare, mcnemar, told
from isco_eval.doubts import doubts_of
from isco_eval.gold import Gold
from isco_eval.guard import Guarded, check_gold, guard, read_baseline, write_baseline
from isco_eval.mistakes import Analysis, analyse
from isco_eval.reading import read_again
from isco_eval.render import as_html, as_json, as_markdown, cells, write_report
from isco_eval.report import SECTIONS, Block, make_report
from isco_eval.store import open_store
from isco_eval.suite import Suite

from isco_rag.classify import Classifier
from isco_rag.errors import EvaluationError, UsageError
from isco_rag.types import Entry, Job, Metric
from isco_rag.wiring import with_entries
from tests.eval.tiny import tiny_gold, tiny_run
from tests.fakes import tiny_classifier


def test_a_page_needs_nothing_but_itself(tmp_path: Path) -> None:
    with open_store(None) as store:
        report = make_report(store, tiny_run(store, tiny_gold(5)))
    page = as_html([report])
    assert "<script" not in page
    assert not re.search(r'(?:src|href|url)\s*[=(]\s*["\']?(?:https?:)?//', page)
    for name, question, _ in SECTIONS:
        assert question in page or msgspec.structs.asdict(report)["sections"][0].name != name
    pictured = [b for s in report.sections for b in s.blocks if b.picture]
    assert pictured
    assert all(b.alternative for b in pictured)
    assert page.count("<svg") == len(pictured) == page.count('<figure role="img" aria-label=')
    assert page.count("<table") == sum(len(s.blocks) for s in report.sections)
    target = tmp_path / "r.html"
    write_report([report], target)
    assert target.read_text(encoding="utf-8") == page
    with pytest.raises(UsageError, match=r"\.html, \.md or \.json"):
        write_report([report], tmp_path / "r.pdf")


def test_numbers_of_a_column_are_shown_alike() -> None:
    rows = ((0.14, 0.1, 0.2, 1 / 3, "a", 1200), (0.06, 0.042, 0.08, 2.0, "b", 7), (None, None, None, -0.0, "c", 0))
    names, shown, numeric = cells(Block("q", "", "", ("x", "x low", "x high", "raw", "word", "n"), rows, ""))
    assert names == ["x", "raw", "word", "n"]
    assert [row[0] for row in shown] == ["0.140 (0.100 to 0.200)", "0.060 (0.042 to 0.080)", "–"]
    # Numbers that nobody rounded are shown as they are.
    assert [row[1] for row in shown] == [f"{1 / 3}", "2.0", "0.0"]
    assert [row[3] for row in shown] == ["1,200", "7", "0"]
    assert numeric == [True, True, False, True]


def test_what_a_user_writes_is_no_part_of_the_page() -> None:
    gold = tiny_gold()
    odd = Gold("<b>x</b>", gold.jobs, gold.codes, {"<i>s</i>": ("<u>v</u>",) * len(gold.jobs)})
    with open_store(None) as store:
        report = make_report(store, tiny_run(store, odd, suite=Suite("<b>x</b>", "x.csv", "a <em>title</em>", resamples=100)))
    page = as_html([report])
    for tag in ("<b>", "<i>s", "<u>", "<em>"):
        assert tag not in page


def test_text_and_json_say_the_same() -> None:
    with open_store(None) as store:
        report = make_report(store, tiny_run(store, tiny_gold(5)))
    text, read = as_markdown([report]), json.loads(as_json([report]))
    blocks = [b for s in read[0]["sections"] for b in s["blocks"]]
    assert {b["query"] for b in blocks} == {b.query for s in report.sections for b in s.blocks}
    assert all(b["sql"].startswith("--") for b in blocks)
    assert any(b["picture"] and b["picture"]["$schema"].endswith("v6.json") for b in blocks)
    for block in blocks:
        assert f"### {block['title']}" in text


def test_a_column_without_a_value_stands_as_numbers_do() -> None:
    block = Block("", "", "", ("what", "threshold", "n"), (("a", None, 1), ("b", None, 2)), "")
    assert cells(block) == (["what", "threshold", "n"], [["a", "–", "1"], ["b", "–", "2"]], [False, True, True])


def test_nothing_that_can_go_out_is_said_in_words() -> None:
    """No share of nought with an interval of nought where no probability keeps the error that is allowed."""
    with open_store(None) as store:
        run = tiny_run(store, tiny_gold(5))
        store.connection.execute("UPDATE figures SET figure = 0, low = 0, high = 0 WHERE measure = 'automated'")
        told = make_report(store, run).summary[-1]
        assert told == "No probability on these records lets out unit groups of which at most 5 % are wrong."
        store.connection.execute("UPDATE figures SET figure = 0.5, low = 0.4, high = 0.6 WHERE measure = 'automated'")
        assert "50.0 % (40.0 to 60.0) need no person" in make_report(store, run).summary[-1]


def test_a_time_that_all_records_share_has_no_interval() -> None:
    with open_store(None) as store:
        run = tiny_run(store)
        set_times = "UPDATE figures SET figure = 5, low = ?, high = 5 WHERE measure = 'milliseconds'"
        store.connection.execute(set_times, [5])
        columns, rows = store.ask("speed", run)
        assert [rows[0][columns.index(name)] for name in ("milliseconds", "milliseconds low", "milliseconds high")] == [5.0, None, None]
        store.connection.execute(set_times, [4])
        assert store.ask("speed", run)[1][0][columns.index("milliseconds low")] == 4.0


def test_leakage_stands_at_the_top_with_both_figures() -> None:
    with open_store(None) as store:
        report = make_report(store, tiny_run(store, tiny_gold(5)))
    assert report.notices[0].startswith("Leakage: ")
    assert "10 of 40 gold rows" in report.notices[0]
    effect = next(b for s in report.sections for b in s.blocks if b.query == "leak_effect")
    every, without = effect.records
    assert (every["records"], without["records"]) == ("all", "without leaks")
    assert (every["n"], without["n"]) == (40, 30)


def test_a_calibration_error_is_told_the_same_way_wherever_it_stands() -> None:
    """As a fraction, not in percent: in the table of calibration, with and without leakage, in a comparison."""
    with open_store(None) as store:
        run = tiny_run(store, tiny_gold(5))
        blocks = {b.query: b for s in make_report(store, run).sections for b in s.blocks}
        found = compare(store, run, tiny_run(store, tiny_gold(5)))
    figure = next(r["figure"] for r in blocks["calibration"].records if r["measure"] == "ECE of the emitted code")
    assert blocks["leak_effect"].records[0]["calibration error"] == pytest.approx(figure, abs=0.001)
    change = next(c for c in found.changes if c.key.measure == "ECE of the emitted code")
    assert told(change).startswith(f"{figure:.3f} to ")


def test_answers_that_come_out_otherwise_a_second_time_are_said() -> None:
    with open_store(None) as store:
        run = tiny_run(store)
        assert not any("Not reproducible" in notice for notice in make_report(store, run).notices)
        store.connection.execute("UPDATE runs SET repeated_same = repeated - 1")
        assert any("Not reproducible: of 8 records" in notice for notice in make_report(store, run).notices)


def test_a_gate_that_is_not_passed_is_said() -> None:
    with open_store(None) as store:
        run = tiny_run(store, suite=Suite("tiny", "t.csv", resamples=100, gates={"top 1": 0.99}))
        assert any("Gate not passed: top 1" in notice for notice in make_report(store, run).notices)


def test_a_better_index_is_found_better_and_the_same_is_the_same() -> None:
    gold, worse = tiny_gold(6), tiny_classifier()
    better = with_entries(
        worse, [Entry(f"n{i}", c, j.title) for i, (j, c) in enumerate(zip(gold.jobs[:8], gold.codes[:8], strict=True)) if c != "B-school"]
    )
    with open_store(None) as store:
        a, again, b = tiny_run(store, gold, worse), tiny_run(store, gold, worse), tiny_run(store, gold, better)
        same, found = compare(store, a, again), compare(store, a, b)
    assert all(c.difference == 0 and c.standing == "the same" for c in same.changes)
    top = next(c for c in found.changes if c.key.measure == "top 1" and c.key.slice == "all")
    assert top.standing == "better"
    assert top.low <= top.difference <= top.high
    assert "McNemar, unit group: no record is right in one run alone." in same.words
    assert any(line.startswith("Better: ") and "top 1" in line for line in found.words)
    back = {c.key: c for c in _compared(gold, better, worse)}
    assert back[top.key].standing == "worse"
    assert back[top.key].difference == pytest.approx(-top.difference)


def _compared(gold: Gold, before: object, after: object) -> tuple:  # type: ignore[type-arg]
    with open_store(None) as store:
        a, b = (tiny_run(store, gold, c) for c in (before, after))  # type: ignore[arg-type]
        return compare(store, a, b).changes


def test_mcnemar_agrees_with_a_hand() -> None:
    before, after = np.array([True] * 10 + [False] * 4), np.array([True] * 9 + [False] + [True] * 4)
    found = mcnemar("x", before, after)
    assert (found.only_before, found.only_after) == (1, 4)
    # Two-sided exact binomial of 1 in 5: 2 * (1 + 5) / 32.
    assert found.p == pytest.approx(0.375)


def test_runs_on_other_gold_are_not_compared() -> None:
    with open_store(None) as store:
        a, b = tiny_run(store), tiny_run(store)
        store.connection.execute("UPDATE samples SET gold_hash = ''")
        with pytest.raises(EvaluationError, match="different gold"):
            compare(store, a, b)


def test_the_guard_holds_what_holds_and_names_what_falls(tmp_path: Path) -> None:
    with open_store(None) as store:
        run = tiny_run(store, tiny_gold(5))
        path = write_baseline(store, run, tmp_path)
        baseline = read_baseline("tiny", tmp_path)
        assert path.name == "tiny.json"
        assert not any(change.fell for change in guard(store, run, baseline))
        store.connection.execute("DELETE FROM figures WHERE measure = 'right of these'")
        assert [change.baseline.name for change in guard(store, run, baseline) if change.fell] == ["right of these"]
        with pytest.raises(EvaluationError, match="another way"):
            guard(store, run, msgspec.structs.replace(baseline, suite_hash="other"))
    with pytest.raises(EvaluationError, match="--write"):
        read_baseline("none", tmp_path)
    gold = tmp_path / "g.csv"
    gold.write_text("title,code\n")
    with pytest.raises(EvaluationError, match=r"(?s)names the hash hash, the file has [0-9a-f]{64}"):
        check_gold(baseline, gold)


@pytest.mark.parametrize(
    ("name", "value", "fell"),
    [("top 1", 0.59, True), ("top 1", 0.61, False), ("top 1", 0.99, False), ("log loss", 0.81, True), ("log loss", 0.1, False)],
)
def test_a_figure_falls_when_it_leaves_the_interval_on_the_wrong_side(name: str, value: float, fell: bool) -> None:
    assert Guarded(Metric(name, 0.7, 0.6, 0.8, 100), Metric(name, value, 0.0, 1.0, 100)).fell == fell


def analysed(classifier: Classifier, gold: Gold, doubtful: float = 0.5) -> Analysis:
    reading = read_again(classifier, gold)
    return analyse(classifier, gold, reading, doubts_of(classifier.taxonomy, gold, reading, doubtful))


def test_mistakes_are_clustered_and_each_has_a_stage_and_a_fix() -> None:
    gold, classifier = tiny_gold(2), tiny_classifier()
    found = analysed(classifier, gold)
    assert found.records == 14
    assert (
        found.wrong
        == sum(len(c.mistakes) for c in found.clusters)
        == sum(found.counted("stages").values())
        == sum(found.counted("fixes").values())
    )
    assert any(m.stage == "not codable" and m.best == "" for c in found.clusters for m in c.mistakes)
    for cluster in found.clusters:
        for m in cluster.mistakes:
            assert classifier.taxonomy.ancestor(m.gold, 2) == cluster.gold
            assert m.best != m.gold


def test_a_contradicting_example_is_named() -> None:
    gold = Gold("x", tuple(Job("ferry pilot", id=str(i)) for i in range(1)), ("taxi",))
    classifier = with_entries(tiny_classifier(), [Entry("liar", "truck", "ferry pilot")])
    mistake = analysed(classifier, gold, doubtful=1.0).clusters[0].mistakes[0]
    assert (mistake.best, mistake.fix, mistake.drawn_by) == ("truck", "contradicting example", "liar")
    # Where the gold code itself is doubted, that is what to look at first.
    doubted = analysed(classifier, gold, doubtful=1e-9)
    assert [d.suggested for d in doubted.doubts] == ["truck"]
    assert doubted.clusters[0].mistakes[0].fix == "label doubt"
