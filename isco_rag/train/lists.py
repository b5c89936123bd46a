"""Lists for the cross-encoder: for a job, the candidates that retrieval would return had it never read the job's occupation."""

import random
from collections.abc import Sequence
from zlib import crc32

import numpy as np

from isco_rag.ngrams import NgramModel
from isco_rag.rerank import candidate_side
from isco_rag.taxonomy import Taxonomy
from isco_rag.train.corpus import Row
from isco_rag.train.crossencoder import JobList, nearest

# Neighbours looked at, and how their closeness counts beside the word model: what the fusion gives to records with a title.
NEIGHBOURS = 96
SHARPNESS = 24.0
FLOOR = 1e-6
WEIGHTS = (0.35, 0.6)


def fold_of(row: Row, folds: int) -> int:
    """The fold of a row's occupation."""
    return crc32(row.occupation.encode()) % folds


def make_lists(
    taxonomy: Taxonomy,
    rows: Sequence[Row],
    vectors: np.ndarray,
    queries: Sequence[int],
    words: Sequence[NgramModel],
    size: int,
    rng: random.Random,
) -> list[JobList]:
    """One list per query row, the right unit group always in it.

    `vectors` [n, d] embed the texts of `rows`; `words[f]` is a word model that did not read fold f. Neighbours of the job's own
    occupation do not count. Of the titles shown beside a candidate some are left out at random, so that the model also reads candidates
    that have no near example.
    """
    number, found = taxonomy.leaf_number, nearest(vectors[list(queries)], vectors, NEIGHBOURS)
    lists = []
    for query, hits in zip(queries, found, strict=True):
        job = rows[query]
        others = [i for i in hits if rows[i].occupation != job.occupation and rows[i].text != job.text]
        close = np.full(len(taxonomy.leaves), FLOOR)
        shown: dict[int, list[str]] = {}
        for i in others:
            leaf = number[rows[i].codes[0]]
            close[leaf] += np.exp(SHARPNESS * (float(vectors[query] @ vectors[i]) - 1.0))
            shown.setdefault(leaf, []).append(rows[i].text)
        said = words[fold_of(job, len(words))].scores([job.text])[0]
        order = np.argsort(-(WEIGHTS[0] * np.log(close) + WEIGHTS[1] * said), kind="stable")[:size].tolist()
        own = number[job.codes[0]]
        # The right one, and the one that was answered instead.
        for needed in (own, number.get(job.wrong, own)):
            if needed not in order:
                order = [*order[: size - 1], needed] if order[-1] != own else [*order[: size - 2], needed, own]
        rng.shuffle(order)
        candidates = tuple(
            candidate_side(taxonomy.group(taxonomy.leaves[leaf]), shown.get(leaf, [])[: rng.choice((0, 1, 2, 2, 2))]) for leaf in order
        )
        lists.append(JobList(job.text, candidates, order.index(own)))
    return lists
