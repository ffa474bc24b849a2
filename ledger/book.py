"""Out: hand out what is due, and write down how it ended.

Every change of a task's state is one guarded statement "from here to there"; what a state becomes is decided by pure
functions (`outcome.py`, `breaker.py`). Time comes in as an argument.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Literal

from sqlalchemy import Connection, Select, bindparam, case, func, select, update

from customer import Task
from ledger import outcome as outcomes
from ledger import tables as t
from ledger.breaker import free_from, may_claim
from ledger.database import Database
from ledger.health import HealthBook
from ledger.lease import LONGEST_LEASE, ended
from ledger.mails import Welcome
from ledger.outcome import DEADLY, PATIENCE, Done, Held, Outcome, settle
from ledger.reads import learn_from_reads, unless_stale
from ledger.rows import Debt, blank_marks, known_customers, owe


@dataclass(frozen=True, slots=True)
class Claimed:
    """A running task: ours until the lease ends, as long as ``token`` is the live one."""

    task: Task
    lane: str
    token: str
    revision: int
    carrying: int
    since: datetime

    @property
    def customer_id(self) -> int:
        """Shopify's id of the customer."""
        return self.task.customer.id


@dataclass(frozen=True, slots=True)
class Settlement:
    """How one carry of a claim ended: an outcome for each of its tasks, with the time it took."""

    lane: str
    outcomes: Sequence[tuple[Claimed, Outcome]]
    started_at: datetime
    duration_ms: float


@dataclass(frozen=True, slots=True)
class Completed:
    """Nothing of a customer is on its way any more: "done" everywhere, or "failed" somewhere.

    ``total_ms``: since the delivery (or the resync) that the last task was about. ``lanes``: the states that counted.
    """

    outcome: Literal["done", "failed"]
    total_ms: float
    lanes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Settled:
    """What a settlement left behind for one customer; ``states`` maps each lane to the state of the task there now.

    ``refused``: the token was no longer live, so nothing was written. ``completed``: this was the last one's turn.
    """

    customer_id: int
    refused: bool
    state: str | None
    states: Mapping[str, str]
    completed: Completed | None = None


class Book:
    """The ledger's verbs on the way out; ``destinations``, ``reads`` and ``welcome`` as in ``Inbox``.

    ``apart``: the lanes that a customer's completion does not wait for: those that are off, and mail.
    """

    def __init__(
        self,
        database: Database,
        *,
        destinations: Sequence[str],
        reads: str = "shopify",
        welcome: Welcome | None = None,
        apart: Collection[str] = (),
    ) -> None:
        self.database = database
        self.destinations = tuple(destinations)
        self.reads = reads
        self.welcome = welcome
        self.apart = frozenset(apart)
        self.health_book = HealthBook(database)

    def next_due(self, lane: str, *, now: datetime, updates_too: bool = True) -> datetime | None:
        """When the next task of this lane may be claimed, or None when nothing waits: a look, no lock.

        While the lane is open or paused that is when it may be tried again.
        """
        with self.database.reading() as c:
            firsts = c.execute(_next_due(updates_too), {"lane": lane}).one()
            due: datetime | None = min((at for at in firsts if at is not None), default=None)
            return None if due is None else max(due, free_from(self.health_book.look(c, lane), due, now))

    def claim(
        self,
        lane: str,
        limit: int,
        *,
        now: datetime,
        lease: timedelta,
        updates_too: bool = True,
        newest_first: bool = False,
    ) -> list[Claimed]:
        """Up to ``limit`` due tasks of this lane, now running and ours until the lease ends.

        Nothing while the lane is open or paused; a single task when it is time to probe. ``updates_too`` False leaves
        out customers that are at the far side already. Whose customer has been read back whole goes first, oldest or
        ``newest_first``; behind them, of those who still wait for their read, the newest, since the oldest will have
        been read by the next claim and then need not be carried twice.
        """
        with self.database.writing(loose=True) as c:
            health = self.health_book.look(c, lane)
            may, probing = may_claim(health, limit, now)
            if may == 0:
                return []
            due = _pending(lane, updates_too).where(t.tasks.c.due_at <= now)
            if self.database.on_postgresql:
                due = due.with_for_update(skip_locked=True)
            ids: list[int]
            if probing:
                # With whoever was tried least, so that one poisoned customer cannot keep a lane open.
                ids = list(c.execute(due.order_by(t.tasks.c.attempt, t.tasks.c.due_at).limit(1)).scalars())
                if not ids or not self.health_book.take_the_probe(c, lane, health, now + lease):
                    return []
            else:
                at = t.tasks.c.due_at
                read = due.where(t.tasks.c.held.is_(False)).order_by(at.desc() if newest_first else at)
                ids = list(c.execute(read.limit(may)).scalars())
                if len(ids) < may:
                    unread = due.where(t.tasks.c.held.is_(True)).order_by(at.desc()).limit(may - len(ids))
                    ids += c.execute(unread).scalars()
            return self._take(c, lane, ids, now + lease) if ids else []

    def _take(self, c: Connection, lane: str, ids: Sequence[int], lease_until: datetime) -> list[Claimed]:
        token = uuid.uuid4().hex
        taken = c.execute(
            update(t.tasks)
            .where(t.tasks.c.lane == lane, t.tasks.c.customer_id.in_(ids), t.tasks.c.state == "pending")
            .values(
                state="running",
                token=token,
                lease_until=lease_until,
                carrying=t.tasks.c.wanted,
                attempt=t.tasks.c.attempt + 1,
                held=False,
            )
            .returning(t.tasks)
        ).mappings()
        rows = {row["customer_id"]: row for row in taken}
        known = known_customers(c, rows.keys())
        return [
            Claimed(
                Task(
                    customer=known[i].customer,
                    ref=row["ref"],
                    sent=row["sent"] or {},
                    memo=row["memo"] or {},
                    doubt=row["doubt"],
                    attempt=row["attempt"],
                    request_id=row["request_id"],
                ),
                lane,
                token,
                known[i].revision,
                row["carrying"],
                row["since"],
            )
            for i in ids
            if (row := rows.get(i)) is not None
        ]

    def renew(self, tokens: Collection[str], *, until: datetime) -> int:
        """Hold on to what we carry: how many running tasks still bear one of these tokens."""
        if not tokens:
            return 0
        with self.database.writing(loose=True) as c:
            return self._touch_running(c, t.tasks.c.token.in_(list(tokens)), {"lease_until": until})

    def rescue(self, *, now: datetime, lease: timedelta = LONGEST_LEASE) -> int:
        """Bring back what was held by somebody who is gone: pending again, in doubt; how many.

        ``lease`` is how long workers hold a claim. A task whose carry ends its worker every time waits for a person in
        the end.
        """
        lost = ended(t.tasks.c.lease_until, now, lease)
        with self.database.reading() as c:
            if not c.execute(select(func.count()).where(t.tasks.c.state == "running", lost)).scalar():
                return 0
        with self.database.writing() as c:
            back = {"token": None, "lease_until": None, "carrying": None, "doubt": True, "due_at": now}
            # Whoever held it may only stand still, or have died with a write on its way.
            back["unsure_until"] = now + outcomes.LATE
            deadly = t.tasks.c.attempt >= PATIENCE
            says = f"its worker ended without a word, {PATIENCE} times: look into the log for how"
            values = {
                **back,
                "state": case((deadly, "failed"), else_="pending"),
                "kind": case((deadly, DEADLY), else_=t.tasks.c.kind),
                "why": case((deadly, says), else_=t.tasks.c.why),
            }
            count = self._touch_running(c, lost, values)
            self.database.notify(c)
            return count

    def _touch_running(self, c: Connection, which: Any, values: Mapping[str, Any]) -> int:
        """Change running tasks; one that is being settled at this moment is passed over, not waited for."""
        if self.database.on_postgresql:
            some = select(t.tasks.c.customer_id, t.tasks.c.lane).where(t.tasks.c.state == "running", which)
            rows = some.with_for_update(skip_locked=True).cte("free")
            same = (t.tasks.c.customer_id == rows.c.customer_id, t.tasks.c.lane == rows.c.lane)
            return c.execute(update(t.tasks).where(*same, t.tasks.c.state == "running").values(values)).rowcount
        return c.execute(update(t.tasks).where(t.tasks.c.state == "running", which).values(values)).rowcount

    def settle(self, settlements: Sequence[Settlement], *, now: datetime) -> list[list[Settled]]:
        """Write down how these carries ended, in one commit; a result without the live token is refused."""
        with self.database.writing() as c:
            self.database.lock_customers(c, [claimed.customer_id for s in settlements for claimed, _ in s.outcomes])
            # In the order of the lanes' names, so that two processes never wait for each other's lane.
            order = sorted(range(len(settlements)), key=lambda i: settlements[i].lane)
            results = {i: self._settle(c, settlements[i], now) for i in order}
            self.database.notify(c)
            return [results[i] for i in range(len(settlements))]

    def _settle(self, c: Connection, s: Settlement, now: datetime) -> list[Settled]:
        ids = [claimed.customer_id for claimed, _ in s.outcomes]
        columns = ("customer_id", "token", "wanted", "attempt", "doubt", "sent", "unsure_until")
        which = (t.tasks.c.lane == s.lane, t.tasks.c.customer_id.in_(ids))
        query = select(*(t.tasks.c[name] for name in columns)).where(*which)
        if self.database.on_postgresql:
            query = query.with_for_update()
        held = {row.customer_id: row for row in c.execute(query.where(t.tasks.c.state == "running"))}
        health = self.health_book.look(c, s.lane)
        accepted: list[tuple[Claimed, Outcome]] = []
        changes: dict[int, dict[str, Any]] = {}
        known = known_customers(c, ids) if s.lane == self.reads else {}
        for claimed, said in s.outcomes:
            row = held.get(claimed.customer_id)
            if row is not None and row.token == claimed.token:
                moved_on = row.wanted != claimed.carrying
                outcome = unless_stale(said, known.get(claimed.customer_id), moved_on=moved_on)
                was = Held(
                    wanted=row.wanted,
                    carrying=claimed.carrying,
                    attempt=row.attempt,
                    doubt=row.doubt,
                    lane_is_well=health.breaker == "closed",
                    send_again=None if (row.sent or {}) == claimed.task.sent else tuple(row.sent or ()),
                    # Who only reads leaves nothing, and a mail is laid over nothing.
                    unsure_until=row.unsure_until if s.lane in self.destinations else None,
                )
                accepted.append((claimed, outcome))
                changes[claimed.customer_id] = settle(was, outcome, now)
        self._write_changes(c, s.lane, accepted, changes)
        self.health_book.hear(c, s.lane, health, [outcome for _, outcome in accepted], now)
        if s.lane == self.reads and accepted:
            learn_from_reads(c, accepted, known, s.started_at, destinations=self.destinations, now=now)
        if self.welcome and s.lane == self.welcome.after:
            self.welcome.let_go(c, [claimed.customer_id for claimed, outcome in accepted if _is_there(outcome)], now)
        states = _states(c, changes.keys())
        ends: dict[int, Completed] = {}
        for claimed, _ in accepted:
            if end := self._completed(claimed, states.get(claimed.customer_id, {}), now):
                ends[claimed.customer_id] = end
        _write_attempts(c, s, accepted, ends)
        return [
            Settled(i, i not in changes, changes.get(i, {}).get("state"), states.get(i, {}), ends.get(i)) for i in ids
        ]

    def _completed(self, claimed: Claimed, states: Mapping[str, str], now: datetime) -> Completed | None:
        """What this settlement completed, if it did; ``states`` are those it left behind."""
        here = {lane: state for lane, state in states.items() if lane not in self.apart}
        if claimed.lane not in here or not {"pending", "running"}.isdisjoint(here.values()):
            return None
        total_ms = (now - claimed.since).total_seconds() * 1000
        return Completed("failed" if "failed" in here.values() else "done", total_ms, here)

    def send_again(self, lane: str, written: Mapping[int, Collection[str]], *, now: datetime) -> None:
        """Somebody whose lease was over wrote to the far side all the same: everything goes out once more.

        ``written`` maps each Shopify id to the fields that were sent. They may be older than what stood there, and the
        marks of what has been sent would hide it. A running task is carried once more when it settles.
        """
        mine = (t.tasks.c.lane == lane, t.tasks.c.customer_id.in_(list(written)))
        with self.database.writing() as c:
            self.database.lock_customers(c, list(written))
            found = c.execute(select(t.tasks.c.customer_id, t.tasks.c.sent, t.tasks.c.request_id).where(*mine)).all()
            owe(c, [Debt(r.customer_id, lane, now, now, r.request_id) for r in found])
            blank_marks(c, [(r.customer_id, lane, [*(r.sent or ()), *written[r.customer_id]]) for r in found])
            self.database.notify(c)

    @staticmethod
    def _write_changes(
        c: Connection, lane: str, accepted: Iterable[tuple[Claimed, Outcome]], changes: Mapping[int, dict[str, Any]]
    ) -> None:
        groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for claimed, _ in accepted:
            columns = changes[claimed.customer_id]
            row = {f"new_{name}": value for name, value in columns.items()}
            group = groups.setdefault(tuple(columns), [])
            group.append({**row, "_id": claimed.customer_id, "_token": claimed.token})
        here = (
            t.tasks.c.customer_id == bindparam("_id"),
            t.tasks.c.lane == lane,
            t.tasks.c.state == "running",
            t.tasks.c.token == bindparam("_token"),
        )
        for names, rows in groups.items():
            c.execute(update(t.tasks).where(*here).values({n: bindparam(f"new_{n}") for n in names}), rows)


@cache
def _next_due(updates_too: bool) -> Select[Any]:
    """The first of those who were read, and of those who were not. Built once: each commit makes every lane look."""
    tasks = t.tasks.c
    which = [tasks.lane == bindparam("lane"), tasks.state == "pending"]
    if not updates_too:
        which.append(tasks.ref.is_(None))
    firsts = [select(func.min(tasks.due_at)).where(*which, tasks.held.is_(held)) for held in (False, True)]
    return select(*(first.scalar_subquery() for first in firsts))


def _pending(lane: str, updates_too: bool) -> Select[Any]:
    query = select(t.tasks.c.customer_id).where(t.tasks.c.lane == lane, t.tasks.c.state == "pending")
    return query if updates_too else query.where(t.tasks.c.ref.is_(None))


def _is_there(outcome: Outcome) -> bool:
    """Whether the customer has just come to stand at the far side."""
    return isinstance(outcome, Done) and outcome.did in ("created", "linked")


def _states(c: Connection, ids: Collection[int]) -> dict[int, dict[str, str]]:
    states: dict[int, dict[str, str]] = {}
    if ids:
        query = select(t.tasks.c.customer_id, t.tasks.c.lane, t.tasks.c.state)
        for row in c.execute(query.where(t.tasks.c.customer_id.in_(list(ids)))):
            states.setdefault(row.customer_id, {})[row.lane] = row.state
    return states


def _write_attempts(
    c: Connection, s: Settlement, accepted: Iterable[tuple[Claimed, Outcome]], ends: Mapping[int, Completed]
) -> None:
    rows = [
        {
            "customer_id": claimed.customer_id,
            "lane": s.lane,
            "attempt": claimed.task.attempt,
            "revision": claimed.revision,
            "started_at": s.started_at,
            "duration_ms": s.duration_ms,
            "outcome": type(outcome).__name__.lower(),
            "did": outcome.did if isinstance(outcome, Done) else None,
            "kind": None if isinstance(outcome, Done) else outcome.kind,
            "why": None if isinstance(outcome, Done) else outcome.why,
            "status": outcome.status,
            "vendor_request_id": outcome.vendor_request_id,
            "request_id": claimed.task.request_id,
            "total_ms": end.total_ms if (end := ends.get(claimed.customer_id)) and end.outcome == "done" else None,
        }
        for claimed, outcome in accepted
        # A task that had nothing to send made no attempt, and a busy shop has many of those.
        if not (isinstance(outcome, Done) and outcome.did == "unchanged")
    ]
    if rows:
        c.execute(t.attempts.insert(), rows)
