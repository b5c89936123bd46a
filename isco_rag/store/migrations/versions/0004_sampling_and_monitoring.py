"""What is drawn for review, what is counted, and how a bundle did when it first answered"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("reviews", sa.Column("design", sa.String(length=12), server_default="", nullable=False))
    op.add_column("reviews", sa.Column("frame_id", NUMBER, nullable=True))
    op.create_index(op.f("ix_reviews_frame_id"), "reviews", ["frame_id"])
    op.create_table(
        "frames",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("at", sa.String(length=24), nullable=False),
        sa.Column("job_id", sa.String(length=32), nullable=False),
        sa.Column("upto", NUMBER, nullable=False),
        sa.Column("bundle", sa.Text(), nullable=False),
        sa.Column("band", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("drawn", sa.Integer(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_frames")),
    )
    op.create_index(op.f("ix_frames_at"), "frames", ["at"])
    op.create_index(op.f("ix_frames_job_id"), "frames", ["job_id"])
    op.create_table(
        "tallies",
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("bundle", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("value", sa.String(length=40), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("day", "bundle", "source", "kind", "value", name=op.f("pk_tallies")),
    )
    op.create_table(
        "centroids",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("bundle", sa.Text(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_centroids")),
    )
    op.create_index(op.f("ix_centroids_day"), "centroids", ["day"])
    op.create_table(
        "evaluations",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("bundle", sa.Text(), nullable=False),
        sa.Column("suite", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("started", sa.String(length=24), nullable=False),
        sa.Column("lease", sa.String(length=24), nullable=False),
        sa.Column("finished", sa.String(length=24), nullable=False),
        sa.Column("figures", sa.Text(), nullable=False),
        sa.Column("promised", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('running', 'done')", name=op.f("ck_evaluations_state")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_evaluations")),
    )


def downgrade() -> None:
    raise NotImplementedError("there is no older form; restore a backup")
