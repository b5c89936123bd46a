"""Whether the coder has seen a gold row before: exact, normalised and near-duplicate texts in the index and in the training data.

What counts is the text, not its code. A gold row that is a title alone is compared with titles, whatever duties stand beside them,
because training and index read titles alone too; a row with duties is compared whole, and by its duties.

- exact: the same characters but for white space;
- normalised: the same key (isco_rag.text.key of what is embedded), so case, accents, punctuation, abbreviations and inversion do not count;
- near: the same words but for spelling, inflection, order, or a word that says little. Words are aligned by likeness and weighted by
  their rarity (Soft TF-IDF: Cohen, Ravikumar and Fienberg 2003, "A comparison of string distance metrics for name-matching tasks"),
  so that "electrical technician" and "electronics technician" are two texts and "medical secretery" and "medicle secretary" are one.
  Texts that differ in their blanks only ("money lender") are compared without them.

Candidates come from shared character trigrams within words, counted for every text of the collection.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from math import log
from typing import Literal, Protocol

import numpy as np
from msgspec import Struct
from rapidfuzz import fuzz, process

from isco_rag.ports import Ints
from isco_rag.text import clean, key, title_text, uninvert
from isco_rag.types import Entry

Kind = Literal["exact", "normalised", "near"]
KINDS: tuple[Kind, ...] = ("exact", "normalised", "near")

# From this likeness on two texts count as one. Of pairs of the project's gold and its examples, read by eye: from 0.9 on almost all
# are one text, between 0.82 and 0.9 about half, below 0.82 few. A pair too many costs an example; one too few, the figure's honesty.
NEAR = 0.82
# Words this alike are spellings or inflections of one word.
SAME_WORD = 0.8
# Texts this alike without their blanks are one.
UNSPACED = 0.94
# Share of trigrams (Dice) from which a text is looked at closely.
SHARED = 0.4
# Duties of fewer words are too plain to tell two people apart ("cleaning", "office work").
TELLING = 4


class Written(Protocol):
    """What is compared of a job or an index entry."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def duties(self) -> str: ...


class Leak(Struct, frozen=True):
    """A gold row (by number) and the text (by number) that it repeats, in what way, and how alike they are, up to 1."""

    row: int
    text: int
    kind: Kind
    score: float


class Collection:
    """Texts of one field that can be searched for near-duplicates; `numbers` are those of the texts with a key."""

    def __init__(self, keys: Sequence[str]) -> None:
        self.owners: dict[str, list[int]] = defaultdict(list)
        for number, k in enumerate(keys):
            if k:
                self.owners[k].append(number)
        keys = list(self.owners)
        words = Counter(word for k in keys for word in set(k.split()))
        self._rare = {word: log(1 + len(keys) / (1 + n)) for word, n in words.items()}
        self._rarest = log(1 + len(keys))
        grams: dict[str, list[int]] = defaultdict(list)
        sizes = np.zeros(len(keys))
        for i, k in enumerate(keys):
            own = trigrams(k)
            sizes[i] = len(own)
            for gram in own:
                grams[gram].append(i)
        # Numbered by size: texts much longer or much shorter than one that is looked for stand at the ends of every list.
        order = np.argsort(sizes, kind="stable")
        rank = np.empty(len(keys), dtype=np.int32)
        rank[order] = np.arange(len(keys), dtype=np.int32)
        self.keys, self._sizes = [keys[i] for i in order.tolist()], sizes[order]
        self._grams = {gram: np.sort(rank[rows]) for gram, rows in grams.items()}

    def near(self, text: str) -> list[tuple[str, float]]:
        """Keys that are `text` or near it, with their likeness."""
        found = [(k, self.likeness(text, k)) for k in self._reaching(text, [self.keys[i] for i in self._candidates(text)])]
        return [(k, score) for k, score in found if score >= NEAR]

    def _reaching(self, text: str, candidates: Sequence[str]) -> Iterator[str]:
        """The candidates whose likeness can reach NEAR: too little of the words of most has its like in the text, in whatever order."""
        if not candidates:
            return
        own, words = text.split(), list({word: None for k in candidates for word in k.split()})
        alike = process.cdist(own, words, scorer=fuzz.ratio, score_cutoff=100 * SAME_WORD)
        met = {words[i] for i in np.flatnonzero(alike.any(axis=0)).tolist()}
        mine, letters = sum(map(self._weight, own)), len(text) - text.count(" ")
        for k in candidates:
            theirs = k.split()
            shared, total = mine, mine
            for word in theirs:
                weight = self._weight(word)
                total += weight
                shared += weight if word in met else 0.0
            length = len(k) - k.count(" ")
            if shared >= NEAR * total - 1e-9 or 2 * min(letters, length) >= UNSPACED * (letters + length):
                yield k

    def _candidates(self, text: str) -> Ints:
        own = trigrams(text)
        # What is shared is at most the smaller of both, so a text four times as large or as small can't share enough.
        far = (2 - SHARED) / SHARED
        first, last = np.searchsorted(self._sizes, [len(own) / far - 1e-9, len(own) * far + 1e-9])
        rows = [found[slice(*np.searchsorted(found, (first, last)))] for gram in own if (found := self._grams.get(gram)) is not None]
        if not rows or first == last:
            return np.empty(0, dtype=np.int64)
        shared = np.bincount(np.concatenate(rows) - first, minlength=last - first)
        enough: Ints = first + np.flatnonzero(2 * shared >= SHARED * (self._sizes[first:last] + len(own)))
        return enough

    def likeness(self, a: str, b: str) -> float:
        """How much of the rarity of both texts' words finds its like in the other, 0 to 1."""
        if a == b:
            return 1.0
        unspaced = fuzz.ratio(a.replace(" ", ""), b.replace(" ", "")) / 100
        return max(self._aligned(a.split(), b.split()), unspaced if unspaced >= UNSPACED else 0.0)

    def _aligned(self, a: list[str], b: list[str]) -> float:
        pairs = sorted(
            ((score, i, j) for i, u in enumerate(a) for j, v in enumerate(b) if (score := fuzz.ratio(u, v) / 100) >= SAME_WORD),
            key=lambda pair: (-pair[0], pair[1], pair[2]),
        )
        left, right, shared = set(range(len(a))), set(range(len(b))), 0.0
        for score, i, j in pairs:
            if i in left and j in right:
                left.remove(i)
                right.remove(j)
                shared += score * (self._weight(a[i]) + self._weight(b[j]))
        total = sum(map(self._weight, a)) + sum(map(self._weight, b))
        return shared / total if total else 0.0

    def _weight(self, word: str) -> float:
        return self._rare.get(word, self._rarest)


def trigrams(text: str) -> set[str]:
    """Character trigrams of each word with its ends marked; the order of words does not count.

    >>> sorted(trigrams("a bus"))
    [' a ', ' bu', 'bus', 'us ']
    """
    return {padded[i : i + 3] for word in text.split() for padded in [f" {word} "] for i in range(len(padded) - 2)}


class Texts:
    """Texts that gold rows may repeat, indexed once for many gold files."""

    def __init__(self, texts: Sequence[Entry]) -> None:
        self.texts = texts
        self._titles, self._duties = Collection([title_key(t.title) for t in texts]), Collection([key(t.duties) for t in texts])
        self._wholes = Collection([whole_key(t) if t.duties else "" for t in texts])

    def has_title(self, title: str) -> bool:
        """Whether a text has this title, by key; never for an empty one."""
        return title_key(title) in self._titles.owners

    def leaks(self, gold: Sequence[Written]) -> list[Leak]:
        """Every pair of a gold row and a text that it repeats, by row and text; a pair is named once, by its closest kind."""
        best: dict[tuple[int, int], tuple[int, float, Kind]] = {}
        for row, job in enumerate(gold):
            for raw, k, collection, field in self._looks(job):
                for near, score in collection.near(k):
                    for number in collection.owners[near]:
                        kind = _kind(raw, _raw(self.texts[number], field), k == near)
                        found = (-KINDS.index(kind), score, kind)
                        best[row, number] = max(best.get((row, number), found), found)
        return [Leak(row, number, kind, round(score, 4)) for (row, number), (_, score, kind) in sorted(best.items())]

    def _looks(self, job: Written) -> Iterator[tuple[str, str, Collection, str]]:
        """What of a job is looked for where: its text, its key, the collection, the field of that collection."""
        title, duties = title_key(job.title), key(job.duties)
        if not duties:
            yield job.title, title, self._titles, "title"
            return
        if title:
            yield f"{job.title} {job.duties}", whole_key(job), self._wholes, "whole"
        if len(duties.split()) >= TELLING:
            yield job.duties, duties, self._duties, "duties"
            # People write what they do into the title too.
            if not title:
                yield job.duties, duties, self._titles, "title"


def find_leaks(gold: Sequence[Written], texts: Sequence[Entry]) -> list[Leak]:
    """The pairs of a gold row and a text that it repeats."""
    return Texts(texts).leaks(gold)


def title_key(title: str) -> str:
    """The key of a title as it is embedded, turned round where it is inverted."""
    return key(title_text(uninvert(title)))


def whole_key(text: Written) -> str:
    """The key of title and duties together."""
    return f"{title_key(text.title)} {key(text.duties)}".strip()


def _raw(text: Written, field: str) -> str:
    return {"title": text.title, "duties": text.duties, "whole": f"{text.title} {text.duties}"}[field]


def _kind(a: str, b: str, same_key: bool) -> Kind:
    if clean(a) == clean(b):
        return "exact"
    return "normalised" if same_key else "near"
