"""What the ledger's tests are built from: invented customers, their deliveries, and a whole ledger in one hand."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final

from sqlalchemy import select

from customer import Customer
from ledger import tables as t
from ledger.arrival import Arrival, Known, Recorded, Verdict
from ledger.book import Book, Claimed, Settled, Settlement
from ledger.database import Database
from ledger.inbox import Inbox
from ledger.outcome import Done, Failed, Outcome, Retry
from ledger.resync import Resync

SHOP: Final = "example.myshopify.com"
READS: Final = "shopify"
DESTINATIONS: Final = ("smaregi", "hubspot")
LANES: Final = (READS, *DESTINATIONS)
#: When the merchant's shop saved the first version of every customer here: a minute before the tests' noon.
SAVED: Final = datetime(2026, 11, 22, 2, 59, tzinfo=UTC)
LEASE: Final = timedelta(seconds=60)

_numbers = count(1)
_heard: set[str] = set()


def person(i: int = 1, *, saved: datetime | None = SAVED, **told: Any) -> Customer:
    """An invented customer: only an e-mail and a name are known, unless more is told."""
    fields = {"email": f"hanako{i}@example.jp", "last_name": "見本", **told}
    return Customer(id=i, updated_at=saved, **fields)


def delivery_of(
    customer: Customer | None,
    *,
    key: str | None = None,
    topic: str = "customers/update",
    received_at: datetime = SAVED + timedelta(seconds=2),
    triggered_at: datetime | None = None,
    verdict: Verdict | None = None,
    body: bytes = b'{"id":1}',
) -> Arrival:
    """A verified delivery that tells of this customer; every one has a key of its own unless one is given."""
    number = next(_numbers)
    return Arrival(
        shop=SHOP,
        topic=topic,
        webhook_id=key or f"webhook-{number}",
        received_at=received_at,
        body=body,
        secret="app",
        request_id=f"request-{number}",
        customer=customer,
        verdict=verdict,
        triggered_at=triggered_at,
    )


def again(arrival: Arrival) -> Arrival:
    """The same delivery, in another request; the first request keeps its id."""
    heard = arrival.request_id in _heard
    _heard.add(arrival.request_id)
    return replace(arrival, request_id=f"again-{next(_numbers)}") if heard else arrival


def done(ref: str = "m-1", *, did: str = "updated", found: Customer | None = None, **sent: str) -> Done:
    """It arrived; ``sent`` as the lane would have it remembered."""
    return Done(ref=ref, did=did, sent=sent, found=found)


def retry(**how: Any) -> Retry:
    """It could not go, this time."""
    return Retry(**{"after": None, "why": "the far side answered 500", "kind": "far.broken", **how})


def failed() -> Failed:
    """It waits for a person."""
    return Failed(why="two members have this e-mail", kind="far.ambiguous", choices=[{"member": "7"}, {"member": "8"}])


@dataclass
class Ledger:
    """Every verb of the ledger on one database, with the arguments that most tests do not care about."""

    database: Database
    inbox: Inbox = field(init=False)
    book: Book = field(init=False)
    resync: Resync = field(init=False)

    def __post_init__(self) -> None:
        self.inbox = Inbox(self.database, destinations=DESTINATIONS)
        self.book = Book(self.database, destinations=DESTINATIONS)
        self.resync = Resync(self.database)

    def hear(self, *arrivals: Arrival, now: datetime, reading_is_on: bool = False) -> list[Recorded]:
        """One group of deliveries in one commit; each comes in a request of its own."""
        return self.inbox.record([again(a) for a in arrivals], now=now, reading_is_on=reading_is_on)

    def claim(
        self, lane: str = "smaregi", limit: int = 100, *, now: datetime, updates_too: bool = True
    ) -> list[Claimed]:
        """Take what is due."""
        return self.book.claim(lane, limit, now=now, lease=LEASE, updates_too=updates_too)

    def settle(self, claimed: Sequence[Claimed], outcome: Outcome, *, now: datetime) -> list[Settled]:
        """One carry in which every task ended the same way."""
        if not claimed:
            return []
        s = Settlement(claimed[0].lane, [(one, outcome) for one in claimed], started_at=now, duration_ms=12.5)
        return self.book.settle([s], now=now)[0]

    def carry(self, outcome: Outcome, lane: str = "smaregi", *, now: datetime) -> list[Settled]:
        """Claim what is due in this lane, and settle all of it so."""
        return self.settle(self.claim(lane, now=now), outcome, now=now)

    def carry_everything(self, *, now: datetime) -> None:
        """Bring every lane to rest, as when all is well."""
        for lane in LANES:
            self.carry(done(f"{lane}-ref"), lane, now=now)

    def task(self, i: int = 1, lane: str = "smaregi") -> Mapping[str, Any]:
        """The one row of this customer in this lane."""
        return self.rows(t.tasks, customer_id=i, lane=lane)[0]

    def states(self, i: int = 1) -> dict[str, str]:
        """The state of each of this customer's tasks."""
        return {row["lane"]: row["state"] for row in self.rows(t.tasks, customer_id=i)}

    def known(self, i: int = 1) -> Known:
        """The customer as the ledger has it."""
        return Known.from_row(dict(self.rows(t.customers, id=i)[0]))

    def rows(self, table: Any, **where: Any) -> list[Mapping[str, Any]]:
        """The rows of a table in which these columns have these values."""
        query = select(table).where(*(table.c[name] == value for name, value in where.items()))
        with self.database.reading() as c:
            return [dict(row) for row in c.execute(query).mappings()]


def ids(claimed: Collection[Claimed]) -> list[int]:
    """The customers of these tasks, in the order they were handed out."""
    return [one.customer_id for one in claimed]
