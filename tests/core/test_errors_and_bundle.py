"""Errors have their codes; a damaged bundle names the file."""

from pathlib import Path

import pytest

from isco_rag import errors
from isco_rag.bundle import read_manifest, swap_in, write_manifest
from isco_rag.errors import BundleError, CoderError
from isco_rag.settings import load_settings
from isco_rag.types import Manifest


def test_every_error_has_its_own_exit_code_and_a_status() -> None:
    found = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, CoderError) and e is not CoderError]
    assert len({e.exit_code for e in found}) == len(found) >= 6
    assert all(400 <= e.http_status < 600 for e in found)
    assert all(e.__name__ in (errors.__doc__ or "") for e in found)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    (folder / "weights").mkdir(parents=True)
    (folder / "a.json").write_text("{}")
    (folder / "weights" / "w.bin").write_text("1")
    write_manifest(folder, Manifest(0, "b1", "now", "Tiny", {}))
    return folder


def test_a_whole_bundle_is_read(bundle: Path) -> None:
    assert set(read_manifest(bundle, with_weights=True).files) == {"a.json", "weights/w.bin"}


def test_damage_names_the_file(bundle: Path) -> None:
    (bundle / "a.json").write_text("{ }")
    with pytest.raises(BundleError, match=r"a\.json: is damaged"):
        read_manifest(bundle)
    (bundle / "a.json").unlink()
    with pytest.raises(BundleError, match=r"a\.json: can't be read"):
        read_manifest(bundle)


def test_weights_are_checked_only_for_training(bundle: Path) -> None:
    (bundle / "weights" / "w.bin").write_text("2")
    read_manifest(bundle)
    with pytest.raises(BundleError, match=r"w\.bin"):
        read_manifest(bundle, with_weights=True)


def test_a_broken_or_missing_manifest_is_named(bundle: Path, tmp_path: Path) -> None:
    (bundle / "manifest.json").write_text("{")
    with pytest.raises(BundleError, match=r"manifest\.json: is damaged"):
        read_manifest(bundle)
    with pytest.raises(BundleError, match="--bundle"):
        read_manifest(tmp_path / "nowhere")


def test_swapping_keeps_what_was_there(bundle: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    new.mkdir()
    (new / "x").write_text("x")
    swap_in(new, bundle)
    assert (bundle / "x").exists()
    assert read_manifest(tmp_path / "bundle.previous").name == "b1"


def test_settings_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text("fallback_level = 2\n[thresholds]\nmedium = 0.6\n")
    found = load_settings(path)
    assert (found.fallback_level, found.thresholds.medium) == (2, 0.6)
    for wrong in (
        "speed = 3\n",
        "fallback_level = 'x'\n",
        "[thresholds]\nlow = 2.0\n",
        "[thresholds]\nlow = nan\n",
        "oops",
        "neighbours = 0\n",
        "threads = -1\n",
    ):
        path.write_text(wrong)
        with pytest.raises(errors.UsageError, match=r"s\.toml"):
            load_settings(path)
    with pytest.raises(errors.UsageError, match="check the path"):
        load_settings(tmp_path / "none.toml")
