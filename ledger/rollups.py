"""What happened in each hour, and ever: added up once, so that nobody has to count a growing table to show it.

Deliveries and attempts are walked by their numbers, a page at a time. How far the walk is and what it has added up
stand in one row of ``cursors`` and change in one commit with the hours: killed at any line, nothing is counted twice or
left out. What is pruned afterwards stays counted.

On PostgreSQL a number that is handed out first may be committed last. So the walk goes no further than the highest
number that it saw some seconds ago, and only when every transaction of that time has ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Text, cast, delete, func, select, update

from ledger import silence
from ledger import tables as t
from ledger.counting import attempts_by_hour, deliveries_by_hour, last_of_page, newest_totals, top_of
from ledger.counts import Counts, Hour, Latency, hour_of
from ledger.database import Database
from ledger.lease import is_held
from ledger.mark import Seen, State, may_go_to
from ledger.rows import insert_of
from ledger.turn import take_turn

CURSOR: Final = "rollups"
#: So many of the newest total times are kept one by one.
RECENT: Final = 200
#: One worker adds up for all, about so often.
EVERY: Final = timedelta(seconds=10)
#: The right to add up ends by itself, should its holder be gone.
_HOLD: Final = timedelta(minutes=1)
_REST: Final = timedelta(seconds=8)
#: Hours are kept for so long: a year can be looked back on.
KEEP: Final = timedelta(days=400)
_PAGE: Final = 2000
_PAGES: Final = 10


class _TakenOver(Exception):
    """The right to add up ended, and somebody else took it."""


class Rollups:
    """Adds up, and tells what was added up."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert = insert_of(database)

    # -- telling --------------------------------------------------------------------------------------------------

    def hours(self, since: datetime, until: datetime) -> Sequence[Hour]:
        """The hours from the one of ``since`` to the one before ``until``, in order; those without events too.

        The newest events are not in it yet: up to ``EVERY`` on SQLite, twice that on PostgreSQL.
        """
        first = hour_of(since)
        query = select(t.hours.c.hour, t.hours.c.counts).where(t.hours.c.hour >= first, t.hours.c.hour < until)
        with self._database.reading() as c:
            found = {row.hour: Counts.from_json(row.counts) for row in c.execute(query)}
        count = -(-(until - first) // timedelta(hours=1))
        hours = [first + i * timedelta(hours=1) for i in range(max(count, 0))]
        return [Hour(hour, found.get(hour, Counts())) for hour in hours]

    def counts(self) -> Counts:
        """All that ever happened since the ledger's first row: it only grows."""
        with self._database.reading() as c:
            return _state(c).counts

    def last_totals(self, n: int = RECENT) -> Sequence[float]:
        """The newest ``n`` (``RECENT`` at most) times in ms from a delivery until all was in sync, the newest last."""
        a = t.attempts.c
        with self._database.reading() as c:
            state = _state(c)
            # What the walk has not come to yet. Only near the end, for after an upgrade it has a long way to go.
            after = max(state.attempts, top_of(c, t.attempts) - 10 * _PAGE)
            newest = select(a.total_ms).where(a.id > after, a.total_ms.is_not(None)).order_by(a.id.desc())
            fresh = c.execute(newest.limit(n)).scalars().all()
        return [*state.recent, *reversed(fresh)][-min(n, RECENT) :]

    def latency(self) -> Latency:
        """The latency of the newest ``RECENT`` customers: what the overview, ``flask status`` and the metrics tell.

        It is the time of the whole way, waiting for a lane that was off or stopped included.
        """
        return Latency.of(self.last_totals())

    def expected_gap(self, now: datetime) -> timedelta | None:
        """How long without any delivery would be unusual now; None while that cannot be told: see ``silence``."""
        h = t.hours.c
        query = select(h.hour, h.deliveries).where(h.hour >= hour_of(now) - silence.HISTORY, h.hour < hour_of(now))
        with self._database.reading() as c:
            first = c.execute(select(func.min(h.hour))).scalar()
            found = {row.hour: row.deliveries for row in c.execute(query)}
        return None if first is None else silence.expected_gap(found, first, now)

    # -- adding up ------------------------------------------------------------------------------------------------

    def roll_up(self, now: datetime) -> bool:
        """Add up what is new, a bounded piece of it: whether there is more to do at once. Raises ``StoreBusy``.

        Nothing happens while another process is at it, or has just been.
        """
        with self._database.reading() as c:
            held_until = c.execute(select(t.cursors.c.held_until).where(t.cursors.c.name == CURSOR)).scalar()
            if is_held(held_until, now, _HOLD) or self._is_through(_state(c), self._see(c, now)):
                return False
        try:
            return self._walk(self._take(now), now)
        except _TakenOver:
            return False

    def _walk(self, until: datetime, now: datetime) -> bool:
        with self._database.reading() as c:
            state, there = _state(c), self._see(c, now)
        if self._begins_anew(state, there):
            state = replace(state, attempts=0)
        goal, then = may_go_to(state.seen, there) if self._database.on_postgresql else (there, None)
        if goal is None:
            self._write(until, now + _REST, replace(state, seen=then), {})
            return False
        for pages_left in reversed(range(_PAGES)):
            page, state = self._page(state, goal)
            if state.deliveries >= goal.deliveries and state.attempts >= goal.attempts:
                self._write(until, now + _REST, replace(state, seen=then), page)
                return False
            self._write(until, until if pages_left else now, state, page)
        return True

    def _see(self, c: Connection, now: datetime) -> Seen:
        """How far the tables go now."""
        deliveries, attempts = top_of(c, t.deliveries), top_of(c, t.attempts)
        if not self._database.on_postgresql:
            return Seen(now, deliveries, attempts)
        # Last, so that whoever was handed a number up to those seen above had begun by now.
        snapshot = func.pg_current_snapshot()
        row = c.execute(
            select(*(cast(f(snapshot), Text) for f in (func.pg_snapshot_xmax, func.pg_snapshot_xmin)))
        ).one()
        return Seen(now, deliveries, attempts, int(row[0]), int(row[1]))

    def _begins_anew(self, state: State, there: Seen) -> bool:
        """Whether all attempts were pruned: SQLite numbers an empty table anew."""
        return not self._database.on_postgresql and there.attempts < state.attempts

    def _is_through(self, state: State, there: Seen) -> bool:
        walked = there.deliveries <= state.deliveries and there.attempts <= state.attempts
        return walked and not self._begins_anew(state, there)

    def _page(self, state: State, goal: Seen) -> tuple[dict[datetime, Counts], State]:
        """What the next rows add to each hour, and the state after them."""
        page: dict[datetime, Counts] = {}
        with self._database.reading() as c:
            last_delivery = last_of_page(c, t.deliveries, state.deliveries, goal.deliveries, _PAGE)
            last_attempt = last_of_page(c, t.attempts, state.attempts, goal.attempts, _PAGE)
            for hour, counts in [
                *deliveries_by_hour(c, state.deliveries, last_delivery),
                *attempts_by_hour(c, state.attempts, last_attempt),
            ]:
                page[hour] = page.get(hour, Counts()) + counts
            totals = newest_totals(c, state.attempts, last_attempt, RECENT)
        return page, replace(
            state,
            deliveries=last_delivery,
            attempts=last_attempt,
            counts=sum(page.values(), state.counts),
            recent=(*state.recent, *totals)[-RECENT:],
        )

    def _write(self, until: datetime, held_until: datetime, state: State, page: Mapping[datetime, Counts]) -> None:
        """Write the state down with what it added to each hour, in one commit, if the right is still ours."""
        mine = (t.cursors.c.name == CURSOR, t.cursors.c.held_until == until)
        h = t.hours.c
        with self._database.writing(loose=True) as c:  # lost with the power, it is done again: all of it or nothing
            if self._database.on_postgresql:
                c.exec_driver_sql("SET LOCAL synchronous_commit = off")
            kept = update(t.cursors).where(*mine).values(held_until=held_until, value=state.to_json())
            if not c.execute(kept).rowcount:
                raise _TakenOver
            if not page:
                return
            before = {row.hour: row.counts for row in c.execute(select(t.hours).where(h.hour.in_(list(page))))}
            after = [Hour(hour, Counts.from_json(before.get(hour)) + counts) for hour, counts in sorted(page.items())]
            if before.keys() != page.keys():
                # A new hour has begun: once an hour is often enough to let go of the oldest.
                c.execute(delete(t.hours).where(h.hour < held_until - KEEP))
            new = self._insert(t.hours)
            told = {"deliveries": new.excluded.deliveries, "counts": new.excluded.counts}
            c.execute(
                new.on_conflict_do_update(index_elements=["hour"], set_=told),
                [{"hour": one.hour, "deliveries": one.deliveries, "counts": one.counts.to_json()} for one in after],
            )

    def _take(self, now: datetime) -> datetime:
        turn = take_turn(self._database, CURSOR, now, _HOLD)
        if turn is None:
            raise _TakenOver
        return turn.until


def _state(c: Connection) -> State:
    return State.from_json(c.execute(select(t.cursors.c.value).where(t.cursors.c.name == CURSOR)).scalar())
