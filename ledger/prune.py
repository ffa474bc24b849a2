"""Time: empty the bodies of old deliveries and delete old attempts, in short steps, one process at a time.

Deliveries are numbered in the order in which they came, so a mark in ``cursors`` says up to which one all is done, and
no index is needed that receiving would have to pay for. The emptied row stays: its key refuses repeats.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, delete, false, func, select, update

from ledger import tables as t
from ledger.database import Database
from ledger.steps import FIRST_SIZE, STEP_S, next_size, rest_s
from ledger.turn import take_turn
from ledger.unreadable import CLOSED, UNREADABLE, and_then

CURSOR: Final = "pruning"
#: The right to prune ends by itself, should its holder be gone.
_HOLD: Final = timedelta(minutes=2)
# What nobody could read is not old but not dealt with: only a person lets it go.
_WAITS: Final = UNREADABLE
_ALL_BUT_THE_BODY: Final = [column for column in t.deliveries.c if column.name != "body"]


@dataclass(frozen=True, slots=True)
class Pruned:
    """What one step did: bodies emptied, attempts deleted, and for how long it held the store, in seconds."""

    bodies: int = 0
    attempts: int = 0
    held_s: float = 0.0


@dataclass(frozen=True, slots=True)
class _Page:
    """What came of the rows after ``after``: how many were pruned, the last of them, and whether there are more."""

    count: int
    last: int
    more: bool


class PrunesAlready(Exception):
    """Another process prunes."""


class Pruning:
    """Keeps bodies and attempts for so long; None is for ever."""

    def __init__(self, database: Database, *, bodies: timedelta | None, attempts: timedelta | None) -> None:
        self._database = database
        self.bodies = bodies
        self.attempts = attempts

    def owed(self, now: datetime) -> Pruned:
        """What a run would do now: counted, nothing is changed."""
        d, a = t.deliveries.c, t.attempts.c
        bodies = attempts = None
        with self._database.reading() as c:
            if self.bodies is not None:
                old = (d.id > self._mark(c), d.received_at < now - self.bodies)
                bodies = c.execute(select(func.count()).where(*old, d.body_gone_at.is_(None), d.verdict != _WAITS))
            if self.attempts is not None:
                attempts = c.execute(select(func.count()).where(a.started_at < now - self.attempts))
            return Pruned(bodies.scalar_one() if bodies else 0, attempts.scalar_one() if attempts else 0)

    def run(self, *, now: Callable[[], datetime], rest: Callable[[float], object]) -> Generator[Pruned, None, None]:
        """Prune what is old, a step each time the next one is asked for. Raises ``PrunesAlready``, ``StoreBusy``.

        Between two steps it calls ``rest(seconds)``, and ends early when that returns something true.
        """
        until = self._take(now())
        size = FIRST_SIZE
        try:
            for kind, part, keep in (
                ("bodies", self._empty_bodies, self.bodies),
                ("attempts", self._delete_attempts, self.attempts),
            ):
                page = _Page(0, 0, keep is not None)
                while page.more and keep is not None:
                    at = now()
                    with self._database.writing(loose=True) as c:  # lost with the power, it is done again
                        began = time.perf_counter()
                        if self._database.on_postgresql:
                            c.exec_driver_sql("SET LOCAL synchronous_commit = off")
                        until = self._go_on(c, until, at + _HOLD)
                        count, gone_s = 0, 0.0
                        while page.more and gone_s < STEP_S:
                            page = part(c, at, at - keep, page.last, size)
                            count, before_s, gone_s = count + page.count, gone_s, time.perf_counter() - began
                            size = next_size(size, gone_s - before_s)
                    held_s = time.perf_counter() - began
                    yield replace(Pruned(held_s=held_s), **{kind: count})
                    if page.more and rest(rest_s(held_s)):
                        return
        finally:
            self._give_up(until)

    def empty_unreadable(self, now: datetime) -> int:
        """A person has dealt with the old deliveries that nobody could read: empty those too; how many."""
        with self._database.writing() as c:
            old = update(t.deliveries).where(*self._old_unreadable(now))
            gone = {"body": b"", "body_gone_at": now, "verdict": CLOSED, "why": and_then("closed: pruned by hand")}
            return c.execute(old.values(gone)).rowcount

    def count_unreadable(self, now: datetime) -> int:
        """How many ``empty_unreadable`` would empty."""
        with self._database.reading() as c:
            return c.execute(select(func.count()).where(*self._old_unreadable(now))).scalar_one()

    def _old_unreadable(self, now: datetime) -> list[ColumnElement[bool]]:
        d = t.deliveries.c
        old = false() if self.bodies is None else d.received_at < now - self.bodies
        return [d.verdict == _WAITS, old, d.body_gone_at.is_(None)]

    # -- the steps ----------------------------------------------------------------------------------------------------

    def _empty_bodies(self, c: Connection, now: datetime, before: datetime, _after: int, size: int) -> _Page:
        d, mark = t.deliveries.c, self._mark(c)
        page = select(d.id, d.received_at).where(d.id > mark).order_by(d.id).limit(size)
        last, more = _last_older(c.execute(page).all(), before, size)
        if last is None:
            return _Page(0, mark, more=False)
        here = (d.id > mark, d.id <= last, d.body_gone_at.is_(None), d.verdict != _WAITS)
        empty = {"body": b"", "body_gone_at": now}
        if self._database.on_postgresql:
            count = c.execute(update(t.deliveries).where(*here).values(empty)).rowcount
        else:
            # A row that only shrinks leaves a hole in its page, which no later row would fill, and the file would grow
            # for ever. Taken out and put in again, the rows move together, and whole pages are free.
            rows = [{**row, **empty} for row in c.execute(select(*_ALL_BUT_THE_BODY).where(*here)).mappings()]
            c.execute(delete(t.deliveries).where(*here))
            if rows:
                c.execute(t.deliveries.insert(), rows)
            count = len(rows)
        c.execute(update(t.cursors).where(t.cursors.c.name == CURSOR).values(value={"bodies": last}))
        return _Page(count, last, more)

    @staticmethod
    def _delete_attempts(c: Connection, _now: datetime, before: datetime, after: int, size: int) -> _Page:
        a = t.attempts.c
        # After the last one of this run, not of the run before: in an empty table SQLite begins to number anew.
        page = select(a.id, a.started_at).where(a.id > after).order_by(a.id).limit(size)
        last, more = _last_older(c.execute(page).all(), before, size)
        if last is None:
            return _Page(0, after, more=False)
        return _Page(c.execute(delete(t.attempts).where(a.id > after, a.id <= last)).rowcount, last, more)

    @staticmethod
    def _mark(c: Connection) -> int:
        value = c.execute(select(t.cursors.c.value).where(t.cursors.c.name == CURSOR)).scalar()
        return int((value or {}).get("bodies", 0))

    # -- one at a time ------------------------------------------------------------------------------------------------

    def _take(self, now: datetime) -> datetime:
        turn = take_turn(self._database, CURSOR, now, _HOLD)
        if turn is None:
            raise PrunesAlready
        return turn.until

    @staticmethod
    def _go_on(c: Connection, until: datetime, longer: datetime) -> datetime:
        """Hold on for longer. Raises ``PrunesAlready`` when the right ended and somebody else took it."""
        mine = (t.cursors.c.name == CURSOR, t.cursors.c.held_until == until)
        if not c.execute(update(t.cursors).where(*mine).values(held_until=longer)).rowcount:
            raise PrunesAlready
        return longer

    def _give_up(self, until: datetime) -> None:
        mine = (t.cursors.c.name == CURSOR, t.cursors.c.held_until == until)
        with self._database.writing(loose=True) as c:
            c.execute(update(t.cursors).where(*mine).values(held_until=None))


def _last_older(page: Sequence[Any], before: datetime, size: int) -> tuple[int | None, bool]:
    """Of (id, moment) rows in order: the id of the last one before the first that is too young; and: is there more."""
    last = None
    for number, at in page:
        if at >= before:
            return last, False
        last = number
    return last, len(page) == size
