"""The few statements on customers and tasks that receiving, settling and resyncing share.

Whoever writes several tasks holds their customers first (``Database.lock_customers``), in order: so no two processes
ever wait for each other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, and_, bindparam, or_, update
from sqlalchemy.dialects import postgresql, sqlite

from customer import Customer
from ledger import tables as t
from ledger.arrival import Known
from ledger.batch import Insert, Lookup
from ledger.database import Database

#: The lane whose debts are made once and never again: no sign of life and no resync makes a mail pending.
ONCE: Final = "mail"


def insert_of(database: Database) -> Any:
    """The dialect's own ``insert``, which knows ON CONFLICT."""
    return postgresql.insert if database.on_postgresql else sqlite.insert


def known_customers(c: Connection, ids: Collection[int]) -> dict[int, Known]:
    """What the ledger knows of these customers, by Shopify id."""
    if not ids:
        return {}
    return {
        i: Known(Customer.from_json(state), revision, triggered_at, read_through)
        for i, state, revision, triggered_at, read_through in _KNOWN.run(c, ids)
    }


def write_customers(
    c: Connection, learnt: Sequence[Known], now: datetime, first_topics: Mapping[int, str] | None = None
) -> None:
    """Write down what was learnt; ``first_topics`` is kept for customers that were not there before."""
    first = first_topics or {}
    _CUSTOMERS.run(
        c,
        [
            (
                known.customer.id,
                known.revision,
                known.customer.to_json(),
                known.customer.updated_at,
                known.triggered_at,
                known.read_through,
                first.get(known.customer.id, ""),
                now,
                now,
            )
            for known in learnt
        ],
    )


class Debt(NamedTuple):
    """A customer that is to be carried to a lane, for ``owe``."""

    customer_id: int
    lane: str
    due_at: datetime
    since: datetime
    request_id: str
    held: bool = False


def owe(c: Connection, debts: Iterable[Debt]) -> None:
    """Make these tasks pending: a new row, or one more reason on the one row there is; no task twice in one call.

    One that is running stays so and comes back when it settles; one in back-off is cut short: the customer that could
    not go may be another one now.
    """
    _TASKS.run(c, [(*debt, "pending", 1) for debt in debts])


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


_KNOWN = Lookup(t.customers, "id", ("id", "state", "revision", "triggered_at", "read_through"))
_CUSTOMERS = Insert(
    t.customers,
    (
        "id",
        "revision",
        "state",
        "updated_at",
        "triggered_at",
        "read_through",
        "first_topic",
        "first_seen_at",
        "changed_at",
    ),
    """ON CONFLICT (id) DO UPDATE SET
        revision = excluded.revision,
        state = excluded.state,
        updated_at = excluded.updated_at,
        triggered_at = excluded.triggered_at,
        read_through = excluded.read_through,
        changed_at = CASE WHEN customers.revision = excluded.revision
                          THEN customers.changed_at ELSE excluded.changed_at END""",
)
_TASKS = Insert(
    t.tasks,
    (*Debt._fields, "state", "wanted"),
    """ON CONFLICT (customer_id, lane) DO UPDATE SET
        wanted = tasks.wanted + 1,
        state = CASE WHEN tasks.state = 'running' THEN 'running' ELSE 'pending' END,
        due_at = CASE WHEN tasks.state = 'pending' AND tasks.due_at < excluded.due_at
                      THEN tasks.due_at ELSE excluded.due_at END,
        held = CASE WHEN tasks.state = 'running' THEN tasks.held ELSE excluded.held END,
        since = CASE WHEN tasks.state = 'done' THEN excluded.since ELSE tasks.since END,
        attempt = CASE WHEN tasks.state = 'running' THEN tasks.attempt ELSE 0 END,
        request_id = excluded.request_id""",
)
# Built once: on the receiving path, to put a statement together cost more than to carry it out.
_REVIVE = (
    update(t.tasks)
    .where(t.tasks.c.customer_id.in_(bindparam("ids", expanding=True)), t.tasks.c.lane != ONCE)
    .where(or_(t.tasks.c.state == "failed", and_(t.tasks.c.state == "pending", t.tasks.c.attempt > 0)))
    .values(state="pending", due_at=bindparam("now"), attempt=0, held=False)
)
