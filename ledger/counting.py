"""Some rows of deliveries or attempts, counted by the database itself: one look at each, whatever their number."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Double,
    Integer,
    Table,
    case,
    func,
    literal_column,
    select,
    type_coerce,
)

from ledger import tables as t
from ledger.counts import Counts
from ledger.histogram import BOUNDS_MS, Histogram

_HOUR_US: Final = 3_600_000_000


def top_of(c: Connection, table: Table) -> int:
    """The highest number in this table; 0 when it is empty."""
    return c.execute(select(func.max(table.c.id))).scalar() or 0


def last_of_page(c: Connection, table: Table, after: int, goal: int, size: int) -> int:
    """The last number of the next page; the goal itself when no more than a page is left."""
    ids = select(table.c.id).where(table.c.id > after, table.c.id <= goal).order_by(table.c.id)
    last = c.execute(ids.offset(size - 1).limit(1)).scalar()
    return max(after, goal) if last is None else int(last)


def deliveries_by_hour(c: Connection, after: int, last: int) -> Iterator[tuple[datetime, Counts]]:
    """What the deliveries after this number, up to that one, add to each hour."""
    d = t.deliveries.c
    hour = _hour(d.received_at)
    counted = select(hour, d.verdict, func.count()).where(d.id > after, d.id <= last).group_by(hour, d.verdict)
    for number, verdict, count in c.execute(counted):
        yield _moment(number), Counts(deliveries={verdict: count})


def attempts_by_hour(c: Connection, after: int, last: int) -> Iterator[tuple[datetime, Counts]]:
    """What the attempts after this number, up to that one, add to each hour."""
    a = t.attempts.c
    by = (_hour(a.started_at), a.lane, a.outcome, _bucket(a.duration_ms), _bucket(a.total_ms))
    sums = (func.count(), func.sum(a.duration_ms), func.sum(a.total_ms))
    counted = select(*by, *sums).where(a.id > after, a.id <= last).group_by(*by)
    for number, lane, outcome, took, total, count, took_ms, total_ms in c.execute(counted):
        yield (
            _moment(number),
            Counts(
                attempts={(lane, outcome): count},
                took={lane: Histogram.one_bucket(took, count, took_ms)},
                total=Histogram() if total is None else Histogram.one_bucket(total, count, total_ms),
            ),
        )


def newest_totals(c: Connection, after: int, last: int, most: int) -> list[float]:
    """At most so many of the newest total times among these attempts, the newest last."""
    a = t.attempts.c
    newest = select(a.total_ms).where(a.id > after, a.id <= last, a.total_ms.is_not(None)).order_by(a.id.desc())
    return [round(ms, 1) for ms in reversed(c.execute(newest.limit(most)).scalars().all())]


def _hour(moment: ColumnElement[datetime]) -> ColumnElement[int]:
    return type_coerce(moment, BigInteger) // literal_column(str(_HOUR_US), BigInteger)


def _moment(hour: int) -> datetime:
    return datetime.fromtimestamp(hour * 3600, UTC)


def _bucket(ms: ColumnElement[float]) -> ColumnElement[int]:
    """The place in ``BOUNDS_MS``, None where there is no time; written out, so that it is the same text twice."""
    whens: list[tuple[ColumnElement[bool], ColumnElement[int]]] = [(ms.is_(None), literal_column("NULL", Integer))]
    for place, bound in enumerate(BOUNDS_MS[:-1]):
        whens.append((ms <= literal_column(f"{bound:.1f}", Double), literal_column(str(place), Integer)))
    return case(*whens, else_=literal_column(str(len(BOUNDS_MS) - 1), Integer))
