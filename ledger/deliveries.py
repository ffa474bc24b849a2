"""What Shopify delivered, as a person looks for it: a page of deliveries, or one with its body. Only looks.

Millions stand there, and a delivery is written while Shopify waits, so no index is added for these looks. Deliveries
are numbered as they come: a page is a stretch of numbers, a day is found among them by halving, and a filter that no
index knows looks through so many and says that there may be more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, func, literal, select, tuple_

from ledger import tables as t
from ledger.arrival import Verdict
from ledger.columns import Instant
from ledger.database import Database

#: A filter that no index knows looks through so many deliveries for one page.
SPAN: Final = 10_000
#: Deliveries that came together may be numbered in another order than they came in, by so much.
SLACK: Final = timedelta(minutes=2)

VERDICTS: Final[tuple[Verdict, ...]] = (
    "changed",
    "unchanged",
    "older",
    "test",
    "unreadable",
    "dismissed",
    "replaced",
    "ignored",
)


@dataclass(frozen=True, slots=True)
class Delivered:
    """One delivery without its body; ``request_id`` is that under which the log tells the rest."""

    id: int
    shop: str
    topic: str
    webhook_id: str
    event_id: str | None
    api_version: str | None
    triggered_at: datetime | None
    received_at: datetime
    customer_id: int | None
    updated_at: datetime | None
    verdict: str
    why: str | None
    secret: str
    request_id: str
    body_gone_at: datetime | None


@dataclass(frozen=True, slots=True)
class Whole:
    """One delivery with its body (b"" when it is gone), and the attempts that were made under its request id."""

    delivery: Delivered
    body: bytes
    attempts: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which deliveries are asked for; ``since`` and ``until`` bound when they came, the end left out."""

    verdict: str | None = None
    topic: str | None = None
    customer_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Deliveries, the newest first. ``older``: from where the next page goes on, None at the end.

    ``partly``: so many were looked through that this page was ended before it was full.
    """

    rows: Sequence[Delivered]
    older: int | None
    partly: bool = False


class Deliveries:
    """Looks at what was delivered."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, asked: Asked, *, before: int | None = None, limit: int = 50) -> Page:
        """Up to ``limit`` deliveries, the newest first, numbered below ``before``."""
        with self._database.reading() as c:
            if asked.customer_id is not None:
                return self._of_customer(c, asked, before, limit)
            if asked.verdict is not None:
                return self._of_verdict(c, asked, before, limit)
            return self._by_number(c, asked, before, limit)

    def one(self, delivery_id: int) -> Whole | None:
        """One delivery with its body and what was tried for it; None when there is no such delivery."""
        with self._database.reading() as c:
            row = c.execute(select(*_COLUMNS, t.deliveries.c.body).where(t.deliveries.c.id == delivery_id)).first()
            if row is None:
                return None
            told = dict(row._mapping)
            body = bytes(told.pop("body"))
            delivery = Delivered(**told)
            return Whole(delivery, body, self._attempts(c, delivery))

    def number_of(self, shop: str, topic: str, webhook_id: str) -> int | None:
        """The number of the delivery with this key."""
        key = (t.deliveries.c.shop == shop, t.deliveries.c.topic == topic, t.deliveries.c.webhook_id == webhook_id)
        with self._database.reading() as c:
            return c.execute(select(t.deliveries.c.id).where(*key)).scalar()

    @staticmethod
    def _attempts(c: Connection, delivery: Delivered) -> list[Mapping[str, Any]]:
        if delivery.customer_id is None:
            return []
        # By the customer, whose attempts are few: the request id stands in no index.
        theirs = (t.attempts.c.customer_id == delivery.customer_id, t.attempts.c.request_id == delivery.request_id)
        query = select(t.attempts).where(*theirs).order_by(t.attempts.c.id).limit(50)
        return [dict(row) for row in c.execute(query).mappings()]

    def _of_customer(self, c: Connection, asked: Asked, before: int | None, limit: int) -> Page:
        ids = t.deliveries.c.id
        query = select(*_COLUMNS).where(t.deliveries.c.customer_id == asked.customer_id, *_filters(asked))
        query = query if before is None else query.where(ids < before)
        return _page(c, query.order_by(ids.desc()), limit)

    def _of_verdict(self, c: Connection, asked: Asked, before: int | None, limit: int) -> Page:
        """By the index of verdicts, in which deliveries stand in the order in which they came."""
        at, ids = t.deliveries.c.received_at, t.deliveries.c.id
        stretch = select(ids, at).where(t.deliveries.c.verdict == asked.verdict).order_by(at.desc(), ids.desc())
        if before is not None:
            place = c.execute(select(at).where(ids == before)).scalar()
            stretch = stretch.where(tuple_(at, ids) < tuple_(literal(place, Instant), literal(before)))
        if asked.since:
            stretch = stretch.where(at >= asked.since)
        if asked.until:
            stretch = stretch.where(at < asked.until)
        if asked.topic is None:
            return _page(c, stretch.with_only_columns(*_COLUMNS), limit)
        some = stretch.limit(SPAN).cte("some")
        found = select(*_COLUMNS).join(some, some.c.id == ids).where(t.deliveries.c.topic == asked.topic)
        page = _page(c, found.order_by(at.desc(), ids.desc()), limit)
        if page.older is not None:
            return page
        end = c.execute(select(some.c.id).order_by(some.c.received_at, some.c.id).limit(1)).scalar()
        count = c.execute(select(func.count()).select_from(some)).scalar() or 0
        return Page(page.rows, end, partly=True) if count == SPAN else page

    def _by_number(self, c: Connection, asked: Asked, before: int | None, limit: int) -> Page:
        ids = t.deliveries.c.id
        first = 0 if asked.since is None else self._number_at(c, asked.since - SLACK)
        if asked.until is not None:
            end = self._number_at(c, asked.until + SLACK)
            before = end if before is None else min(before, end)
        top = before if before is not None else (c.execute(select(func.max(ids))).scalar() or 0) + 1
        # One bound below, not two: a database may pick either to go by.
        bottom = first if asked.topic is None else max(top - SPAN, first)
        query = select(*_COLUMNS).where(ids < top, ids >= bottom, *_filters(asked)).order_by(ids.desc())
        page = _page(c, query, limit)
        if page.older is not None or bottom <= max(first, c.execute(select(func.min(ids))).scalar() or 0):
            return page
        return Page(page.rows, bottom, partly=True)

    def _number_at(self, c: Connection, moment: datetime) -> int:
        """The number of the first delivery that came at this moment or later; one past the last when none did."""
        ids, at = t.deliveries.c.id, t.deliveries.c.received_at
        low, high = 1, (c.execute(select(func.max(ids))).scalar() or 0) + 1
        while low < high:
            middle = (low + high) // 2
            row = c.execute(select(ids, at).where(ids >= middle).order_by(ids).limit(1)).first()
            if row is None or row.received_at >= moment:
                high = middle
            else:
                low = row.id + 1
        return low


_COLUMNS: Final = tuple(column for column in t.deliveries.c if column.name != "body")


def _filters(asked: Asked) -> list[ColumnElement[bool]]:
    """What is asked besides, said so that no planner takes another index for it."""
    said: list[ColumnElement[bool]] = []
    if asked.verdict is not None:
        said.append(func.coalesce(t.deliveries.c.verdict, "") == asked.verdict)
    if asked.topic is not None:
        said.append(t.deliveries.c.topic == asked.topic)
    if asked.since:
        said.append(t.deliveries.c.received_at >= asked.since)
    if asked.until:
        said.append(t.deliveries.c.received_at < asked.until)
    return said


def _page(c: Connection, query: Select[Any], limit: int) -> Page:
    rows = [Delivered(**row._mapping) for row in c.execute(query.limit(limit + 1))]
    return Page(rows[:limit], rows[limit - 1].id if len(rows) > limit else None)
