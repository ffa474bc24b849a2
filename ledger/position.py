"""How far long work by hand has come, kept so that it goes on there after it was stopped."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select

from ledger import tables as t
from ledger.database import Database
from ledger.rows import insert_of


class Positions:
    """One row for each piece of work that is under way, by its name; a finished one leaves none."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert = insert_of(database)

    def of(self, name: str) -> dict[str, Any] | None:
        """What was kept under this name."""
        with self._database.reading() as c:
            kept = c.execute(select(t.cursors.c.value).where(t.cursors.c.name == name)).scalar()
        return dict(kept) if kept else None

    def keep(self, name: str, value: dict[str, Any]) -> None:
        """From now on, this; lost with the power at worst, and then a page is done twice."""
        new = self._insert(t.cursors).values(name=name, value=value)
        with self._database.writing(loose=True) as c:
            c.execute(new.on_conflict_do_update(index_elements=["name"], set_={"value": value}))

    def drop(self, name: str) -> None:
        """It is done."""
        with self._database.writing(loose=True) as c:
            c.execute(delete(t.cursors).where(t.cursors.c.name == name))
