"""The rows of a recipe, gathered from all that it names, without evaluation rows, and split into what trains and what is held out."""

import hashlib
import random
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from isco_rag.taxonomy import Taxonomy
from isco_rag.text import key, title_text
from isco_rag.train import corpus
from isco_rag.train.augment import imagined, varied
from isco_rag.train.corpus import CORRECTED, IMAGINED, OWN, Row
from isco_rag.types import Job

if TYPE_CHECKING:
    # Whoever only looks the rows up again does without torch, which a recipe's settings bring along.
    from isco_rag.train.recipe import Recipe

# Sources whose rows join the index of the bundle; the others are their publishers' and stay outside.
INDEXED = ("written", OWN)
# What an institution owns, its corrections too; these come to the index from the database, not with the bundle.
OWNED = (*INDEXED, CORRECTED)
# Held-out titles of other languages that fusion and calibration read: enough for six weights.
FOREIGN_HELD = 2000
# Made-up titles of two titles each.
CROSSED = 30_000
# What held-out rows serve for: half of them teach the fusion; a quarter each, which it has not seen, the calibration and the sets.
FUSION, CALIBRATION, SETS = 0, 1, 2


class Sources(Protocol):
    """What of a recipe says which rows there are, and how they are split."""

    @property
    def shared(self) -> Path | None: ...
    @property
    def pointers(self) -> Path | None: ...
    @property
    def examples(self) -> Path: ...
    @property
    def own(self) -> Sequence[Path]: ...
    @property
    def corrections(self) -> Path | None: ...
    @property
    def evaluation(self) -> Path | None: ...
    @property
    def gold(self) -> Path | None: ...
    @property
    def languages(self) -> Sequence[str]: ...
    @property
    def held_out(self) -> float: ...
    @property
    def corrections_held(self) -> float: ...
    @property
    def seed(self) -> int: ...


class Data(Struct):
    """The rows of a recipe: `train` for the encoders, `held` only for fusion and calibration, `spare` (of other languages) for nothing."""

    train: list[Row]
    held: list[Row]
    spare: list[Row] = []


def gather(recipe: Sources, taxonomy: Taxonomy) -> Data:
    """Rows without evaluation rows, split; the split depends on the seed alone, so every stage sees the same."""
    r = recipe
    gold = gold_keys(r)
    shared = corpus.read_shared(r.shared, r.languages) if r.shared else []
    if r.pointers:
        shared += corpus.read_pointers(r.pointers)
    train, held = corpus.split(corpus.drop_gold(shared, gold), r.held_out, r.seed)
    owned = corpus.read_examples(sorted(r.examples.glob("*.csv"))) + corpus.merged([row for path in r.own for row in corpus.read_own(path)])
    owned += corpus.read_corrections(r.corrections, taxonomy) if r.corrections else []
    owned = corpus.drop_gold(owned, gold)
    shares = {CORRECTED: r.corrections_held}
    kept_back = {
        row.occupation for row in owned if len(row.codes) == 1 and is_held(row.occupation, shares.get(row.source, 2 * r.held_out), r.seed)
    }
    foreign = [row for row in held if row.language != "en"]
    read = random.Random(r.seed).sample(range(len(foreign)), min(FOREIGN_HELD, len(foreign)))
    return Data(
        train + [row for row in owned if row.occupation not in kept_back],
        [row for row in held if row.language == "en"] + [foreign[i] for i in read] + [row for row in owned if row.occupation in kept_back],
        [foreign[i] for i in sorted(set(range(len(foreign))) - set(read))],
    )


def gold_keys(recipe: Sources) -> set[str]:
    """Keys of all titles of the recipe's evaluation rows."""
    return set[str]().union(*(corpus.read_gold_keys(folder) for folder in (recipe.evaluation, recipe.gold) if folder))


def apart(recipe: Sources, data: Data) -> set[str]:
    """Keys of all titles that no encoder may read: those of evaluation rows and of what is held out."""
    return gold_keys(recipe).union(*((key(row.text), key(title_text(row.text))) for row in [*data.held, *data.spare] if row.is_title))


def imagined_rows(data: Data, words: Sequence[str], kept_apart: set[str], rng: random.Random) -> list[Row]:
    """Made-up titles of the words and of English titles that train, without codes; none that is kept apart (isco_rag.train.augment)."""
    titles = [title for row in data.train if row.is_title and row.language == "en" and row.text and (title := title_text(row.text)).split()]
    found = imagined(words, titles, CROSSED, rng)
    return [Row(text, (), "title", IMAGINED, f"imagined:{i}") for i, text in enumerate(found) if key(text) not in kept_apart]


def is_held(identity: str, share: float, seed: int) -> bool:
    """Whether an example is held out; depends on its id and the seed alone."""
    return int.from_bytes(hashlib.blake2b(f"{seed}|{identity}".encode(), digest_size=8).digest()) / 2**64 < share


def encoder_rows(recipe: "Recipe", rows: Sequence[Row], definitions: Sequence[Row], rng: random.Random) -> list[Row]:
    """What the bi-encoder reads: English titles, some changed as people change them, some joined with duties; then the classification's own words."""
    r = recipe
    shared = [
        row for row in rows if row.source not in OWNED and row.language == "en" and (len(row.codes) == 1 or rng.random() < r.ambiguous)
    ]
    owned = [row for row in rows if row.source in OWNED]
    if r.replay < 1:
        owned = [row for row in owned if row.source == CORRECTED or rng.random() < r.replay]
    found = corpus.with_duties(changed(shared, rng, r.varied), rng, r.told)
    for _ in range(r.written):
        found += corpus.with_duties(changed(owned, rng, r.varied), rng, share=0.6)
    corrected = [row for row in owned if row.source == CORRECTED]
    for _ in range(r.corrections_times - 1):
        found += corpus.with_duties(changed(corrected, rng, r.varied), rng, share=0.6)
    return found + list(definitions)


def word_rows(rows: Sequence[Row], rng: random.Random) -> list[Row]:
    """What the word model reads: every title of every language alone, and English ones with what is told beside them."""
    alone = [corpus.ready(row, title_text(row.text)) for row in rows if row.is_title and row.text]
    told = corpus.with_duties([row for row in rows if row.language == "en"], rng, share=1.0)
    return [row for row in alone if row.text] + [row for row in told if not row.is_title or ". " in row.text or row.source in OWNED]


def changed(rows: Sequence[Row], rng: random.Random, share: float) -> list[Row]:
    """The rows with a share of their titles changed (isco_rag.train.augment)."""
    return [corpus.with_title(row, varied(row.text, rng, share)) if row.is_title else row for row in rows]


class Held(Struct, frozen=True):
    """Held-out rows as jobs, each with the row that it is made of and what it serves for (FUSION, CALIBRATION, SETS)."""

    jobs: list[Job]
    rows: list[Row]
    parts: list[int]

    def part(self, *wanted: int) -> tuple[list[Job], list[str]]:
        """The jobs and the codes of one part, or of several."""
        those = [i for i, part in enumerate(self.parts) if part in wanted]
        return [self.jobs[i] for i in those], [self.rows[i].codes[0] for i in those]


def held_jobs(held: Sequence[Row], seed: int) -> Held:
    """Held-out rows as jobs: as they stand, and half of those with duties also without their title; which serve for what is drawn by the seed."""
    rng = random.Random(seed + 3)
    jobs, rows = [], []
    for row in held:
        jobs.append(Job(row.text, row.duties, row.industry, language=row.language))
        rows.append(row)
        if row.duties and row.text and rng.random() < 0.5:
            jobs.append(Job("", row.duties, row.industry, language=row.language))
            rows.append(row)
    return Held(jobs, rows, [rng.choice((FUSION, FUSION, CALIBRATION, SETS)) for _ in jobs])
