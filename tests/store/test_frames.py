"""What is drawn and counted, in both kinds of database."""

import numpy as np
import pytest
from sqlalchemy import select

from isco_rag.learn.estimate import overall_error
from isco_rag.learn.looking import report_of
from isco_rag.learn.sampling import Stratum
from isco_rag.store import frames, predictions, quality, reviews, settings, tallies
from isco_rag.store.database import Store
from isco_rag.store.frames import Picked
from isco_rag.store.reviews import Filter
from isco_rag.store.tallies import Tally
from isco_rag.types import Job
from tests.fakes import tiny_taxonomy
from tests.store.records import person, prediction

TREE = tiny_taxonomy()


def test_counts_of_a_day_add_up_over_bundles_and_sources(store: Store) -> None:
    tally = Tally()
    tally.add([prediction("truck", 0.9, "high"), prediction("taxi", 0.75, "medium"), prediction("taxi", 0.3)])
    for day, bundle, source in (
        ("2026-01-01", "a", "file"),
        ("2026-01-01", "a", "file"),
        ("2026-01-01", "b", "api"),
        ("2026-01-03", "b", "file"),
    ):
        with store.write() as db:
            tallies.store_tally(db, day, bundle, source, tally)
    with store.read() as db:
        found = tallies.window(db, "2026-01-01", "2026-01-03")
        assert (found.rows, found.bundles) == (9, {"a", "b"})
        assert found.of("code") == {"truck": 3, "taxi": 6}
        assert found.of("grade") == {"high": 3, "medium": 3, "very_low": 3}
        assert found.totals["grade", "high"] == pytest.approx(2.7)
        assert found.of("row") == {"coded": 9, "review": 3, "far": 9}
        assert [day.first for day in tallies.days(db, "2026-01-01", "2027-01-01")] == ["2026-01-01", "2026-01-03"]
        assert tallies.coded_by(db, "2026-01-02") == {"taxi": (2, 2), "truck": (1, 1)}
        assert tallies.window(db, "2027-01-01", "2028-01-01").rows == 0


def test_centres_come_back_as_they_were(store: Store) -> None:
    vectors = np.random.default_rng(1).normal(size=(7, 5))
    with store.write() as db:
        tallies.store_centre(db, "2026-01-01", "a", 70, vectors)
        tallies.store_centre(db, "2026-01-02", "a", 3, np.zeros((0, 5)))
    with store.read() as db:
        [found] = tallies.window(db, "2026-01-01", "2026-02-01").centres
    assert (found.bundle, found.rows, found.count) == ("a", 70, 7)
    np.testing.assert_allclose(found.vector, (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).sum(axis=0))


def test_drawn_records_wait_with_their_weights_and_tell_the_error(store: Store) -> None:
    sure = [
        prediction("truck", 0.96, "very_high"),
        prediction("truck", 0.97, "very_high"),
        prediction("taxi", 0.6, "low"),
        prediction("taxi", 0.65, "low"),
    ]
    with store.write() as db:
        ann = person(db, "ann")
        numbers = [predictions.keep(db, "ann", "api", [(0, Job(f"job {i}"), p)])[0] for i, p in enumerate(sure)]
        other = predictions.keep(db, "ann", "api", [(0, Job("other"), prediction("taxi", 0.6, "low"))])[0]
        strata = [Stratum(0, 10, 2, 0.2), Stratum(4, 90, 2, 1 / 45)]
        picked = [
            Picked(i, "random", band, chance, n, 0.5)
            for i, (n, band, chance) in enumerate(zip(numbers, (4, 4, 0, 0), (1 / 45,) * 2 + (0.2,) * 2, strict=True))
        ]
        picked.append(Picked(9, "uncertain", 0, 0.5, other, 0.4))
        assert frames.open_drawn(db, strata, picked, "tiny", 1, upto=other) == 5
        assert frames.open_drawn(db, [], picked, "tiny", 1) == 0
        assert frames.drawn_upto(db) == other
        queue = {r.record.id: r for r in reviews.queue(db, TREE, ann, Filter())}
        assert [(queue[n].design, round(queue[n].weight)) for n in (*numbers, other)] == [("random", 45)] * 2 + [("random", 5)] * 2 + [
            ("uncertain", 2)
        ]
        for number, code in zip((*numbers, other), ("truck", "sport", "taxi", "taxi", "sport"), strict=True):
            reviews.decide(db, TREE, ann, queue[number].id, "code", code=code)
    with store.read() as db:
        found = quality.measure(db, TREE).untouched
        assert (found.rows, found.drawn, found.looked, found.error.value) == (100, 4, 4, pytest.approx(0.45))
        assert [(one.n, one.value) for one in found.by_band] == [(2, 0.0), (2, 0.5)]
        assert frames.untouched(db, TREE, "2100-01-01").rows == 0
        assert overall_error({}, []).high == 1.0


def test_the_report_of_a_store_compares_with_the_days_that_are_set(store: Store) -> None:
    for day, code, n in (("2025-01-05", "truck", 300), ("2025-06-05", "taxi", 300), ("2026-01-05", "truck", 300)):
        tally = Tally()
        tally.add([prediction(code, 0.9, "high")] * n)
        with store.write() as db:
            tallies.store_tally(db, day, "tiny", "file", tally)
    whole = report_of(store, TREE, "2026-01-01")
    assert (whole.reference_since, whole.reference_rows, [one.name for one in whole.alerts]) == (
        "2025-01-01",
        600,
        ["codes as they went out"],
    )
    with store.write() as db:
        settings.change(db, "ann", {"reference_from": "2025-01-01", "reference_until": "2025-01-05"})
    chosen = report_of(store, TREE, "2026-01-01")
    assert (chosen.reference_rows, chosen.alerts) == (300, [])


def test_what_is_deleted_with_a_file_is_not_what_its_sample_stands_for(store: Store) -> None:
    """Frames name a file without belonging to it."""
    with store.write() as db:
        frames.open_drawn(db, [Stratum(4, 90, 0, 0.01)], [], "tiny", 1, job_id="gone")
        assert db.execute(select(frames.frames.c.job_id)).scalar_one() == "gone"
        assert frames.untouched(db, TREE).rows == 90
