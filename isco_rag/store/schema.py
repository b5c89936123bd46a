"""The tables. Times are ISO 8601 text in UTC, which sorts; compound values are JSON text; both read the same in SQLite and PostgreSQL."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)  # fmt: skip

CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=CONVENTION)

# SQLite numbers rows by itself only where the key is INTEGER.
Number = BigInteger().with_variant(Integer, "sqlite")
AT = String(24)

users = Table(
    "users", metadata,
    Column("id", Number, primary_key=True),
    Column("name", String(80), nullable=False, unique=True),
    Column("role", String(20), nullable=False),
    Column("password", Text, nullable=False),
    Column("disabled", Boolean, nullable=False, default=False),
    Column("created", AT, nullable=False),
    Column("seen", AT, nullable=False, default=""),
    CheckConstraint("role IN ('viewer', 'coder', 'reviewer', 'administrator')", name="role"),
)  # fmt: skip

sessions = Table(
    "sessions", metadata,
    Column("token", String(64), primary_key=True),
    Column("user_id", Number, ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("csrf", String(64), nullable=False),
    Column("created", AT, nullable=False),
    Column("expires", AT, nullable=False),
)  # fmt: skip

keys = Table(
    "keys", metadata,
    Column("id", Number, primary_key=True),
    Column("name", String(80), nullable=False),
    Column("hint", String(12), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Column("user_id", Number, ForeignKey("users.id"), nullable=False, index=True),
    Column("scopes", Text, nullable=False),
    Column("per_minute", Integer, nullable=False),
    Column("created", AT, nullable=False),
    Column("expires", AT, nullable=False),
    Column("used", AT, nullable=False, default=""),
    Column("revoked", AT, nullable=False, default=""),
)  # fmt: skip

settings = Table(
    "settings", metadata,
    Column("name", String(60), primary_key=True),
    Column("value", Text, nullable=False),
)  # fmt: skip

jobs = Table(
    "jobs", metadata,
    Column("id", String(32), primary_key=True),
    Column("name", Text, nullable=False),
    Column("owner", String(80), nullable=False, index=True),
    Column("state", String(12), nullable=False),
    Column("format", String(8), nullable=False),
    Column("form", Text, nullable=False),
    Column("columns", Text, nullable=False, default="{}"),
    Column("fill", Text, nullable=False, default="[]"),
    Column("priority", Integer, nullable=False, default=0),
    Column("rows", Integer, nullable=False),
    Column("done", Integer, nullable=False, default=0),
    Column("summary", Text, nullable=False, default="{}"),
    Column("bundle", Text, nullable=False, default=""),
    Column("error", Text, nullable=False, default=""),
    Column("attempts", Integer, nullable=False, default=0),
    Column("not_before", AT, nullable=False, default=""),
    Column("worker", String(80), nullable=False, default=""),
    Column("lease", AT, nullable=False, default=""),
    Column("created", AT, nullable=False),
    Column("started", AT, nullable=False, default=""),
    Column("finished", AT, nullable=False, default=""),
    Column("expires", AT, nullable=False),
    CheckConstraint("state IN ('uploaded', 'queued', 'running', 'done', 'failed', 'cancelled')", name="state"),
    Index(None, "state", "priority"),
)  # fmt: skip

# What was uploaded, in pieces that a connection can carry; what came out, one row for each finished chunk.
uploads = Table(
    "uploads", metadata,
    Column("job_id", String(32), ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)  # fmt: skip

chunks = Table(
    "chunks", metadata,
    Column("job_id", String(32), ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("rows", Integer, nullable=False),
    Column("predictions", LargeBinary, nullable=False),
)  # fmt: skip

predictions = Table(
    "predictions", metadata,
    Column("id", Number, primary_key=True),
    Column("created", AT, nullable=False, index=True),
    Column("owner", String(80), nullable=False),
    Column("source", String(12), nullable=False),
    Column("job_id", String(32), ForeignKey("jobs.id", ondelete="SET NULL"), index=True),
    Column("row", Integer, nullable=False, default=0),
    Column("job", Text, nullable=False),
    Column("text_key", String(32), nullable=False, index=True),
    Column("code", String(40), nullable=False, index=True),
    Column("confidence", Float, nullable=False),
    Column("grade", String(12), nullable=False),
    Column("prediction", Text, nullable=False),
    Column("bundle", Text, nullable=False),
    UniqueConstraint("job_id", "row"),
)  # fmt: skip

reviews = Table(
    "reviews", metadata,
    Column("id", Number, primary_key=True),
    Column("prediction_id", Number, ForeignKey("predictions.id"), nullable=False, unique=True),
    Column("created", AT, nullable=False),
    Column("state", String(12), nullable=False),
    Column("why", Text, nullable=False),
    Column("score", Float, nullable=False),
    Column("weight", Float, nullable=False, default=1.0),
    # Which design drew the record ("" where somebody or a rule chose it), and the frame that it was drawn from.
    Column("design", String(12), nullable=False, default="", server_default=""),
    Column("frame_id", Number, index=True),
    Column("coders", Integer, nullable=False, default=1),
    Column("assigned", String(80), nullable=False, default=""),
    Column("flagged", Boolean, nullable=False, default=False),
    Column("final_code", String(40), nullable=False, default=""),
    Column("final_reason", Text, nullable=False, default=""),
    Column("closed", AT, nullable=False, default=""),
    Column("closed_by", String(80), nullable=False, default=""),
    Column("same_as", Number, ForeignKey("reviews.id")),
    CheckConstraint("state IN ('open', 'dispute', 'done')", name="state"),
    Index(None, "state", "score"),
    Index(None, "state", "created"),
)  # fmt: skip

# What people said, in the order they said it; nothing is taken away, an undone decision gets the time of its undoing.
decisions = Table(
    "decisions", metadata,
    Column("id", Number, primary_key=True),
    Column("review_id", Number, ForeignKey("reviews.id"), nullable=False, index=True),
    Column("at", AT, nullable=False),
    Column("by", String(80), nullable=False, index=True),
    Column("kind", String(12), nullable=False),
    Column("code", String(40), nullable=False, default=""),
    Column("reason", Text, nullable=False, default=""),
    Column("comment", Text, nullable=False, default=""),
    Column("milliseconds", Integer, nullable=False, default=0),
    Column("undone", AT, nullable=False, default=""),
    CheckConstraint("kind IN ('code', 'not_codable', 'skip', 'flag', 'comment')", name="kind"),
    Index("uq_decisions_standing", "review_id", "by", unique=True,
          sqlite_where=text("undone = '' AND kind IN ('code', 'not_codable')"),
          postgresql_where=text("undone = '' AND kind IN ('code', 'not_codable')")),
)  # fmt: skip

# Files of corrections: what a killed import goes on from (`done` rows are in), what came of it, and its rows that need a look.
imports = Table(
    "imports", metadata,
    Column("id", Number, primary_key=True),
    Column("digest", String(64), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("by", String(80), nullable=False),
    Column("state", String(12), nullable=False),
    Column("rows", Integer, nullable=False),
    Column("done", Integer, nullable=False, default=0),
    Column("counts", Text, nullable=False, default="{}"),
    Column("report", Text, nullable=False, default=""),
    Column("created", AT, nullable=False),
    Column("finished", AT, nullable=False, default=""),
    CheckConstraint("state IN ('running', 'done')", name="state"),
)  # fmt: skip

corrections = Table(
    "corrections", metadata,
    Column("id", Number, primary_key=True),
    Column("at", AT, nullable=False),
    Column("by", String(80), nullable=False),
    Column("source", String(12), nullable=False),
    Column("title", Text, nullable=False),
    Column("duties", Text, nullable=False),
    Column("industry", Text, nullable=False),
    Column("language", String(12), nullable=False),
    Column("text_key", String(32), nullable=False, index=True),
    Column("code", String(40), nullable=False, index=True),
    Column("reason", Text, nullable=False, default=""),
    Column("review_id", Number, ForeignKey("reviews.id")),
    Column("answered", Text, nullable=False, default=""),
    Column("bundle", Text, nullable=False, default=""),
    Column("state", String(12), nullable=False),
    Column("held", Text, nullable=False, server_default=""),
    Column("import_id", Number, ForeignKey("imports.id"), index=True),
    CheckConstraint("state IN ('active', 'disputed', 'held', 'reverted')", name="state"),
    Index("uq_corrections_standing", "text_key", "code", unique=True,
          sqlite_where=text("state <> 'reverted'"), postgresql_where=text("state <> 'reverted'")),
)  # fmt: skip

# Every change of what the index must hold, numbered in the order of commit: a replica that has seen all up to n asks for those after n.
changes = Table(
    "changes", metadata,
    Column("id", Number, primary_key=True, autoincrement=False),
    Column("at", AT, nullable=False),
    Column("correction_id", Number, ForeignKey("corrections.id"), nullable=False, index=True),
    Column("state", String(12), nullable=False),
)  # fmt: skip

# What contradicts itself, for experts to look at; `key` says what it is about, so that nothing is raised twice, closed or not.
flags = Table(
    "flags", metadata,
    Column("id", Number, primary_key=True),
    Column("created", AT, nullable=False),
    Column("kind", String(12), nullable=False),
    Column("key", String(200), nullable=False, unique=True),
    Column("why", Text, nullable=False),
    Column("code", String(40), nullable=False, default=""),
    Column("about", Text, nullable=False),
    Column("weight", Float, nullable=False),
    Column("state", String(12), nullable=False),
    Column("closed", AT, nullable=False, default=""),
    Column("closed_by", String(80), nullable=False, default=""),
    Column("reason", Text, nullable=False, default=""),
    CheckConstraint("state IN ('open', 'closed')", name="state"),
    CheckConstraint("kind IN ('twins', 'voices', 'neighbours', 'drift')", name="kind"),
    Index(None, "state", "weight"),
)  # fmt: skip

audit = Table(
    "audit", metadata,
    Column("id", Number, primary_key=True, autoincrement=False),
    Column("at", AT, nullable=False),
    Column("who", String(120), nullable=False),
    Column("action", String(40), nullable=False),
    Column("subject", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)  # fmt: skip

# One row: the last number and hash of the trail and the last number of `changes`. Whoever adds to either locks this row first, so that
# numbers are given in the order of commit, in PostgreSQL too.
heads = Table(
    "heads", metadata,
    Column("id", Integer, primary_key=True),
    Column("audit_id", BigInteger, nullable=False),
    Column("audit_hash", String(64), nullable=False),
    Column("change_id", BigInteger, nullable=False),
)  # fmt: skip

# What was there to draw from: the rows of one band that went out untouched in one file (or among predictions kept one by one, up to
# number `upto`), how many were drawn into the queue, with which probability each.
frames = Table(
    "frames", metadata,
    Column("id", Number, primary_key=True),
    Column("at", AT, nullable=False, index=True),
    Column("job_id", String(32), nullable=False, default="", index=True),
    Column("upto", Number, nullable=False, default=0),
    Column("bundle", Text, nullable=False),
    Column("band", Integer, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("drawn", Integer, nullable=False),
    Column("probability", Float, nullable=False),
)  # fmt: skip

# What was answered, counted: on a day, by a bundle, for files or requests; `total` sums what belongs to the kind (see store/tallies.py).
tallies = Table(
    "tallies", metadata,
    Column("day", String(10), primary_key=True),
    Column("bundle", String(200), primary_key=True),
    Column("source", String(12), primary_key=True),
    Column("kind", String(12), primary_key=True),
    Column("value", String(40), primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("total", Float, nullable=False),
)  # fmt: skip

# Sums of unit vectors of texts drawn at random from a file; `rows` is how many rows they stand for.
centroids = Table(
    "centroids", metadata,
    Column("id", Number, primary_key=True),
    Column("day", String(10), nullable=False, index=True),
    Column("bundle", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("count", Integer, nullable=False),
    Column("vector", LargeBinary, nullable=False),
)  # fmt: skip

# A bundle measured on shipped gold when it first answered here; `key` is the hash of its manifest and how it was set up.
evaluations = Table(
    "evaluations", metadata,
    Column("key", String(64), primary_key=True),
    Column("bundle", Text, nullable=False),
    Column("suite", String(80), nullable=False),
    Column("state", String(12), nullable=False),
    Column("started", AT, nullable=False),
    Column("lease", AT, nullable=False),
    Column("finished", AT, nullable=False, default=""),
    Column("figures", Text, nullable=False, default="[]"),
    Column("promised", Text, nullable=False, default="[]"),
    CheckConstraint("state IN ('running', 'done')", name="state"),
)  # fmt: skip

# Bundles that were made here, by name; the folder of each lies in `models` of the state folder.
models = Table(
    "models", metadata,
    Column("name", String(80), primary_key=True),
    Column("hash", String(64), nullable=False),
    Column("parent", String(80), nullable=False),
    Column("parent_hash", String(64), nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("corrections", Integer, nullable=False),
    Column("data_hash", String(64), nullable=False),
    Column("created", AT, nullable=False),
    Column("by", String(120), nullable=False),
)  # fmt: skip

verdicts = Table(
    "verdicts", metadata,
    Column("id", Number, primary_key=True),
    Column("at", AT, nullable=False),
    Column("by", String(120), nullable=False),
    Column("champion", String(80), nullable=False),
    Column("champion_hash", String(64), nullable=False),
    Column("challenger", String(80), nullable=False, index=True),
    Column("challenger_hash", String(64), nullable=False),
    Column("passed", Boolean, nullable=False),
    Column("words", Text, nullable=False),
    Column("detail", Text, nullable=False),
)  # fmt: skip

# Who answered from when on; the last row is the champion. `kind` base is the bundle that answered before anything was promoted.
champions = Table(
    "champions", metadata,
    Column("id", Number, primary_key=True, autoincrement=False),
    Column("at", AT, nullable=False),
    Column("by", String(120), nullable=False),
    Column("name", String(80), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("kind", String(12), nullable=False),
    Column("reason", Text, nullable=False),
    Column("verdict_id", Number, ForeignKey("verdicts.id")),
    CheckConstraint("kind IN ('base', 'promoted', 'forced', 'rollback')", name="kind"),
)  # fmt: skip

# Retrainings by schedule: up to which correction, who is at it until when, and what came of it (store/retrainings.py).
retrainings = Table(
    "retrainings", metadata,
    Column("id", Number, primary_key=True),
    Column("at", AT, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("corrections", Integer, nullable=False),
    Column("parent", String(80), nullable=False),
    Column("model", String(80), nullable=False),
    Column("state", String(12), nullable=False),
    Column("worker", String(80), nullable=False),
    Column("lease", AT, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("said", Text, nullable=False),
    Column("finished", AT, nullable=False),
    CheckConstraint("state IN ('running', 'waiting', 'done', 'failed')", name="state"),
)  # fmt: skip
