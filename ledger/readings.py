"""What the alerts are judged by: a few figures, each read by an index and never over more than some thousand rows.

With a million attempts in the ledger one look costs what it costs with a thousand. What is cut off is named where it
is: a count then means "so many at least".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, func, select

from ledger import oldest, outages, unreadable
from ledger import tables as t
from ledger.breaker import Health
from ledger.database import Database
from ledger.members import freshness_of
from ledger.outages import Try
from ledger.unseen import fields_of

#: So many of the newest attempts are looked through.
ATTEMPTS: Final = 3000
#: So many failed tasks of one cause, or unreadable deliveries, are counted.
MOST: Final = 1000
_EXAMPLES: Final = 5
#: Of so many of the newest who arrived, their own attempts are looked at, too; unless each of them took less than this.
_OWN: Final = 10
_QUICK_MS: Final = 1000.0
#: A fault of ours is no outage of the far side.
_OURS: Final = "fault."


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
    """A customer who came to be at every destination: when the delivery came, and how long it took.

    ``outage_ms``: so much of it was an outage's (see ``outages``), as far as the newest attempts tell.
    """

    came_at: datetime
    total_ms: float
    outage_ms: float = 0.0

    @property
    def counted_ms(self) -> float:
        """How long the way took where it was free."""
        return self.total_ms - self.outage_ms


@dataclass(frozen=True, slots=True)
class Readings:
    """One look. ``pos`` and ``arrived``: the newest first. ``twins``: (customer, lane, cause, since) of each failed
    task with one of the causes that were asked for. ``debts``: since when the oldest waits for a lane. ``unreadable``:
    how many deliveries wait for a person, and when the first of them came. ``refused``: so many 401 by day.
    ``unseen``: since when each field of Shopify's has been refused. ``index_fresh_at``: how far the member index is
    known (None while it was never filled).
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
    index_fresh_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What to look for: the lanes that are on, the lane of the POS, the kinds of attempt that say nothing of it, the
    causes that are told of each customer by itself, and whether changes are carried where a customer is known already.
    ``no_outage``: kinds of attempt that say nothing of the far side at all.
    """

    lanes: Sequence[str]
    pos: str
    says_nothing: Collection[str]
    twins: Collection[str]
    updates_too: bool
    attempts: int
    arrived: int = 205
    no_outage: Collection[str] = ()


def look(database: Database, asked: Asked, now: datetime) -> Readings:
    """Everything, from one moment. Raises ``StoreBusy``."""
    days = [(now - timedelta(days=1)).date().isoformat(), now.date().isoformat()]
    with database.reading() as c:
        waiting, twins = _failed(c, asked)
        debts = {
            lane: since for lane in asked.lanes if (since := oldest.waiting(c, lane, updates_too=asked.updates_too))
        }
        refused = select(t.tallies.c.day, t.tallies.c["count"].label("n")).where(t.tallies.c.name == "refused 401")
        d = t.deliveries.c
        return Readings(
            healths={
                row["name"]: Health(**{k: v for k, v in row.items() if k != "name"})
                for row in c.execute(select(t.lanes)).mappings()
            },
            pos=_tried(c, asked) if asked.pos in asked.lanes else (),
            arrived=_arrived(c, asked),
            waiting=waiting,
            twins=twins,
            debts=debts,
            last_delivery=c.execute(select(d.received_at).order_by(d.id.desc()).limit(1)).scalar(),
            unreadable=_unreadable(c),
            refused={row.day: row.n for row in c.execute(refused.where(t.tallies.c.day.in_(days)))},
            unseen=fields_of(c),
            index_fresh_at=freshness_of(c).fresh_at,
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


def _arrived(c: Connection, asked: Asked) -> list[Arrived]:
    a = t.attempts.c
    newest = select(a.customer_id, a.started_at, a.duration_ms, a.total_ms).where(a.id > _newest_attempts())
    rows = c.execute(newest.where(a.total_ms.is_not(None)).order_by(a.id.desc()).limit(asked.arrived)).all()
    ended = [row.started_at + timedelta(milliseconds=row.duration_ms) for row in rows]
    came = [at - timedelta(milliseconds=row.total_ms) for row, at in zip(rows, ended, strict=True)]
    if all(row.total_ms <= _QUICK_MS for row in rows[:_OWN]):
        return [Arrived(at, row.total_ms) for at, row in zip(came, rows, strict=True)]

    def is_outage(one: Try) -> bool:
        kind = one.kind or ""
        return one.outcome == "retry" and kind not in asked.no_outage and not kind.startswith(_OURS)

    of_lanes = outages.of_lanes(_tries(c, a.id > _newest_attempts(), a.lane.in_(list(asked.lanes))), is_outage)
    arrived = []
    for place, (row, began, at) in enumerate(zip(rows, came, ended, strict=True)):
        spans = of_lanes
        if place < _OWN:
            mine = (a.customer_id == row.customer_id, a.lane.in_(list(asked.lanes)), a.started_at >= began)
            spans = [*spans, *outages.of_customer(_tries(c, *mine), is_outage)]
        outage = outages.overlap(began, at, spans)
        arrived.append(Arrived(began, row.total_ms, outage.total_seconds() * 1000))
    return arrived


def _tries(c: Connection, *which: ColumnElement[bool]) -> list[Try]:
    """The newest of these attempts, in the order in which they were written down."""
    a = t.attempts.c
    columns = (a.lane, a.customer_id, a.started_at, a.duration_ms, a.outcome, a.kind)
    rows = c.execute(select(*columns).where(*which).order_by(a.id.desc()).limit(ATTEMPTS)).all()
    return [
        Try(
            row.lane,
            row.customer_id,
            row.started_at,
            row.started_at + timedelta(milliseconds=row.duration_ms),
            row.outcome,
            row.kind,
        )
        for row in reversed(rows)
    ]


def _failed(c: Connection, asked: Asked) -> tuple[list[Waiting], list[tuple[int, str, str, datetime]]]:
    """What waits for a person in these lanes: by cause, and by customer where the cause is told of each."""
    waiting: list[Waiting] = []
    twins: list[tuple[int, str, str, datetime]] = []
    tasks = t.tasks.c
    for lane in asked.lanes:
        here = (tasks.lane == lane, tasks.state == "failed")
        for cause in oldest.causes(c, *here):
            mine = (*here, tasks.kind == cause if cause is not None else tasks.kind.is_(None))
            by_age = select(tasks.customer_id, tasks.since).where(*mine).order_by(tasks.since)
            if cause is not None and cause in asked.twins:
                twins += [(r.customer_id, lane, cause, r.since) for r in c.execute(by_age.limit(MOST))]
                continue
            some = select(tasks.customer_id).where(*mine).limit(MOST).subquery()
            count = c.execute(select(func.count()).select_from(some)).scalar_one()
            first = c.execute(by_age.limit(_EXAMPLES)).all()
            if first:
                waiting.append(Waiting(lane, cause, count, first[0].since, tuple(r.customer_id for r in first)))
    return waiting, twins


def _unreadable(c: Connection) -> tuple[int, datetime] | None:
    waits = unreadable.left(c, most=MOST)
    return (waits.count, waits.since) if waits.since else None
