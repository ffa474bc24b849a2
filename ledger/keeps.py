"""What the clients ask to be kept between processes: access tokens, the pace of each vendor, and plain counts.

The objects here have the verbs that the clients name in their protocols (``Vault``, ``PaceStore``); neither side
imports the other, and mypy proves the fit at the roof.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from sqlalchemy import and_, case, select, update

from ledger import tables as t
from ledger.database import Database
from ledger.lease import free
from ledger.rows import insert_of

#: `clients.pace.FARTHEST_S`: no slot lies further ahead, also with fifty processes waiting.
FARTHEST_S = 60.0


class KeptToken(Protocol):
    """What a token is made of here."""

    @property
    def value(self) -> str:
        """The token itself."""

    @property
    def renew_at(self) -> datetime:
        """When to fetch the next one."""

    @property
    def expires_at(self) -> datetime:
        """When it ends."""


AToken = TypeVar("AToken", bound=KeptToken)


class TokenVault(Generic[AToken]):
    """Access tokens, one row each, shared by all processes; ``make`` builds the clients' own kind of token."""

    def __init__(self, database: Database, make: Callable[[str, datetime, datetime], AToken]) -> None:
        self._database = database
        self._make = make
        self._insert = insert_of(database)

    def read(self, name: str) -> AToken | None:
        """The token kept under ``name``, ended or not."""
        with self._database.reading() as c:
            row = c.execute(select(t.tokens).where(t.tokens.c.name == name)).first()
        return self._make(row.value, row.renew_at, row.expires_at) if row and row.value else None

    def write(self, name: str, token: AToken) -> None:
        """Keep ``token`` under ``name`` and give up the right to renew it."""
        values = {"value": token.value, "renew_at": token.renew_at, "expires_at": token.expires_at, "held_until": None}
        new = self._insert(t.tokens).values(name=name, **values)
        with self._database.writing(loose=True) as c:
            c.execute(new.on_conflict_do_update(index_elements=["name"], set_=values))

    def may_renew(self, name: str, now: datetime, hold: timedelta) -> bool:
        """Whether the caller alone may fetch a new one now; the right ends by itself after ``hold``."""
        new = self._insert(t.tokens).values(name=name, held_until=now + hold)
        ours = free(t.tokens.c.held_until, now, hold)
        with self._database.writing(loose=True) as c:
            # What it returns, not how many rows: an INSERT's count is not told by every driver.
            mine = new.on_conflict_do_update(index_elements=["name"], set_={"held_until": now + hold}, where=ours)
            return c.execute(mine.returning(t.tokens.c.name)).first() is not None

    def give_up(self, name: str) -> None:
        """Give the right to renew back without a token."""
        with self._database.writing(loose=True) as c:
            c.execute(update(t.tokens).where(t.tokens.c.name == name).values(held_until=None))

    def drop(self, name: str, value: str) -> None:
        """Forget the token under ``name`` if it is still ``value``."""
        mine = t.tokens.c.name == name
        look = select(t.tokens.c.value).where(mine)
        with self._database.writing(loose=True) as c:
            # Compared here and not there: a shut value is another one each time it is shut.
            if c.execute(look.with_for_update() if self._database.on_postgresql else look).scalar() == value:
                c.execute(update(t.tokens).where(mine).values(value=None, renew_at=None, expires_at=None))


class Paces:
    """Where the next free slot of each rate stands, for all processes on all hosts."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert = insert_of(database)

    def reserve(self, name: str, slots: int, per_second: float, now: float) -> float:
        """Take ``slots`` slots in a row of the rate ``name``: when (epoch seconds) the first one begins."""
        run = slots / per_second
        new = self._insert(t.paces).values(name=name, next_at=now + run)
        # Nobody reserves minutes ahead: a time so far off was written by a clock that has been set back since.
        sound = and_(t.paces.c.next_at > now, t.paces.c.next_at < now + FARTHEST_S)
        later = case((sound, t.paces.c.next_at), else_=now)
        with self._database.writing(loose=True) as c:
            next_at = c.execute(
                new.on_conflict_do_update(index_elements=["name"], set_={"next_at": later + run}).returning(
                    t.paces.c.next_at
                )
            ).scalar_one()
        return float(next_at) - run

    def ahead(self, now: float) -> Mapping[str, float]:
        """By rate, how many seconds ahead its next free slot lies (0: one is free now).

        A name's part behind the colon says whose contract it is, and is left out.
        """
        ahead: dict[str, float] = {}
        with self._database.reading() as c:
            for name, next_at in c.execute(select(t.paces.c.name, t.paces.c.next_at).order_by(t.paces.c.name)):
                rate, seconds = name.partition(":")[0], float(next_at) - now
                ahead[rate] = max(ahead.get(rate, 0.0), seconds if seconds < FARTHEST_S else 0.0)
        return ahead


class Tallies:
    """Plain counts by day: what was refused at the door, for example, of which nothing else is kept."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert = insert_of(database)

    def add(self, day: str, counts: Mapping[str, int]) -> None:
        """Add these counts to the day's."""
        rows = [{"day": day, "name": name, "count": n} for name, n in sorted(counts.items()) if n]
        if not rows:
            return
        new = self._insert(t.tallies)
        with self._database.writing(loose=True) as c:
            c.execute(
                new.on_conflict_do_update(
                    index_elements=["day", "name"], set_={"count": t.tallies.c.count + new.excluded["count"]}
                ),
                rows,
            )

    def of(self, day: str) -> dict[str, int]:
        """The day's counts by name."""
        with self._database.reading() as c:
            rows = c.execute(select(t.tallies).where(t.tallies.c.day == day)).mappings()
            return {row["name"]: row["count"] for row in rows}
