"""What those who run the shop are told of, kept so that any number of workers tell it once.

::

                     not seen for a while
    ┌──────┐ seen  ┌──────┐ ────────────▶ ┌──────┐
    │      │ ────▶ │ open │               │ over │
    └──────┘       └──────┘               └──────┘
                   news: rise             news: over       what nobody has been told yet

One row is open for each key, which a unique index keeps and not a look. Who tells some news claims it (a token and a
lease), and marks it as *sending* before the first byte goes out. A teller killed between the two marks has told
nobody, so when its lease ends somebody else does. One killed after the second may have told everybody: then the news
is not told again, for "never twice" is promised, and the page says that its end is not known. What was refused, or
could not be reached, is tried again, and only where it has not been told yet.

What was over before anybody could be told is told once, as over.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, case, delete, func, or_, select, update

from ledger import tables as t
from ledger.alert import Alert, Changes, Sighting
from ledger.database import Database
from ledger.lease import ended, free
from ledger.rows import insert_of
from ledger.turn import take_turn

#: The row of `cursors` by which one process at a time looks for what is wrong, and what it remembers from look to look.
CURSOR: Final = "alerts"
#: News that something is over are no news any more after so long.
STALE: Final = timedelta(days=1)
#: What could not be sent is tried again after so long at the latest.
LONGEST_BACK_OFF: Final = timedelta(minutes=15)
#: What an alert says whose teller ended in the middle.
UNKNOWN_END: Final = "the process that was sending it ended: it may have been sent, and is not sent again"


class Alerts:
    """The rows of ``alerts``, and the right to look after them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert = insert_of(database)

    # -- looks --------------------------------------------------------------------------------------------------------

    def open_ones(self) -> list[Alert]:
        """What is open, the oldest first."""
        with self._database.reading() as c:
            rows = c.execute(select(t.alerts).where(t.alerts.c.over_at.is_(None)).order_by(t.alerts.c.id)).mappings()
            return sorted(map(_alert, rows), key=lambda alert: (alert.since, alert.id))

    def count_open(self) -> int:
        """How many are open."""
        with self._database.reading() as c:
            return c.execute(select(func.count()).where(t.alerts.c.over_at.is_(None))).scalar_one()

    def last_over(self, limit: int = 50) -> list[Alert]:
        """What is over, the newest first."""
        over = select(t.alerts).where(t.alerts.c.over_at.is_not(None)).order_by(t.alerts.c.id.desc()).limit(limit)
        with self._database.reading() as c:
            return [_alert(row) for row in c.execute(over).mappings()]

    def last_ended(self, kinds: Collection[str]) -> datetime | None:
        """When the last alert of these kinds was over; None when none ever was."""
        over = select(t.alerts.c.over_at).where(t.alerts.c.over_at.is_not(None), t.alerts.c.kind.in_(list(kinds)))
        with self._database.reading() as c:
            return c.execute(over.order_by(t.alerts.c.over_at.desc()).limit(1)).scalar()

    # -- one look at a time -------------------------------------------------------------------------------------------

    def take_turn(self, now: datetime, hold: timedelta) -> tuple[datetime, Mapping[str, Any]] | None:
        """The right to look, until the moment that comes back, with what was remembered; None: somebody has it."""
        turn = take_turn(self._database, CURSOR, now, hold)
        return None if turn is None else (turn.until, turn.value or {})

    def write(
        self, changes: Changes, *, now: datetime, tell: bool, turn: datetime, memory: Mapping[str, Any] | None
    ) -> tuple[list[Alert], list[Alert]]:
        """Write one look down: what has risen, and what is over, by this call alone. Nothing when the turn has passed.

        ``tell``: there is somebody to tell; else what happens stays in the ledger and the log. ``memory`` is what the
        next look is handed; None leaves it as it is.
        """
        if changes == Changes() and memory is None:
            return [], []
        news = {"news": "rise" if tell else None, "next_try_at": now if tell else None}
        with self._database.writing(loose=changes == Changes()) as c:
            kept = t.cursors.c.value if memory is None else dict(memory)
            mine = (t.cursors.c.name == CURSOR, t.cursors.c.held_until == turn)
            if not c.execute(update(t.cursors).where(*mine).values(value=kept)).rowcount:
                return [], []
            rose = [alert for sighting in changes.rise if (alert := self._raise(c, sighting, news, now))]
            for i, sighting in changes.seen.items():
                _touch(c, [i], _figures(sighting))
            again: dict[str, Any] = {**news, "told_to": [], "tries": 0} if tell else {}
            # While it is being told it is left alone: what has grown since then, the next look sees again.
            nobody_tells = t.alerts.c.token.is_(None)
            for i, sighting in changes.grown.items():
                _touch(c, [i], {**_figures(sighting), **again}, nobody_tells)
            if again:
                _touch(c, changes.tell, again, nobody_tells)
            _touch(c, changes.gone, {"gone_since": now})
            _touch(c, changes.back, {"gone_since": None})
            over = _touch(c, changes.over, _ended(now, tell=tell), t.alerts.c.over_at.is_(None))
        return rose, over

    def _raise(self, c: Connection, seen: Sighting, news: Mapping[str, Any], now: datetime) -> Alert | None:
        """The new row, or None when it is open already: another process has raised it."""
        values = {"kind": seen.kind, "key": seen.key, "since": seen.since, "lane": seen.lane, "raised_at": now}
        values |= {"customer_id": seen.customer_id, "told_to": [], **_figures(seen), **news}
        new = self._insert(t.alerts).values(**values).on_conflict_do_nothing().returning(t.alerts)
        row = c.execute(new).mappings().first()
        return _alert(row) if row else None

    def prune(self, before: datetime) -> int:
        """Forget what was over before this moment; how many."""
        with self._database.writing(loose=True) as c:
            return c.execute(delete(t.alerts).where(t.alerts.c.over_at < before)).rowcount

    # -- telling ------------------------------------------------------------------------------------------------------

    def claim(self, limit: int, *, now: datetime, lease: timedelta) -> list[Alert]:
        """Up to ``limit`` alerts with news that are ours to tell until the lease ends, the oldest news first."""
        a = t.alerts.c
        told_in_time = or_(a.over_at.is_(None), a.over_at > now - STALE)
        ours, again = free(a.held_until, now, lease), ended(a.next_try_at, now, LONGEST_BACK_OFF)
        due = and_(a.news.is_not(None), a.sending.is_(None), again, ours, told_in_time)
        with self._database.reading() as c:
            if c.execute(select(a.id).where(due).limit(1)).first() is None:
                return []
        ids = select(a.id).where(due).order_by(a.next_try_at, a.id).limit(limit)
        if self._database.on_postgresql:
            ids = ids.with_for_update(skip_locked=True)
        with self._database.writing() as c:
            mine = c.execute(ids).scalars().all()
            taken = {"token": uuid.uuid4().hex, "held_until": now + lease}
            return sorted(_touch(c, mine, taken), key=lambda alert: mine.index(alert.id))

    def begin(self, alert: Alert, *, now: datetime, lease: timedelta) -> bool:
        """Mark what we claimed as on its way, before it is; False when it is not ours now, or there are other news."""
        a = t.alerts.c
        mine = (a.id == alert.id, a.token == alert.token, a.held_until > now, a.sending.is_(None), a.news == alert.news)
        with self._database.writing() as c:
            on_its_way = {"sending": alert.news, "held_until": now + lease}
            return bool(c.execute(update(t.alerts).where(*mine).values(on_its_way)).rowcount)

    def told(
        self,
        alert: Alert,
        *,
        now: datetime,
        told_to: Iterable[str] = (),
        trouble: str | None = None,
        again_at: datetime | None = None,
    ) -> bool:
        """How sending ended: all have been told, or the rest is tried ``again_at``, for the ``trouble`` there was.

        ``told_to`` names those who have been told of this news. False when our right had ended.
        """
        a = t.alerts.c
        told_to = sorted({*alert.told_to, *told_to})
        with self._database.writing() as c:
            row = select(a.news, a.told_at, a.over_told_at).where(a.id == alert.id, a.token == alert.token)
            found = c.execute(row.with_for_update() if self._database.on_postgresql else row).first()
            if found is None:
                return False
            values: dict[str, Any] = {"token": None, "held_until": None, "sending": None, "trouble": trouble}
            at = "told_at" if alert.news == "rise" else "over_told_at"
            if told_to or again_at is None:
                values[at] = now
            if found.news != alert.news:  # it is over by now, which nobody has been told
                values |= {"told_to": [], "tries": 0, "next_try_at": now}
            elif again_at is None:
                values |= {"news": None, "told_to": [], "tries": 0, "next_try_at": None}
            else:
                values |= {"told_to": told_to, "tries": alert.tries + 1, "next_try_at": again_at}
            return bool(_touch(c, [alert.id], values))

    def end_unknown(self, *, now: datetime, lease: timedelta) -> list[Alert]:
        """What was being sent by somebody who is gone counts as told: it may have been; which."""
        a = t.alerts.c
        gone = (a.sending.is_not(None), ended(a.held_until, now, lease))
        with self._database.reading() as c:
            lost = [_alert(row) for row in c.execute(select(t.alerts).where(*gone)).mappings()]
        # As the lost teller would have ended it, by its token: of two who find it, one does.
        return [alert for alert in lost if self.told(_as_sent(alert), now=now, told_to=(), trouble=UNKNOWN_END)]


def _as_sent(alert: Alert) -> Alert:
    values = {f.name: getattr(alert, f.name) for f in fields(Alert)}
    return Alert(**{**values, "news": alert.sending})


def _ended(now: datetime, *, tell: bool) -> dict[str, Any]:
    """Whoever has claimed it, and does not send it yet, lets it go: there are other news now."""
    claimed_only = t.alerts.c.sending.is_(None)
    return {
        "over_at": now,
        "news": "over" if tell else None,
        "next_try_at": now if tell else None,
        "told_to": [],
        "tries": 0,
        "token": case((claimed_only, None), else_=t.alerts.c.token),
        "held_until": case((claimed_only, None), else_=t.alerts.c.held_until),
    }


def _touch(c: Connection, ids: Collection[int], values: Mapping[str, Any], *where: ColumnElement[bool]) -> list[Alert]:
    """Change these rows; those that were changed."""
    if not ids:
        return []
    which = (t.alerts.c.id.in_(list(ids)), *where)
    changed = c.execute(update(t.alerts).where(*which).values(**values).returning(t.alerts)).mappings()
    return [_alert(row) for row in changed]


def _figures(seen: Sighting) -> dict[str, Any]:
    return {
        "cause": seen.cause,
        "why": seen.why,
        "count": seen.count,
        "customers": list(seen.customers),
        "facts": dict(seen.facts),
    }


def _alert(row: RowMapping) -> Alert:
    return Alert(**{**row, "customers": tuple(row["customers"]), "told_to": tuple(row["told_to"])})
