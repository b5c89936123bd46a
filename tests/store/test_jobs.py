"""Files in the queue: claimed by one, stored chunk by chunk, given up and taken over without loss or repetition."""

from pathlib import Path

import pytest
from sqlalchemy import func, select

from isco_rag.errors import ConflictError, NotFoundError
from isco_rag.store import clock, jobs
from isco_rag.store.database import Store
from isco_rag.store.records import FileJob
from isco_rag.store.schema import chunks, uploads
from isco_rag.store.schema import jobs as table
from isco_rag.tables import read_form
from tests.store.records import prediction


@pytest.fixture
def queued(store: Store, tmp_path: Path) -> Store:
    for i in range(3):
        upload(store, tmp_path, f"f{i}")
    return store


def upload(store: Store, folder: Path, name: str, priority: int = 0) -> str:
    path = folder / "in.csv"
    path.write_text("title\n" + "cook\n" * 5)
    with store.write() as db:
        job = jobs.create(db, "ann", name, "csv", read_form(path), {"title": 0}, [path.read_bytes()[:7], path.read_bytes()[7:]], 30)
        jobs.start(db, "ann", job.id, {"title": 0}, ("very_low",), priority)
    return job.id


def claim(store: Store, worker: str = "w1") -> FileJob | None:
    with store.write() as db:
        return jobs.claim(db, worker)


def test_each_job_is_claimed_once_oldest_first(queued: Store) -> None:
    found = [claim(queued, f"w{i}") for i in range(4)]
    assert [job.name for job in found if job] == ["f0", "f1", "f2"]
    assert found[3] is None


def test_priority_goes_first(queued: Store, tmp_path: Path) -> None:
    upload(queued, tmp_path, "urgent", priority=5)
    job = claim(queued)
    assert job is not None
    assert job.name == "urgent"


def test_a_chunk_is_stored_once_and_counts(queued: Store) -> None:
    job = claim(queued)
    assert job is not None
    with queued.write() as db:
        assert jobs.checkpoint(db, "w1", job.id, 0, [prediction()] * 3, "tiny")
        assert not jobs.checkpoint(db, "w1", job.id, 0, [prediction()] * 3, "tiny")
        assert jobs.checkpoint(db, "w1", job.id, 3, [prediction("taxi", 0.9, "very_high")] * 2, "tiny")
        assert jobs.finish(db, "w1", job.id, 30)
    with queued.read() as db:
        found = jobs.one(db, job.id)
        assert (found.state, found.done, found.summary.review, found.bundle) == ("done", 5, 3, "tiny")
        assert found.summary.grades == {"very_low": 3, "very_high": 2}
        assert [p.code for part in jobs.results(db, job.id) for p in part] == ["truck"] * 3 + ["taxi"] * 2
        assert b"".join(jobs.uploaded(db, job.id)) == b"title\n" + b"cook\n" * 5


def test_who_lost_the_claim_can_store_nothing(queued: Store) -> None:
    job = claim(queued)
    assert job is not None
    with queued.write() as db:
        jobs.checkpoint(db, "w1", job.id, 0, [prediction()] * 2, "tiny")
        db.execute(table.update().where(table.c.id == job.id).values(lease=clock.later(seconds=-1)))
    other = claim(queued, "w2")
    assert other is not None
    assert (other.id, other.done) == (job.id, 2)
    with queued.write() as db:
        assert not jobs.renew(db, "w1", job.id)
        assert not jobs.checkpoint(db, "w1", job.id, 2, [prediction()] * 3, "tiny")
        assert not jobs.finish(db, "w1", job.id, 30)
        assert jobs.checkpoint(db, "w2", job.id, 2, [prediction()] * 3, "tiny")
        assert jobs.finish(db, "w2", job.id, 30)
    with queued.read() as db:
        assert db.execute(select(func.sum(chunks.c.rows)).where(chunks.c.job_id == job.id)).scalar_one() == 5


def test_failures_are_tried_again_then_final_and_can_go_on(queued: Store) -> None:
    job = claim(queued)
    assert job is not None
    with queued.write() as db:
        jobs.checkpoint(db, "w1", job.id, 0, [prediction()] * 2, "tiny")
    for attempt in range(1, jobs.ATTEMPTS + 1):
        with queued.write() as db:
            state = jobs.fail(db, "w1", job.id, "broken")
            assert state == ("failed" if attempt == jobs.ATTEMPTS else "queued")
            db.execute(table.update().where(table.c.id != job.id).values(state="cancelled"))
            assert jobs.claim(db, "w1") is None
            db.execute(table.update().where(table.c.id == job.id).values(not_before=""))
        if attempt < jobs.ATTEMPTS:
            assert claim(queued) is not None
    with queued.write() as db:
        assert (jobs.resume(db, "ann", job.id).state, jobs.one(db, job.id).done) == ("queued", 2)


def test_cancelling_keeps_what_is_finished(queued: Store) -> None:
    job = claim(queued)
    assert job is not None
    with queued.write() as db:
        jobs.checkpoint(db, "w1", job.id, 0, [prediction()] * 2, "tiny")
        assert jobs.cancel(db, "ann", job.id).done == 2
        assert jobs.cancel(db, "ann", job.id).state == "cancelled"
        assert not jobs.checkpoint(db, "w1", job.id, 2, [prediction()] * 3, "tiny")
        assert len(list(jobs.results(db, job.id))) == 1
        with pytest.raises(ConflictError):
            jobs.start(db, "ann", job.id, {"title": 0})


def test_the_same_start_twice_counts_once(queued: Store) -> None:
    with queued.write() as db:
        job = jobs.listed(db)[0]
        assert jobs.start(db, "ann", job.id, {"title": 0}, ("very_low",)).state == "queued"
        with pytest.raises(ConflictError):
            jobs.start(db, "ann", job.id, {"duties": 0})


def test_results_go_after_their_time_the_record_stays(queued: Store) -> None:
    job = claim(queued)
    assert job is not None
    with queued.write() as db:
        jobs.checkpoint(db, "w1", job.id, 0, [prediction()] * 5, "tiny")
        jobs.finish(db, "w1", job.id, 30)
        assert jobs.purge(db) == 0
        db.execute(table.update().where(table.c.id == job.id).values(expires=clock.later(seconds=-1)))
        assert (jobs.purge(db), jobs.purge(db)) == (1, 0)
        assert (jobs.one(db, job.id).done, list(jobs.results(db, job.id))) == (5, [])
        with pytest.raises(NotFoundError, match="after its time"):
            list(jobs.uploaded(db, job.id))
        jobs.remove(db, "ann", job.id)
        assert db.execute(select(func.count()).where(uploads.c.job_id == job.id)).scalar_one() == 0
        with pytest.raises(NotFoundError):
            jobs.one(db, job.id)
