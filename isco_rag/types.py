"""The records that flow through the coder, as frozen msgspec Structs: they go to JSON and come from it as they are."""

from typing import Literal

from msgspec import Struct, field

Grade = Literal["very_high", "high", "medium", "low", "very_low", "not_codable"]
FIELDS = ("title", "duties", "industry")


class Job(Struct, frozen=True, forbid_unknown_fields=True):
    """A job as somebody described it; any field may be empty. `language` is two letters, or empty where the coder is to find out."""

    title: str = ""
    duties: str = ""
    industry: str = ""
    id: str = ""
    language: str = ""


class Entry(Struct, frozen=True):
    """One coded text of the index: an example, a task, a title or a definition of a group."""

    id: str
    code: str
    title: str
    duties: str = ""
    source: str = "written"


class Hit(Struct, frozen=True):
    """An entry that was found, and how near it is: 1 is the same text, 0 has nothing in common."""

    entry: Entry
    score: float


class Candidate(Struct, frozen=True):
    """A unit group that the record may belong to, with its calibrated probability."""

    code: str
    title: str
    probability: float


class Prediction(Struct, frozen=True):
    """The answer for one job.

    `code` is what is emitted: a unit group, or a shorter code where the unit group is not sure enough, or empty if the record is not
    codable. `confidence` is the probability of that very code. `top` holds the three most probable unit groups. `near` is the cosine of
    the index entry nearest to any text of the job.
    """

    id: str
    code: str
    title: str
    level: int
    confidence: float
    grade: Grade
    review: bool
    top: tuple[Candidate, ...]
    reason: str
    bundle: str
    near: float = 0.0


class Contrast(Struct, frozen=True):
    """Where the classification itself draws the line between two groups."""

    code: str
    text: str


class Evidence(Struct, frozen=True):
    """What stands behind one code: its definition, its tasks and the nearest coded examples."""

    code: str
    title: str
    probability: float
    definition: str
    tasks: tuple[str, ...]
    nearest: tuple[Hit, ...]


class Explanation(Struct, frozen=True):
    """Why a prediction came out: evidence for each of the top codes, and what speaks for the first against the second.

    `likely` are the codes of which one is right in nine cases of ten; empty where the calibration in use has no such sets.
    """

    prediction: Prediction
    evidence: tuple[Evidence, ...]
    why_not: tuple[str, ...]
    likely: tuple[str, ...] = ()


class Metric(Struct, frozen=True):
    """A measured share with the interval it is known within; never a number alone."""

    name: str
    value: float
    low: float
    high: float
    n: int


class Manifest(Struct, frozen=True):
    """What a bundle is: its name, its parts with their hashes, what it was trained on and the figures it reached."""

    format: int
    name: str
    created: str
    classification: str
    files: dict[str, str]
    parent: str = ""
    recipe: dict[str, object] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    figures: tuple[Metric, ...] = ()
    # For a bundle that learned corrections: the hash of the parent's manifest, the correction that its data end at, and how many it learned.
    parent_hash: str = ""
    until: int = 0
    corrections: int = 0
