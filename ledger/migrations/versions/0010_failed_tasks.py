"""What failed, by cause and by how long it has waited: read without looking at all who are done."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0007"
branch_labels = None
depends_on = None

_FAILED = sa.text("state = 'failed'")


def upgrade() -> None:
    columns = ["lane", "kind", "since", "customer_id"]
    op.create_index("ix_tasks_failed", "tasks", columns, unique=False, sqlite_where=_FAILED, postgresql_where=_FAILED)


def downgrade() -> None:
    op.drop_index("ix_tasks_failed", table_name="tasks")
