"""In: keep what Shopify delivered, with the customers and tasks it asks for, in ONE commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from sqlalchemy import Connection, bindparam, update

from ledger import tables as t
from ledger.arrival import Arrival, Known, Recorded, Verdict, is_older, learn, needs_read
from ledger.database import Database
from ledger.rows import debt, insert_of, known_customers, owe, revive, write_customers

#: Destinations wait so long for the whole customer, then go with what the webhook said.
HOLD = timedelta(seconds=2)

Key: TypeAlias = tuple[str, str, str]

_SET_VERDICT = update(t.deliveries).where(t.deliveries.c.id == bindparam("_id")).values(verdict=bindparam("_verdict"))


class Inbox:
    """Where deliveries come in. ``destinations``: the lanes a customer is carried to; ``reads``: the one read from."""

    def __init__(self, database: Database, *, destinations: Sequence[str], reads: str = "shopify") -> None:
        self.database = database
        self.destinations = tuple(destinations)
        self.reads = reads
        self._insert = insert_of(database)
        self._insert_new = (
            self._insert(t.deliveries)
            .on_conflict_do_nothing(index_elements=["shop", "topic", "webhook_id"])
            .returning(t.deliveries.c.id, t.deliveries.c.shop, t.deliveries.c.topic, t.deliveries.c.webhook_id)
        )

    def record(self, arrivals: Sequence[Arrival], *, now: datetime, reading_is_on: bool) -> list[Recorded]:
        """What became of each arrival, after the commit. Raises ``StoreBusy``.

        ``reading_is_on``: the destinations of a changed customer wait up to two seconds for the whole customer.
        """
        with self.database.writing() as c:
            kept = self._keep(c, arrivals)
            ids = sorted({a.customer.id for a in arrivals if a.customer})
            self.database.lock_customers(c, ids)
            before = known_customers(c, ids)
            fold = _Fold(before)
            for a in arrivals:
                fold.add(a, new=a.key in kept)
            self._write(c, fold, before, now, reading_is_on)
            other = [
                {"_id": kept[key], "_verdict": verdict}
                for key, verdict in fold.verdicts.items()
                if verdict != "changed"
            ]
            if other:
                c.execute(_SET_VERDICT, other)
            if ids:
                self.database.notify(c)
        return fold.recorded(arrivals, kept)

    def _write(
        self, c: Connection, fold: _Fold, before: Mapping[int, Known], now: datetime, reading_is_on: bool
    ) -> None:
        first_topics = {i: a.topic for i, a in fold.changed.items() if i not in before}
        write_customers(c, self._insert, [fold.known[i] for i in sorted(fold.touched)], now, first_topics)
        debts = [
            debt(i, self.reads, due_at=now, since=a.received_at, request_id=a.request_id)
            for i, a in fold.to_read.items()
        ]
        for i, a in fold.changed.items():
            held = reading_is_on and i in fold.to_read
            due_at = now + HOLD if held else now
            debts += [
                debt(i, lane, due_at=due_at, since=a.received_at, request_id=a.request_id, held=held)
                for lane in self.destinations
            ]
        owe(c, self._insert, debts)
        revive(c, fold.alive - fold.changed.keys(), now)

    def _keep(self, c: Connection, arrivals: Sequence[Arrival]) -> dict[Key, int]:
        """The row ids of the deliveries that were not there before: the unique key decides, not a look.

        https://shopify.dev/docs/apps/build/webhooks/verify-deliveries : the Webhook-Id is the key to dedupe by.
        """
        first = {a.key: a for a in reversed(arrivals)}  # of equal keys in one group the first is kept
        rows = [
            {
                "shop": a.shop,
                "topic": a.topic,
                "webhook_id": a.webhook_id,
                "event_id": a.event_id,
                "api_version": a.api_version,
                "triggered_at": a.triggered_at,
                "received_at": a.received_at,
                "customer_id": a.customer.id if a.customer else None,
                "updated_at": a.customer.updated_at if a.customer else None,
                "verdict": a.verdict or "changed",
                "why": a.why,
                "secret": a.secret,
                "request_id": a.request_id,
                "body": a.body,
            }
            # In order, so that two processes with the same keys never wait for each other.
            for a in sorted(first.values(), key=lambda a: a.key)
        ]
        return {(r.shop, r.topic, r.webhook_id): r.id for r in c.execute(self._insert_new, rows)} if rows else {}


class _Fold:
    """What a group of arrivals comes to, taken one after the other; touches no database."""

    def __init__(self, before: Mapping[int, Known]) -> None:
        self.known = dict(before)
        self.verdicts: dict[Key, Verdict] = {}
        self.changed: dict[int, Arrival] = {}
        self.to_read: dict[int, Arrival] = {}
        self.touched: set[int] = set()
        self.alive: set[int] = set()

    def add(self, a: Arrival, *, new: bool) -> None:
        if a.customer is None:
            return
        i = a.customer.id
        if not new or a.key in self.verdicts:
            self.alive.add(i)
            return
        there = self.known.get(i)
        if is_older(there, a.customer.updated_at, a.triggered_at):
            self.verdicts[a.key] = "older"
            return
        after = learn(there, a.customer, a.triggered_at)
        self.known[i] = after
        self.touched.add(i)
        self.alive.add(i)
        if there is None or after.revision != there.revision:
            self.verdicts[a.key] = "changed"
            self.changed[i] = a
        else:
            self.verdicts[a.key] = "unchanged"
        if needs_read(after) or a.customer.updated_at is None or _is_news(there, after, a):
            self.to_read[i] = a

    def recorded(self, arrivals: Sequence[Arrival], kept: Mapping[Key, int]) -> list[Recorded]:
        seen: set[Key] = set()
        recorded = []
        for a in arrivals:
            there = self.known.get(a.customer.id) if a.customer else None
            repeat = a.key not in kept or a.key in seen
            seen.add(a.key)
            verdict = a.verdict or self.verdicts.get(a.key, "unchanged")
            recorded.append(Recorded(verdict, repeat, there.revision if there else None))
        return recorded


def _is_news(there: Known | None, after: Known, a: Arrival) -> bool:
    """Whether this tells of a save that we had not heard of: in the second of one that was read back already, too.

    How far a read saw is judged by the clock of the worker that read, and that may be wrong.
    """
    if there is None or after.revision != there.revision:
        return True
    return bool(a.triggered_at and there.triggered_at and a.triggered_at > there.triggered_at)
