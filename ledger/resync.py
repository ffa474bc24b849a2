"""By hand: make tasks pending again, for one customer, some, those that failed, or all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, bindparam, case, func, literal, select, update

from ledger import tables as t
from ledger.database import Database


class Resync:
    """Makes tasks pending again, a page of customers at a time, so that it never holds the store for long."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count(
        self, *, lanes: Sequence[str], customer_ids: Sequence[int] | None = None, only: Literal["failed", "all"] = "all"
    ) -> int:
        """How many tasks ``page`` would make pending, all pages together."""
        with self._database.reading() as c:
            return c.execute(select(func.count()).where(*_wanted(lanes, customer_ids, only, 0))).scalar() or 0

    def page(
        self,
        *,
        now: datetime,
        lanes: Sequence[str],
        customer_ids: Sequence[int] | None = None,
        only: Literal["failed", "all"] = "all",
        after_id: int = 0,
        limit: int = 500,
    ) -> tuple[int, int | None]:
        """Make the tasks of up to ``limit`` customers pending: how many, and the last customer's id (None: the end).

        Everything is sent again, not only what differs. A running task is carried once more when it settles.
        """
        wanted = _wanted(lanes, customer_ids, only, after_id)
        with self._database.writing() as c:
            ids = list(
                c.execute(
                    select(t.tasks.c.customer_id).where(*wanted).distinct().order_by(t.tasks.c.customer_id).limit(limit)
                ).scalars()
            )
            self._database.lock_customers(c, ids)
            query = select(t.tasks.c.customer_id, t.tasks.c.lane, t.tasks.c.sent)
            rows = list(c.execute(query.where(*wanted, t.tasks.c.customer_id.in_(ids))))
            if rows:
                running = t.tasks.c.state == "running"
                c.execute(
                    update(t.tasks)
                    .where(t.tasks.c.customer_id == bindparam("_id"), t.tasks.c.lane == bindparam("_lane"))
                    .values(
                        wanted=t.tasks.c.wanted + 1,
                        state=case((running, "running"), else_="pending"),
                        due_at=now,
                        held=False,
                        attempt=case((running, t.tasks.c.attempt), else_=0),
                        since=case((t.tasks.c.state == "done", literal(now, t.Instant())), else_=t.tasks.c.since),
                        sent=bindparam("_sent"),
                    ),
                    [
                        {"_id": r.customer_id, "_lane": r.lane, "_sent": dict.fromkeys(r.sent, "") if r.sent else None}
                        for r in rows
                    ],
                )
                self._database.notify(c)
        return len(rows), ids[-1] if ids else None


def _wanted(
    lanes: Sequence[str], customer_ids: Sequence[int] | None, only: Literal["failed", "all"], after_id: int
) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = [t.tasks.c.lane.in_(list(lanes)), t.tasks.c.customer_id > after_id]
    if customer_ids is not None:
        wanted.append(t.tasks.c.customer_id.in_(list(customer_ids)))
    if only == "failed":
        wanted.append(t.tasks.c.state == "failed")
    return wanted
