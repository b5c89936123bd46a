"""What an institution may set: thresholds of the grades, how far to fall back, how much to look at."""

import os
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct, field

from isco_rag.errors import UsageError


class Thresholds(Struct, frozen=True, forbid_unknown_fields=True):
    """Lower bounds of the grades, as probabilities of the best unit group; at or above `medium` the unit group is emitted.

    `automatic` is of another kind: a bound on the probability of what is emitted, at whatever level; below it a person should look.
    """

    very_high: float = 0.9
    high: float = 0.8
    medium: float = 0.7
    low: float = 0.5
    automatic: float = 0.0

    def __post_init__(self) -> None:
        bounds = (1.0, self.very_high, self.high, self.medium, self.low, 0.0)
        if not all(a >= b for a, b in pairwise(bounds)):
            raise ValueError("thresholds must fall from very_high to low and lie between 0 and 1")
        if not 0.0 <= self.automatic <= 1.0:
            raise ValueError("the threshold 'automatic' must lie between 0 and 1")


class Holding(Struct, frozen=True, forbid_unknown_fields=True):
    """When a batch of corrections moves so much from one group to another that those rows wait for an expert.

    `titles` and `share`: this many of a group's known titles, and this share of them. A group of the shipped index has 52 titles on
    average, so a tenth is five; what one coder misreads now and then stays below. `sure`, `texts` and `most`: this many texts that the model
    has in a group with this probability, and more than this share of all such texts that the person brought in. Of 3,000 rows of a noisy but honest
    source none is held by that (docs/decisions/0032-held-corrections.md). `certain` and `apart`:
    `texts` texts that the model is that certain of, and more than this share of all that it is certain of among what the person brought in: so a
    move is seen too where many good rows of the same group come with it. What the same person brought in within `days` counts too, so that many
    small batches are caught as one large one is.
    """

    titles: Annotated[int, Meta(ge=1)] = 5
    share: Annotated[float, Meta(ge=0, le=1)] = 0.1
    sure: Annotated[float, Meta(ge=0, le=1)] = 0.6
    texts: Annotated[int, Meta(ge=1)] = 10
    most: Annotated[float, Meta(ge=0, le=1)] = 0.67
    certain: Annotated[float, Meta(ge=0, le=1)] = 0.7
    apart: Annotated[float, Meta(ge=0, le=1)] = 0.0075
    days: Annotated[int, Meta(ge=0, le=3650)] = 7


class GateRules(Struct, frozen=True, forbid_unknown_fields=True):
    """What a challenger must show before it may replace the champion (isco_rag.learn.gate).

    `records` is the least number of gold records, `doubt` the level of McNemar's test, `calibration` how much the calibration error of the
    emitted code may rise, `latency` how many times the processor time of a record may grow. `gold` are the files to judge on where none is named;
    without any it is the sample that the project ships. In a settings file, relative paths start from the file's own folder.
    """

    records: Annotated[int, Meta(ge=1)] = 300
    doubt: Annotated[float, Meta(gt=0, lt=1)] = 0.05
    calibration: Annotated[float, Meta(ge=0, le=1)] = 0.02
    latency: Annotated[float, Meta(ge=1)] = 1.25
    gold: tuple[str, ...] = ()


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """Every setting with its default; `fallback_level` counts levels of the classification from the top (ISCO-08: 3 digits).

    `calibration` is a file of `isco-rag calibrate`, `index_also` are folders of `isco-rag data import`; in a settings file, relative paths
    start from the file's own folder.
    """

    thresholds: Thresholds = field(default_factory=Thresholds)
    fallback_level: Annotated[int, Meta(ge=1, le=12)] = 3
    neighbours: Annotated[int, Meta(ge=1, le=1000)] = 48
    rerank: Annotated[int, Meta(ge=1, le=100)] = 6
    # The reranker reads records whose best unit group is below `rerank_below`, and of these the groups at or above `rerank_from`.
    rerank_below: Annotated[float, Meta(ge=0, le=1)] = 0.4
    rerank_from: Annotated[float, Meta(ge=0, le=1)] = 0.15
    # Trust in a title that the institution coded itself: exact titles of published lists agree with the ILO's index in 73 to 95 of 100 cases.
    own_titles: Annotated[float, Meta(ge=0, le=1)] = 0.8
    duties_words: Annotated[int, Meta(ge=1, le=1000)] = 64
    threads: Annotated[int, Meta(ge=0, le=256)] = 0
    backend: Literal["onnx", "torch"] = "onnx"
    device: str = ""
    holding: Holding = field(default_factory=Holding)
    calibration: str = ""
    gate: GateRules = field(default_factory=GateRules)
    # Folders of the live index in a state, one for each bundle that was used: what the last champion had is kept for going back to it.
    indexes_kept: Annotated[int, Meta(ge=1, le=1000)] = 2
    index_also: tuple[str, ...] = ()


def load_settings(path: Path | None = None) -> Settings:
    """Settings from a TOML file, or from the file that ISCO_RAG_SETTINGS names, or the defaults.

    Raises UsageError where the file is missing or holds a setting that does not exist.
    """
    if path is None:
        named = os.environ.get("ISCO_RAG_SETTINGS")
        if not named:
            return Settings()
        path = Path(named)
    try:
        found = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Settings)
        calibration = str(path.parent / found.calibration) if found.calibration else ""
        gate = msgspec.structs.replace(found.gate, gold=tuple(str(path.parent / p) for p in found.gate.gold))
        also = tuple(str(path.parent / p) for p in found.index_also)
        return msgspec.structs.replace(found, calibration=calibration, gate=gate, index_also=also)
    except OSError as error:
        raise UsageError(f"{path}: settings file can't be read ({error.strerror}); check the path") from error
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {error}; see docs/guide/settings.md for what can be set") from error
