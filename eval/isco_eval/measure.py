"""Gold files coded and measured: one row per record in DuckDB, every table a query that a person can read."""

from collections.abc import Sequence
from importlib.resources import files
from math import sqrt
from time import perf_counter

import duckdb
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from isco_eval.gold import Gold
from isco_rag.calibrate import expected_calibration_error
from isco_rag.classify import CHUNK, Classifier
from isco_rag.types import Metric, Prediction

COLUMNS = (
    "gold VARCHAR, row INTEGER, code VARCHAR, gold_level INTEGER, best VARCHAR, rank INTEGER, matched INTEGER, depth INTEGER, "
    "emitted VARCHAR, level INTEGER, emitted_right BOOLEAN, confidence DOUBLE, grade VARCHAR, review BOOLEAN, milliseconds DOUBLE"
)


class Report(Struct):
    """What came of gold files: metrics by file, accuracy by level, what each grade is worth."""

    metrics: dict[str, list[Metric]]
    levels: dict[str, dict[int, Metric]]
    grades: list[tuple[str, float, Metric]]
    rows_per_minute: dict[str, float]


def wilson(hits: int, n: int, name: str) -> Metric:
    """A share with its 95 % interval after Wilson (1927).

    >>> m = wilson(8, 10, "accuracy"); (m.value, round(m.low, 3), round(m.high, 3))
    (0.8, 0.49, 0.943)
    """
    if not n:
        return Metric(name, 0.0, 0.0, 1.0, 0)
    z, p = 1.959964, hits / n
    centre, half = p + z * z / (2 * n), z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return Metric(name, p, (centre - half) / (1 + z * z / n), (centre + half) / (1 + z * z / n), n)


def calibration_error(pairs: NDArray[np.float64], resamples: int = 500) -> Metric:
    """Expected calibration error of pairs (confidence, right) [n, 2] with a bootstrap interval of 95 %."""
    rng = np.random.default_rng(0)
    draws = [pairs[rng.integers(0, len(pairs), len(pairs))] for _ in range(resamples)] if len(pairs) else []
    found = [expected_calibration_error(d[:, 0], d[:, 1] > 0) for d in draws] or [0.0, 1.0]
    value = expected_calibration_error(pairs[:, 0], pairs[:, 1] > 0)
    return Metric("ECE of the emitted code", value, float(np.quantile(found, 0.025)), float(np.quantile(found, 0.975)), len(pairs))


def code_gold(classifier: Classifier, golds: Sequence[Gold]) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection with the table `coded`, one row per gold row."""
    connection = duckdb.connect()
    connection.execute(f"CREATE TABLE coded ({COLUMNS})")
    for gold in golds:
        for start in range(0, len(gold.jobs), CHUNK):
            jobs = gold.jobs[start : start + CHUNK]
            began = perf_counter()
            predictions = classifier.classify(jobs)
            each = 1000 * (perf_counter() - began) / len(jobs)
            rows = [_row(classifier, gold, start + i, p, each) for i, p in enumerate(predictions)]
            connection.executemany(f"INSERT INTO coded VALUES ({', '.join('?' * 15)})", rows)
    return connection


def _row(classifier: Classifier, gold: Gold, number: int, p: Prediction, milliseconds: float) -> tuple[object, ...]:
    taxonomy, code = classifier.taxonomy, gold.codes[number]
    level = taxonomy.group(code).level
    ranks = [i for i, c in enumerate(p.top, 1) if taxonomy.ancestor(c.code, level) == code]
    best = p.top[0].code if p.top else ""
    matched = 0
    if best:
        wanted = [g.code for g in taxonomy.path(code)]
        mine = [g.code for g in taxonomy.path(best)]
        matched = sum(a == b for a, b in zip(wanted, mine, strict=False))
    shared = min(level, p.level)
    right = bool(p.code) and taxonomy.ancestor(p.code, shared) == taxonomy.ancestor(code, shared)
    return (
        gold.name, number, code, level, best, ranks[0] if ranks else 99, matched, taxonomy.depth,
        p.code, p.level, right, p.confidence, p.grade, p.review, milliseconds,
    )  # fmt: skip


def measure(connection: duckdb.DuckDBPyConnection) -> Report:
    """The figures of everything in `coded`."""
    report = Report({}, {}, [], {})
    for gold, n, top1, top3, emitted, full, full_right, full_gold, review, ms in connection.execute(query("accuracy")).fetchall():
        pairs = connection.execute(
            "SELECT confidence, emitted_right FROM coded WHERE gold = ? AND level > 0 ORDER BY row", [gold]
        ).fetchall()
        report.metrics[gold] = [
            wilson(top1, n, "top 1"),
            wilson(top3, n, "top 3"),
            wilson(emitted, n, "emitted right"),
            wilson(full, full_gold, "coded to the unit group"),
            wilson(full_right, full, "right of these"),
            wilson(review, n, "for review"),
            calibration_error(np.array(pairs, dtype=float).reshape(-1, 2)),
        ]
        report.rows_per_minute[gold] = 60_000 / ms
    for gold, level, n, hits in connection.execute(query("levels")).fetchall():
        report.levels.setdefault(gold, {})[level] = wilson(hits, n, f"level {level}")
    for grade, n, mean, hits in connection.execute(query("grades")).fetchall():
        report.grades.append((grade, mean, wilson(hits, n, grade)))
    return report


def query(name: str) -> str:
    """The text of a query in queries/."""
    return files("isco_eval").joinpath("queries", f"{name}.sql").read_text(encoding="utf-8")
