"""Until when a write that nobody waits for any more may still reach the far side."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tasks", sa.Column("unsure_until", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("tasks", "unsure_until")
