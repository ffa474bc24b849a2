"""The words by which customers are found, and tasks of one state in the order of their customers, to page through."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "search_words",
        sa.Column("word", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("word", "customer_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_search_words_customer", "search_words", ["customer_id"], unique=False)
    _lane_state(["lane", "state", "customer_id"])


def downgrade() -> None:
    _lane_state(["lane", "state"])
    op.drop_table("search_words")


def _lane_state(columns: list[str]) -> None:
    op.drop_index("ix_tasks_lane_state", table_name="tasks")
    op.create_index("ix_tasks_lane_state", "tasks", columns, unique=False)
