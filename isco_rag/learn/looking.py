"""The plan and the monitoring report of an installation, from what its store holds."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from msgspec import Struct

from isco_rag.errors import UsageError
from isco_rag.learn import monitor
from isco_rag.learn.estimate import Untouched
from isco_rag.learn.monitor import DayFigures, Finding, Limits, Window
from isco_rag.learn.plan import Challenge, plan
from isco_rag.learn.sampling import band_name
from isco_rag.store import evaluations, frames, quality, tallies
from isco_rag.store.database import Store
from isco_rag.store.evaluations import Evaluation
from isco_rag.store.settings import Running, current
from isco_rag.taxonomy import Taxonomy

# What a window is compared with where the settings name no days: all that came before it, up to so long.
REFERENCE_DAYS = 365


class Report(Struct, frozen=True):
    """What is watched: the days looked at and those they are compared with, with their rows and bundles, the findings, and figures by day."""

    since: str
    until: str
    rows: int
    bundles: tuple[str, ...]
    reference_since: str
    reference_until: str
    reference_rows: int
    reference_bundles: tuple[str, ...]
    findings: tuple[Finding, ...]
    days: tuple[DayFigures, ...]

    @property
    def alerts(self) -> list[Finding]:
        """The findings that are alerts."""
        return [one for one in self.findings if one.state == "alert"]


def day_since(text: str, today: date | None = None) -> str:
    """The day that a text names: a date, or a number of days or weeks back; UsageError where it is neither.

    >>> day_since("30d", date(2026, 1, 31)), day_since("2w", date(2026, 1, 31)), day_since("2026-01-05")
    ('2026-01-02', '2026-01-18', '2026-01-05')
    """
    today = today or datetime.now(UTC).date()
    if text[:-1].isdecimal() and text[-1:] in ("d", "w"):
        days = int(text[:-1]) * (7 if text[-1] == "w" else 1)
        # The day itself is one of them.
        return (today - timedelta(days=max(min(days, 36_500) - 1, 0))).isoformat()
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise UsageError(f"'{text}' is no time; say 30d, 4w or a date such as 2026-01-31") from None


def plan_of(store: Store, taxonomy: Taxonomy, entries: Mapping[str, int], since: str = "", limit: int = 50) -> tuple[Challenge, ...]:
    """What to learn next, from what was reviewed and coded since a day; `entries` counts the index's entries of each code."""
    with store.read() as db:
        return plan(taxonomy, quality.reviewed(db, taxonomy, since), tallies.coded_by(db, since), entries, limit)


def untouched_of(store: Store, taxonomy: Taxonomy, since: str = "") -> Untouched:
    """The error of what went out untouched since a day."""
    with store.read() as db:
        return frames.untouched(db, taxonomy, since)


def limits_of(running: Running) -> Limits:
    """The limits that the settings hold."""
    return Limits(
        running.alert_rows, running.alert_psi, running.alert_automation, running.alert_far, running.alert_centroid,
        running.alert_calibration, running.alert_error,
    )  # fmt: skip


def report_of(store: Store, taxonomy: Taxonomy, since: str, bundle: str = "") -> Report:
    """What is watched since a day, beside the reference. `bundle` is the one that answers: it counts although it may have coded nothing yet."""
    tomorrow = (datetime.now(UTC).date() + timedelta(days=1)).isoformat()
    with store.read() as db:
        running = current(db)
        limits, (first, until) = limits_of(running), _reference(running, since)
        now, before, days = tallies.window(db, since, tomorrow), tallies.window(db, first, until), tallies.days(db, since, tomorrow)
        error = frames.untouched(db, taxonomy, since).error
        grades = quality.by_grade(quality.reviewed(db, taxonomy, since))
        measured = [one for one in evaluations.listed(db) if one.finished and one.bundle in now.bundles | {bundle}]
    findings = [
        *_drifted(taxonomy, before, now, limits),
        monitor.erring(error, limits),
        *(monitor.calibrated(one.grade, one.confidence, one.right, limits) for one in grades if one.grade != "not_codable"),
        *_promised(measured),
    ]
    return Report(
        since, tomorrow, now.rows, tuple(sorted(now.bundles)), first, until, before.rows, tuple(sorted(before.bundles)), tuple(findings),
        monitor.by_day(days),
    )  # fmt: skip


def _reference(running: Running, since: str) -> tuple[str, str]:
    """The first day of the reference, and what comes right after its last."""
    if running.reference_from:
        # Days are texts that sort: the day after the last one is the first text above it.
        return running.reference_from, f"{running.reference_until}~" if running.reference_until else since
    first = date.fromisoformat(since)
    return (first - min(timedelta(days=REFERENCE_DAYS), first - date.min)).isoformat(), since


def _drifted(taxonomy: Taxonomy, before: Window, now: Window, limits: Limits) -> list[Finding]:
    """Automation, codes, confidence, texts with no near example, centre of the texts."""
    automatic = [(w.rows - w.of("row").get("review", 0), w.rows) for w in (before, now)]
    far = [(w.of("row").get("far", 0), _coded(w)) for w in (before, now)]
    return [
        monitor.rise("automation", "need no person", automatic[0], automatic[1], limits.automation, limits.rows, sign=-1),
        monitor.shift("codes, top level", _top(taxonomy, before), _top(taxonomy, now), limits),
        monitor.shift("codes as they went out", before.of("code"), now.of("code"), limits),
        monitor.shift("confidence", _bands(before), _bands(now), limits),
        monitor.rise("no near example", "have no near example", far[0], far[1], limits.far, limits.rows),
        monitor.drift(before.centres, now.centres, limits),
    ]


def _coded(window: Window) -> int:
    return window.rows - window.of("grade").get("not_codable", 0)


def _bands(window: Window) -> dict[str, int]:
    return {band_name(int(band)): n for band, n in window.of("band").items()}


def _top(taxonomy: Taxonomy, window: Window) -> dict[str, int]:
    found: Counter[str] = Counter()
    for code, n in window.of("code").items():
        found[taxonomy.path(code)[0].code if code in taxonomy else ""] += n
    return dict(found)


def _promised(measured: Sequence[Evaluation]) -> list[Finding]:
    """What bundles reached here beside what their manifests say; of a bundle that was measured again, the last time."""
    last = {one.bundle: one for one in reversed(measured)}
    return [
        monitor.promised(one.bundle, metric, said)
        for one in last.values()
        for metric in one.figures
        for said in one.promised
        if said.name == metric.name
    ]
