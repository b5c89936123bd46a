"""Retrainings by schedule"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "retrainings",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.String(length=24), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("corrections", sa.Integer(), nullable=False),
        sa.Column("parent", sa.String(length=80), nullable=False),
        sa.Column("model", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("worker", sa.String(length=80), nullable=False),
        sa.Column("lease", sa.String(length=24), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("finished", sa.String(length=24), nullable=False),
        sa.CheckConstraint("state IN ('running', 'waiting', 'done', 'failed')", name=op.f("ck_retrainings_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retrainings")),
    )


def downgrade() -> None:
    raise NotImplementedError("there is no older form; restore a backup")
