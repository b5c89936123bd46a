"""Where the parts are put together: a bundle on disk becomes a classifier. The only module of the core that knows the adapters."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import numpy as np
from isco_index import FlatIndex, build_index, load_index

from isco_rag.bundle import file_hash, read_manifest
from isco_rag.calibrate import Temperature
from isco_rag.calibration import load_calibration
from isco_rag.classify import Classifier, Parts
from isco_rag.coding_index import encoder_key, open_coding_index
from isco_rag.conformal import Conformal
from isco_rag.encode import open_encoder, token_limit
from isco_rag.errors import BundleError, UsageError
from isco_rag.fuse import Fusion
from isco_rag.ngrams import load_ngrams
from isco_rag.ports import Encoder, Index, Reranker
from isco_rag.rerank import open_reranker
from isco_rag.settings import Settings
from isco_rag.taxonomy import Taxonomy, load_taxonomy
from isco_rag.types import Entry, Manifest

_PACKAGE = Path(__file__).resolve().parent


def data_folder() -> Path:
    """What the project ships: `data` of a checkout, or the copy inside an installed wheel."""
    inside = _PACKAGE / "_data"
    return inside if inside.is_dir() else _PACKAGE.parent / "data"


def default_bundle() -> Path:
    """The bundle that ISCO_RAG_BUNDLE names, or the one that is shipped."""
    named = os.environ.get("ISCO_RAG_BUNDLE")
    return Path(named) if named else data_folder() / "bundle"


def default_taxonomy() -> Taxonomy:
    """ISCO-08 as it is shipped."""
    return load_taxonomy(data_folder() / "isco08")


def threads_of(settings: Settings) -> int:
    """As many threads as set, or as this process may use."""
    return settings.threads or processors()


def processors() -> int:
    """Processors that this process may use; where the system does not tell, all there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def open_classifier(folder: Path | None = None, settings: Settings | None = None) -> Classifier:
    """The classifier of a bundle, with the calibration and the coding indexes that the settings name.

    BundleError where a file is missing or damaged, or where what is named belongs to another bundle.
    """
    folder, settings = folder or default_bundle(), settings or Settings()
    manifest = read_manifest(folder)
    threads = threads_of(settings)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="isco")
    try:
        fusion = msgspec.json.decode((folder / "fusion.json").read_bytes(), type=Fusion)
        calibrator = msgspec.json.decode((folder / "calibrator.json").read_bytes(), type=Temperature)
        conformal = msgspec.json.decode((folder / "conformal.json").read_bytes(), type=Conformal)
        prototypes = np.load(folder / "prototypes.npy", allow_pickle=False).astype(np.float32)
    except (OSError, ValueError, msgspec.DecodeError) as error:
        raise BundleError(f"{folder}: can't be read ({error}); restore the bundle") from error
    encoder, reranker = _open_models(folder, settings, pool, threads)
    parts = Parts(
        taxonomy=load_taxonomy(folder / "taxonomy"),
        encoder=encoder,
        prototypes=prototypes,
        words=load_ngrams(folder / "words.npz"),
        index=load_index(folder / "index", mapped=True),
        fusion=fusion,
        calibrator=calibrator,
        reranker=reranker,
        name=manifest.name,
        conformal=conformal if conformal.coverages else None,
    )
    return equipped(Classifier(parts, settings), folder, manifest)


def equipped(classifier: Classifier, folder: Path, manifest: Manifest) -> Classifier:
    """The classifier of the bundle in `folder`, whose manifest this is, with the coding indexes and the calibration that its settings name.

    The name that predictions carry tells the calibration.
    """
    parts, settings = classifier.parts, classifier.settings
    if settings.index_also:
        index, key = parts.index, encoder_key(manifest)
        assert isinstance(index, FlatIndex)
        for own in settings.index_also:
            index = index.extended(open_coding_index(Path(own), key, parts.name))
        parts = msgspec.structs.replace(parts, index=index)
    if settings.calibration:
        path = Path(settings.calibration)
        calibration = load_calibration(path, folder)
        parts = msgspec.structs.replace(
            parts, calibrator=calibration.calibrator, conformal=None, name=f"{parts.name}+{file_hash(path)[:8]}"
        )
    return Classifier(parts, settings)


def _open_models(folder: Path, settings: Settings, pool: ThreadPoolExecutor, threads: int) -> tuple[Encoder, Reranker | None]:
    """The two encoders in the backend that is set."""
    if settings.backend == "torch":
        try:
            from isco_rag.torch_models import open_torch
        except ImportError as error:
            raise UsageError(f"backend 'torch' needs more packages ({error.name} is missing): pip install 'isco-rag[train]'") from error
        return open_torch(folder / "weights", token_limit(folder / "encoder"), settings.device)
    encoder = open_encoder(folder / "encoder", pool, threads)
    return encoder, open_reranker(folder / "reranker", pool, threads) if (folder / "reranker").is_dir() else None


def open_bundle_encoder(folder: Path) -> tuple[Encoder, Manifest]:
    """The encoder of a bundle alone, and the bundle's manifest."""
    manifest, threads = read_manifest(folder), processors()
    return open_encoder(folder / "encoder", ThreadPoolExecutor(threads, thread_name_prefix="isco"), threads), manifest


def with_index(classifier: Classifier, index: Index) -> Classifier:
    """The same classifier over another index."""
    return Classifier(msgspec.structs.replace(classifier.parts, index=index), classifier.settings)


def with_entries(classifier: Classifier, entries: Sequence[Entry]) -> Classifier:
    """The same classifier with these entries in its index too."""
    index = classifier.parts.index
    assert isinstance(index, FlatIndex)
    return with_index(classifier, index.extended(build_index(entries, classifier.parts.encoder)))


def without_entries(classifier: Classifier, ids: set[str]) -> Classifier:
    """The same classifier without the index entries of these ids."""
    index = classifier.parts.index
    assert isinstance(index, FlatIndex)
    return with_index(classifier, index.without(ids))
