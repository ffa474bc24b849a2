"""One customer's way through the house, put together from what the ledger wrote down, and where the time went."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select

from ledger import tables as t
from ledger.database import Database


@dataclass(frozen=True, slots=True)
class Stay:
    """One attempt that ended well: when the carry began and ended."""

    began: datetime
    ended: datetime

    @property
    def ms(self) -> float:
        """How long it took."""
        return _ms(self.ended - self.began)


@dataclass(frozen=True, slots=True)
class Trip:
    """From the delivery's receipt to both destinations. ``writes``: attempts that ended well at the destinations.

    ``there`` is the last stay at each destination, ``first`` the first: they differ where somebody did not wait for the
    read, and went once more with what it added.
    """

    received_at: datetime
    read: Stay | None
    there: Mapping[str, Stay]
    writes: int
    first: Mapping[str, Stay] = field(default_factory=dict)

    def arrived_ms(self, lane: str) -> float:
        """From the receipt to the far side's answer."""
        return _ms(self.there[lane].ended - self.received_at)

    def first_ms(self, lane: str) -> float:
        """From the receipt until the far side knew this customer."""
        return _ms(self.first[lane].ended - self.received_at)

    @property
    def total_ms(self) -> float:
        """From the receipt until the last destination answered."""
        return max(self.arrived_ms(lane) for lane in self.there)

    @property
    def before_read_ms(self) -> float:
        """From the receipt until the read begins: hearing of it, claiming, a free thread."""
        return _ms(self.read.began - self.received_at) if self.read else 0.0

    def before_ms(self, lane: str) -> float:
        """From the end of the read until this destination's carry begins: settling, hearing, claiming, a free thread.

        Less than nothing when the destination did not wait for the read to end.
        """
        return _ms(self.there[lane].began - (self.read.ended if self.read else self.received_at))


def trips(database: Database, destinations: Collection[str], *, whole: bool = True) -> dict[int, Trip]:
    """The trips of all customers who stand at every destination, by Shopify id; not ``whole``: at one of them."""
    with database.reading() as c:
        received: dict[int, datetime] = {
            row.customer_id: row.received_at
            for row in c.execute(
                select(t.deliveries.c.customer_id, t.deliveries.c.received_at).order_by(t.deliveries.c.id.desc())
            )
        }
        done = c.execute(select(t.attempts).where(t.attempts.c.outcome == "done").order_by(t.attempts.c.id)).all()
    reads: dict[int, Stay] = {}
    there: dict[int, dict[str, Stay]] = {}
    first: dict[int, dict[str, Stay]] = {}
    writes: dict[int, int] = {}
    for row in done:
        stay = Stay(row.started_at, row.started_at + timedelta(milliseconds=row.duration_ms))
        if row.lane in destinations:
            there.setdefault(row.customer_id, {})[row.lane] = stay
            first.setdefault(row.customer_id, {}).setdefault(row.lane, stay)
            writes[row.customer_id] = writes.get(row.customer_id, 0) + 1
        else:
            reads.setdefault(row.customer_id, stay)
    return {
        i: Trip(received[i], reads.get(i), stays, writes[i], first[i])
        for i, stays in there.items()
        if i in received and (not whole or len(stays) == len(destinations))
    }


def _ms(span: timedelta) -> float:
    return span.total_seconds() * 1000
