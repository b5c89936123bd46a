"""Champion and challenger on the same frozen gold, record by record: what the gate of isco_rag.learn decides on.

Records that the index or the training of either knows, or one near them, are left out before anything is measured.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from time import process_time

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from isco_eval.answers import Columns, code_gold
from isco_eval.bootstrap import LEVEL, Doubles, Key, Measures, draw, ratios
from isco_eval.compare import mcnemar
from isco_eval.gold import Gold, read_gold
from isco_eval.leakage import Texts
from isco_eval.measures import calibration_gap
from isco_eval.training import open_training
from isco_rag.bundle import file_hash
from isco_rag.classify import Classifier
from isco_rag.errors import EvaluationError
from isco_rag.learn.gate import Compared, Difference
from isco_rag.taxonomy import Taxonomy
from isco_rag.types import Entry, Manifest

RESAMPLES, SEED = 2000, 8
# A group of fewer records is not judged: no difference in it would be beyond doubt.
LEAST_OF_GROUP = 15
# Records that both code in turns, so many at a time, to compare their speed under the same load.
TIMED, TURN = 160, 16

Coded = NDArray[np.float64]


class Known(Struct, frozen=True):
    """Texts that a gold record must not repeat, and what they are, in words."""

    texts: tuple[Texts, ...]
    said: str


def known_texts(classifiers: Sequence[Classifier], manifests: Sequence[Manifest], learned: Sequence[Entry]) -> Known:
    """What the indexes of both hold, what they learned by correction, and the titles that they were trained on as far as these are here."""
    entries = dict.fromkeys([*(e for c in classifiers for e in c.parts.index.entries), *learned])
    found, said = [Texts(list(entries))], ["the index or a correction"]
    for manifest in manifests:
        training = open_training(manifest, classifiers[0].taxonomy)
        if training.texts is not None:
            found.append(training.texts)
            said.append(f"the training of {manifest.name}")
    return Known(tuple(found), " or ".join(said))


def gold_like(paths: Sequence[Path], taxonomy: Taxonomy) -> Callable[[Sequence[Entry]], set[str]]:
    """Says which entries are rows of these gold files or near them, by id."""

    def find(entries: Sequence[Entry]) -> set[str]:
        texts = Texts(entries)
        return {entries[leak.text].id for path in paths for leak in texts.leaks(read_gold(path, taxonomy).jobs)}

    return find


def judge_on(
    paths: Sequence[Path], known: Known, progress: Callable[[int], None] = lambda n: None
) -> Callable[[Classifier, Classifier], Compared]:
    """A judge on gold files."""

    def judge(champion: Classifier, challenger: Classifier) -> Compared:
        taxonomy = champion.taxonomy
        read = [read_gold(path, taxonomy) for path in paths]
        kept = [_without_leaks(gold, known) for gold in read]
        jobs = [job for gold in kept for job in gold.jobs]
        if not jobs:
            raise EvaluationError("every gold record is known to the index or the training; give gold of its own with --gold")
        index = Texts(champion.parts.index.entries)
        sides = [[code_gold(c, gold, index, SEED, progress) for gold in kept] for c in (champion, challenger)]
        left = sum(len(a.jobs) - len(b.jobs) for a, b in zip(read, kept, strict=True))
        names = {str(path.name): file_hash(path) for path in paths}
        return compared(sides[0], sides[1], kept, taxonomy, names, left, known.said, _pace(champion, challenger, jobs))

    return judge


def compared(
    before: Sequence[Columns], after: Sequence[Columns], golds: Sequence[Gold], taxonomy: Taxonomy, names: dict[str, str], left: int, looked: str,
    milliseconds: tuple[float, float],
) -> Compared:  # fmt: skip
    """Both sides' answers, sample by sample, as what the gate reads."""
    codes = [code for gold in golds for code in gold.codes]
    a, b = _pooled(before, codes, taxonomy), _pooled(after, codes, taxonomy)
    every = np.ones(len(codes))
    sample = np.repeat(np.arange(len(golds)), [len(gold.codes) for gold in golds])
    major = np.array([taxonomy.ancestor(code, 1) for code in codes])
    overall = _differences({"all": every}, a, b, LEVEL)[0]
    samples = _differences({gold.name: (sample == i).astype(float) for i, gold in enumerate(golds) if gold.codes}, a, b, LEVEL)
    masks = {f"group {g}": (major == g).astype(float) for g in sorted(set(major.tolist())) if (major == g).sum() >= LEAST_OF_GROUP}
    groups = _differences(masks, a, b, 1 - (1 - LEVEL) / max(len(masks), 1)) if masks else []
    test = mcnemar("unit group", a[:, 0] == 1, b[:, 0] == 1)
    return Compared(
        names, len(codes), left, looked, overall, test.only_before, test.only_after, test.p, tuple(samples), tuple(groups), _calibration(a, b),
        milliseconds,
    )  # fmt: skip


def _pooled(sides: Sequence[Columns], codes: Sequence[str], taxonomy: Taxonomy) -> Coded:
    """For each record: unit group right, confidence, emitted code right."""
    columns = {
        name: np.array([v for side in sides for v in side[name]], dtype=float)
        for name in ("rank", "confidence", "level", "emitted_matched")
    }
    levels = np.array([taxonomy.group(code).level for code in codes])
    emitted = (columns["level"] > 0) & (columns["emitted_matched"] == np.minimum(columns["level"], levels))
    return np.stack([columns["rank"] == 1, columns["confidence"], emitted], axis=1).astype(float)


def _differences(masks: dict[str, Doubles], a: Coded, b: Coded, level: float) -> list[Difference]:
    """The share right of both in each part, and its difference; each resample draws the same records for both."""
    keys, parts = [Key(name) for name in masks], list(masks.values())
    sides = [[ratios(keys, [mask * side[:, 0] for mask in parts], parts)] for side in (a, b)]
    return _paired(list(masks), sides[0], sides[1], [int(mask.sum()) for mask in parts], len(a), level)


def _calibration(a: Coded, b: Coded) -> Difference:
    place, name = np.arange(len(a)), "calibration error"
    sides = [[calibration_gap(Key(name), side[:, 1], side[:, 2], place)] for side in (a, b)]
    return _paired([name], sides[0], sides[1], [len(a)], len(a), LEVEL)[0]


def _paired(names: Sequence[str], a: list[Measures], b: list[Measures], sizes: Sequence[int], n: int, level: float) -> list[Difference]:
    (value_a, drawn_a), (value_b, drawn_b) = draw(a, n, RESAMPLES, SEED), draw(b, n, RESAMPLES, SEED)
    tails = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.nanquantile(drawn_b - drawn_a, tails, axis=0)
    return [
        Difference(name, float(value_a[i]), float(value_b[i]), float(value_b[i] - value_a[i]), float(low[i]), float(high[i]), sizes[i])
        for i, name in enumerate(names)
    ]


def difference_of(name: str, before: NDArray[np.bool_], after: NDArray[np.bool_]) -> Difference:
    """The difference of two shares on the same records, with the interval of paired resamples."""
    key, every = [Key(name)], np.ones(len(before))
    a, b = ([ratios(key, [side.astype(float)], [every])] for side in (before, after))
    return _paired([name], a, b, [len(before)], len(before), LEVEL)[0]


def _without_leaks(gold: Gold, known: Known) -> Gold:
    leaked = {leak.row for texts in known.texts for leak in texts.leaks(gold.jobs)}
    rows = [i for i in range(len(gold.jobs)) if i not in leaked]
    return Gold(gold.name, tuple(gold.jobs[i] for i in rows), tuple(gold.codes[i] for i in rows))


def _pace(champion: Classifier, challenger: Classifier, jobs: Sequence[object]) -> tuple[float, float]:
    """Processor milliseconds for a record of each; they take turns, so that what else the machine does falls on both."""
    spent, sample = [0.0, 0.0], list(jobs)[:TIMED]
    for start in range(0, len(sample), TURN):
        order = (0, 1) if (start // TURN) % 2 else (1, 0)
        for side in order:
            began = process_time()
            (champion, challenger)[side].classify(sample[start : start + TURN])  # type: ignore[arg-type]
            spent[side] += process_time() - began
    return 1000 * spent[0] / len(sample), 1000 * spent[1] / len(sample)
