"""What each part of the coder earns: the same records coded without it, the rest as it ships.

The weights of a part's evidence are set to zero in the fusion; nothing is fitted anew, so what is left was fitted to have the part beside it, and
a coder that never had it would lose less. Evidence and the cross-encoder's answers are computed once and shared by all variants.
"""

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from isco_eval.answers import NOT_AMONG
from isco_eval.bootstrap import Doubles, Figure, Key, estimate, ratios
from isco_eval.gold import Gold
from isco_rag.classify import CHUNK, DECIMALS, Classifier, Texts
from isco_rag.fuse import EXACT, FEATURES, LIKE, NEIGHBOURS, PROTOTYPE, WORDS_TITLE, WORDS_TOLD, best
from isco_rag.ports import Floats, Ints, Reranker
from isco_rag.settings import Settings

SHIPPED = "all of it"
# The features whose weights are zero in each variant.
WITHOUT: dict[str, tuple[int, ...]] = {
    "without nearest entries": (NEIGHBOURS,),
    "without prototypes": (PROTOTYPE,),
    "without the encoder (both)": (PROTOTYPE, NEIGHBOURS),
    "without the word model": (WORDS_TITLE, WORDS_TOLD),
    "without like titles": (LIKE,),
    "without exact titles": (EXACT,),
}
SILENT, EVERY, OWN = "without the cross-encoder", "cross-encoder reads all", "without titles of one's own"
# The cross-encoder reads every record and as many groups as the cascade may at most.
READ_ALL = {"rerank_below": 1.0, "rerank_from": 0.0}


class Line(Struct, frozen=True):
    """A variant on a suite: shares of records right, their differences from the whole coder's, and pairs that the cross-encoder read a record."""

    variant: str
    top_1: Figure
    top_1_gained: Figure
    top_3: Figure
    top_3_gained: Figure
    pairs: float


class Remembered:
    """A cross-encoder that reads each pair once, and counts what it is asked."""

    def __init__(self, reranker: Reranker) -> None:
        self.reranker, self.asked = reranker, 0
        self._known: dict[tuple[str, str], float] = {}

    def score(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        """The logits of pairs, [n]; the same as the cross-encoder's, since each pair runs alone."""
        fresh = [pair for pair in dict.fromkeys(pairs) if pair not in self._known]
        if fresh:
            self._known.update(zip(fresh, map(float, self.reranker.score(fresh)), strict=True))
        self.asked += len(pairs)
        return np.array([self._known[pair] for pair in pairs], dtype=np.float32)


def variants(classifier: Classifier) -> dict[str, Classifier]:
    """The classifier as it is, and without each of its parts, all with one cross-encoder that remembers."""
    parts, settings = classifier.parts, classifier.settings
    reranker = Remembered(parts.reranker) if parts.reranker else None
    parts = msgspec.structs.replace(parts, reranker=reranker)

    def with_fusion(off: Sequence[int]) -> Classifier:
        weights = tuple(tuple(0.0 if f in off else w for f, w in enumerate(row)) for row in parts.fusion.weights)
        return Classifier(msgspec.structs.replace(parts, fusion=msgspec.structs.replace(parts.fusion, weights=weights)), settings)

    def with_settings(**changed: float) -> Classifier:
        return Classifier(parts, msgspec.convert({**msgspec.to_builtins(settings), **changed}, Settings))

    found = {SHIPPED: Classifier(parts, settings), **{name: with_fusion(off) for name, off in WITHOUT.items()}}
    if reranker:
        found[SILENT] = Classifier(msgspec.structs.replace(parts, reranker=None), settings)
        found[EVERY] = with_settings(**READ_ALL)
    if classifier.own_titles:
        found[OWN] = with_settings(own_titles=0.0)
    for one in found.values():
        # What follows from the index alone is worked out once.
        one.__dict__.update(lexical=classifier.lexical, labels=classifier.labels, own_titles=classifier.own_titles)
    return found


def measure_parts(
    classifier: Classifier, gold: Gold, resamples: int, seed: int, progress: Callable[[int], None] = lambda n: None
) -> list[Line]:
    """A line for each variant on a gold sample, the whole coder's first; intervals of paired resamples."""
    coders = variants(classifier)
    remembered = coders[SHIPPED].parts.reranker
    ranks: dict[str, list[int]] = {name: [] for name in coders}
    pairs = dict.fromkeys(coders, 0)
    for start in range(0, len(gold.jobs), CHUNK):
        jobs, codes = gold.jobs[start : start + CHUNK], gold.codes[start : start + CHUNK]
        known = _Evidence(classifier)
        for name, coder in coders.items():
            before = remembered.asked if isinstance(remembered, Remembered) else 0
            coder.__dict__["evidence"] = known
            ranks[name] += _ranks(coder, codes, coder.score(jobs).probabilities)
            pairs[name] += (remembered.asked if isinstance(remembered, Remembered) else 0) - before
        progress(len(jobs))
    whole = np.array(ranks[SHIPPED])
    return [_line(name, np.array(found), whole, pairs[name] / max(len(whole), 1), resamples, seed) for name, found in ranks.items()]


class _Evidence:
    """The evidence of one batch of texts, looked up once for all variants, which turn its numbers only by their weights."""

    def __init__(self, classifier: Classifier) -> None:
        self.classifier = classifier
        self.found: tuple[Floats, Floats, Ints] | None = None

    def __call__(self, texts: Sequence[Texts]) -> tuple[Floats, Floats, Ints]:
        self.found = self.found or self.classifier.evidence(texts)
        assert self.found[0].shape[:2] == (len(texts), len(FEATURES))
        return self.found


def _ranks(coder: Classifier, codes: Sequence[str], probabilities: Doubles) -> list[int]:
    """Where each gold code stands among the three likeliest unit groups, as predictions give them."""
    taxonomy, found = coder.taxonomy, []
    for code, p, top in zip(codes, probabilities, best(np.round(probabilities, DECIMALS), 3), strict=True):
        level = taxonomy.group(code).level
        named = [taxonomy.ancestor(taxonomy.leaves[int(leaf)], level) for leaf in top] if p.any() else []
        found.append(named.index(code) + 1 if code in named else NOT_AMONG)
    return found


def _line(name: str, ranks: NDArray[np.int64], whole: NDArray[np.int64], pairs: float, resamples: int, seed: int) -> Line:
    ones = np.ones(len(ranks))
    right = [(ranks <= k).astype(float) for k in (1, 3)]
    gained = [mine - (whole <= k) for mine, k in zip(right, (1, 3), strict=True)]
    shares = ratios([Key("top 1"), Key("top 3")], right, [ones, ones], shares=True)
    changes = ratios([Key("top 1 gained"), Key("top 3 gained")], gained, [ones, ones])
    top_1, top_3, gained_1, gained_3 = estimate([shares, changes], len(ranks), resamples, seed)
    return Line(name, top_1, gained_1, top_3, gained_3, pairs)


def table(lines: Sequence[Line]) -> tuple[list[str], list[tuple[object, ...]]]:
    """Columns and rows of the lines as a table: percent, points, and whether the difference is more than chance."""
    columns = ["", "top 1", "points", "top 3", "points of top 3", "pairs a record"]
    rows: list[tuple[object, ...]] = []
    for line in lines:
        first = line.variant == SHIPPED
        gains = ["" if first else points(f) for f in (line.top_1_gained, line.top_3_gained)]
        rows.append((line.variant, percent(line.top_1), gains[0], percent(line.top_3), gains[1], f"{line.pairs:.1f}"))
    return columns, rows


def percent(f: Figure) -> str:
    """A share in percent with its interval."""
    return f"{100 * f.value:.1f} ({100 * f.low:.0f}-{100 * f.high:.0f})"


def points(f: Figure) -> str:
    """A difference in points with its interval."""
    return f"{100 * f.value:+.1f} ({100 * f.low:+.1f} to {100 * f.high:+.1f})"
