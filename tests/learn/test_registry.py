"""One champion, whoever asks; what the gate refused goes through by force alone, and says so for ever."""

from pathlib import Path

import pytest

from isco_rag.errors import AccessError, BundleError, ConflictError, NotFoundError, UsageError
from isco_rag.learn import registry
from isco_rag.learn.places import FOLDER, find, place_of
from isco_rag.store import audit, corrections, frozen, models, users
from isco_rag.store.database import Store
from isco_rag.types import Job
from tests.fakes import tiny_taxonomy
from tests.learn.bundles import judged, make_bundle, make_challenger


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "shipped", "base")


def name_of(store: Store, base: Path) -> str:
    return registry.champion_of(store, base).name


def test_a_fresh_state_begins_with_the_bundle_that_it_is_given(store: Store, base: Path) -> None:
    assert name_of(store, base) == "base"
    with store.read() as db:
        assert models.champion(db) is None
    with pytest.raises(ConflictError, match="nothing was promoted"):
        registry.rollback(store, "ann", base)


def test_promotion_and_rollback_walk_one_line(store: Store, base: Path) -> None:
    for name in ("one", "two"):
        make_challenger(store, name)
        assert registry.promote(store, "ann", base, judged(store, base, name).id).kind == "promoted"
        assert name_of(store, base) == name
    assert registry.rollback(store, "bob", base, "worse on Mondays").name == "one"
    assert registry.rollback(store, "bob", base).name == "base"
    with pytest.raises(ConflictError):
        registry.rollback(store, "bob", base)
    assert registry.promote(store, "ann", base, judged(store, base, "two").id).name == "two"
    with store.read() as db:
        assert [row.name for row in models.standing_line(models.history(db))] == ["base", "two"]
        actions = [row.action for row in audit.rows(db)]
        audit.verify(db)
    assert actions.count("model.promote") == 3
    assert actions.count("model.rollback") == 2
    assert actions.count("model.verdict") == 3


def test_what_can_be_gone_back_to_outlives_the_shipped_bundle(store: Store, base: Path) -> None:
    make_challenger(store, "one")
    registry.promote(store, "ann", base, judged(store, base, "one").id)
    (base / "manifest.json").unlink()
    assert registry.rollback(store, "ann", base).name == "base"
    assert registry.champion_of(store, base).folder == store.folder / FOLDER / "base"


def test_a_refused_challenger_needs_a_reason_and_an_administrator(store: Store, base: Path) -> None:
    make_challenger(store, "worse")
    verdict = judged(store, base, "worse", passed=False)
    with pytest.raises(ConflictError, match="the gate refused"):
        registry.promote(store, "ann", base, verdict.id)
    with store.write() as db:
        users.add(db, "test", "ann", "a long pass phrase", "reviewer")
        users.add(db, "test", "root", "a long pass phrase", "administrator")
    for who in ("ann", "nobody"):
        with pytest.raises(AccessError):
            registry.promote(store, who, base, verdict.id, "I like it")
        with pytest.raises(AccessError):
            registry.promote_unjudged(store, who, base, "worse", "I like it")
    assert name_of(store, base) == "base"
    assert registry.promote(store, "root", base, verdict.id, "the gold is outdated").kind == "forced"
    registry.rollback(store, "root", base)
    with store.read() as db:
        row = models.forced(db)["worse"]
        trail = [r for r in audit.rows(db) if r.action == "model.promote_forced"]
    assert (row.by, row.reason) == ("root", "the gold is outdated")
    assert [(r.who, r.reason) for r in trail] == [("root", "the gold is outdated")]


def test_a_verdict_holds_against_the_champion_that_it_was_made_against(store: Store, base: Path) -> None:
    for name in ("one", "two"):
        make_challenger(store, name)
    first, second = judged(store, base, "one"), judged(store, base, "two")
    registry.promote(store, "ann", base, first.id)
    with pytest.raises(ConflictError, match="judge it anew"):
        registry.promote(store, "ann", base, second.id)
    assert registry.last_verdict(store, base, "two") is None
    assert registry.promote(store, "ann", base, first.id).id == 2, "twice is once"
    registry.rollback(store, "ann", base)
    assert registry.last_verdict(store, base, "two") == second


def test_verdicts_are_kept_whatever_they_say_and_stand_in_a_file(store: Store, base: Path) -> None:
    make_challenger(store, "one")
    found = judged(store, base, "one", passed=False)
    with store.read() as db:
        assert models.judged(db, "one") == [found]
    assert "one does not replace base" in (store.folder / FOLDER / f"one.verdict-{found.id}.txt").read_text()


def test_a_bundle_that_is_damaged_or_gone_is_not_promoted(store: Store, base: Path) -> None:
    folder = make_challenger(store, "one")
    verdict = judged(store, base, "one")
    (folder / "weights.bin").write_text("something else")
    with pytest.raises(BundleError, match="damaged"):
        registry.promote(store, "ann", base, verdict.id)
    assert name_of(store, base) == "base"
    with pytest.raises(BundleError):
        registry.register(store, "ann", "gone")
    with pytest.raises(NotFoundError), store.read() as db:
        models.one(db, "gone")
    for name in ("../one", "a/b", "", ".hidden", "x" * 81):
        with pytest.raises(UsageError):
            find(store.folder, base, name)


def test_one_name_one_model(store: Store, base: Path) -> None:
    folder = make_challenger(store, "one")
    assert registry.register(store, "bob", "one").by == "test"
    (folder / "weights.bin").write_text("another")
    (folder / "manifest.json").unlink()
    make_bundle(folder.with_name("spare"), "one")
    (folder / "manifest.json").write_bytes((folder.with_name("spare") / "manifest.json").read_bytes() + b" ")
    with pytest.raises(ConflictError, match="another model"):
        registry.register(store, "bob", "one")


def test_corrections_are_frozen_at_a_number(store: Store) -> None:
    taxonomy = tiny_taxonomy()
    with store.write() as db:
        made = [corrections.add(db, taxonomy, "ann", "api", Job(f"driver {n}"), "taxi") for n in range(4)]
        corrections.revert(db, "ann", made[1].id)
    with store.read() as db:
        assert frozen.last(db) == made[3].id
        assert [c.id for c in frozen.taught(db, made[2].id)] == [made[0].id, made[2].id]
        assert [c.id for c in frozen.ever(db, made[2].id)] == [c.id for c in made[:3]]
        assert models.new_corrections(db, made[0].id) == 2


def test_a_retraining_begins_where_no_correction_was_learned_yet(store: Store, base: Path) -> None:
    """However often it was retrained since: else the first corrections would move the model again each time."""
    models_folder, root = store.folder / FOLDER, place_of(base)
    assert registry.beginning(store, base, root) == root
    one = place_of(make_bundle(models_folder / "one", "one", "base", root.hash, corrections=100))
    two = place_of(make_bundle(models_folder / "two", "two", "one", one.hash, corrections=200))
    assert registry.beginning(store, base, two) == registry.beginning(store, base, one) == root
    # A forebear that is gone, or that is not the same any more, is none to begin at.
    other = make_bundle(base.parent / "other", "other")
    assert registry.beginning(store, other, two) == two
    changed = make_bundle(base.parent / "changed", "base", "another")
    assert registry.beginning(store, changed, one) == one
