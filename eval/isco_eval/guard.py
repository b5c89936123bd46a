"""The regression guard: what a bundle reached on a suite is committed as a baseline, and a bundle that falls below it fails.

A figure falls when it leaves the baseline's 95 % interval on the wrong side. Both are measured on the same records, so the interval is a
generous limit: chance in drawing the records moves both alike.
"""

from pathlib import Path

import msgspec
from msgspec import Struct

from isco_eval.bootstrap import Key
from isco_eval.compare import COMPARED
from isco_eval.store import Store
from isco_rag.bundle import file_hash
from isco_rag.errors import EvaluationError
from isco_rag.types import Metric

GUARDED = (
    "top 1", "top 3", "emitted right", "right of these", "hierarchical precision", "hierarchical recall", "ECE of the emitted code", "Brier score",
    "log loss",
)  # fmt: skip
_BESIDE = Path(__file__).resolve().parent.parent / "baselines"
# Those of the checkout; elsewhere, a folder of the current one.
BASELINES = _BESIDE if _BESIDE.is_dir() else Path("baselines")


class Baseline(Struct, frozen=True, forbid_unknown_fields=True):
    """What a bundle reached on a suite; the hashes say on which gold and which way of reading it."""

    suite: str
    suite_hash: str
    gold_hash: str
    bundle: str
    bundle_hash: str
    figures: tuple[Metric, ...]


class Guarded(Struct, frozen=True):
    """A figure beside its baseline; `found` is None where the run has no such figure, as where no unit group went out at all."""

    baseline: Metric
    found: Metric | None

    @property
    def more_is_better(self) -> bool:
        """Whether the figure should rise."""
        return COMPARED[Key(self.baseline.name)]

    @property
    def fell(self) -> bool:
        """Whether the figure left the baseline's interval on the wrong side, or is gone."""
        if self.found is None:
            return True
        return self.found.value < self.baseline.low if self.more_is_better else self.found.value > self.baseline.high


def write_baseline(store: Store, run: int, folder: Path = BASELINES) -> Path:
    """Writes what a run reached as the baseline of its suite."""
    about = store.rows("SELECT * FROM runs JOIN samples USING (sample) WHERE run = ?", run)[0]
    figures = tuple(_figures(store, run).values())
    baseline = Baseline(about["suite"], about["suite_hash"], about["gold_hash"], about["bundle"], about["bundle_hash"], figures)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{baseline.suite}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(baseline), indent=1) + b"\n")
    return path


def read_baseline(suite: str, folder: Path = BASELINES) -> Baseline:
    """The baseline of a suite; EvaluationError where there is none or it is damaged."""
    path = folder / f"{suite}.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Baseline)
    except OSError:
        raise EvaluationError(f"{path}: the suite '{suite}' has no baseline; make one with: isco-rag eval guard {suite} --write") from None
    except msgspec.DecodeError as error:
        raise EvaluationError(
            f"{path}: is damaged ({error}); restore it or make it anew with: isco-rag eval guard {suite} --write"
        ) from None


def check_gold(baseline: Baseline, gold: Path) -> None:
    """EvaluationError where the gold file is not the one that the baseline was measured on."""
    found = file_hash(gold)
    if found != baseline.gold_hash:
        raise EvaluationError(
            f"{gold}: changed since the baseline of '{baseline.suite}' was measured (the baseline names the hash {baseline.gold_hash}, the file has "
            f"{found}); restore the file, or measure a new baseline with: isco-rag eval guard {baseline.suite} --write"
        )


def guard(store: Store, run: int, baseline: Baseline) -> list[Guarded]:
    """Each guarded figure of a run beside its baseline."""
    found = _figures(store, run)
    about = store.rows("SELECT suite_hash FROM runs JOIN samples USING (sample) WHERE run = ?", run)[0]
    if about["suite_hash"] != baseline.suite_hash:
        raise EvaluationError(
            f"the suite '{baseline.suite}' is read another way than when its baseline was measured (the baseline names {baseline.suite_hash}, it has "
            f"{about['suite_hash']}); measure a new baseline with: isco-rag eval guard {baseline.suite} --write"
        )
    return [Guarded(b, found.get(b.name)) for b in baseline.figures]


def _figures(store: Store, run: int) -> dict[str, Metric]:
    rows = store.rows("SELECT * FROM figures WHERE run = ? AND scope = 'all' AND slice = 'all'", run)
    by = {row["measure"]: Metric(row["measure"], row["figure"], row["low"], row["high"], row["n"]) for row in rows}
    return {name: by[name] for name in GUARDED if name in by}
