"""One customer's story in chapters: each request with what followed from it, however long the story is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, select

from ledger import tables as t
from ledger.database import Database

PAGE = 60

#: The ids of a delivery and of an attempt: what comes before them is older.
Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, with its row as a mapping of column names to values (a delivery's without body)."""

    what: Literal["delivery", "attempt"]
    at: datetime
    row: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Chapter:
    """What happened under one request id, oldest first: a delivery (none after a resync) and its attempts."""

    request_id: str
    events: Sequence[Event]

    @property
    def began_at(self) -> datetime:
        """When the first of it happened."""
        return self.events[0].at

    @property
    def total_ms(self) -> float | None:
        """From the delivery, or the resync, until the customer was in sync everywhere; None while they are not."""
        told = [event.row["total_ms"] for event in self.events if event.row.get("total_ms") is not None]
        return max(told, default=None)


@dataclass(frozen=True, slots=True)
class Timeline:
    """Chapters, the one with the newest event first; ``older`` is where the next page begins, None at the end."""

    chapters: Sequence[Chapter]
    older: Place | None


def timeline(database: Database, customer_id: int, *, before: Place | None = None, size: int = PAGE) -> Timeline:
    """A page of one customer's story. Raises ``StoreBusy``."""
    deliveries_before, attempts_before = before or (None, None)
    with database.reading() as c:
        told = _rows(c, t.deliveries, customer_id, deliveries_before, size)
        tried = _rows(c, t.attempts, customer_id, attempts_before, size)
    deliveries = [Event("delivery", row["received_at"], row) for row in told]
    attempts = [Event("attempt", row["started_at"], row) for row in tried]
    # Where one of the two goes on, the other must not be told from further back: it would look as if nothing was there.
    ends = [events[size - 1].at for events in (deliveries, attempts) if len(events) > size]
    end = max(ends, default=None)
    shown = [event for event in (*deliveries, *attempts) if end is None or event.at >= end]
    older = None if end is None else (_place(deliveries, end), _place(attempts, end))
    return Timeline(_chapters(shown), older)


def _rows(c: Connection, table: Any, customer_id: int, before: int | None, size: int) -> list[Mapping[str, Any]]:
    columns = [column for column in table.c if column.name != "body"]
    page = select(*columns).where(table.c.customer_id == customer_id)
    if before is not None:
        page = page.where(table.c.id < before)
    return [dict(row) for row in c.execute(page.order_by(table.c.id.desc()).limit(size + 1)).mappings()]


def _place(events: Sequence[Event], end: datetime) -> int:
    """Before which id those stand that are not told yet."""
    hidden = [event.row["id"] for event in events if event.at < end]
    if hidden:
        return int(max(hidden)) + 1
    return int(min((event.row["id"] for event in events), default=0))


def _chapters(events: Sequence[Event]) -> list[Chapter]:
    by_request: dict[str, list[Event]] = {}
    for event in sorted(events, key=lambda event: event.at):
        by_request.setdefault(event.row["request_id"], []).append(event)
    chapters = [Chapter(request_id, told) for request_id, told in by_request.items()]
    return sorted(chapters, key=lambda chapter: chapter.events[-1].at, reverse=True)
