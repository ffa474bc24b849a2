"""The one rule for everything that is held for a while, in Python and in SQL. Pure.

A lease is a moment in a row: until then the row is somebody's. Its holder may die, and the clock may be set back while
it is held; then the moment lies further ahead than any holder could have written it. Such a moment was written by
another clock and binds nobody, else the row would be locked for as long as the clock was set back.

How far is too far: twice the lease's own length. A host whose clock is ahead of ours by less than one length still
holds what it took, and no row is locked for longer than two lengths.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, or_

#: No worker holds a task for longer without renewing it.
LONGEST_LEASE: Final = timedelta(seconds=60)


def is_held(until: datetime | None, now: datetime, length: timedelta) -> bool:
    """Whether a lease of this ``length`` that ends at ``until`` (None: nobody took it) still binds others."""
    return until is not None and now < until <= _farthest(now, length)


def held(until: ColumnElement[Any], now: datetime, length: timedelta) -> ColumnElement[bool]:
    """The same in SQL, for rows that somebody took; NULL is not held."""
    return and_(until > now, until <= _farthest(now, length))


def ended(until: ColumnElement[Any], now: datetime, length: timedelta) -> ColumnElement[bool]:
    """In SQL: somebody took it, and it binds nobody any more."""
    return or_(until <= now, until > _farthest(now, length))


def free(until: ColumnElement[Any], now: datetime, length: timedelta) -> ColumnElement[bool]:
    """In SQL: nobody took it, or it has ended."""
    return or_(until.is_(None), ended(until, now, length))


def _farthest(now: datetime, length: timedelta) -> datetime:
    return now + 2 * length
