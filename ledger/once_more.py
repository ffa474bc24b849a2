"""Tasks that have arrived and are only checked once more: after an answer that was lost, the member stands there.

The task stays pending until no older write can come any more (``outcome.LATE``), and is then sent once more, whole. A
change that comes meanwhile makes it one that waits, like any other: then it is due before that moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, select

from ledger import tables as t
from ledger.outcome import LATE, ONCE_MORE


@dataclass(frozen=True, slots=True)
class Checked:
    """How many tasks of a lane have arrived and are checked once more, and when the last of them is."""

    count: int = 0
    at: datetime | None = None


def is_checked() -> ColumnElement[bool]:
    """Whether a task has arrived and is only checked once more."""
    tasks = t.tasks.c
    waits = tasks.state.in_(("pending", "running"))
    return and_(waits, tasks.kind == ONCE_MORE, tasks.due_at == tasks.unsure_until)


def checked_at(task: Mapping[str, Any]) -> datetime | None:
    """When this task, a row of ``tasks``, is checked once more; None where it is not one that has arrived so."""
    if task["kind"] != ONCE_MORE or task["state"] not in ("pending", "running"):
        return None
    at: datetime | None = task["unsure_until"]
    return at if at == task["due_at"] else None


def in_lane(c: Connection, lane: str, now: datetime) -> Checked:
    """Those of this lane that are due within ``LATE``: no other can be, and the index of what is due finds them."""
    due = t.tasks.c.due_at
    here = (t.tasks.c.lane == lane, t.tasks.c.state == "pending", t.tasks.c.held.is_(False))
    query = select(func.count().label("n"), func.max(due).label("at"))
    row = c.execute(query.where(*here, due > now, due <= now + LATE, is_checked())).one()
    return Checked(row.n, row.at)
