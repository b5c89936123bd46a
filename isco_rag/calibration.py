"""A calibration of an institution's own: a file beside a bundle, fitted on its coded sample, that names the bundle it belongs to.

A bundle is not changed by it: its manifest holds the hash of every file. The file names the bundle by the hash of that manifest, and
is refused beside any other, because a temperature of one model says nothing about the next (docs/decisions/0005-calibration-file.md).
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct

from isco_rag.bundle import MANIFEST, file_hash, read_manifest
from isco_rag.calibrate import Temperature, refit
from isco_rag.classify import Classifier
from isco_rag.conformal import ENOUGH, Conformal, fit_conformal
from isco_rag.crossfit import Change, Sample, cross_fitted
from isco_rag.errors import BundleError, InputError
from isco_rag.fuse import REGIMES
from isco_rag.types import Metric

FORMAT = 1


class Conditions(Struct, frozen=True, forbid_unknown_fields=True):
    """What else the probabilities depend on: settings, and how many entries were in the index. Under others a calibration is only nearly right."""

    neighbours: int
    rerank: int
    duties_words: int
    entries: int


class Calibration(Struct, frozen=True, forbid_unknown_fields=True):
    """A calibrator and conformal sets, the bundle they belong to, and the coded rows they were fitted on.

    `manifest` is the hash of the bundle's manifest, `gold` holds the hash of each file by name, `rows` the rows of each regime, `figures`
    what was measured before and after.
    """

    format: int
    bundle: str
    manifest: str
    created: str
    conditions: Conditions
    gold: dict[str, str]
    rows: tuple[int, ...]
    calibrator: Temperature
    conformal: Conformal | None
    figures: tuple[Metric, ...]

    def was_fitted_on(self, gold: Sequence[Path]) -> bool:
        """Whether one of these files was among those it was fitted on."""
        return bool(set(self.gold.values()) & {file_hash(path) for path in gold})


def calibration_of(classifier: Classifier, bundle: Path, sample: Sample, gold: Sequence[Path], moved: Sequence[Change]) -> Calibration:
    """The calibration fitted on a whole sample of the classifier of the bundle in this folder; sets only where there are rows enough."""
    base, settings = temperature_of(classifier), classifier.settings
    conformal = None
    if len(sample.truth) >= ENOUGH:
        # Rows are calibrated by the others: on the rows it was fitted to, a calibrator is a little too sure of the truth.
        conformal = fit_conformal(cross_fitted(base, sample), sample.truth, sample.regimes)
    return Calibration(
        format=FORMAT,
        bundle=read_manifest(bundle).name,
        manifest=file_hash(bundle / MANIFEST),
        created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        conditions=Conditions(settings.neighbours, settings.rerank, settings.duties_words, len(classifier.parts.index.entries)),
        gold={path.name: file_hash(path) for path in gold},
        rows=tuple(np.bincount(sample.regimes, minlength=len(REGIMES)).tolist()),
        calibrator=refit(base, sample.raw, sample.truth, sample.regimes),
        conformal=conformal,
        figures=tuple(m for change in moved for figure in (change.ece, change.brier) for m in (figure.before, figure.after, figure.change)),
    )


def temperature_of(classifier: Classifier) -> Temperature:
    """The calibrator in use; BundleError where it is of a kind that can't be refitted."""
    found = classifier.parts.calibrator
    if not isinstance(found, Temperature):
        raise BundleError(f"{classifier.parts.name}: its calibrator is no temperature scaling; it can't be refitted, only trained anew")
    return found


def save_calibration(calibration: Calibration, path: Path) -> None:
    """Writes the file beside its place and moves it there; InputError where the place can't be written."""
    beside = path.with_name(f".{path.name}.part")
    try:
        beside.write_bytes(msgspec.json.format(msgspec.json.encode(calibration), indent=1) + b"\n")
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise InputError(f"{path}: can't be written ({error.strerror}); choose another place with -o") from None


def load_calibration(path: Path, bundle: Path) -> Calibration:
    """The calibration in a file; InputError where it is none, BundleError where it belongs to another bundle."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Calibration)
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror}); name a file that isco-rag calibrate has written") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is no calibration file ({error}); make one with: isco-rag calibrate --gold FILE -o {path}") from None
    if found.format != FORMAT:
        raise InputError(f"{path}: has format {found.format}, this version reads {FORMAT}; fit it anew with isco-rag calibrate")
    if found.manifest != file_hash(bundle / MANIFEST):
        raise BundleError(
            f"{path}: was fitted for the bundle {found.bundle}, not for the one in {bundle}; fit it anew with isco-rag calibrate"
        )
    return found
