"""By hand: make tasks pending again, for one, some, those that failed, or all; and say which member is meant."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, exists, func, or_, select, update

from customer import Task
from ledger import tables as t
from ledger.database import Database
from ledger.erase import erasure_of
from ledger.rows import Debt, blank_marks, known_customers, owe

Which = Literal["failed", "all"]
_BY_ID = func.coalesce(t.tasks.c.state, "")


class AlreadyLinked(Exception):
    """The ref belongs to another customer already; ``customer_id`` says to whom."""

    def __init__(self, customer_id: int) -> None:
        super().__init__(f"linked to customer {customer_id}")
        self.customer_id = customer_id


class Resync:
    """Makes tasks pending again, a page of customers at a time, so that it never holds the store for long."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count(
        self,
        *,
        lanes: Sequence[str],
        customer_ids: Sequence[int] | None = None,
        only: Which = "all",
        kinds: Sequence[str | None] | None = None,
    ) -> int:
        """How many tasks ``page`` would make pending, all pages together."""
        with self._database.reading() as c:
            if _asks_for_failed(only, kinds):
                return c.execute(select(func.count()).where(*_failed(lanes, customer_ids, kinds))).scalar() or 0
            found = c.execute(_customers(customer_ids, 0).with_only_columns(func.count())).scalar() or 0
            return found * len(lanes)

    def first_ids(
        self,
        *,
        lanes: Sequence[str],
        customer_ids: Sequence[int] | None = None,
        only: Which = "all",
        kinds: Sequence[str | None] | None = None,
        after_id: int = 0,
        limit: int = 10,
    ) -> list[int]:
        """The Shopify ids of the customers whom ``page`` would take first."""
        with self._database.reading() as c:
            if _asks_for_failed(only, kinds):
                query = _failed_customers([*_failed(lanes, customer_ids, kinds), t.tasks.c.customer_id > after_id])
            else:
                query = _customers(customer_ids, after_id).order_by(t.customers.c.id)
            return list(c.execute(query.limit(limit)).scalars().all())

    def page(
        self,
        *,
        now: datetime,
        lanes: Sequence[str],
        customer_ids: Sequence[int] | None = None,
        only: Which = "all",
        kinds: Sequence[str | None] | None = None,
        after_id: int = 0,
        limit: int = 500,
    ) -> tuple[int, int | None]:
        """Make the tasks of up to ``limit`` customers pending: how many, and the last customer's id (None: the end).

        Everything is sent again, not only what differs; a lane that is new to a customer gets its task. A running task
        is carried once more when it settles. ``kinds``: of what failed, only what failed with one of these (None among
        them: with none); it goes with ``only="failed"``.
        """
        only_failed = _asks_for_failed(only, kinds)
        failed = [*_failed(lanes, customer_ids, kinds), t.tasks.c.customer_id > after_id]
        with self._database.writing() as c:
            if only_failed:
                page = _failed_customers(failed)
            else:
                page = _customers(customer_ids, after_id).order_by(t.customers.c.id)
            ids: list[int] = list(c.execute(page.limit(limit)).scalars().all())
            self._database.lock_customers(c, ids)
            there = select(t.tasks.c.customer_id, t.tasks.c.lane, t.tasks.c.sent).where(
                t.tasks.c.customer_id.in_(ids), t.tasks.c.lane.in_(list(lanes))
            )
            rows = c.execute(there.where(*_failed(lanes, ids, kinds)) if only_failed else there).all()
            pairs = [(r.customer_id, r.lane) for r in rows]
            if not only_failed:
                pairs = [(i, lane) for i in ids for lane in lanes]
            request_id = uuid.uuid4().hex
            owe(c, [Debt(i, ln, now, now, request_id) for i, ln in pairs])
            blank_marks(c, [(r.customer_id, r.lane, r.sent) for r in rows if r.sent])
            if pairs:
                self._database.notify(c)
        return len(pairs), ids[-1] if ids else None

    def task(self, customer_id: int, lane: str) -> Task | None:
        """This customer as a resync would carry them to the lane: everything is sent again. None: nobody is there."""
        mine = (t.tasks.c.customer_id == customer_id, t.tasks.c.lane == lane)
        with self._database.reading() as c:
            known = known_customers(c, [customer_id]).get(customer_id)
            if known is None or erasure_of(c, customer_id):
                return None
            row = c.execute(select(t.tasks.c.ref, t.tasks.c.sent, t.tasks.c.memo, t.tasks.c.doubt).where(*mine)).first()
        if row is None:
            return Task(known.customer)
        blank = dict.fromkeys(row.sent or (), "")
        return Task(known.customer, ref=row.ref, sent=blank, memo=row.memo or {}, doubt=row.doubt)

    def link(self, customer_id: int, lane: str, ref: str, *, now: datetime) -> bool:
        """A person chose: this customer is ``ref`` at the far side, from the next carry on. False: no such task.

        Nothing is believed of what stands there, so all of it is compared and sent. Raises ``AlreadyLinked``.
        """
        with self._database.writing() as c:
            self._database.lock_customers(c, [customer_id])
            held_by = select(t.tasks.c.customer_id).where(t.tasks.c.lane == lane, t.tasks.c.ref == ref)
            for other in c.execute(held_by.where(t.tasks.c.customer_id != customer_id)).scalars():
                raise AlreadyLinked(other)
            mine = (t.tasks.c.customer_id == customer_id, t.tasks.c.lane == lane)
            if not c.execute(update(t.tasks).where(*mine).values(ref=ref, sent=None, memo=None)).rowcount:
                return False
            owe(c, [Debt(customer_id, lane, now, now, uuid.uuid4().hex)])
            self._database.notify(c)
            return True


def _asks_for_failed(only: Which, kinds: Sequence[str | None] | None) -> bool:
    """Whether only what failed is meant. Raises ``ValueError`` for kinds of what did not fail."""
    if kinds is not None and only != "failed":
        raise ValueError('kinds go with only="failed": what did not fail has no kind')
    return only == "failed"


def _failed_customers(failed: Sequence[ColumnElement[bool]]) -> Select[Any]:
    return select(t.tasks.c.customer_id).where(*failed).distinct().order_by(t.tasks.c.customer_id)


def _failed(
    lanes: Sequence[str], customer_ids: Sequence[int] | None, kinds: Sequence[str | None] | None
) -> list[ColumnElement[bool]]:
    # Some are found by their ids, whatever else is asked: an index of states would have all who failed looked through.
    state = t.tasks.c.state if customer_ids is None else _BY_ID
    which: list[ColumnElement[bool]] = [t.tasks.c.lane.in_(list(lanes)), state == "failed"]
    if kinds is not None:
        of_kinds = t.tasks.c.kind.in_([kind for kind in kinds if kind is not None])
        which.append(or_(of_kinds, t.tasks.c.kind.is_(None)) if None in kinds else of_kinds)
    if customer_ids is not None:
        which.append(t.tasks.c.customer_id.in_(list(customer_ids)))
    return which


def _customers(customer_ids: Sequence[int] | None, after_id: int) -> Select[Any]:
    erased = exists().where(t.erasures.c.customer_id == t.customers.c.id, t.erasures.c.undone_at.is_(None))
    query = select(t.customers.c.id).where(t.customers.c.id > after_id, ~erased)
    return query if customer_ids is None else query.where(t.customers.c.id.in_(list(customer_ids)))
