"""The pipeline over fake models: order, independence of the batch, fallback, reasons, explanation."""

import csv
import random
from pathlib import Path

import numpy as np
import pytest

from isco_rag.coding import COLUMNS, code_file
from isco_rag.errors import UsageError
from isco_rag.explain import explain
from isco_rag.fuse import FOREIGN, fuse
from isco_rag.settings import Settings, Thresholds
from isco_rag.tables import choose_columns, read_form
from isco_rag.types import Entry, Job
from isco_rag.wiring import with_entries
from tests.fakes import tiny_classifier

JOBS = [
    Job("lorry driver"),
    Job("taxi driver", "takes passengers across town at night"),
    Job("", "teaches algebra to pupils"),
    Job("sport teacher", industry="school"),
    Job("retired"),
    Job(""),
    Job("driver"),
]


def test_answers_come_in_order_and_do_not_depend_on_the_batch() -> None:
    classifier = tiny_classifier()
    together = classifier.classify(JOBS)
    assert together == [classifier.classify([job])[0] for job in JOBS]
    order = list(range(len(JOBS)))
    random.Random(1).shuffle(order)
    assert classifier.classify([JOBS[i] for i in order]) == [together[i] for i in order]


def test_plain_jobs_get_their_code() -> None:
    assert [p.top[0].code for p in tiny_classifier().classify(JOBS[:4])] == ["truck", "taxi", "maths", "sport"]


def test_jobs_without_an_occupation_are_referred() -> None:
    retired, empty = tiny_classifier().classify(JOBS[4:6])
    assert (retired.code, retired.grade, retired.review, retired.reason) == ("", "not_codable", True, "not codable: retired")
    assert empty.reason == "not codable: no text"
    assert empty.top == ()


def test_the_emitted_parent_carries_the_sum_of_its_children() -> None:
    never = Settings(fallback_level=2, thresholds=Thresholds(very_high=1, high=1, medium=1, low=0.5))
    classifier = tiny_classifier(never)
    p = classifier.classify([Job("driver")])[0]
    probabilities = classifier.score([Job("driver")]).probabilities[0]
    under = [i for i, leaf in enumerate(classifier.taxonomy.leaves) if classifier.taxonomy.ancestor(leaf, 2) == p.code]
    assert (p.code, p.level) == ("A-road", 2)
    assert p.confidence == pytest.approx(probabilities[under].sum(), abs=1e-4)
    assert p.confidence >= p.top[0].probability


def test_the_reranker_reads_only_where_it_can_change_the_answer() -> None:
    sure = tiny_classifier(Settings(fallback_level=2, rerank_below=0.0))
    assert sure.classify(JOBS) == tiny_classifier(Settings(fallback_level=2), reranker=False).classify(JOBS)
    classifier = tiny_classifier(Settings(fallback_level=2, rerank_below=1.0, rerank_from=0.2))
    texts = [classifier.prepare(job) for job in JOBS[:4]]
    features, _, entries = classifier.evidence(texts)
    fused = fuse(features, np.array([t.regime for t in texts]), classifier.parts.fusion)
    codes, scores = classifier.read_candidates(texts, fused, entries)
    for row, (read, said) in enumerate(zip(codes, scores, strict=True)):
        assert len(read) == len(said)
        assert (fused[row, read] >= 0.2).all()


def test_another_language_is_told_by_the_record_or_by_its_words() -> None:
    classifier = tiny_classifier()
    assert classifier.prepare(Job("οδηγος")).regime == FOREIGN
    assert classifier.prepare(Job("οδηγος", language="en")).regime == 0
    assert classifier.prepare(Job("chauffeur", language="fr")).regime == FOREIGN
    assert classifier.prepare(Job("lorry driver")).regime == 0
    alone = classifier.prepare(Job("", "οδηγος φορτηγου"))
    assert (alone.title, alone.regime) == ("οδηγος φορτηγου", FOREIGN)
    assert classifier.classify([Job("taxi", language="fr")])[0].top[0].code == "taxi"


def test_a_title_of_ones_own_decides_where_a_record_has_it() -> None:
    classifier = tiny_classifier()
    own = with_entries(classifier, [Entry("c1", "sport", "Zwibbler of quonks", source="correction")])
    assert classifier.classify([Job("zwibbler of quonks")])[0].top[0].code != "sport"
    found = own.classify([Job("ZWIBBLER of quonks")])[0]
    assert (found.top[0].code, found.top[0].probability >= 0.8) == ("sport", True)
    assert own.classify(JOBS[:2]) == classifier.classify(JOBS[:2])
    np.testing.assert_allclose(own.score([Job("zwibbler of quonks"), Job("taxi driver")]).probabilities.sum(axis=1), 1.0)


def test_probabilities_cover_all_leaves() -> None:
    scored = tiny_classifier().score(JOBS)
    np.testing.assert_allclose(scored.probabilities.sum(axis=1), [1, 1, 1, 1, 0, 0, 1], atol=1e-9)


def test_top_three_fall_and_name_their_groups() -> None:
    for p in tiny_classifier(reranker=False).classify(JOBS[:4]):
        found = [c.probability for c in p.top]
        assert len(found) == 3
        assert found == sorted(found, reverse=True)


def test_explanations_show_evidence_and_the_contrast() -> None:
    found = explain(tiny_classifier(), Job("taxi and truck driver"))
    assert [e.code for e in found.evidence] == [c.code for c in found.prediction.top]
    assert all(hit.entry.code == e.code for e in found.evidence for hit in e.nearest)
    assert found.evidence[0].nearest
    assert any("not in truck but in taxi" in reason for reason in found.why_not)
    assert explain(tiny_classifier(), Job("n/a")).evidence == ()


def write_csv(path: Path, rows: list[list[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def test_a_file_keeps_its_columns_and_rows(tmp_path: Path) -> None:
    rows = [["id", "title", "note"], *([str(i), job.title, f"n{i}"] for i, job in enumerate(JOBS * 300))]
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    write_csv(source, rows)
    form = read_form(source)
    steps: list[int] = []
    summary = code_file(tiny_classifier(), source, target, form, choose_columns(form, source, {}), lambda n, _: steps.append(n))
    with target.open(newline="", encoding="utf-8") as file:
        found = list(csv.reader(file))
    assert found[0] == [*rows[0], *COLUMNS]
    assert [row[:3] for row in found[1:]] == rows[1:]
    assert sum(steps) == summary.rows == len(rows) - 1
    assert summary.distinct == len({job.title for job in JOBS})
    by_title = {row[1]: row[3:] for row in found[1:]}
    assert all(row[3:] == by_title[row[1]] for row in found[1:])


def test_coding_twice_into_the_same_columns_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    write_csv(source, [["title", "isco_code"], ["cook", "1"]])
    form = read_form(source)
    with pytest.raises(UsageError, match="already has the column isco_code"):
        code_file(tiny_classifier(), source, tmp_path / "out.csv", form, {"title": 0}, lambda *_: None)
    with pytest.raises(UsageError, match="can't be the input"):
        code_file(tiny_classifier(), source, source, form, {"title": 0}, lambda *_: None)
