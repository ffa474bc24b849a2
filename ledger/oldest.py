"""Since when the oldest customer of a lane waits, and since when the oldest failure does: the one definition of both.

The console, ``flask status``, the alerts and the metrics (and by them the rule DebtIsOld) ask here. A customer *waits*
whose task is pending or running; where changes are switched off, only one who is not at the far side yet. What *failed*
waits for a person and is told apart: no worker takes it up.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, func, select, union_all

from ledger import census
from ledger import tables as t

#: So many pending tasks at each end of a lane's line are asked since when they wait.
_ENDS: Final = 300


def waiting(c: Connection, lane: str, *, updates_too: bool = True) -> datetime | None:
    """Since when the oldest who waits for this lane does; None when nobody waits.

    Of more than ``census.LIVE_DEBT``, as far as both ends of the line and the last count tell: who came first is due
    first, and who was tried again and again is due last. No index knows who waits by when they came.
    """
    tasks = t.tasks.c
    pending = select(tasks.since).where(tasks.lane == lane, tasks.state == "pending")
    if not updates_too:
        pending = pending.where(tasks.ref.is_(None))
    running = select(tasks.since).where(tasks.lane == lane, tasks.state == "running")  # few
    # One statement for each half of the index, which knows who is held.
    lines = [pending.where(tasks.held.is_(held)) for held in (False, True)]
    few = [line.limit(census.LIVE_DEBT + 1) for line in lines]
    count, since = _of(c, [running, *few])
    if count <= census.LIVE_DEBT:
        return since
    ends = [line.order_by(order).limit(_ENDS) for line in lines for order in (tasks.due_at, tasks.due_at.desc())]
    _, since = _of(c, [running, *ends])
    last = census.last_count(c) if updates_too else None
    counted = last.oldest.get(lane) if last else None
    return min((at for at in (since, counted) if at), default=None)


def failed(c: Connection, lane: str) -> datetime | None:
    """Since when the oldest failure of this lane is owed; None when nothing failed."""
    tasks = t.tasks.c
    here = (tasks.lane == lane, tasks.state == "failed")
    firsts = []
    for cause in causes(c, *here):
        mine = (*here, tasks.kind == cause if cause is not None else tasks.kind.is_(None))
        firsts.append(c.execute(select(tasks.since).where(*mine).order_by(tasks.since).limit(1)).scalar())
    return min((at for at in firsts if at), default=None)


def causes(c: Connection, *here: ColumnElement[bool]) -> Iterator[str | None]:
    """Each cause once, from one to the next by the index: so that ten thousand of one do not hide another."""
    kind = t.tasks.c.kind
    found = c.execute(select(func.min(kind)).where(*here)).scalar()
    while found is not None:
        yield found
        found = c.execute(select(func.min(kind)).where(*here, kind > found)).scalar()
    if c.execute(select(kind).where(*here, kind.is_(None)).limit(1)).first():
        yield None


def _of(c: Connection, some: list[Select[Any]]) -> tuple[int, datetime | None]:
    """How many rows these are, and the first of their moments."""
    every = union_all(*(select(one.subquery().c.since) for one in some)).subquery()
    row = c.execute(select(func.count().label("n"), func.min(every.c.since).label("since"))).one()
    return row.n, row.since
