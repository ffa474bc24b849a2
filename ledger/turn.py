"""One at a time: the right to a piece of work that recurs, which ends by itself if whoever has it is gone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import select, update

from ledger import tables as t
from ledger.database import Database
from ledger.lease import free, is_held
from ledger.rows import insert_of


class Turn(NamedTuple):
    """The right, until that moment (which is also what proves it), with what the last one left as ``value``."""

    until: datetime
    value: Any


def take_turn(database: Database, name: str, now: datetime, hold: timedelta) -> Turn | None:
    """The right to the cursor ``name`` for ``hold``; None when somebody else has it. Raises ``StoreBusy``.

    Looks before it writes, for most who ask come too early.
    """
    until, held_until = now + hold, t.cursors.c.held_until
    with database.reading() as c:
        row = c.execute(select(held_until).where(t.cursors.c.name == name)).first()
    if row is not None and is_held(row.held_until, now, hold):
        return None
    with database.writing(loose=True) as c:
        if row is None:
            new = insert_of(database)(t.cursors).values(name=name)
            c.execute(new.on_conflict_do_nothing(index_elements=["name"]))
        mine = update(t.cursors).where(t.cursors.c.name == name, free(held_until, now, hold)).values(held_until=until)
        taken = c.execute(mine.returning(t.cursors.c.value)).first()
    return None if taken is None else Turn(until, taken.value)
