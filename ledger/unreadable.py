"""Deliveries that are signed and cannot be read: how many a person still has to look at, and how one is dealt with.

One is dealt with in three ways. It is closed with a reason. The same delivery is posted again and can be read by then,
so that the new one stands in its place. Or its body is emptied (``flask prune --unreadable``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from sqlalchemy import ColumnElement, Connection, and_, case, func, literal, select, update

from ledger import tables as t
from ledger.arrival import Verdict
from ledger.database import Database

UNREADABLE: Final[Verdict] = "unreadable"
CLOSED: Final[Verdict] = "dismissed"
REPLACED: Final[Verdict] = "replaced"
#: A delivery of these was never acted on: posting it again puts the new one in its place.
NEVER_READ: Final[Sequence[Verdict]] = (UNREADABLE, CLOSED)
LONGEST_REASON: Final = 300
_PRUNING: Final = "pruning"

Key: TypeAlias = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Unread:
    """How many wait for a person, since when the first of them does, and the newest ones' numbers, newest first."""

    count: int = 0
    since: datetime | None = None
    newest: Sequence[int] = ()


def left(c: Connection, *, most: int | None = None, named: int = 0) -> Unread:
    """What waits for a person: the one definition for pages, commands, alerts and metrics.

    ``most``: no more are counted; ``named``: so many of the newest are named.
    """
    d = t.deliveries.c
    some = select(d.received_at).where(*_waits()).order_by(d.received_at)
    rows = (some if most is None else some.limit(most)).subquery().c
    row = c.execute(select(func.count().label("n"), func.min(rows.received_at).label("since"))).one()
    if not row.n:
        return Unread()
    newest = select(d.id).where(*_waits()).order_by(d.received_at.desc(), d.id.desc()).limit(named)
    return Unread(row.n, row.since, list(c.execute(newest).scalars()) if named else ())


def give_way(c: Connection, request_ids: Mapping[Key, str]) -> set[Key]:
    """Free the keys of deliveries that were never read, so that the same ones can be kept anew; which are free.

    ``request_ids``: by key (shop, topic, webhook id), the request in which it came again. The old rows stay, with their
    bodies, as "replaced". Their webhook id then says by which request.
    """
    d, free = t.deliveries.c, set()
    for key, request_id in sorted(request_ids.items()):
        shop, topic, webhook_id = key
        moved = (
            update(t.deliveries)
            .where(d.shop == shop, d.topic == topic, d.webhook_id == webhook_id, d.verdict.in_(NEVER_READ))
            .values(
                webhook_id=f"{webhook_id} replaced by {request_id}",
                why=and_then(f"replaced by request {request_id}"),
                verdict=REPLACED,
            )
        )
        if c.execute(moved).rowcount:
            free.add(key)
    return free


class Unreadable:
    """Looks at what waits, and closes it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def left(self, *, named: int = 0) -> Unread:
        """What waits for a person; ``named``: the numbers of so many of the newest. Raises ``StoreBusy``."""
        with self._database.reading() as c:
            return left(c, named=named)

    def close(self, delivery_ids: Collection[int], why: str, *, now: datetime) -> list[int]:
        """A person has dealt with these, for this reason; the numbers of those that waited. Raises ``StoreBusy``.

        A body that pruning has passed by already is emptied: it was kept only because it waited.
        """
        d, closed = t.deliveries.c, []
        with self._database.writing() as c:
            mark = c.execute(select(t.cursors.c.value).where(t.cursors.c.name == _PRUNING)).scalar()
            kept_from = int((mark or {}).get("bodies", 0)) + 1
            for number in sorted(set(delivery_ids)):
                values: dict[str, Any] = {"verdict": CLOSED, "why": and_then(f"closed: {why[:LONGEST_REASON]}")}
                if number < kept_from:
                    values |= {"body": b"", "body_gone_at": now}
                if c.execute(update(t.deliveries).where(d.id == number, *_waits()).values(values)).rowcount:
                    closed.append(number)
        return closed


def _waits() -> tuple[ColumnElement[bool], ...]:
    d = t.deliveries.c
    return d.verdict == UNREADABLE, d.body_gone_at.is_(None)


def and_then(more: str) -> ColumnElement[str]:
    """What stands in ``why``, and this behind it."""
    why = t.deliveries.c.why
    return case((and_(why.is_not(None), why != ""), why + literal(f"; {more}")), else_=literal(more))
