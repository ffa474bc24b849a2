"""The welcome mail: who is owed one, and who was sent it, so that nobody is ever sent it twice.

A mail is unlike every other debt. It cannot be compared with what stands at the far side, and sending it again is no
repair. So it is owed once, with the first delivery of a customer; it is marked here, durably, before it is sent; and a
mark without an end is reported and never tried again.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, exists, select, update

from ledger import tables as t
from ledger.database import Database
from ledger.rows import ONCE, insert_of

CREATED: Final = "customers/create"
_PAGE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Welcome:
    """The rule: a mail in ``lane``, when the customer stands in the lane ``after``, or after ``patience`` without."""

    lane: str = ONCE
    after: str = "smaregi"
    patience: timedelta = timedelta(minutes=10)

    def let_go(self, c: Connection, customer_ids: Collection[int], now: datetime) -> None:
        """These have just come to stand in ``after``: their mails wait no longer."""
        if customer_ids:
            waiting = (t.tasks.c.lane == self.lane, t.tasks.c.state == "pending")
            mine = t.tasks.c.customer_id.in_(list(customer_ids))
            c.execute(update(t.tasks).where(mine, *waiting, t.tasks.c.due_at > now).values(due_at=now))


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a customer's mail. ``welcome``: their first delivery made them known, and nobody erased them.

    ``member``: their id in Smaregi, None: not there yet. ``code``: what the till scans, None: not known.
    ``marked_at`` without ``sent_at``: it may have been sent. ``refusals``: so often the server would not take it.
    """

    welcome: bool
    registered_at: datetime
    member: str | None
    code: str | None
    marked_at: datetime | None
    sent_at: datetime | None
    refusals: int


class Mails:
    """The rows of ``mails``; ``lane`` is the mails' lane, ``after`` the one whose refs are members."""

    def __init__(self, database: Database, *, lane: str = ONCE, after: str = "smaregi") -> None:
        self._database = database
        self._lane = lane
        self._after = after
        self._insert = insert_of(database)

    def standing(self, customer_id: int) -> Standing | None:
        """What is known now of this customer's mail; None: there is no such customer any more."""
        ours = (t.tasks.c.customer_id == customer_id, t.tasks.c.lane == self._after)
        with self._database.reading() as c:
            first = select(t.customers.c.first_topic, t.customers.c.first_seen_at)
            customer = c.execute(first.where(t.customers.c.id == customer_id)).first()
            if customer is None:
                return None
            mail = c.execute(select(t.mails).where(t.mails.c.customer_id == customer_id)).first()
            linked = c.execute(select(t.tasks.c.ref, t.tasks.c.sent).where(*ours)).first()
            member: str | None = linked.ref if linked else None
            code: str | None = None
            if linked and member:
                code = c.execute(select(t.members.c.code).where(t.members.c.id == member)).scalar() or None
                if code is None and "customerCode" in (linked.sent or {}):
                    code = str(customer_id)  # the member index does not know them yet, but that is what we wrote
            erased = self._was_erased(c, customer_id)
        return Standing(
            welcome=customer.first_topic == CREATED and not erased,
            registered_at=customer.first_seen_at,
            member=member or None,
            code=code,
            marked_at=mail.marked_at if mail else None,
            sent_at=mail.sent_at if mail else None,
            refusals=mail.refusals if mail else 0,
        )

    def mark(self, customer_id: int, variant: str, message_id: str, now: datetime) -> bool:
        """Write down, durably, that this mail is about to be sent. False: it may not be, or not by the caller.

        Only for a task that is being carried, and only once, until ``refused`` takes the mark back.
        """
        said = {"variant": variant, "message_id": message_id, "marked_at": now}
        new = self._insert(t.mails).values(customer_id=customer_id, **said)
        mine = (t.tasks.c.customer_id == customer_id, t.tasks.c.lane == self._lane, t.tasks.c.state == "running")
        with self._database.writing() as c:
            self._database.lock_customers(c, [customer_id])
            if not c.execute(select(exists().where(*mine))).scalar() or self._was_erased(c, customer_id):
                return False
            unmarked = t.mails.c.marked_at.is_(None)
            mark = new.on_conflict_do_update(index_elements=["customer_id"], set_=said, where=unmarked)
            return c.execute(mark.returning(t.mails.c.customer_id)).first() is not None

    def sent(self, customer_id: int, now: datetime) -> None:
        """The server has taken it. Whoever was told meanwhile that nobody knows, is told otherwise."""
        marked = (t.mails.c.customer_id == customer_id, t.mails.c.marked_at.is_not(None))
        failed = (t.tasks.c.customer_id == customer_id, t.tasks.c.lane == self._lane, t.tasks.c.state == "failed")
        with self._database.writing() as c:
            self._database.lock_customers(c, [customer_id])
            mail = update(t.mails).where(*marked).values(sent_at=now).returning(t.mails.c.message_id)
            message_id = c.execute(mail).scalar()
            if message_id is not None:
                arrived = {"state": "done", "ref": message_id, "kind": None, "why": None, "choices": None}
                c.execute(update(t.tasks).where(*failed).values(**arrived, settled_at=now))

    def refused(self, customer_id: int, variant: str, message_id: str) -> int:
        """The server said clearly that it did not take it: the mark is taken back; how often that has been now."""
        said = {"variant": variant, "message_id": message_id, "marked_at": None}
        new = self._insert(t.mails).values(customer_id=customer_id, **said, refusals=1)
        again = {**said, "refusals": t.mails.c.refusals + 1}
        unsent = t.mails.c.sent_at.is_(None)
        with self._database.writing() as c:
            counted = new.on_conflict_do_update(index_elements=["customer_id"], set_=again, where=unsent)
            return c.execute(counted.returning(t.mails.c.refusals)).scalar() or 0

    def let_be(self, kind: str | None, *, now: datetime, customer_ids: Collection[int] | None = None) -> int:
        """A person has seen that these failed with ``kind`` and asks for no more: done, though not sent; how many.

        A thousand at most at a time, so that nobody is held up; ask again until it is 0.
        """
        tasks = t.tasks.c
        failed = (tasks.lane == self._lane, tasks.state == "failed", tasks.kind.is_not_distinct_from(kind))
        some = select(tasks.customer_id).where(*failed).order_by(tasks.customer_id).limit(_PAGE)
        if customer_ids is not None:
            some = some.where(tasks.customer_id.in_(list(customer_ids)))
        with self._database.writing() as c:
            ids = list(c.execute(some).scalars())
            self._database.lock_customers(c, ids)
            done = update(t.tasks).where(*failed, tasks.customer_id.in_(ids))
            return c.execute(done.values(state="done", choices=None, settled_at=now)).rowcount if ids else 0

    @staticmethod
    def _was_erased(c: Connection, customer_id: int) -> bool:
        """Whether this customer was ever erased, the erasure undone or not: they are nobody's new customer."""
        return bool(c.execute(select(exists().where(t.erasures.c.customer_id == customer_id))).scalar())
