"""How many tasks and customers there are, counted now and then, so that no page has to count a million of them.

Up to ``LIVE`` of a kind are counted at each look, by an index, and are right at that moment. Of more than that, the
number of the last count is told, with the time at which it was taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, bindparam, func, select

from ledger import tables as t
from ledger.database import Database
from ledger.rows import insert_of

CURSOR: Final = "census"
#: As many of a kind are counted at each look.
LIVE: Final = 5_000
#: Of as many tasks of a lane the oldest is looked for at each look: each of them has to be fetched.
LIVE_DEBT: Final = 1_000
STATES: Final = ("pending", "running", "done", "failed")
WAITING: Final = ("pending", "running")
OPEN: Final = (*WAITING, "failed")
#: Everything is counted about so often, and rarer where it takes long.
EVERY: Final = timedelta(seconds=30)
#: Counting takes no more than this share of the time.
_SHARE: Final = 0.01


@dataclass(frozen=True, slots=True)
class Counted:
    """A count: ``tasks`` by (lane, state), since when the oldest who waits for each lane does, ``customers``,
    ``members``.

    ``at`` is None when it was taken just now.
    """

    customers: int
    tasks: Mapping[tuple[str, str], int]
    oldest: Mapping[str, datetime]
    members: int
    at: datetime | None = None
    took: timedelta = timedelta(0)

    @property
    def good_for(self) -> timedelta:
        """How long it is before the next one is due."""
        return max(EVERY, self.took / _SHARE)

    def of(self, lane: str) -> int:
        """All tasks of this lane."""
        return sum(count for (name, _), count in self.tasks.items() if name == lane)


class Census:
    """Counts everything, seldom enough to be no burden: by whichever process comes first."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert = insert_of(database)

    def count(self, now: datetime) -> bool:
        """Count if the last count is old, and keep it: whether it was due. Raises ``StoreBusy``."""
        with self._database.reading() as c:
            last = last_count(c)
            if last and last.at and last.at <= now < last.at + last.good_for:
                return False
            began = perf_counter()
            counted = count_all(c)
            took_s = perf_counter() - began
        value = {
            "at": now.isoformat(),
            "took_s": round(took_s, 3),
            "customers": counted.customers,
            "tasks": [[lane, state, count] for (lane, state), count in counted.tasks.items()],
            "members": counted.members,
            "oldest": {lane: since.isoformat() for lane, since in counted.oldest.items()},
        }
        new = self._insert(t.cursors).values(name=CURSOR, value=value)
        with self._database.writing(loose=True) as c:
            c.execute(new.on_conflict_do_update(index_elements=["name"], set_={"value": value}))
        return True


def last_count(c: Connection) -> Counted | None:
    """The last count, if there ever was one."""
    kept: dict[str, Any] | None = c.execute(select(t.cursors.c.value).where(t.cursors.c.name == CURSOR)).scalar()
    if kept is None:
        return None
    return Counted(
        kept["customers"],
        {(lane, state): count for lane, state, count in kept["tasks"]},
        {lane: datetime.fromisoformat(since) for lane, since in kept["oldest"].items()},
        kept["members"],
        datetime.fromisoformat(kept["at"]),
        timedelta(seconds=kept["took_s"]),
    )


def look(c: Connection, lanes: Sequence[str]) -> tuple[dict[tuple[str, str], int], int]:
    """How many tasks of each (lane, state) there are, and how many customers: each up to ``LIVE`` and one more."""
    kinds = [(lane, state) for lane in lanes for state in STATES]
    # Written out, so that the database plans with what it knows of each, and takes the index for those that are few.
    few = [_up_to(LIVE + 1, lane, state) for lane, state in kinds]
    row = c.execute(select(*few, _rows(t.customers.c.id))).one()
    return dict(zip(kinds, row[:-1], strict=True)), row[-1]


def look_at_members(c: Connection) -> int:
    """How many members the index has, up to ``LIVE`` and one more."""
    return c.execute(select(_rows(t.members.c.id))).scalar_one()


def _oldest_waiting(c: Connection, lane: str) -> datetime | None:
    """Since when the oldest who waits for this lane does; every such task of it is fetched for that."""
    mine = (t.tasks.c.lane == lane, t.tasks.c.state.in_(WAITING))
    return c.execute(select(func.min(t.tasks.c.since)).where(*mine)).scalar()


def count_all(c: Connection) -> Counted:
    """Everything, counted one by one."""
    lane, state = t.tasks.c.lane, t.tasks.c.state
    rows = c.execute(select(lane, state, func.count()).group_by(lane, state)).all()
    oldest = {name: _oldest_waiting(c, name) for name in {row[0] for row in rows}}
    return Counted(
        c.execute(select(func.count()).select_from(t.customers)).scalar_one(),
        {(row[0], row[1]): row[2] for row in rows},
        {name: since for name, since in oldest.items() if since is not None},
        c.execute(select(func.count()).select_from(t.members)).scalar_one(),
    )


def _rows(key: ColumnElement[Any]) -> ColumnElement[int]:
    some = select(key).order_by(key).limit(LIVE + 1).subquery()
    return select(func.count()).select_from(some).scalar_subquery()


def _up_to(most: int, lane: str, state: str) -> ColumnElement[int]:
    # Written out, so that the database plans with what it knows of each, and takes the index for those that are few.
    which = (t.tasks.c.lane == _written(lane), t.tasks.c.state == _written(state))
    some = select(t.tasks.c.lane).where(*which).limit(most).subquery()
    return select(func.count()).select_from(some).scalar_subquery()


def _written(value: str) -> ColumnElement[str]:
    return bindparam(None, value, literal_execute=True)
