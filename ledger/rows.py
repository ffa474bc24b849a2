"""The few statements on customers and tasks that receiving, settling and resyncing share.

Whoever writes several tasks holds their customers first (``Database.lock_customers``), in order: so no two processes
ever wait for each other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ledger import tables as t
from ledger.arrival import Known
from ledger.database import Database


def insert_of(database: Database) -> Any:
    """The dialect's own ``insert``, which knows ON CONFLICT."""
    return postgresql.insert if database.on_postgresql else sqlite.insert


def known_customers(c: Connection, ids: Collection[int]) -> dict[int, Known]:
    """What the ledger knows of these customers, by Shopify id."""
    if not ids:
        return {}
    rows = c.execute(_KNOWN, {"ids": list(ids)}).mappings()
    return {row["id"]: Known.from_row(dict(row)) for row in rows}


def write_customers(
    c: Connection, insert: Any, learnt: Sequence[Known], now: datetime, first_topics: Mapping[int, str] | None = None
) -> None:
    """Write down what was learnt; ``first_topics`` is kept for customers that were not there before."""
    rows = [
        {
            "id": known.customer.id,
            "revision": known.revision,
            "state": known.customer.to_json(),
            "updated_at": known.customer.updated_at,
            "triggered_at": known.triggered_at,
            "read_through": known.read_through,
            "first_topic": (first_topics or {}).get(known.customer.id, ""),
            "first_seen_at": now,
            "changed_at": now,
        }
        for known in learnt
    ]
    if rows:
        c.execute(_upsert_of_customers(insert), rows)


def debt(
    customer_id: int, lane: str, *, due_at: datetime, since: datetime, request_id: str, held: bool = False
) -> dict[str, Any]:
    """A row for ``owe``: this customer is to be carried to this lane."""
    return {
        "customer_id": customer_id,
        "lane": lane,
        "state": "pending",
        "wanted": 1,
        "due_at": due_at,
        "held": held,
        "since": since,
        "request_id": request_id,
    }


def owe(c: Connection, insert: Any, debts: Sequence[dict[str, Any]]) -> None:
    """Make these tasks pending: a new row, or one more reason on the one row there is.

    One that is running stays so and comes back when it settles; one in back-off is cut short: the customer that could
    not go may be another one now.
    """
    if debts:
        c.execute(_upsert_of_tasks(insert), list(debts))


def blank_marks(c: Connection, marks: Sequence[tuple[int, str, Iterable[str]]]) -> None:
    """Of these (customer, lane, fields): the fields were sent, but nobody knows what stands there, so all go out.

    The marks are blanked, not dropped: a field that was sent and has no value any more is still to be cleared.
    """
    if not marks:
        return
    here = (t.tasks.c.customer_id == bindparam("_id"), t.tasks.c.lane == bindparam("_lane"))
    c.execute(
        update(t.tasks).where(*here).values(sent=bindparam("_sent")),
        [{"_id": i, "_lane": lane, "_sent": dict.fromkeys(names, "")} for i, lane, names in marks],
    )


def revive(c: Connection, customer_ids: Collection[int], now: datetime) -> None:
    """A sign of life of these customers: what had failed, or waits in back-off, is tried again now."""
    if not customer_ids:
        return
    c.execute(_REVIVE, {"ids": sorted(customer_ids), "now": now})


# Built once: on the receiving path, to put a statement together cost more than to carry it out.
_KNOWN = select(t.customers).where(t.customers.c.id.in_(bindparam("ids", expanding=True)))
_REVIVE = (
    update(t.tasks)
    .where(t.tasks.c.customer_id.in_(bindparam("ids", expanding=True)))
    .where(or_(t.tasks.c.state == "failed", and_(t.tasks.c.state == "pending", t.tasks.c.attempt > 0)))
    .values(state="pending", due_at=bindparam("now"), attempt=0, held=False)
)


@cache
def _upsert_of_customers(insert: Any) -> Any:
    new = insert(t.customers)
    same = t.customers.c.revision == new.excluded.revision
    return new.on_conflict_do_update(
        index_elements=["id"],
        set_={
            "revision": new.excluded.revision,
            "state": new.excluded.state,
            "updated_at": new.excluded.updated_at,
            "triggered_at": new.excluded.triggered_at,
            "read_through": new.excluded.read_through,
            "changed_at": case((same, t.customers.c.changed_at), else_=new.excluded.changed_at),
        },
    )


@cache
def _upsert_of_tasks(insert: Any) -> Any:
    new, was = insert(t.tasks), t.tasks.c
    running = was.state == "running"
    sooner = and_(was.state == "pending", was.due_at < new.excluded.due_at)
    return new.on_conflict_do_update(
        index_elements=["customer_id", "lane"],
        set_={
            "wanted": was.wanted + 1,
            "state": case((running, "running"), else_="pending"),
            "due_at": case((sooner, was.due_at), else_=new.excluded.due_at),
            "held": case((running, was.held), else_=new.excluded.held),
            "since": case((was.state == "done", new.excluded.since), else_=was.since),
            "attempt": case((running, was.attempt), else_=0),
            "request_id": new.excluded.request_id,
        },
    )
