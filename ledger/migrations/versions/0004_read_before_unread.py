"""What is due, with those whose whole customer is known before those who still wait for the read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_PENDING = sa.text("state = 'pending'")
_NEW = sa.text("state = 'pending' AND ref IS NULL")


def upgrade() -> None:
    _index(["lane", "held", "due_at"])


def downgrade() -> None:
    _index(["lane", "due_at"])


def _index(columns: list[str]) -> None:
    for name, which in (("ix_tasks_due", _PENDING), ("ix_tasks_due_new", _NEW)):
        op.drop_index(name, table_name="tasks")
        op.create_index(name, "tasks", columns, unique=False, sqlite_where=which, postgresql_where=which)
