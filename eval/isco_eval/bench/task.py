"""What a worker is given and what it hands back, as JSON files: every system gets the very same."""

from msgspec import Struct

from isco_rag.types import Entry, Job


class Rows(Struct, frozen=True):
    """A gold file's rows."""

    name: str
    jobs: tuple[Job, ...]
    codes: tuple[str, ...]


class Task(Struct, frozen=True):
    """Titles with their codes to look up in (of the shipped index, then others), and rows to code."""

    entries: tuple[Entry, ...]
    published: tuple[Entry, ...]
    golds: tuple[Rows, ...]
    threads: int


class Answer(Struct, frozen=True):
    """The three likeliest codes of a row, likeliest first, and what the system takes for the confidence of the first, 0 to 1."""

    codes: tuple[str, ...]
    confidence: float


class Result(Struct, frozen=True):
    """What came of a system: seconds to get ready, seconds by the clock and of the processors and answers for each gold file, peak memory in MB."""

    ready: float
    seconds: dict[str, float]
    processor_seconds: dict[str, float]
    answers: dict[str, tuple[Answer, ...]]
    megabytes: float


class Figures(Struct, frozen=True):
    """Speed of the project alone, with how many rows each figure comes from."""

    titles_a_minute: float
    titles: int
    records_a_minute: float
    records: int
    median_ms: float
    p99_ms: float
    singles: int
