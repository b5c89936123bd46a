"""A followed index answers as one that is built from the corrections that stand, whoever followed them, in whatever order, and however often."""

import logging
import random
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest
from isco_index import FlatIndex, build_index

from isco_rag.classify import Classifier
from isco_rag.explain import explain
from isco_rag.learn import follow
from isco_rag.learn.follow import FOLDER, Follower, as_served, open_follower, rebuild_index, with_own_ids
from isco_rag.store import corrections
from isco_rag.store.database import Store, open_store
from isco_rag.store.teaching import lesson_after, standing
from isco_rag.types import Entry, Explanation, Job
from isco_rag.wiring import with_index
from tests.fakes import tiny_classifier, tiny_entries, tiny_taxonomy
from tests.index.test_live import CountingEncoder

TREE = tiny_taxonomy()
TITLES = ("cab driver", "zorbing instructor", "lorry loader", "pupil teacher", "quonk zwibbler", "taxi dancer")
JOBS = [Job(title, id=title) for title in (*TITLES, "driver of cabs", "lorry driver")] + [Job("helper", "teaches zorbing to pupils")]


def tiny(encoder: CountingEncoder | None = None) -> Classifier:
    base = tiny_classifier()
    parts = msgspec.structs.replace(base.parts, encoder=encoder or CountingEncoder())
    return Classifier(msgspec.structs.replace(parts, index=build_index(tiny_entries(), parts.encoder)), base.settings)


def teach(store: Store, title: str, code: str, duties: str = "") -> int:
    with store.write() as db:
        return corrections.add(db, TREE, "ann", "api", Job(title, duties), code).id


def revert(store: Store, number: int) -> None:
    with store.write() as db:
        corrections.revert(db, "eve", number)


def change(store: Store, rng: random.Random, made: list[int]) -> None:
    """A correction that comes, or one that goes; the same text with another code is disputed, and the dispute may end."""
    if made and rng.random() < 0.4:
        revert(store, rng.choice(made))
    else:
        made.append(teach(store, rng.choice(TITLES), rng.choice(TREE.leaves), rng.choice(("", "drives", "teaches"))))


def answers(classifier: Classifier) -> list[Explanation]:
    return [explain(classifier, job) for job in JOBS]


def at_once(base: Classifier, store: Store) -> list[Explanation]:
    """The answers over an index that is built from what stands."""
    with store.read() as db:
        taught = standing(db).entries
    return answers(with_index(base, build_index([*tiny_entries(), *taught], base.parts.encoder)))


def test_a_followed_index_answers_as_one_built_at_once(store: Store) -> None:
    base, rng, made = tiny(), random.Random(3), list[int]()
    follower = open_follower(base, store)
    assert answers(follower.classifier) == answers(base)
    for turn in range(24):
        for _ in range(rng.randint(1, 3)):
            change(store, rng, made)
        follower.follow()
        if turn % 7 == 3:
            before = answers(follower.classifier)
            follower.rebuild()
            assert answers(follower.classifier) == before
            assert follower.status().tail == 0
        assert answers(follower.classifier) == at_once(base, store)
    status = follower.status()
    with store.read() as db:
        assert status.corrections == len(standing(db).entries)
        assert (status.change, status.behind) == (corrections.last_change(db), 0)


def test_a_correction_taken_back_leaves_the_answers_as_they_were(store: Store) -> None:
    follower = open_follower(tiny(), store)
    before = answers(follower.classifier)
    number = teach(store, "zorbing instructor", "sport")
    assert follower.follow()
    taught = explain(follower.classifier, Job("zorbing instructor"))
    assert taught.evidence[0].nearest[0].entry.id == f"correction:{number}"
    assert follower.classifier.own_titles.counts("zorbing instructor") == {TREE.leaf_number["sport"]: 1}
    for rebuilt in (False, True):
        if rebuilt:
            # Now it stands in the base, from which nothing is ever deleted before the next rebuild.
            teach(store, "zorbing instructor", "sport")
            follower.follow()
            follower.rebuild()
            with store.read() as db:
                number = standing(db).entries[0].id
            number = int(str(number).split(":")[1])
        revert(store, number)
        assert follower.follow()
        assert answers(follower.classifier) == before
        assert not follower.classifier.own_titles["zorbing instructor"]
        assert not any(entry.source == "correction" for entry in follower.classifier.known.living())
    assert not follower.follow()


def test_one_whose_dispute_ends_well_comes_back(store: Store) -> None:
    follower = open_follower(tiny(), store)
    first = teach(store, "cab driver", "taxi")
    follower.follow()
    second = teach(store, "cab driver", "truck")
    follower.follow()
    assert follower.status().corrections == 0
    revert(store, second)
    follower.follow()
    found = [e for e in follower.classifier.known.living() if e.source == "correction"]
    assert [(e.code, e.id.split(":")[1]) for e in found] == [("taxi", str(first))]
    assert answers(follower.classifier) == at_once(tiny(), store)


def test_a_restart_and_another_process_of_the_folder_embed_nothing(store: Store) -> None:
    first = open_follower(tiny(), store)
    for title in TITLES:
        teach(store, title, "sport", "teaches pupils")
    first.follow()
    # The base's texts are embedded once more by the test, since its index comes with them.
    encoder = CountingEncoder()
    base = tiny(encoder)
    encoder.given.clear()
    again, other = open_follower(base, store), open_follower(base, store)
    assert encoder.given == []
    teach(store, "one more", "taxi")
    again.follow()
    assert (encoder.given, other.follow()) == (["one more"], True)
    assert encoder.given == ["one more"]
    again.rebuild()
    assert encoder.given == ["one more"]
    assert other.follow()
    assert other.status().generation == again.status().generation == 2
    assert answers(other.classifier) == answers(again.classifier) == at_once(base, store)


def test_who_follows_in_other_steps_or_later_gets_the_same_index(store: Store, tmp_path: Path) -> None:
    rng, made = random.Random(8), list[int]()
    # Two folders over one database, as replicas have them, and a third that comes late.
    places = [Store(store.engine, tmp_path / name) for name in ("a", "b", "c")]
    for place in places:
        place.folder.mkdir()
    base = tiny()
    each, seldom = open_follower(base, places[0]), open_follower(base, places[1])
    for turn in range(30):
        change(store, rng, made)
        each.follow()
        if turn % 9 == 8:
            seldom.follow()
    seldom.follow()
    late = open_follower(base, places[2])
    hits = [found(follower) for follower in (each, seldom, late)]
    assert hits[0] == hits[1] == hits[2]
    assert answers(each.classifier) == answers(seldom.classifier) == answers(late.classifier) == at_once(base, store)


def found(follower: Follower) -> list[list[tuple[str, float]]]:
    """Ids and scores of all that is found for the jobs."""
    index = follower.classifier.parts.index
    cosines, numbers = index.search(follower.base.parts.encoder.encode([job.title for job in JOBS]), 40)
    return [
        [(index.entries[n].id, c) for c, n in zip(row, line, strict=True) if n >= 0]
        for row, line in zip(cosines.tolist(), numbers.tolist(), strict=True)
    ]


def test_an_index_of_another_history_or_a_broken_one_is_built_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    old, new = open_store(tmp_path / "old"), open_store(tmp_path / "new")
    for title in TITLES:
        revert(old, teach(old, title, "taxi"))
    teach(old, "cab driver", "truck")
    teach(new, "cab driver", "sport")
    base = tiny()
    open_follower(base, old)
    shutil.copytree(tmp_path / "old" / FOLDER, tmp_path / "new" / FOLDER)
    with caplog.at_level(logging.WARNING):
        follower = open_follower(base, new)
    assert "did not hold what the corrections say" in caplog.text
    assert answers(follower.classifier) == at_once(base, new)
    # Numbers that had been taken out in the other history may come in here.
    for title in TITLES:
        teach(new, title, "truck")
    follower.follow()
    # One of them contradicts what stood there.
    assert follower.status().corrections == len(TITLES) - 1
    assert answers(follower.classifier) == at_once(base, new)
    (folder,) = (path for path in (tmp_path / "new" / FOLDER).iterdir() if path.is_dir())
    (folder / "manifest.json").write_bytes(b"{")
    assert answers(open_follower(base, new).classifier) == at_once(base, new)
    for place in (old, new):
        place.close()


def test_what_cannot_be_found_or_has_a_taken_id_does_not_stop_the_others(tmp_path: Path) -> None:
    store, base = open_store(tmp_path), tiny()
    # A bundle that was trained with a correction may have it among its own entries, changed by its preparation.
    taken = build_index([*tiny_entries(), Entry("correction:1", "taxi", "Cab Driver", source="correction")], base.parts.encoder)
    follower = open_follower(with_index(base, taken), store)
    teach(store, "cab driver", "taxi")
    teach(store, "zorbing instructor", "sport")
    follower.follow()
    assert (follower.status().corrections, follower.status().behind) == (1, 0)
    follower.rebuild()
    assert {e.id for e in follower.classifier.known.living()} == {*(e.id for e in tiny_entries()), "correction:1", "correction:2"}
    # Its own history goes on: taken back it is gone, and stays so.
    revert(store, 1)
    follower.follow()
    follower.rebuild()
    follower.check()
    assert {e.id for e in follower.classifier.known.living()} == {*(e.id for e in tiny_entries()), "correction:2"}
    assert follower.status().generation == 3
    store.close()


def test_lessons_come_in_small_steps_to_the_same_end(store: Store) -> None:
    rng, made = random.Random(1), list[int]()
    for _ in range(40):
        change(store, rng, made)
    held: dict[str, Entry] = {}
    last = 0
    with store.read() as db:
        while lesson := lesson_after(db, last, limit=3):
            assert {e.id for e in lesson.add}.isdisjoint(lesson.remove)
            assert not {e.id for e in lesson.add} & set(held)
            held |= {e.id: e for e in lesson.add}
            for identity in lesson.remove:
                held.pop(identity, None)
            last = lesson.last
        stands = standing(db)
    assert held == {e.id: e for e in stands.entries}
    assert last == stands.last
    assert set(held).isdisjoint(stands.removed)


def test_entries_with_one_id_are_told_apart() -> None:
    base = tiny()
    entries: Sequence[Entry] = [Entry("own:1:0", "taxi", "a driver"), Entry("own:1:0", "truck", "b driver"), Entry("x", "taxi", "c driver")]
    index = build_index(entries, base.parts.encoder)
    found = with_own_ids(index)
    assert sorted(e.id for e in found.entries) == ["own:1:0", "own:1:0#2", "x"]
    vectors = base.parts.encoder.encode(["a driver", "b driver", "c driver"])
    for made in (index, found):
        _, numbers = made.search(vectors, 1)
        assert [made.entries[n].title for n in numbers[:, 0]] == ["a driver", "b driver", "c driver"]
    assert isinstance(found, FlatIndex)
    assert np.array_equal(with_own_ids(found).vectors, found.vectors)


def other(titles: Sequence[str]) -> Classifier:
    """A bundle with more entries of its own, so with an index of its own."""
    base = tiny()
    index = build_index([*tiny_entries(), *(Entry(f"own-{t}", "taxi", t) for t in titles)], base.parts.encoder)
    return with_index(base, index)


def folders(store: Store) -> int:
    return sum(path.is_dir() for path in (store.folder / FOLDER).iterdir())


def test_indexes_that_nobody_has_open_are_removed_but_for_the_last_opened(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    teach(store, "cab driver", "taxi")
    kept = tiny().settings.indexes_kept
    first = open_follower(other(["rickshaw"]), store)
    for n in range(kept + 2):
        open_follower(other([f"cab number {n}"]), store)
    # The first is not among the last opened, and somebody has it open.
    assert folders(store) == kept + 1
    teach(store, "lorry driver", "truck")
    assert first.follow()
    assert first.status().corrections == 2
    del first
    again = open_follower(other(["cab number 0"]), store)
    assert folders(store) == kept
    assert again.status().corrections == 2, "one that was removed is made again"
    store.close()


@pytest.mark.parametrize("process", ["lives", "was killed"])
def test_an_index_that_another_process_has_open_is_not_removed(tmp_path: Path, process: str) -> None:
    """The lock of a process goes with it, whatever ends it."""
    store = open_store(tmp_path)
    root = store.folder / FOLDER / "other"
    root.mkdir(parents=True)
    code = "import sys; from pathlib import Path; from isco_index import Hold; h = Hold(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        if process == "was killed":
            holder.kill()
            holder.wait()
        followers = [open_follower(other([f"cab number {n}"]), store) for n in range(tiny().settings.indexes_kept)]
        assert root.exists() == (process == "lives")
        assert folders(store) == len(followers) + (process == "lives")
        holder.kill()
    store.close()


def test_what_is_far_behind_is_taken_up_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, base, rng, made = open_store(tmp_path), tiny(), random.Random(6), list[int]()
    for _ in range(20):
        change(store, rng, made)
    monkeypatch.setattr(follow, "LONG", 20)
    one = open_follower(base, store)
    generation = one.status().generation
    shutil.rmtree(store.folder / FOLDER)
    monkeypatch.setattr(follow, "LONG", 5)
    other = open_follower(base, store)
    status = other.status()
    assert (generation, status.generation, status.tail, status.behind) == (1, 2, 0, 0)
    assert answers(other.classifier) == answers(one.classifier) == at_once(base, store)
    teach(store, "one more", "taxi")
    assert other.follow()
    assert answers(other.classifier) == at_once(base, store)
    store.close()


def test_a_rebuild_takes_up_what_was_still_to_follow_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, encoder = open_store(tmp_path), CountingEncoder()
    base = tiny(encoder)
    monkeypatch.setattr(follow, "LONG", 2)
    for title in TITLES:
        teach(store, title, "sport")
    encoder.given.clear()
    status = rebuild_index(base, store)
    assert "quonk zwibbler" in encoder.given
    assert len(encoder.given) == len(set(encoder.given))
    assert (status.generation, status.corrections, status.tail, status.behind) == (2, len(TITLES), 0, 0)
    assert answers(as_served(base, store)) == at_once(base, store)
    store.close()
