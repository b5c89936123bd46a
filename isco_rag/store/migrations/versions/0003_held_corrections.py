"""Corrections that are held, files of corrections, flags"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STANDING = sa.text("state <> 'reverted'")


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "imports",
        sa.Column("id", number, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("created", sa.String(length=24), nullable=False),
        sa.Column("finished", sa.String(length=24), nullable=False),
        sa.CheckConstraint("state IN ('running', 'done')", name=op.f("ck_imports_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
    )
    op.create_index(op.f("ix_imports_digest"), "imports", ["digest"])
    op.create_table(
        "flags",
        sa.Column("id", number, nullable=False),
        sa.Column("created", sa.String(length=24), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("closed", sa.String(length=24), nullable=False),
        sa.Column("closed_by", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('open', 'closed')", name=op.f("ck_flags_state")),
        sa.CheckConstraint("kind IN ('twins', 'voices', 'neighbours', 'drift')", name=op.f("ck_flags_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flags")),
        sa.UniqueConstraint("key", name=op.f("uq_flags_key")),
    )
    op.create_index(op.f("ix_flags_state_weight"), "flags", ["state", "weight"])
    # The table is copied where the database can't change a constraint; its partial index is made anew around that.
    op.drop_index(op.f("uq_corrections_standing"), "corrections")
    with op.batch_alter_table("corrections") as table:
        table.add_column(sa.Column("held", sa.Text(), nullable=False, server_default=""))
        table.add_column(sa.Column("import_id", number, nullable=True))
        table.create_foreign_key(op.f("fk_corrections_import_id"), "imports", ["import_id"], ["id"])
        table.drop_constraint(op.f("ck_corrections_state"), type_="check")
        table.create_check_constraint(op.f("ck_corrections_state"), "state IN ('active', 'disputed', 'held', 'reverted')")
    op.create_index(op.f("ix_corrections_import_id"), "corrections", ["import_id"])
    op.create_index(
        op.f("uq_corrections_standing"), "corrections", ["text_key", "code"], unique=True, sqlite_where=STANDING, postgresql_where=STANDING
    )  # fmt: skip
