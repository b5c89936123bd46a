"""A bundle measured on the gold that is shipped, once, when it first answers in an installation.

The same rows on the same bundle give the same figures anywhere, so a difference from its manifest means that something else differs: a
setting, a calibration, corrections against the gold, a processor, a damaged file that no hash covers.
"""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic

from isco_rag.classify import Classifier
from isco_rag.interval import wilson
from isco_rag.learn.plan import upheld
from isco_rag.store import evaluations
from isco_rag.store.database import Store
from isco_rag.tables import choose_columns, code_column, read_form, read_rows
from isco_rag.taxonomy import Taxonomy
from isco_rag.types import Job, Manifest, Metric, Prediction

# Rows between which others get their turn.
PIECE = 4
RENEW_SECONDS = evaluations.LEASE_SECONDS / 4
MEASURED = ("top 1", "top 3", "emitted right")


def evaluate_once(
    store: Store, digest: str, manifest: Manifest, classifier: Classifier, gold: Path, pause: Callable[[], bool] = lambda: False
) -> bool:
    """Measures a classifier on a gold file unless that was done before; whether it was done now.

    `digest` is the hash of the bundle's manifest. `pause` is called before each few rows, may wait, and says whether to stop: what was not
    finished is done at another time.
    """
    key, suite = key_of(digest, classifier, gold), gold.stem
    with store.write() as db:
        if not evaluations.claim(db, key, classifier.parts.name, suite):
            return False
    done = False
    try:
        jobs, codes = read_gold(gold)
        answers: list[Prediction] = []
        renewed = monotonic()
        for start in range(0, len(jobs), PIECE):
            if pause():
                break
            if monotonic() - renewed > RENEW_SECONDS:
                with store.write() as db:
                    evaluations.renew(db, key)
                renewed = monotonic()
            answers += classifier.classify(jobs[start : start + PIECE])
        done = len(answers) == len(jobs)
    finally:
        if not done:
            with store.write() as db:
                evaluations.release(db, key)
    if done:
        promised = tuple(figure for name in MEASURED for figure in manifest.figures if figure.name == f"{suite}: {name}")
        with store.write() as db:
            evaluations.finish(db, key, figures_of(classifier.taxonomy, suite, answers, codes), promised)
    return done


def key_of(digest: str, classifier: Classifier, gold: Path) -> str:
    """What an evaluation is known by: the manifest's hash, how the bundle is set up, and the gold."""
    return hashlib.sha256(f"{digest} {classifier.parts.name} {gold.name}".encode()).hexdigest()


def is_measured(store: Store, digest: str, classifier: Classifier, gold: Path) -> bool:
    """Whether a classifier was measured on a gold file already."""
    key = key_of(digest, classifier, gold)
    with store.read() as db:
        return any(one.key == key and one.finished for one in evaluations.listed(db, classifier.parts.name))


def read_gold(path: Path) -> tuple[list[Job], list[str]]:
    """Jobs and codes of a gold file."""
    form = read_form(path)
    columns, code = choose_columns(form, path, {}), code_column(form, path)
    rows = list(read_rows(path, form))
    return [Job(**{field: row[number] for field, number in columns.items()}) for row in rows], [row[code].strip() for row in rows]


def figures_of(taxonomy: Taxonomy, suite: str, answers: Sequence[Prediction], codes: Sequence[str]) -> tuple[Metric, ...]:
    """Shares of all rows: the gold group is the likeliest, is among the likeliest three; what went out is right at its level."""
    right = dict.fromkeys(MEASURED, 0)
    for p, code in zip(answers, codes, strict=True):
        level = taxonomy.group(code).level
        held = [taxonomy.ancestor(c.code, level) == code for c in p.top]
        for name, hit in zip(MEASURED, (any(held[:1]), any(held), upheld(taxonomy, p.code, code)), strict=True):
            right[name] += hit
    return tuple(wilson(hits, len(answers), f"{suite}: {name}") for name, hits in right.items())
