"""What the alerts are judged by: a few figures, each read by an index and never over more than some thousand rows.

With a million attempts in the ledger one look costs what it costs with a thousand. What is cut off is named where it
is: a count then means "so many at least".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, func, select, union_all

from ledger import tables as t
from ledger.breaker import Health
from ledger.database import Database
from ledger.unseen import fields_of

#: So many of the newest attempts are looked through.
ATTEMPTS: Final = 3000
#: So many failed tasks of one cause, or unreadable deliveries, are counted.
MOST: Final = 1000
#: So many pending tasks at each end of a lane's line are asked since when they wait.
_ENDS: Final = 300
_EXAMPLES: Final = 5
_UNREADABLE: Final = "unreadable"


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt: whether it ended well, and when it began."""

    well: bool
    started_at: datetime
    customer_id: int
    cause: str | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Failed tasks of one lane and cause; ``customers`` are up to five who wait longest."""

    lane: str
    cause: str | None
    count: int
    since: datetime
    customers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Arrived:
    """A customer who came to be at every destination: when the delivery came, and how long it took."""

    came_at: datetime
    total_ms: float


@dataclass(frozen=True, slots=True)
class Readings:
    """One look. ``pos`` and ``arrived``: the newest first. ``twins``: (customer, lane, cause, since) of each failed
    task with one of the causes that were asked for. ``debts``: since when a lane's oldest debt stands. ``unreadable``:
    how many came lately, and when the first of them did. ``refused``: so many 401 by day. ``unseen``: since when each
    field of Shopify's has been refused.
    """

    healths: Mapping[str, Health]
    pos: Sequence[Tried]
    arrived: Sequence[Arrived]
    waiting: Sequence[Waiting]
    twins: Sequence[tuple[int, str, str, datetime]]
    debts: Mapping[str, datetime]
    last_delivery: datetime | None
    unreadable: tuple[int, datetime] | None
    refused: Mapping[str, int]
    unseen: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """What to look for: the lanes that are on, the lane of the POS, the kinds of attempt that say nothing of it, the
    causes that are told of each customer by itself, and whether changes are carried where a customer is known already.
    """

    lanes: Sequence[str]
    pos: str
    says_nothing: Collection[str]
    twins: Collection[str]
    updates_too: bool
    attempts: int
    arrived: int = 205
    unreadable_for: timedelta = timedelta(days=1)


def look(database: Database, asked: Asked, now: datetime) -> Readings:
    """Everything, from one moment. Raises ``StoreBusy``."""
    days = [(now - timedelta(days=1)).date().isoformat(), now.date().isoformat()]
    with database.reading() as c:
        waiting, twins = _failed(c, asked)
        debts = {lane: since for lane in asked.lanes if (since := _oldest_debt(c, lane, asked.updates_too))}
        refused = select(t.tallies.c.day, t.tallies.c["count"].label("n")).where(t.tallies.c.name == "refused 401")
        d = t.deliveries.c
        return Readings(
            healths={
                row["name"]: Health(**{k: v for k, v in row.items() if k != "name"})
                for row in c.execute(select(t.lanes)).mappings()
            },
            pos=_tried(c, asked) if asked.pos in asked.lanes else (),
            arrived=_arrived(c, asked.arrived),
            waiting=waiting,
            twins=twins,
            debts=debts,
            last_delivery=c.execute(select(d.received_at).order_by(d.id.desc()).limit(1)).scalar(),
            unreadable=_unreadable(c, now - asked.unreadable_for),
            refused={row.day: row.n for row in c.execute(refused.where(t.tallies.c.day.in_(days)))},
            unseen=fields_of(c),
        )


def _newest_attempts() -> Any:
    """The id after which the attempts are the newest ones: by the key alone, for no index knows the lanes."""
    return select(func.coalesce(func.max(t.attempts.c.id), 0) - ATTEMPTS).scalar_subquery()


def _tried(c: Connection, asked: Asked) -> list[Tried]:
    a = t.attempts.c
    speaks = a.kind.is_(None) | a.kind.not_in(list(asked.says_nothing))
    newest = select(a.outcome, a.started_at, a.customer_id, a.kind).where(a.id > _newest_attempts())
    rows = c.execute(newest.where(a.lane == asked.pos, speaks).order_by(a.id.desc()).limit(asked.attempts))
    return [Tried(r.outcome == "done", r.started_at, r.customer_id, r.kind) for r in rows]


def _arrived(c: Connection, limit: int) -> list[Arrived]:
    a = t.attempts.c
    newest = select(a.started_at, a.duration_ms, a.total_ms).where(a.id > _newest_attempts())
    rows = c.execute(newest.where(a.total_ms.is_not(None)).order_by(a.id.desc()).limit(limit))
    return [Arrived(r.started_at + timedelta(milliseconds=r.duration_ms - r.total_ms), r.total_ms) for r in rows]


def _failed(c: Connection, asked: Asked) -> tuple[list[Waiting], list[tuple[int, str, str, datetime]]]:
    """What waits for a person in these lanes: by cause, and by customer where the cause is told of each."""
    waiting: list[Waiting] = []
    twins: list[tuple[int, str, str, datetime]] = []
    tasks = t.tasks.c
    for lane in asked.lanes:
        here = (tasks.lane == lane, tasks.state == "failed")
        for cause in _causes(c, *here):
            mine = (*here, tasks.kind == cause if cause is not None else tasks.kind.is_(None))
            oldest = select(tasks.customer_id, tasks.since).where(*mine).order_by(tasks.since)
            if cause is not None and cause in asked.twins:
                twins += [(r.customer_id, lane, cause, r.since) for r in c.execute(oldest.limit(MOST))]
                continue
            some = select(tasks.customer_id).where(*mine).limit(MOST).subquery()
            count = c.execute(select(func.count()).select_from(some)).scalar_one()
            first = c.execute(oldest.limit(_EXAMPLES)).all()
            if first:
                waiting.append(Waiting(lane, cause, count, first[0].since, tuple(r.customer_id for r in first)))
    return waiting, twins


def _causes(c: Connection, *here: ColumnElement[bool]) -> Iterator[str | None]:
    """Each cause once, from one to the next by the index: so that ten thousand of one do not hide another."""
    kind = t.tasks.c.kind
    found = c.execute(select(func.min(kind)).where(*here)).scalar()
    while found is not None:
        yield found
        found = c.execute(select(func.min(kind)).where(*here, kind > found)).scalar()
    if c.execute(select(kind).where(*here, kind.is_(None)).limit(1)).first():
        yield None


def _oldest_debt(c: Connection, lane: str, updates_too: bool) -> datetime | None:
    """Since when the oldest debt of a lane stands, as far as both ends of its line tell.

    Who came first is due first; who was tried again and again is due last. What waits for a person is no debt here.
    """
    tasks = t.tasks.c
    pending = select(tasks.since).where(tasks.lane == lane, tasks.state == "pending")
    if not updates_too:
        pending = pending.where(tasks.ref.is_(None))
    ends: list[Select[Any]] = [select(tasks.since).where(tasks.lane == lane, tasks.state == "running").limit(_ENDS)]
    for held in (False, True):
        line = pending.where(tasks.held.is_(held))
        ends += [line.order_by(order).limit(_ENDS) for order in (tasks.due_at, tasks.due_at.desc())]
    every = union_all(*(select(end.subquery().c.since) for end in ends)).subquery()
    since: datetime | None = c.execute(select(func.min(every.c.since))).scalar()
    return since


def _unreadable(c: Connection, after: datetime) -> tuple[int, datetime] | None:
    d = t.deliveries.c
    lately = select(d.received_at).where(d.verdict == _UNREADABLE, d.received_at > after)
    some = lately.order_by(d.received_at).limit(MOST).subquery().c
    row = c.execute(select(func.count().label("n"), func.min(some.received_at).label("since"))).first()
    return (row.n, row.since) if row and row.n else None
