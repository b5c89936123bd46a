"""Commands of the learning loop, as far as they need no training."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from isco_rag.cli import main
from isco_rag.errors import AccessError, BundleError, ConflictError, UsageError
from isco_rag.learn import registry
from isco_rag.learn.places import FOLDER, manifest_of
from isco_rag.store import corrections, users
from isco_rag.store.database import Store, open_store
from isco_rag.types import Job
from tests.api.copies import copy_of
from tests.fakes import tiny_taxonomy
from tests.learn.bundles import judged, make_bundle, make_challenger


class Loop:
    """A state with a bundle that it begins with."""

    def __init__(self, folder: Path) -> None:
        self.state, self.base = folder / "state", make_bundle(folder / "shipped", "base")
        self.store: Store = open_store(self.state)

    def run(self, *arguments: str) -> str:
        found = self.ended(*arguments)
        assert found[0] == 0, found[1]
        return found[1]

    def ended(self, *arguments: str) -> tuple[int, str]:
        """The exit code and all that was said."""
        found = CliRunner().invoke(main, [*arguments, "--state", str(self.state), "--bundle", str(self.base)])
        return found.exit_code, found.output


@pytest.fixture
def loop(tmp_path: Path) -> Loop:
    return Loop(tmp_path)


def test_the_list_tells_how_each_model_stands(loop: Loop) -> None:
    assert "base" in loop.run("models", "list")
    make_challenger(loop.store, "one")
    registry.promote(loop.store, "ann", loop.base, judged(loop.store, loop.base, "one").id)
    found = loop.run("models", "list")
    assert "one" in found
    assert "champion" in found
    assert "base is the champion again" in loop.run("rollback", "--reason", "too eager")
    assert "was champion" in loop.run("models", "list")
    assert loop.ended("rollback")[0] == ConflictError.exit_code


def test_verdicts_are_told_in_words(loop: Loop) -> None:
    make_challenger(loop.store, "one")
    judged(loop.store, loop.base, "one", passed=False)
    found = CliRunner().invoke(main, ["models", "verdicts", "one", "--state", str(loop.state)])
    assert found.exit_code == 0
    assert "one does not replace base" in found.output


def test_nothing_is_trained_for_few_new_corrections(loop: Loop) -> None:
    with loop.store.write() as db:
        corrections.add(db, tiny_taxonomy(), "ann", "api", Job("driver"), "taxi")
    assert loop.run("retrain", "--if-new", "500") == "1 new corrections since base, 500 wanted: nothing to do\n"


def test_force_needs_a_reason_and_an_administrator(loop: Loop) -> None:
    make_challenger(loop.store, "one")
    code, said = loop.ended("promote", "one", "--force")
    assert (code, "reason" in said) == (UsageError.exit_code, True)
    with loop.store.write() as db:
        users.add(db, "test", "ann", "a long pass phrase", "reviewer")
    code, said = loop.ended("promote", "one", "--force", "--reason", "because", "--by", "ann")
    assert (code, "no administrator" in said) == (AccessError.exit_code, True)
    assert registry.champion_of(loop.store, loop.base).name == "base"


def test_the_champion_is_not_judged_against_itself_and_what_is_not_there_is_said(loop: Loop) -> None:
    assert "base is the champion already" in loop.run("promote", "base")
    code, said = loop.ended("promote", "nothing")
    assert (code, "nothing" in said) == (BundleError.exit_code, True)


def test_commands_on_corrections_work_with_the_champion_unless_told_otherwise(tmp_path: Path, bundle_folder: Path) -> None:
    state, store = tmp_path / "state", open_store(tmp_path / "state")
    (state / FOLDER).mkdir()
    copy_of(bundle_folder, state / FOLDER / "other", "other")
    registry.register(store, "test", "other")
    registry.promote(store, "ann", bundle_folder, judged(store, bundle_folder, "other").id)
    shipped = manifest_of(bundle_folder).name
    (tmp_path / "in.csv").write_text("title,code\nmilks cows before school,9212\n")

    def run(*arguments: str) -> str:
        found = CliRunner().invoke(main, [*arguments, "--state", str(state)])
        assert found.exit_code == 0, found.output
        return found.output

    assert "(other)" in run("correct", "cow man", "--code", "9212")
    assert f"({shipped})" in run("correct", "cow boy", "--code", "9212", "--bundle", str(bundle_folder))
    run("corrections", "import", str(tmp_path / "in.csv"))
    with store.read() as db:
        assert {c.job.title: c.bundle for c in corrections.listed(db)} == {
            "cow man": "other", "cow boy": shipped, "milks cows before school": "other"
        }  # fmt: skip
    assert json.loads(run("index", "status", "--json"))["bundle"] == "other"
    assert run("index", "rebuild").startswith("index of other, generation 2")
    assert run("index", "status", "--bundle", str(bundle_folder)).startswith(f"index of {shipped}, ")
    run("learn", "plan")
    run("monitor")
    # They read the champion's bundle: without it they say so, and do not go on with another.
    shutil.rmtree(state / FOLDER / "other")
    for command in (
        ("correct", "cow", "--code", "9212"),
        ("corrections", "import", str(tmp_path / "in.csv")),
        ("index", "status"),
        ("learn", "plan"),
        ("learn", "flags"),
        ("monitor",),
    ):
        assert CliRunner().invoke(main, [*command, "--state", str(state)]).exit_code == BundleError.exit_code, command
    store.close()
