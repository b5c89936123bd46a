"""Flags looked for: what people decided, and what the coder said of records that nobody has settled, gone through as a whole."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import numpy as np

from isco_rag.classify import Classifier
from isco_rag.learn.flags import NEIGHBOURS, Against, Found, Said, against_neighbours, against_seconds, drift, twins
from isco_rag.learn.voices import disagreement, voices
from isco_rag.ports import Floats
from isco_rag.store import flags
from isco_rag.store.database import Store
from isco_rag.store.predictions import text_key
from isco_rag.store.records import Kept
from isco_rag.types import Hit

CHUNK = 128
# Decisions and kept predictions that are gone through at most, the newest; more take minutes on two cores.
NEWEST = 20_000
# Entries looked at for each decision: its own text may stand there several times.
LOOK_AT = NEIGHBOURS + 11
BASES = ("its nearest coded examples", "the second coder")


def raise_flags(store: Store, classifier: Classifier, who: str, step: Callable[[int], None], newest: int = NEWEST) -> tuple[int, int]:
    """How many flags are new, and how many were closed since what they are about is gone; `step` is told how many records were read."""
    taxonomy = classifier.taxonomy
    with store.read() as db:
        said, seconds, kept = flags.said(db, newest), flags.seconds(db), flags.undecided(db, newest)
        since = {basis: flags.rounds(db, basis) for basis in BASES}
    said = [one for one in said if one.code in taxonomy and classifier.prepare(one.job).reason == ""]
    vectors, hits = _near(classifier, said, step)
    looked = [against_neighbours(taxonomy, one, near) for one, near in zip(said, hits, strict=True)]
    found = [*twins(taxonomy, said, vectors), *(flag for _, flag in looked if flag)]
    compared = {BASES[0]: [one for one, _ in looked], BASES[1]: against_seconds(taxonomy, seconds)}
    for basis, outcomes in compared.items():
        closed, last = since[basis]
        found += drift(basis, _newer(outcomes, last), closed)
    found += _disagreeing(classifier, kept, step)
    with store.write() as db:
        return flags.raise_all(db, who, found), flags.close_settled(db, who)


def _newer(outcomes: Sequence[Against], last: dict[str, str]) -> list[Against]:
    """Without what was said by or against a coder when an expert last closed such a flag of it: others must not answer for that."""
    return [one for one in outcomes if one.at > max(last.get(one.by, ""), last.get(one.other, ""))]


def _disagreeing(classifier: Classifier, kept: Sequence[Kept], step: Callable[[int], None]) -> Iterator[Found]:
    """What to flag of kept predictions, newest first, whose voices disagree; a text that came often is heard and flagged once, with its last answer."""
    same: dict[str, list[Kept]] = defaultdict(list)
    for one in kept:
        same[text_key(one.job)].append(one)
    rest = iter(same.items())
    while part := list(islice(rest, CHUNK)):
        for (text, (last, *_)), heard in zip(part, voices(classifier, [ones[0].job for _, ones in part]), strict=True):
            flag = disagreement(f"prediction:{last.id}", text, last.prediction.code, heard) if heard else None
            if flag:
                yield flag
        step(sum(len(ones) for _, ones in part))


def _near(classifier: Classifier, said: Sequence[Said], step: Callable[[int], None]) -> tuple[Floats, list[list[Hit]]]:
    """The vector of each decision's text, and the entries nearest to it; the same text is embedded and looked for once."""
    parts = classifier.parts
    same: dict[str, list[int]] = defaultdict(list)
    for i, one in enumerate(said):
        same[classifier.prepare(one.job).told].append(i)
    vectors = np.zeros((len(said), parts.encoder.dimension), np.float32)
    found: list[list[Hit]] = [[] for _ in said]
    rest = iter(same)
    while part := list(islice(rest, CHUNK)):
        own = parts.encoder.encode(part)
        cosines, numbers = parts.index.search(own, LOOK_AT)
        for text, vector, near, rows in zip(part, own, cosines.tolist(), numbers.tolist(), strict=True):
            hits = [Hit(parts.index.entries[n], round(c, 4)) for c, n in zip(near, rows, strict=True) if n >= 0]
            for i in same[text]:
                vectors[i], found[i] = vector, hits
        step(sum(len(same[text]) for text in part))
    return vectors, found
