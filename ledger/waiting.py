"""What waits for a person: by cause, one cause's customers, and one customer's choice. Only looks, never writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, func, literal, or_, select, text, tuple_

from ledger import tables as t
from ledger.breaker import Health
from ledger.columns import Instant
from ledger.database import Database

# As it stands in the index of what failed: a value handed in beside the statement would not lead a planner there.
_FAILED = text("tasks.state = 'failed'")


@dataclass(frozen=True, slots=True)
class Failures:
    """Failed tasks of one lane and one cause; ``examples`` are (Shopify id, why) of those that wait longest.

    ``since``: when the oldest of these debts began.
    """

    lane: str
    kind: str | None
    count: int
    examples: Sequence[tuple[int, str | None]]
    since: datetime | None = None


class Place(NamedTuple):
    """Where a page ended: the debt's beginning, and the customer."""

    since: datetime
    customer_id: int


@dataclass(frozen=True, slots=True)
class Stuck:
    """One failed task: since when it is owed, when it failed (None: its worker ended), and the far side's words."""

    customer_id: int
    lane: str
    kind: str | None
    why: str | None
    since: datetime
    settled_at: datetime | None
    choices: Sequence[Mapping[str, str]]
    ref: str | None
    attempt: int
    request_id: str

    @property
    def place(self) -> Place:
        """Where a page that ends here ended."""
        return Place(self.since, self.customer_id)


class Waiting:
    """Looks at what failed; everything by one index of the failed tasks alone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def groups(self, lanes: Sequence[str], *, examples: int = 3) -> list[Failures]:
        """What waits for a person in these lanes, grouped by lane and cause, the largest group first."""
        tasks = t.tasks.c
        count = func.count().label("n")
        query = (
            select(tasks.lane, tasks.kind, count, func.min(tasks.since).label("since"))
            # The lanes are named for the index's sake: it begins with them.
            .where(tasks.lane.in_(list(lanes)), _FAILED)
            .group_by(tasks.lane, tasks.kind)
            .order_by(count.desc(), tasks.lane, tasks.kind)
        )
        with self._database.reading() as c:
            return [
                Failures(
                    g.lane,
                    g.kind,
                    g.n,
                    [
                        (row.customer_id, row.why)
                        for row in c.execute(
                            _of(g.lane, g.kind, tasks.customer_id, tasks.why).limit(examples) if examples else _NOBODY
                        )
                    ],
                    g.since,
                )
                for g in c.execute(query).all()
            ]

    def page(
        self,
        lane: str,
        kind: str | None,
        *,
        after: Place | None = None,
        failed_until: datetime | None = None,
        limit: int = 50,
    ) -> list[Stuck]:
        """Up to ``limit`` of one cause's tasks, those owed longest first, behind ``after``.

        ``failed_until`` leaves out what failed after that: so whoever tries a group again comes to its end.
        """
        query = _of(lane, kind, *_COLUMNS).limit(limit)
        if after:
            query = query.where(tuple_(t.tasks.c.since, t.tasks.c.customer_id) > tuple_(*_bound(after)))
        if failed_until:
            query = query.where(or_(t.tasks.c.settled_at.is_(None), t.tasks.c.settled_at <= failed_until))
        with self._database.reading() as c:
            return [_stuck(dict(row)) for row in c.execute(query).mappings()]

    def count(self, lane: str, kind: str | None) -> int:
        """How many wait for this cause."""
        return self._count(t.tasks.c.lane == lane, _is(kind))

    def total(self, lanes: Sequence[str]) -> int:
        """How many wait in these lanes, whatever the cause."""
        return self._count(t.tasks.c.lane.in_(list(lanes)))

    def _count(self, *which: ColumnElement[bool]) -> int:
        with self._database.reading() as c:
            return c.execute(select(func.count()).where(*which, _FAILED)).scalar() or 0

    def one(self, customer_id: int, lane: str) -> Stuck | None:
        """This customer's failed task in this lane; None when there is none, or it did not fail."""
        mine = (t.tasks.c.customer_id == customer_id, t.tasks.c.lane == lane, t.tasks.c.state == "failed")
        with self._database.reading() as c:
            row = c.execute(select(*_COLUMNS).where(*mine)).mappings().first()
            return None if row is None else _stuck(dict(row))

    def healths(self) -> dict[str, Health]:
        """The health of each lane that has ever been ill."""
        with self._database.reading() as c:
            rows = c.execute(select(t.lanes)).mappings()
            return {row["name"]: Health(**{k: v for k, v in row.items() if k != "name"}) for row in rows}


_COLUMNS = tuple(
    t.tasks.c[name]
    for name in (
        "customer_id",
        "lane",
        "kind",
        "why",
        "since",
        "settled_at",
        "choices",
        "ref",
        "attempt",
        "request_id",
    )
)
_NOBODY = select(t.tasks.c.customer_id, t.tasks.c.why).where(text("1 = 0"))


def _is(kind: str | None) -> ColumnElement[bool]:
    return t.tasks.c.kind.is_(None) if kind is None else t.tasks.c.kind == kind


def _of(lane: str, kind: str | None, *columns: Any) -> Select[Any]:
    """One cause's tasks, those owed longest first: in the order of the index."""
    mine = select(*columns).where(t.tasks.c.lane == lane, _FAILED, _is(kind))
    return mine.order_by(t.tasks.c.since, t.tasks.c.customer_id)


def _bound(place: Place) -> tuple[Any, Any]:
    return literal(place.since, Instant), literal(place.customer_id)


def _stuck(row: Mapping[str, Any]) -> Stuck:
    return Stuck(**{**row, "choices": row["choices"] or ()})
