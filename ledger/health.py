"""The lanes' health in the database, so that all processes open, probe and close a lane as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, bindparam, select, update

from ledger import tables as t
from ledger.breaker import Health, after_outcomes, lift, pause_left
from ledger.database import Database
from ledger.outcome import Outcome
from ledger.rows import insert_of

# Built once: every commit makes each lane look.
_LOOK: Final = select(t.lanes).where(t.lanes.c.name == bindparam("lane"))
_HOLD: Final = _LOOK.with_for_update()


class HealthBook:
    """Reads and writes the rows of ``lanes``; each call is one statement in the caller's transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert = insert_of(database)

    @staticmethod
    def look(c: Connection, lane: str, *, hold: bool = False) -> Health:
        """The lane's health; a lane without a row has never been ill. ``hold``: nobody else may change it meanwhile."""
        row = c.execute(_HOLD if hold else _LOOK, {"lane": lane}).mappings().first()
        return Health(**{k: v for k, v in row.items() if k != "name"}) if row else Health()

    @staticmethod
    def take_the_probe(c: Connection, lane: str, seen: Health, until: datetime) -> bool:
        """Whether the probe is ours: from the health we saw to "probing", by one process alone.

        Nobody who claims waits for somebody who settles: they hold tasks that the other may want.
        """
        same = (t.lanes.c.name == lane, t.lanes.c.breaker == seen.breaker, t.lanes.c.retry_at == seen.retry_at)
        free = select(t.lanes.c.name).where(*same).with_for_update(skip_locked=True)
        taken = update(t.lanes).where(*same, t.lanes.c.name.in_(free)).values(breaker="probing", retry_at=until)
        return bool(c.execute(taken).rowcount)

    def hear(self, c: Connection, lane: str, seen: Health, outcomes: Sequence[Outcome], now: datetime) -> Health:
        """Write down what one carry says of the lane; its health afterwards."""
        after = after_outcomes(seen, outcomes, now)
        if after != seen:
            # Another process may have written since we looked: judge by what stands there now.
            seen = self.look(c, lane, hold=True)
            after = after_outcomes(seen, outcomes, now)
            self._write(c, lane, after)
        if seen.breaker != "closed" and after.breaker == "closed":
            # It is back: what waited out its own back-off for the lane's sake need not wait any longer.
            waiting = select(t.tasks.c.customer_id).where(
                t.tasks.c.lane == lane, t.tasks.c.state == "pending", t.tasks.c.due_at > now
            )
            if self._database.on_postgresql:
                waiting = waiting.with_for_update(skip_locked=True)
            c.execute(
                update(t.tasks)
                .where(t.tasks.c.lane == lane, t.tasks.c.state == "pending", t.tasks.c.customer_id.in_(waiting))
                .values(due_at=now)
            )
        return after

    def note(self, lane: str, outcome: Outcome, *, now: datetime) -> None:
        """Write down what a lane's preparation says of it, as a carry would."""
        with self._database.writing() as c:
            self.hear(c, lane, self.look(c, lane), [outcome], now)

    def probe_now(self, lane: str, *, now: datetime) -> bool:
        """Somebody may have mended something, since a worker has just started or a person says so.

        A lane that is open or has a long pause is probed at once, with a task of its own choice; whether it is one. A
        probe on its way is waited for, and a pause of a few seconds or minutes is kept.
        """
        with self._database.reading() as c:
            seen = self.look(c, lane)
            if lift(seen, now) == seen:
                return False
        with self._database.writing() as c:
            seen = self.look(c, lane, hold=True)
            lifted = lift(seen, now)
            if lifted == seen:
                return False
            self._write(c, lane, lifted)
            # Those who heard the pause come back when it ends: without one of them nobody would probe.
            tasks = t.tasks.c
            first = select(tasks.customer_id).where(tasks.lane == lane, tasks.state == "pending", tasks.held.is_(False))
            first = first.order_by(tasks.due_at).limit(1)
            if self._database.on_postgresql:
                first = first.with_for_update(skip_locked=True)
            mine = (tasks.lane == lane, tasks.state == "pending", tasks.due_at > now)
            c.execute(update(t.tasks).where(*mine, tasks.customer_id.in_(first)).values(due_at=now))
            self._database.notify(c)
            return True

    def well_again(self, lane: str, *, now: datetime, probe: bool = True) -> None:
        """The lane's upkeep or preparation goes again: where nobody waits, the lane is well.

        Where somebody does, that task is the probe; ``probe``: at once.
        """
        tasks = t.tasks.c
        mine = (tasks.lane == lane, tasks.state.in_(("pending", "running")), tasks.held.is_(False))
        with self._database.reading() as c:
            seen = self.look(c, lane)
            if seen == Health() or pause_left(seen, now):
                return
            somebody = c.execute(select(tasks.customer_id).where(*mine).limit(1)).first() is not None
        if somebody and seen.breaker != "closed":
            if probe:
                self.probe_now(lane, now=now)
            return
        with self._database.writing() as c:
            if self.look(c, lane, hold=True) == seen:
                self._write(c, lane, Health())

    def pause_left(self, lane: str, *, now: datetime) -> timedelta:
        """How long the far side has asked this lane to wait from now on; zero when it has not."""
        with self._database.reading() as c:
            return pause_left(self.look(c, lane), now)

    def _write(self, c: Connection, lane: str, health: Health) -> None:
        values: dict[str, Any] = asdict(health)
        new = self._insert(t.lanes).values(name=lane, **values)
        c.execute(new.on_conflict_do_update(index_elements=["name"], set_=values))
