"""The oldest open record is found without reading the queue"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_reviews_state_created"), "reviews", ["state", "created"])


def downgrade() -> None:
    raise NotImplementedError("there is no older form; restore a backup")
