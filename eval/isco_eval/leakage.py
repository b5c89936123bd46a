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
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, groupby
from math import log
from typing import Literal, Protocol

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
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
# Words that are compared with others at a time.
TOGETHER = 64
# Texts whose trigrams are counted at a time.
PIECE = 65536


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


class Lists:
    """Lists of numbers in one array, end to end."""

    def __init__(self, numbers: Ints, lengths: Ints) -> None:
        self.numbers, self.lengths = numbers, lengths
        self._ends = np.cumsum(lengths)

    def take(self, which: Ints) -> tuple[Ints, Ints]:
        """What stands in those lists, and beside each number whose it is: 0 for the first of `which`, 1 for the next."""
        lengths = self.lengths[which]
        ends = np.cumsum(lengths)
        owners: Ints = np.repeat(np.arange(len(which)), lengths)
        return self.numbers[np.arange(len(owners)) + (self._ends[which] - ends)[owners]], owners

    def one(self, which: int) -> Ints:
        """One list."""
        return self.numbers[self._ends[which] - self.lengths[which] : self._ends[which]]


class Collection:
    """Texts of one field that can be searched for near-duplicates; `numbers` are those of the texts with a key."""

    def __init__(self, keys: Sequence[str]) -> None:
        self.owners: dict[str, list[int]] = defaultdict(list)
        for number, k in enumerate(keys):
            if k:
                self.owners[k].append(number)
        keys = list(self.owners)
        counts = Counter(word for k in keys for word in set(k.split()))
        # By length: words much longer or much shorter than one that is looked for stand at the ends.
        self._words = sorted(counts, key=lambda word: (len(word), word))
        self._number = {word: i for i, word in enumerate(self._words)}
        self._rare = np.array([log(1 + len(keys) / (1 + counts[word])) for word in self._words])
        self._rarest = log(1 + len(keys))
        self._lengths = np.array([len(word) for word in self._words], dtype=np.int64)
        self._met: dict[str, Ints] = {}
        self._grams: dict[str, int] = {}
        texts = _lists([[self._number[word] for word in k.split()] for k in keys])
        sizes, pairs = self._shares(texts)
        # Numbered by size: texts much longer or much shorter than one that is looked for stand at the ends of every list.
        order = np.argsort(sizes, kind="stable")
        rank = np.empty(len(keys), dtype=np.int64)
        rank[order] = np.arange(len(keys))
        self.keys, self._sizes = [keys[i] for i in order.tolist()], sizes[order]
        self._letters = np.array([len(k) - k.count(" ") for k in self.keys], dtype=np.int64)
        self._texts = Lists(texts.take(order)[0], texts.lengths[order])
        whose, gram = np.divmod(pairs, max(1, len(self._grams)))
        pairs = np.sort(gram * len(keys) + rank[whose])
        self._having = Lists((pairs % max(1, len(keys))).astype(np.int32), np.bincount(gram, minlength=len(self._grams)))

    def _shares(self, texts: Lists) -> tuple[Ints, Ints]:
        """How many trigrams each text has, and which, as text * trigrams + trigram; each word's are found once."""
        grams = _lists([[self._grams.setdefault(gram, len(self._grams)) for gram in trigrams(word)] for word in self._words])
        sizes, pairs = np.zeros(len(texts.lengths), dtype=np.int64), [np.empty(0, dtype=np.int64)]
        # A piece at a time: all words' trigrams of half a million texts take a gigabyte.
        for start in range(0, len(sizes), PIECE):
            words, of = texts.take(np.arange(start, min(start + PIECE, len(sizes))))
            found, at = grams.take(words)
            pairs.append(np.unique((start + of[at]) * len(self._grams) + found))
            sizes[start : start + PIECE] = np.bincount(pairs[-1] // len(self._grams) - start, minlength=len(sizes[start : start + PIECE]))
        return sizes, np.concatenate(pairs)

    def near(self, text: str) -> list[tuple[str, float]]:
        """Keys that are `text` or near it, with their likeness."""
        rows, letters = self._candidates(text), len(text) - text.count(" ")
        by_words = self._reaching(text, rows)
        by_letters = 2 * np.minimum(letters, self._letters[rows]) >= UNSPACED * (letters + self._letters[rows])
        can = by_words | by_letters
        found = [
            (k, max(self._aligned(text.split(), k.split()) if words else 0.0, unspaced(text, k) if same_letters else 0.0))
            for row, words, same_letters in zip(rows[can].tolist(), by_words[can].tolist(), by_letters[can].tolist(), strict=True)
            for k in [self.keys[row]]
        ]
        return [(k, score) for k, score in found if score >= NEAR]

    def meet(self, words: Iterable[str]) -> None:
        """Compares words with those of the texts, each once for all texts: those that are alike are kept."""
        fresh = sorted(set(words) - self._met.keys(), key=lambda word: (len(word), word))
        # Of two words this alike the shorter has at least this share of the longer's letters.
        least = SAME_WORD / (2 - SAME_WORD)
        for length, group in groupby(fresh, key=len):
            first, last = np.searchsorted(self._lengths, [length * least - 1e-9, length / least + 1e-9])
            own, others = list(group), self._words[first:last]
            for start in range(0, len(own), TOGETHER):
                part = own[start : start + TOGETHER]
                alike = process.cdist(part, others, scorer=fuzz.ratio, score_cutoff=100 * SAME_WORD, dtype=np.float32)
                self._met |= {word: first + np.flatnonzero(row) for word, row in zip(part, alike, strict=True)}

    def _reaching(self, text: str, rows: Ints) -> NDArray[np.bool_]:
        """Whether likeness by words can reach NEAR: too little of the words of most has its like in the text, in whatever order."""
        own = text.split()
        self.meet(own)
        met = np.zeros(len(self._words))
        for word in own:
            met[self._met[word]] = 1.0
        theirs, whose = self._texts.take(rows)
        weights, alike = self._rare[theirs], met[theirs]
        # A word is paired once, so no more of the text's own words count than the other has words that are alike: at best its rarest.
        rarest = np.cumsum([0.0, *sorted(map(self._weight, own), reverse=True)])
        pairs = np.minimum(np.bincount(whose, alike, len(rows)).astype(np.int64), len(own))
        shared, mine = rarest[pairs] + np.bincount(whose, weights * alike, len(rows)), rarest[-1]
        reached: NDArray[np.bool_] = shared >= NEAR * (mine + np.bincount(whose, weights, len(rows))) - 1e-9
        return reached

    def _candidates(self, text: str) -> Ints:
        own = trigrams(text)
        # What is shared is at most the smaller of both, so a text four times as large or as small can't share enough.
        far = (2 - SHARED) / SHARED
        first, last = np.searchsorted(self._sizes, [len(own) / far - 1e-9, len(own) * far + 1e-9])
        lists = [self._having.one(self._grams[gram]) for gram in own if gram in self._grams]
        # Bounds of the lists' own kind of number, else each list is copied to be searched.
        ends = np.array([first, last], dtype=self._having.numbers.dtype)
        rows = [found[slice(*np.searchsorted(found, ends))] for found in lists]
        if not rows or first == last:
            return np.empty(0, dtype=np.int64)
        shared = np.bincount(np.concatenate(rows) - first, minlength=last - first)
        enough: Ints = first + np.flatnonzero(2 * shared >= SHARED * (self._sizes[first:last] + len(own)))
        return enough

    def likeness(self, a: str, b: str) -> float:
        """How much of the rarity of both texts' words finds its like in the other, 0 to 1."""
        return max(self._aligned(a.split(), b.split()), unspaced(a, b))

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
        return float(self._rare[number]) if (number := self._number.get(word)) is not None else self._rarest


def unspaced(a: str, b: str) -> float:
    """How alike two texts are without their blanks, or 0 below UNSPACED.

    >>> unspaced("money lender", "moneylender")
    1.0
    """
    return fuzz.ratio(a.replace(" ", ""), b.replace(" ", ""), score_cutoff=100 * UNSPACED) / 100


def trigrams(text: str) -> set[str]:
    """Character trigrams of each word with its ends marked; the order of words does not count.

    >>> sorted(trigrams("a bus"))
    [' a ', ' bu', 'bus', 'us ']
    """
    return {padded[i : i + 3] for word in text.split() for padded in [f" {word} "] for i in range(len(padded) - 2)}


def _lists(lists: Sequence[Sequence[int]]) -> Lists:
    lengths = np.fromiter(map(len, lists), dtype=np.int64, count=len(lists))
    return Lists(np.fromiter(chain.from_iterable(lists), dtype=np.int64, count=int(lengths.sum())), lengths)


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
        looks = [(row, *look) for row, job in enumerate(gold) for look in self._looks(job)]
        for each in (self._titles, self._duties, self._wholes):
            each.meet(word for _, _, k, collection, _ in looks if collection is each for word in k.split())
        for row, raw, k, collection, field in looks:
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
