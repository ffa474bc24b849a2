"""The ways through the ledger by which a list of customers is paged: each walks an index, newest first.

A way hands out *steps*, (place, customer, does it fit) in the order of its places, and goes on from any place in either
direction. It looks at a bounded number of rows each time, so a filter that fits hardly anybody is slow in pages, never
in one. No way needs an index that receiving would have to pay for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, Protocol

from sqlalchemy import ColumnElement, Connection, and_, exists, func, literal, select, true, union_all

from ledger import tables as t

#: Rows are numbered nearly, not quite, in the order of their times.
_SLACK: Final = timedelta(minutes=10)
_LARGEST: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Filter:
    """Who is to be listed; None does not matter. ``state`` and ``kind`` are those of a task, in ``lane`` or in any.

    ``since`` and ``until``: when a task was carried last; or, where none of the three is asked for, when Shopify told
    of a change.
    """

    lane: str | None = None
    state: str | None = None
    kind: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def speaks_of_tasks(self) -> bool:
        """Whether what a task says matters."""
        return bool(self.lane or self.state or self.kind)

    @property
    def speaks_of_time(self) -> bool:
        """Whether the time matters."""
        return bool(self.since or self.until)

    def fits_task(self) -> ColumnElement[bool]:
        """Whether a row of ``tasks`` is as asked for, the time aside."""
        asked = ((t.tasks.c.lane, self.lane), (t.tasks.c.state, self.state), (t.tasks.c.kind, self.kind))
        return and_(true(), *(column == value for column, value in asked if value))

    def fits_time(self, column: Any) -> ColumnElement[bool]:
        """Whether this moment lies in between."""
        since = [column >= self.since] if self.since else []
        return and_(true(), *since, *([column < self.until] if self.until else []))


class Step(NamedTuple):
    """One place on the way, and whether the customer there is to be listed."""

    place: int
    customer_id: int
    fits: bool


class Way(Protocol):
    """A walk through the ledger in a fixed order."""

    def steps(self, c: Connection, at: int | None, *, older: bool, limit: int) -> Sequence[Step]:
        """The next places beyond ``at`` (None: from the end where one begins), nearest first."""


def way_for(wanted: Filter, lanes: Sequence[str]) -> Way:
    """The way on which the fewest have to be passed by."""
    if not wanted.speaks_of_tasks:
        return ByDeliveries(wanted) if wanted.speaks_of_time else ByCustomers()
    # Of those who are done there are so many that the time is the way to them; of all others so few that it is not.
    mostly_done = wanted.state == "done" or not (wanted.state or wanted.kind)
    return ByAttempts(wanted) if wanted.speaks_of_time and mostly_done else ByTasks(wanted, lanes)


class ByCustomers:
    """Everybody, by Shopify's id."""

    def steps(self, c: Connection, at: int | None, *, older: bool, limit: int) -> Sequence[Step]:
        """As ``Way``."""
        place = t.customers.c.id
        page = select(place).where(_beyond(place, at, older)).order_by(_order(place, older)).limit(limit)
        return [Step(i, i, fits=True) for i in c.execute(page).scalars()]


class ByTasks:
    """Those with a task of one state in one lane, or of some in several, by Shopify's id."""

    #: A cause is kept while its task waits to be tried again, too.
    WITH_A_CAUSE: Final = ("failed", "pending", "running")
    STATES: Final = (*WITH_A_CAUSE, "done")

    def __init__(self, wanted: Filter, lanes: Sequence[str]) -> None:
        self._lanes = [wanted.lane] if wanted.lane else list(lanes)
        states = self.WITH_A_CAUSE if wanted.kind else self.STATES
        self._states = [wanted.state] if wanted.state else list(states)
        kind = [t.tasks.c.kind == wanted.kind] if wanted.kind else []
        time = [wanted.fits_time(t.tasks.c.settled_at)] if wanted.speaks_of_time else []
        self._fits = and_(*kind, *time) if kind or time else literal(1)

    def steps(self, c: Connection, at: int | None, *, older: bool, limit: int) -> Sequence[Step]:
        """As ``Way``."""
        tasks = t.tasks.c
        place = tasks.customer_id
        parts = []
        for lane in self._lanes:
            for state in self._states:
                # One by one, so that each begins at its own place in the index.
                here = (tasks.lane == lane, tasks.state == state, _beyond(place, at, older))
                part = select(place.label("place"), self._fits.label("fits")).where(*here)
                parts.append(select(part.order_by(_order(place, older)).limit(limit).subquery()))
        all_parts = union_all(*parts).subquery()
        found = select(all_parts).order_by(_order(all_parts.c.place, older)).limit(limit)
        rows = c.execute(found).all()
        steps: dict[int, bool] = {}
        for row in rows:
            steps[row.place] = steps.get(row.place, False) or bool(row.fits)
        if len(rows) == limit and len(steps) > 1:
            steps.popitem()  # another of their tasks may stand behind the end of the page
        return [Step(place, place, fits) for place, fits in steps.items()]


class ByDeliveries:
    """Those of whom Shopify told a change in between, by their last one."""

    def __init__(self, wanted: Filter) -> None:
        self._wanted = wanted

    def steps(self, c: Connection, at: int | None, *, older: bool, limit: int) -> Sequence[Step]:
        """As ``Way``."""
        d, later = t.deliveries.c, t.deliveries.alias("later")
        first, last = _between(c, d.received_at, self._wanted)
        again = (later.c.customer_id == d.customer_id, later.c.id > d.id, later.c.id <= last)
        changed_again = exists(
            select(literal(1)).where(*again, later.c.verdict == "changed", self._wanted.fits_time(later.c.received_at))
        )
        page = (
            select(d.id, d.customer_id, d.verdict, d.received_at)
            .where(d.id >= first, d.id <= last, _beyond(d.id, at, older))
            .order_by(_order(d.id, older))
            .limit(limit)
        )
        rows = c.execute(page).all()
        asked = [r.id for r in rows if r.verdict == "changed" and r.customer_id is not None]
        fits = select(d.id).where(d.id.in_(asked), self._wanted.fits_time(d.received_at), ~changed_again)
        fitting = set(c.execute(fits).scalars()) if asked else set()
        return [Step(r.id, r.customer_id or 0, r.id in fitting) for r in rows]


class ByAttempts:
    """Those with such a task that was carried in between, by the last attempt."""

    def __init__(self, wanted: Filter) -> None:
        self._wanted = wanted

    def steps(self, c: Connection, at: int | None, *, older: bool, limit: int) -> Sequence[Step]:
        """As ``Way``."""
        a, later, wanted = t.attempts.c, t.attempts.alias("later"), self._wanted
        first, last = _between(c, a.started_at, wanted)
        page = (
            select(a.id, a.customer_id, a.lane, a.started_at)
            .where(a.id >= first, a.id <= last, _beyond(a.id, at, older))
            .order_by(_order(a.id, older))
            .limit(limit)
        )
        rows = c.execute(page).all()
        whom = {r.customer_id for r in rows if not wanted.lane or r.lane == wanted.lane}
        such = select(t.tasks.c.customer_id, t.tasks.c.lane).where(t.tasks.c.customer_id.in_(whom), wanted.fits_task())
        are_such = {(r.customer_id, r.lane) for r in c.execute(such)} if whom else set()
        # Another attempt of theirs that comes later is the one they are listed by, if it speaks of such a task.
        again = (later.c.customer_id == a.customer_id, later.c.id > a.id, later.c.id <= last)
        theirs = (t.tasks.c.customer_id == later.c.customer_id, t.tasks.c.lane == later.c.lane)
        tried_again = exists(
            select(literal(1)).where(*again, wanted.fits_time(later.c.started_at), *theirs, wanted.fits_task())
        )
        asked = [r.id for r in rows if (r.customer_id, r.lane) in are_such]
        fits = select(a.id).where(a.id.in_(asked), wanted.fits_time(a.started_at), ~tried_again)
        fitting = set(c.execute(fits).scalars()) if asked else set()
        return [Step(r.id, r.customer_id, r.id in fitting) for r in rows]


def _beyond(place: Any, at: int | None, older: bool) -> ColumnElement[bool]:
    """From the place on, or from the end of the walk: with a bound it is a search in an index, never a scan."""
    beyond: ColumnElement[bool] = place < (_LARGEST if at is None else at) if older else place > (at or 0)
    return beyond


def _order(place: Any, older: bool) -> Any:
    return place.desc() if older else place.asc()


def _between(c: Connection, moment: Any, wanted: Filter) -> tuple[int, int]:
    """The first and the last row that may lie in between: found by halving, for rows are numbered as they come."""
    table = moment.table
    # Two looks: SQLite reads the whole table for both in one.
    first, last = (c.execute(select(end(table.c.id))).scalar() for end in (func.min, func.max))
    if first is None or last is None:
        return 1, 0
    low = _first_since(c, moment, wanted.since - _SLACK, first, last) if wanted.since else first
    high = _first_since(c, moment, wanted.until + _SLACK, low, last) if wanted.until else last
    return low, high


def _first_since(c: Connection, moment: Any, at: datetime, low: int, high: int) -> int:
    table = moment.table
    while low < high:
        middle = (low + high) // 2
        row = c.execute(select(table.c.id, moment).where(table.c.id >= middle).order_by(table.c.id).limit(1)).one()
        if row[1] < at:
            low = row.id + 1
        else:
            high = middle
    return low
