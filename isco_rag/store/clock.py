"""Times as the store keeps them: ISO 8601 in UTC with milliseconds, which sort as text."""

from datetime import UTC, datetime, timedelta


def now() -> str:
    """This moment."""
    return stamp(datetime.now(UTC))


def later(**by: float) -> str:
    """This moment moved by `by`, as timedelta takes it: later(days=30), later(seconds=-5)."""
    return stamp(datetime.now(UTC) + timedelta(**by))


def stamp(moment: datetime) -> str:
    """A moment as text.

    >>> stamp(datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC))
    '2026-01-02T03:04:05.678Z'
    """
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
