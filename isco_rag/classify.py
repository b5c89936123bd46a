"""The coder: jobs in, predictions out. Read `Classifier.classify` from top to bottom and you know what happens.

jobs -> texts -> vectors -> neighbours, prototypes, words, like titles -> probabilities -> reranker -> calibration -> fallback -> predictions
"""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from msgspec import Struct

from isco_rag import taught
from isco_rag.conformal import Conformal
from isco_rag.encode import SCALE
from isco_rag.errors import UsageError
from isco_rag.fallback import emitted_level, for_review, grade_of
from isco_rag.fuse import (
    EXACT,
    FEATURES,
    FOREIGN,
    LIKE,
    NEIGHBOURS,
    PROTOTYPE,
    WORDS_TITLE,
    WORDS_TOLD,
    Doubles,
    Fusion,
    best,
    fuse,
    neighbour_evidence,
    regime_of,
    rerank,
)
from isco_rag.known import Known, Labels, known_of
from isco_rag.lexical import LexicalIndex
from isco_rag.ports import Calibrator, Encoder, Floats, Index, Ints, Reranker, WordModel
from isco_rag.rerank import candidate_side, job_side
from isco_rag.settings import Settings
from isco_rag.taxonomy import Taxonomy
from isco_rag.text import duties_text, joined_text, key, not_codable, plain, says_nothing, title_text
from isco_rag.titles import Titles
from isco_rag.types import Candidate, Job, Prediction

# A probability is shown and compared with thresholds to this many decimals.
DECIMALS = 4
CHUNK = 256
PROTOTYPE_SCALE = 20.0


class Texts(Struct, frozen=True):
    """A job as the models read it: its title, duties with the industry, and all that it tells as one text, which is embedded.

    `reason` says why it can't be coded, if so.
    """

    title: str
    duties: str
    told: str
    regime: int
    reason: str


class Scored(Struct):
    """What came of a batch of jobs: probabilities [n, leaves], and the hits that they rest on."""

    texts: list[Texts]
    probabilities: Doubles
    cosines: Floats
    entries: Ints


class Parts(Struct, frozen=True):
    """What a classifier is made of; a bundle holds all of them. Without a reranker the fusion's order stands."""

    taxonomy: Taxonomy
    encoder: Encoder
    prototypes: Floats
    words: WordModel
    index: Index
    fusion: Fusion
    calibrator: Calibrator
    reranker: Reranker | None
    name: str
    conformal: Conformal | None = None


class Classifier:
    """Codes jobs. The same job gets the same answer, alone or in any batch. `known` is what the entries of the index say."""

    def __init__(self, parts: Parts, settings: Settings | None = None, known: Known | None = None) -> None:
        self.parts, self._known = parts, known
        self.settings = settings or Settings()
        self.taxonomy = parts.taxonomy

    @cached_property
    def known(self) -> Known:
        """What the index's entries say besides their vectors; worked out at first use where it was not handed in."""
        return self._known or known_of(self.taxonomy, self.parts.index.entries)

    @property
    def lexical(self) -> LexicalIndex:
        """Titles of the index as strings."""
        return self.known.lexical

    @property
    def own_titles(self) -> Titles:
        """The entries of each title that did not come with the project."""
        return self.known.own_titles

    @property
    def labels(self) -> Labels:
        """The leaf number of each index entry; -1 for entries of higher groups."""
        return self.known.labels

    def classify(self, jobs: Sequence[Job]) -> list[Prediction]:
        """One prediction per job, in the order of the jobs; a job that can't be coded is referred with its reason."""
        found: list[Prediction] = []
        for start in range(0, len(jobs), CHUNK):
            part = jobs[start : start + CHUNK]
            scored = self.score(part)
            parents = self.taxonomy.roll_up(scored.probabilities, min(self.settings.fallback_level, self.taxonomy.depth))
            found += [self._predict(job, i, scored, parents) for i, job in enumerate(part)]
        return found

    def score(self, jobs: Sequence[Job]) -> Scored:
        """Calibrated probabilities over all leaves for each job; a row of zeros where a job can't be coded."""
        texts = [self.prepare(job) for job in jobs]
        able = [i for i, t in enumerate(texts) if not t.reason]
        scored = Scored(texts, np.zeros((len(jobs), len(self.taxonomy.leaves))), *self._no_hits(len(jobs)))
        if able:
            ready = [texts[i] for i in able]
            regimes = np.array([t.regime for t in ready])
            features, cosines, entries = self.evidence(ready)
            fused = fuse(features, regimes, self.parts.fusion)
            if self.parts.reranker is not None:
                codes, scores = self.read_candidates(ready, fused, entries)
                fused = rerank(fused, codes, scores, regimes, self.parts.fusion)
            calibrated = self._with_corrections(self.parts.calibrator.apply(fused, regimes), cosines, entries)
            scored.probabilities[able] = self._with_own_titles(ready, calibrated)
            scored.cosines[able], scored.entries[able] = cosines, entries
        return scored

    def sets(self, jobs: Sequence[Job], coverage: float = 0.9) -> list[tuple[str, ...]]:
        """For each job the unit groups, likeliest first, of which one is right with the stated probability; none where it can't be coded.

        UsageError where the bundle holds no such sets, or none of this coverage.
        """
        if self.parts.conformal is None:
            raise UsageError(f"bundle {self.parts.name} holds no sets of stated coverage; train a new one")
        found: list[tuple[str, ...]] = []
        for start in range(0, len(jobs), CHUNK):
            scored = self.score(jobs[start : start + CHUNK])
            regimes = np.array([t.regime for t in scored.texts])
            for row in self.parts.conformal.sets(scored.probabilities, regimes, coverage):
                found.append(tuple(self.taxonomy.leaves[i] for i in row))
        return found

    def _with_corrections(self, probabilities: Doubles, cosines: Floats, entries: Ints) -> Doubles:
        """Probabilities moved by the corrections among each record's hits."""
        for i, found in enumerate(self.heard(cosines, entries)):
            if found:
                probabilities[i] = taught.moved(probabilities[i], found, self.parts.fusion.taught)
        return probabilities

    def heard(self, cosines: Floats, entries: Ints) -> list[taught.Heard | None]:
        """What the corrections among the hits [n, k] of each record say (isco_rag.taught)."""
        found: list[taught.Heard | None] = [None] * len(entries)
        corrected = (entries >= 0) & (self.known.corrected[entries] == 1)
        for i in np.flatnonzero(corrected.any(axis=1)).tolist():
            found[i] = taught.heard(cosines[i], entries[i], corrected[i], self.parts.index.entries, self.taxonomy)
        return found

    def _with_own_titles(self, texts: Sequence[Texts], probabilities: Doubles) -> Doubles:
        """Probabilities drawn to the codes of a title that an institution coded itself, where a record has that very title.

        No fit can tell how far such a title is to be believed, since held-out rows have none: the setting does.
        """
        for i, t in enumerate(texts):
            codes = self.own_titles.counts(key(t.title)) if t.title else None
            if codes:
                trust = self.settings.own_titles if t.regime in (0, FOREIGN) else self.settings.own_titles / 2
                own = np.zeros(probabilities.shape[1])
                own[list(codes)] = np.array(list(codes.values())) / sum(codes.values())
                probabilities[i] = (1.0 - trust) * probabilities[i] + trust * own
        return probabilities

    def prepare(self, job: Job) -> Texts:
        """The texts that are embedded for a job, or the reason why there are none."""
        reason = not_codable(job.title, job.duties)
        if reason:
            return Texts("", "", "", 0, reason)
        title = title_text(job.title) if not not_codable(job.title, "") else ""
        duties = duties_text(job.duties, self.settings.duties_words) if not not_codable("", job.duties) else ""
        industry = "" if says_nothing(job.industry) else " ".join(plain(job.industry).lower().split(" ")[:16])
        beside = joined_text(duties, industry)
        told = joined_text(title, beside)
        foreign = self._foreign(job, title or told)
        if foreign:
            # Read for the words of its title alone, and a record without a title has some as well.
            title = told = title or told
        return Texts(title, beside if duties else "", told, regime_of(title, duties, industry, foreign=foreign), "")

    def _foreign(self, job: Job, text: str) -> bool:
        """Whether a job is told in another language than English: as its record says, or as its words do."""
        return bool(self.parts.words.foreign([text])[0]) if not job.language else job.language[:2].lower() != "en"

    def evidence(self, texts: Sequence[Texts]) -> tuple[Floats, Floats, Ints]:
        """Features [n, features, leaves], and the cosines and entry numbers [n, k] of the neighbours that they come from."""
        leaves, fusion = len(self.taxonomy.leaves), self.parts.fusion
        features = np.zeros((len(texts), len(FEATURES), leaves), dtype=np.float32)
        vectors = self.parts.encoder.encode([t.told for t in texts])
        # Whole numbers: exact in float32 in whatever order they are summed (isco_rag.encode).
        features[:, PROTOTYPE] = PROTOTYPE_SCALE * (vectors @ self.parts.prototypes.T) / SCALE**2
        cosines, entries = self.parts.index.search(vectors, self.settings.neighbours)
        labels = np.where(entries >= 0, self.labels[entries], -1)
        features[:, NEIGHBOURS] = neighbour_evidence(cosines, labels, leaves, fusion.sharpness, fusion.floor)
        self._word_evidence(texts, features)
        for i, t in enumerate(texts):
            if t.title:
                self._lexical_evidence(t.title, features[i])
        return features, cosines, entries

    def _word_evidence(self, texts: Sequence[Texts], features: Floats) -> None:
        """The word model reads the title, and all that is told where that is more than the title."""
        told = [t.told if t.regime not in (0, FOREIGN) else "" for t in texts]
        for feature, read in ((WORDS_TITLE, [t.title for t in texts]), (WORDS_TOLD, told)):
            rows = [i for i, text in enumerate(read) if text]
            if rows:
                features[rows, feature] = self.parts.words.scores([read[i] for i in rows])

    def _lexical_evidence(self, title: str, features: Floats) -> None:
        lexical = self.lexical
        for likeness, alike in lexical.near(title):
            for label in lexical.labels(alike):
                features[LIKE, label] = max(features[LIKE, label], likeness)
        same = lexical.exact(title)
        for label, count in same.items():
            features[EXACT, label] = count / sum(same.values())

    def read_candidates(self, texts: Sequence[Texts], fused: Doubles, entries: Ints) -> tuple[list[Ints], list[Floats]]:
        """The classes of each row that the reranker reads, and its logits for them.

        It reads where it can change the answer: rows whose best class is not sure yet, and of those the classes that are not out of reach.
        """
        assert self.parts.reranker is not None
        s, heard = self.settings, [says > 0 for _, says in self.parts.fusion.rerank]
        codes = [
            row[fused[i, row] >= s.rerank_from] if heard[texts[i].regime] and fused[i, row[0]] < s.rerank_below else row[:0]
            for i, row in enumerate(best(fused, s.rerank))
        ]
        pairs = [
            (job_side(t.title, t.duties), self.candidate_text(int(c), entries[i]))
            for i, t in enumerate(texts)
            if len(codes[i]) > 1
            for c in codes[i]
        ]  # fmt: skip
        scores = iter(self.parts.reranker.score(pairs))
        return codes, [np.fromiter(scores, np.float32, len(row)) if len(row) > 1 else np.zeros(len(row), np.float32) for row in codes]

    def candidate_text(self, leaf: int, hits: Ints) -> str:
        """What the reranker reads of a class: its title, definition and the titles of its entries among the hits."""
        same = hits[(hits >= 0) & (self.labels[hits] == leaf)].tolist()
        titles = [self.parts.index.entries[e].title for e in dict.fromkeys(same)]
        return candidate_side(self.taxonomy.group(self.taxonomy.leaves[leaf]), [t for t in titles if t][:2])

    def _no_hits(self, n: int) -> tuple[Floats, Ints]:
        shape = (n, self.settings.neighbours)
        return np.zeros(shape, np.float32), np.full(shape, -1, np.int64)

    def _predict(self, job: Job, row: int, scored: Scored, parents: tuple[tuple[str, ...], Doubles]) -> Prediction:
        reason = scored.texts[row].reason
        if reason:
            return Prediction(job.id, "", "", 0, 0.0, "not_codable", True, (), f"not codable: {reason}", self.parts.name)
        p = np.round(scored.probabilities[row], DECIMALS)
        top = tuple(self._candidate(int(c), p) for c in best(p[None], 3)[0])
        grade = grade_of(top[0].probability, self.settings.thresholds)
        level = emitted_level(grade, self.taxonomy.depth, self.settings)
        code, confidence = top[0].code, top[0].probability
        if level < self.taxonomy.depth:
            sums = np.round(parents[1][row], DECIMALS)
            place = int(best(sums[None], 1)[0, 0])
            code, confidence = parents[0][place], float(sums[place])
        review, why = for_review(grade, confidence, self.settings.thresholds), ""
        if review:
            sure = grade != "very_low"
            why = (
                f"{confidence:.0%} is not sure enough to go out untouched"
                if sure
                else f"no unit group is likelier than {top[0].probability:.0%}"
            )
        near = min(round(float(scored.cosines[row].max()), DECIMALS), 1.0)
        return Prediction(
            job.id, code, self.taxonomy.group(code).title, level, confidence, grade, review, top, why, self.parts.name, near
        )  # fmt: skip

    def _candidate(self, leaf: int, p: Doubles) -> Candidate:
        code = self.taxonomy.leaves[leaf]
        return Candidate(code, self.taxonomy.group(code).title, float(p[leaf]))
