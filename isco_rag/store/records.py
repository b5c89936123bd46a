"""The records of the state, as frozen Structs: they go to JSON as they are and hold no secret."""

from typing import Literal

from msgspec import Struct

from isco_rag.types import Job, Prediction

Role = Literal["viewer", "coder", "reviewer", "administrator"]
# Each role may do what those before it may.
ROLES: tuple[Role, ...] = ("viewer", "coder", "reviewer", "administrator")

Scope = Literal["classify", "jobs", "review", "corrections", "quality", "audit", "admin"]
SCOPES: tuple[Scope, ...] = ("classify", "jobs", "review", "corrections", "quality", "audit", "admin")

DecisionKind = Literal["code", "not_codable", "skip", "flag", "comment"]
ReviewState = Literal["open", "dispute", "done"]
JobState = Literal["uploaded", "queued", "running", "done", "failed", "cancelled"]
CorrectionState = Literal["active", "disputed", "held", "reverted"]
ImportState = Literal["running", "done"]
FlagKind = Literal["twins", "voices", "neighbours", "drift"]
FlagState = Literal["open", "closed"]
RetrainingState = Literal["running", "waiting", "done", "failed"]
ChampionKind = Literal["base", "promoted", "forced", "rollback"]


class User(Struct, frozen=True):
    """A person who may log in; `seen` is the last login, empty if never."""

    id: int
    name: str
    role: Role
    disabled: bool
    created: str
    seen: str


class Session(Struct, frozen=True):
    """A login that stands: whose it is, and the token that forms must carry."""

    user: User
    csrf: str
    expires: str


class Key(Struct, frozen=True):
    """A program's key, without its secret; `hint` is how it begins. Empty times: never used, not revoked."""

    id: int
    name: str
    hint: str
    user: str
    role: Role
    scopes: tuple[Scope, ...]
    per_minute: int
    created: str
    expires: str
    used: str
    revoked: str


class Kept(Struct, frozen=True):
    """A prediction that was kept, with the job that it is about."""

    id: int
    created: str
    owner: str
    source: str
    job_id: str | None
    row: int
    job: Job
    prediction: Prediction


class Decision(Struct, frozen=True):
    """What somebody said of a record; `undone` is when it was taken back."""

    id: int
    review_id: int
    at: str
    by: str
    kind: DecisionKind
    code: str
    reason: str
    comment: str
    milliseconds: int
    undone: str


class Review(Struct, frozen=True):
    """A record that a person is to look at, with what was said of it so far (as far as the reader may see it)."""

    id: int
    created: str
    state: ReviewState
    why: str
    score: float
    weight: float
    design: str
    coders: int
    assigned: str
    flagged: bool
    final_code: str
    final_reason: str
    closed: str
    closed_by: str
    same_as: int | None
    record: Kept
    decisions: tuple[Decision, ...] = ()
    identical: int = 0


class Correction(Struct, frozen=True):
    """A text and the code that a person gave it; `answered` is what the model of that time had said, `bundle` which model that was.

    `held` says why it waits for an expert, or waited; `import_id` is the file that it came with.
    """

    id: int
    at: str
    by: str
    source: str
    job: Job
    code: str
    reason: str
    review_id: int | None
    answered: Prediction | None
    bundle: str
    state: CorrectionState
    held: str = ""
    import_id: int | None = None


class Import(Struct, frozen=True):
    """A file of corrections: `done` of its `rows` are in, `counts` tells what became of them."""

    id: int
    name: str
    by: str
    state: ImportState
    rows: int
    done: int
    counts: dict[str, int]
    created: str
    finished: str


class Flag(Struct, frozen=True):
    """Something that contradicts itself: why in a sentence, the code concerned, and what to look at ("correction:3", "entry:x2512-004")."""

    id: int
    created: str
    kind: FlagKind
    why: str
    code: str
    about: tuple[str, ...]
    weight: float
    state: FlagState
    closed: str
    closed_by: str
    reason: str


class Change(Struct, frozen=True):
    """A step of what the index must hold: from number `id` on, the correction is in this state."""

    id: int
    at: str
    state: CorrectionState
    correction: Correction


class Registered(Struct, frozen=True):
    """A bundle that was made here: its parent, the correction that its data end at, how many corrections it learned, and their hash."""

    name: str
    hash: str
    parent: str
    parent_hash: str
    until: int
    corrections: int
    data_hash: str
    created: str
    by: str


class Judged(Struct, frozen=True):
    """What the gate said of a challenger against the champion of that time, in words; `hash` is that of a bundle's manifest."""

    id: int
    at: str
    by: str
    champion: str
    champion_hash: str
    challenger: str
    challenger_hash: str
    passed: bool
    words: tuple[str, ...]


class Champion(Struct, frozen=True):
    """Which bundle answers from `at` on and how it came to; the `reason` of a forced promotion stands here for ever."""

    id: int
    at: str
    by: str
    name: str
    hash: str
    kind: ChampionKind
    reason: str
    verdict: int | None


class JobSummary(Struct, frozen=True):
    """What came of the rows of a file so far."""

    review: int = 0
    grades: dict[str, int] = {}
    levels: dict[str, int] = {}


class FileJob(Struct, frozen=True):
    """A file that is to be coded, is being coded or was; `done` of `rows` are finished and safe."""

    id: str
    name: str
    owner: str
    state: JobState
    format: str
    header: tuple[str, ...]
    columns: dict[str, int]
    fill: tuple[str, ...]
    priority: int
    rows: int
    done: int
    summary: JobSummary
    bundle: str
    error: str
    attempts: int
    created: str
    started: str
    finished: str
    expires: str


class AuditRow(Struct, frozen=True):
    """One row of the trail: who did what to what, from what to what, with which model and why; chained by hashes."""

    id: int
    at: str
    who: str
    action: str
    subject: str
    before: str
    after: str
    model: str
    reason: str
    previous: str
    hash: str


class Retraining(Struct, frozen=True):
    """A retraining by schedule: of which model, on `corrections` new ones up to number `until`, which model it makes, and what came of it.

    `worker` is at it until `lease` and prolongs that; `attempts` counts those begun. `said` tells why it waits or failed, or what the gate said.
    """

    id: int
    at: str
    until: int
    corrections: int
    parent: str
    model: str
    state: RetrainingState
    worker: str
    lease: str
    attempts: int
    said: str
    finished: str
