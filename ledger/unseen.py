"""The fields that a far side does not let us see, kept so that people are told of them: by its name, and since when."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Connection, select

from ledger import tables as t
from ledger.database import Database
from ledger.rows import insert_of

CURSOR: Final = "unseen.shopify"
#: What other processes noted is looked at again after so long.
_FRESH_FOR: Final = timedelta(minutes=1)


class Unseen:
    """One row for all processes; it is written only when a field is refused for the first time, or shown again."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now
        self._insert = insert_of(database)
        self._lock = threading.Lock()
        self._known: frozenset[str] = frozenset()
        self._look_at = datetime.min.replace(tzinfo=UTC)

    def note(self, refused: Collection[str], seen: Collection[str]) -> None:
        """``refused`` were not shown just now, ``seen`` were asked for and shown. Raises ``StoreBusy``."""
        with self._lock:
            now = self._now()
            if now >= self._look_at:
                self._known, self._look_at = frozenset(self.fields()), now + _FRESH_FOR
            if (self._known | frozenset(refused)) - frozenset(seen) == self._known:
                return
            with self._database.writing(loose=True) as c:
                there = _read(c)
                after = {name: at for name, at in there.items() if name not in seen}
                after |= {name: now for name in sorted(refused) if name not in after and name not in seen}
                value = {name: at.isoformat() for name, at in after.items()}
                new = self._insert(t.cursors).values(name=CURSOR, value=value)
                c.execute(new.on_conflict_do_update(index_elements=["name"], set_={"value": value}))
            self._known = frozenset(after)

    def fields(self) -> Mapping[str, datetime]:
        """Since when each field that is refused now has been, the oldest first. Raises ``StoreBusy``."""
        with self._database.reading() as c:
            return fields_of(c)


def fields_of(c: Connection) -> Mapping[str, datetime]:
    """``Unseen.fields`` within somebody's own look."""
    return dict(sorted(_read(c).items(), key=lambda field: (field[1], field[0])))


def _read(c: Connection) -> dict[str, datetime]:
    kept = c.execute(select(t.cursors.c.value).where(t.cursors.c.name == CURSOR)).scalar()
    return {name: datetime.fromisoformat(at) for name, at in (kept or {}).items()}
