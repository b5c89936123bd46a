"""A live index finds what an index built at once would find, however it came together, and nothing that was taken out."""

import random
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from isco_index import LiveIndex, Rules, Snapshot, Truth, build_index, create_live, open_live
from isco_index.flat import index_rows
from isco_index.generation import JOURNAL, folder_of
from isco_index.lists import nearest_centre, nearest_lists

from isco_rag.encode import SCALE
from isco_rag.errors import BundleError, InputError, UsageError
from isco_rag.ports import Floats
from isco_rag.types import Entry
from tests.checks import check_index
from tests.fakes import FakeEncoder, tiny_entries

TITLES = ("taxi driver", "cab driver", "lorry driver", "maths teacher", "sport teacher", "nurse")
# Few texts for many entries: equal cosines everywhere.
POOL = [Entry(f"c{(i * 7) % 40:02}", "taxi", TITLES[i % 6], TITLES[(i + 1) % 6] if i % 3 == 0 else "") for i in range(40)]
LISTED = Rules(exact_up_to=4, few=4, few_share=2, few_up_to=1_000)
EXACT = Rules()


class CountingEncoder:
    """The fake encoder with a memory, since hypothesis asks for the same few texts again and again; tells which texts it was given."""

    dimension = FakeEncoder.dimension

    def __init__(self) -> None:
        self.given: list[str] = []
        self._known: dict[str, Floats] = {}

    def encode(self, texts: Sequence[str]) -> Floats:
        self.given += texts
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        self._known.update(zip(new, FakeEncoder().encode(new), strict=True))
        return np.array([self._known[text] for text in texts], np.float32).reshape(len(texts), self.dimension)


ENCODER = CountingEncoder()
QUERIES = ENCODER.encode(["taxi driver", "teacher of sport", "nurse", "drives a lorry"])


def live_in(folder: Path, base: Sequence[Entry], rules: Rules = EXACT) -> LiveIndex:
    create_live(folder, build_index(base, ENCODER, rules=rules), "encoder", rules=rules)
    return open_live(folder, ENCODER, "encoder", rules)


def hits(snapshot: Snapshot, k: int = 9) -> list[list[tuple[str, float]]]:
    """Ids and cosines of what the queries find."""
    cosines, numbers = snapshot.search(QUERIES, k)
    return [
        [(snapshot.entries[n].id, c) for c, n in zip(row, found, strict=True) if n >= 0]
        for row, found in zip(cosines.tolist(), numbers.tolist(), strict=True)
    ]


def oracle(entries: Sequence[Entry], snapshot: Snapshot, k: int = 9) -> list[list[tuple[str, float]]]:
    """The same by counting: all rows of these entries by product, id and field; only rows of the lists that are read, where there are."""
    ordered = sorted(entries, key=lambda e: e.id)
    texts, owner = index_rows(ordered)
    vectors = ENCODER.encode(texts).astype(np.int64)
    grid = snapshot.base.rows.grid
    found = []
    for query in QUERIES:
        may = np.ones(len(texts), np.bool_)
        if grid.centres is not None and len(texts):
            may = np.isin(
                nearest_centre(vectors.astype(np.int8), grid.centres),
                nearest_lists(query[None], grid.centres.astype(np.float32), grid.probes),
            )
        products = (vectors @ query.astype(np.int64)).tolist()
        rows = sorted((-products[i], i) for i in range(len(texts)) if may[i])[:k]
        found.append([(ordered[owner[i]].id, float(np.float32(-p / SCALE**2))) for p, i in rows])
    return found


steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.lists(st.integers(0, 39), max_size=6)),
        st.tuples(st.just("remove"), st.lists(st.integers(0, 39), max_size=3)),
        st.tuples(st.just("rebuild"), st.just([])),
        st.tuples(st.just("restart"), st.just([])),
    ),
    max_size=9,
)


@given(st.sets(st.integers(0, 39), max_size=12), steps, st.booleans(), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_rebuild_is_appends_and_replay_in_any_order_is_the_same_index(
    base: set[int], script: list[tuple[str, list[int]]], listed: bool, rng: random.Random
) -> None:
    rules = LISTED if listed else EXACT
    with tempfile.TemporaryDirectory() as folder:
        live = live_in(Path(folder) / "a", [POOL[i] for i in sorted(base)], rules)
        watcher = open_live(Path(folder) / "a", ENCODER, "encoder", rules)
        held, gone = {POOL[i].id: POOL[i] for i in base}, set[str]()
        for what, numbers in script:
            if what == "append":
                live.append([POOL[i] for i in numbers])
                held |= {POOL[i].id: POOL[i] for i in numbers}
            elif what == "remove":
                live.remove([POOL[i].id for i in numbers])
                gone |= {POOL[i].id for i in numbers}
            elif what == "rebuild":
                before = hits(live.snapshot())
                grid = live.snapshot().base.rows.grid.centres
                live.rebuild()
                after = live.snapshot().base.rows.grid.centres
                # Where an index grows out of reading every row, its first centres come with the rebuild.
                if (grid is None) == (after is None):
                    assert hits(live.snapshot()) == before
            else:
                live = open_live(Path(folder) / "a", ENCODER, "encoder", rules)
            now = [entry for i, entry in held.items() if i not in gone]
            assert hits(live.snapshot()) == oracle(now, live.snapshot())
            assert len(live.snapshot()) == len(now)
            assert {e.id for e in live.snapshot().living} == {e.id for e in now}
            assert hits(watcher.refresh()) == hits(live.snapshot())
        # The same appends and removals once more, one at a time, in another order, some twice, over the same base.
        other = live_in(Path(folder) / "b", [POOL[i] for i in sorted(base)], rules)
        single = [(what, i) for what, numbers in script for i in numbers]
        rng.shuffle(single)
        for what, i in single + single[:2]:
            if what == "append":
                other.append([POOL[i]])
            else:
                other.remove([POOL[i].id])
        assert list(other.snapshot().living) == list(live.snapshot().living)
        if not listed:
            assert hits(other.snapshot()) == hits(live.snapshot())


def test_a_snapshot_obeys_the_laws_of_an_index_and_never_changes(tmp_path: Path) -> None:
    live = live_in(tmp_path, tiny_entries()[:3])
    first = live.snapshot()
    before, entries = hits(first), list(first.entries)
    live.append(tiny_entries()[3:])
    check_index(live.snapshot(), FakeEncoder())
    live.remove(["e1"])
    live.rebuild()
    live.append([Entry("e9", "taxi", "chauffeur")])
    assert (hits(first), list(first.entries)) == (before, entries)
    assert live.snapshot().version > first.version
    assert [e.id for e in live.snapshot().entries[4:]] == ["e6", "e9"]


def test_an_append_is_seen_whole_or_not_at_all_while_the_index_is_searched_and_rebuilt(tmp_path: Path) -> None:
    live = live_in(tmp_path, tiny_entries())
    done = Event()

    def search() -> list[int]:
        seen = []
        while not done.is_set() or not seen:
            snapshot = live.snapshot()
            ids = {entry.id for entry in snapshot.living}
            pairs = Counter(identity[:-1] for identity in ids if identity.startswith("pair"))
            assert set(pairs.values()) <= {2}
            assert {identity for row in hits(snapshot, 200) for identity, _ in row} == ids
            seen.append(len(pairs))
        return seen

    with ThreadPoolExecutor(3) as pool:
        searches = [pool.submit(search) for _ in range(2)]
        try:
            for n in range(12):
                live.append([Entry(f"pair{n}a", "taxi", f"cab driver {n}"), Entry(f"pair{n}b", "taxi", "cab driver", f"town {n}")], last=n)
                if n % 4 == 3:
                    live.rebuild()
        finally:
            done.set()
        for seen in (s.result() for s in searches):
            assert seen == sorted(seen)
    assert live.status().last == 11
    assert len(live.snapshot()) == 6 + 24


def test_what_is_appended_during_a_rebuild_is_in_the_new_generation(tmp_path: Path) -> None:
    live = live_in(tmp_path, tiny_entries()[:3])
    other = open_live(tmp_path, FakeEncoder(), "encoder")

    def truth() -> Truth:
        """Read while another process appends and removes, and asks for a rebuild too."""
        other.append([Entry("e9", "taxi", "chauffeur")], last=8)
        other.remove(["e2"], last=9)
        with pytest.raises(UsageError, match="another rebuild is running"):
            other.rebuild()
        return Truth(tiny_entries()[:5], 7)

    status = live.rebuild(truth)
    assert (status.generation, status.base, status.tail, status.last) == (2, 5, 1, 9)
    assert [e.id for e in live.snapshot().living] == ["e1", "e3", "e4", "e5", "e9"]
    assert hits(other.refresh()) == hits(live.snapshot())
    assert hits(open_live(tmp_path, FakeEncoder(), "encoder").snapshot()) == hits(live.snapshot())


def test_a_rebuild_from_the_truth_embeds_only_what_is_new(tmp_path: Path) -> None:
    live = live_in(tmp_path, tiny_entries()[:4])
    live.append([tiny_entries()[4]])
    ENCODER.given.clear()
    live.rebuild()
    assert ENCODER.given == []
    live.rebuild(lambda: Truth([*tiny_entries(), Entry("e0", "taxi", "Lorry driver")], 3))
    assert ENCODER.given == ["sport teacher", "teaches football and gymnastics to pupils"]
    assert hits(live.snapshot()) == oracle([*tiny_entries(), Entry("e0", "taxi", "Lorry driver")], live.snapshot())


def test_ids_that_were_taken_out_come_back_with_the_truth_only(tmp_path: Path) -> None:
    live = live_in(tmp_path, tiny_entries())
    assert live.remove(["e1", "e1", "later"]) == 1
    assert live.append([tiny_entries()[0], Entry("later", "taxi", "cabbie")]) == 0
    live.rebuild()
    assert live.append([tiny_entries()[0]]) == 0
    live.rebuild(lambda: Truth(tiny_entries(), 0))
    assert [e.id for e in live.snapshot().living] == [e.id for e in tiny_entries()]


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ([Entry("n1", "taxi", "cabbie"), Entry("n2", "taxi", " ", "")], "n2: has no text"),
        ([Entry("n1", "taxi", "cabbie"), Entry("n1", "truck", "cabbie")], "n1: stands there twice"),
        ([Entry("n1", "taxi", "cabbie"), Entry("e1", "taxi", "lorry driver")], "e1: is in the index with other contents"),
    ],
)
def test_a_bad_entry_is_named_and_nothing_is_added(tmp_path: Path, entries: list[Entry], says: str) -> None:
    live = live_in(tmp_path, tiny_entries())
    with pytest.raises(InputError, match=says):
        live.append(entries)
    assert live.status().tail == 0
    assert open_live(tmp_path, ENCODER, "encoder").status().tail == 0


def test_folders_that_can_not_be_used_say_why(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="create the index from a bundle"):
        open_live(tmp_path, ENCODER, "encoder")
    live_in(tmp_path, tiny_entries())
    with pytest.raises(BundleError, match="another encoder"):
        open_live(tmp_path, ENCODER, "newer")
    vectors = folder_of(tmp_path, 1) / "vectors.npy"
    vectors.write_bytes(vectors.read_bytes()[:-1] + b"\x07")
    with pytest.raises(BundleError, match=r"vectors\.npy: missing or damaged"):
        open_live(tmp_path, ENCODER, "encoder")


def test_of_a_journal_cut_at_any_byte_the_whole_records_stay_and_the_next_is_kept(tmp_path: Path) -> None:
    live = live_in(tmp_path, tiny_entries()[:2])
    ends = [0]
    journal = folder_of(tmp_path, 1) / JOURNAL
    for entry in tiny_entries()[2:]:
        live.append([entry])
        ends.append(journal.stat().st_size)
    whole = journal.read_bytes()
    for cut in [*random.Random(5).sample(range(len(whole)), 25), *ends]:
        journal.write_bytes(whole[:cut])
        again = open_live(tmp_path, ENCODER, "encoder")
        kept = sum(end <= cut for end in ends) - 1
        assert again.status().tail == kept
        assert again.append([Entry("new", "taxi", "cabbie")]) == 1
        third = open_live(tmp_path, ENCODER, "encoder").status()
        assert (third.tail, third.damaged) == (kept + 1, int(cut not in ends))


def test_old_generations_go_but_the_last_one(tmp_path: Path) -> None:
    live = live_in(tmp_path, tiny_entries())
    (tmp_path / "generation-2").mkdir()
    (tmp_path / "generation-2" / "left by a killed rebuild").touch()
    for _ in range(3):
        live.rebuild()
    assert sorted(p.name for p in tmp_path.glob("generation-*")) == ["generation-3", "generation-4"]
    assert open_live(tmp_path, ENCODER, "encoder").status().generation == 4
