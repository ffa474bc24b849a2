"""In: keep what Shopify delivered, with the customers and tasks it asks for, in ONE commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from sqlalchemy import Connection, bindparam, select, tuple_, update

from ledger import tables as t
from ledger.arrival import Arrival, Known, Recorded, Verdict, hear, is_older, needs_read
from ledger.batch import Insert
from ledger.database import Database
from ledger.mails import CREATED, Welcome
from ledger.rows import Debt, known_customers, owe, revive, write_customers
from ledger.unreadable import NEVER_READ, give_way

#: Destinations wait so long for the whole customer, then go with what the webhook said.
HOLD = timedelta(seconds=2)

Key: TypeAlias = tuple[str, str, str]

_DELIVERIES = Insert(
    t.deliveries,
    (
        "shop",
        "topic",
        "webhook_id",
        "event_id",
        "api_version",
        "triggered_at",
        "received_at",
        "customer_id",
        "updated_at",
        "verdict",
        "why",
        "secret",
        "request_id",
        "body",
    ),
    "ON CONFLICT (shop, topic, webhook_id) DO NOTHING",
)
_KEY = tuple_(t.deliveries.c.shop, t.deliveries.c.topic, t.deliveries.c.webhook_id)
_KEYS = select(
    t.deliveries.c.shop,
    t.deliveries.c.topic,
    t.deliveries.c.webhook_id,
    t.deliveries.c.request_id,
    t.deliveries.c.verdict,
)
_SET_VERDICT = (
    update(t.deliveries)
    .where(t.deliveries.c.shop == bindparam("_shop"), t.deliveries.c.topic == bindparam("_topic"))
    .where(t.deliveries.c.webhook_id == bindparam("_webhook_id"))
    .values(verdict=bindparam("_verdict"))
)


class Inbox:
    """Where deliveries come in. ``destinations``: the lanes a customer is carried to; ``reads``: the one read from.

    ``welcome``: who registers from now on is owed a mail by this rule; None: nobody is, now or later.
    """

    def __init__(
        self,
        database: Database,
        *,
        destinations: Sequence[str],
        reads: str = "shopify",
        welcome: Welcome | None = None,
    ) -> None:
        self.database = database
        self.destinations = tuple(destinations)
        self.reads = reads
        self.welcome = welcome

    def record(self, arrivals: Sequence[Arrival], *, now: datetime, reading_is_on: bool) -> list[Recorded]:
        """What became of each arrival, after the commit. Raises ``StoreBusy``.

        ``reading_is_on``: the destinations of a changed customer wait up to two seconds for the whole customer.
        """
        with self.database.writing() as c:
            ids = sorted({a.customer.id for a in arrivals if a.customer})
            self.database.lock_customers(c, ids)
            before = known_customers(c, ids)
            # Nearly all are new; whether one is a repeat is for the unique key to say, when its row is written.
            kept = {a.key for a in arrivals}
            fold = _Fold.of(arrivals, kept, before)
            repeats = self._keep(c, arrivals, fold)
            if repeats:
                kept -= repeats
                first, fold = fold, _Fold.of(arrivals, kept, before)
                self._correct(c, kept, first, fold)
            self._write(c, fold, now, reading_is_on)
            if ids:
                self.database.notify(c)
        return fold.recorded(arrivals, kept)

    def _write(self, c: Connection, fold: _Fold, now: datetime, reading_is_on: bool) -> None:
        first_topics = {i: a.topic for i, a in fold.first.items()}
        write_customers(c, [fold.known[i] for i in sorted(fold.touched)], now, first_topics)
        debts = [Debt(i, self.reads, now, a.received_at, a.request_id) for i, a in fold.to_read.items()]
        for i, a in fold.changed.items():
            held = reading_is_on and i in fold.to_read
            due_at = now + HOLD if held else now
            debts += [Debt(i, lane, due_at, a.received_at, a.request_id, held) for lane in self.destinations]
        if rule := self.welcome:
            new = [(i, a) for i, a in fold.first.items() if a.topic == CREATED]
            debts += [Debt(i, rule.lane, now + rule.patience, a.received_at, a.request_id) for i, a in new]
        owe(c, debts)
        revive(c, fold.alive - fold.changed.keys(), now)

    @staticmethod
    def _keep(c: Connection, arrivals: Sequence[Arrival], fold: _Fold) -> set[Key]:
        """Write the deliveries down; the keys of those that were there before: the unique key decides, not a look.

        https://shopify.dev/docs/apps/build/webhooks/verify-deliveries : the Webhook-Id is the key to dedupe by.
        What could not be read then and can be now is no repeat: nothing was done for it yet.
        """
        first = {a.key: a for a in reversed(arrivals)}  # of equal keys in one group the first is kept
        rows = [
            (
                a.shop,
                a.topic,
                a.webhook_id,
                a.event_id,
                a.api_version,
                a.triggered_at,
                a.received_at,
                a.customer.id if a.customer else None,
                a.customer.updated_at if a.customer else None,
                fold.verdict(a),
                a.why,
                a.secret,
                a.request_id,
                a.body,
            )
            # In order, so that two processes with the same keys never wait for each other.
            for a in sorted(first.values(), key=lambda a: a.key)
        ]
        if _DELIVERIES.run(c, rows) == len(rows):
            return set()
        # The request id tells our own rows from those that stood there.
        there = c.execute(_KEYS.where(_KEY.in_(list(first)))).all()
        before = {(r[0], r[1], r[2]): r.verdict for r in there if r.request_id != first[r[0], r[1], r[2]].request_id}
        can_be_read = {key: a.request_id for key, a in first.items() if a.customer}
        free = give_way(c, {k: can_be_read[k] for k, was in before.items() if was in NEVER_READ and k in can_be_read})
        _DELIVERIES.run(c, [row for row in rows if (row[0], row[1], row[2]) in free])
        return before.keys() - free

    @staticmethod
    def _correct(c: Connection, kept: set[Key], said: _Fold, meant: _Fold) -> None:
        """A repeat in the group may change what the others come to: their rows say so too."""
        other = [
            {"_shop": shop, "_topic": topic, "_webhook_id": webhook_id, "_verdict": verdict}
            for (shop, topic, webhook_id), verdict in meant.verdicts.items()
            if (shop, topic, webhook_id) in kept and said.verdicts.get((shop, topic, webhook_id)) != verdict
        ]
        if other:
            c.execute(_SET_VERDICT, other)


class _Fold:
    """What a group of arrivals comes to, taken one after the other; touches no database."""

    @classmethod
    def of(cls, arrivals: Sequence[Arrival], kept: set[Key], before: Mapping[int, Known]) -> _Fold:
        fold = cls(before)
        for a in arrivals:
            fold.add(a, new=a.key in kept)
        return fold

    def __init__(self, before: Mapping[int, Known]) -> None:
        self.known = dict(before)
        self.verdicts: dict[Key, Verdict] = {}
        self.first: dict[int, Arrival] = {}
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
        after = hear(there, a.customer, a.triggered_at)
        self.known[i] = after
        self.touched.add(i)
        self.alive.add(i)
        if there is None:
            self.first[i] = a
        if there is None or after.revision != there.revision:
            self.verdicts[a.key] = "changed"
            self.changed[i] = a
        else:
            self.verdicts[a.key] = "unchanged"
        if needs_read(after) or a.customer.updated_at is None or _is_news(there, after, a):
            self.to_read[i] = a

    def verdict(self, a: Arrival) -> Verdict:
        return a.verdict or self.verdicts.get(a.key, "unchanged")

    def recorded(self, arrivals: Sequence[Arrival], kept: set[Key]) -> list[Recorded]:
        seen: set[Key] = set()
        recorded = []
        for a in arrivals:
            there = self.known.get(a.customer.id) if a.customer else None
            repeat = a.key not in kept or a.key in seen
            seen.add(a.key)
            recorded.append(Recorded(self.verdict(a), repeat, there.revision if there else None))
        return recorded


def _is_news(there: Known | None, after: Known, a: Arrival) -> bool:
    """Whether this tells of a save that we had not heard of: in the second of one that was read back already, too.

    How far a read saw is judged by the clock of the worker that read, and that may be wrong.
    """
    if there is None or after.revision != there.revision:
        return True
    return bool(a.triggered_at and there.triggered_at and a.triggered_at > there.triggered_at)
