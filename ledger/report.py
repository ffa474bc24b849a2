"""What the ledger has to tell: the lanes at a glance, and one customer's story. Only looks, never writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, distinct, func, select

from ledger import census, oldest, once_more
from ledger import tables as t
from ledger.arrival import Known
from ledger.breaker import Health
from ledger.census import Counted
from ledger.database import Database
from ledger.erase import Erasure, erasure_of
from ledger.once_more import Checked
from ledger.waiting import Failures, Waiting


@dataclass(frozen=True, slots=True)
class LaneReport:
    """One lane at a glance: customers by the state of their task, who waits longest, and the lane's health.

    The counts are disjoint, and their sum is the number of customers, the same for each lane of one look.
    ``checked``: those of ``pending`` that have arrived and are only checked once more.
    ``oldest_debt``: since when the oldest of ``pending`` and ``running`` waits; ``oldest_failed``: of ``failed``.
    ``done`` are in sync. ``excluded`` are customers without a task here: those who were erased, and those who were
    never to come here. ``counted_at``: what is too large to be counted at each look is of that moment; None when all
    is right now. Up to ``census.LIVE`` a number is always right now.
    """

    lane: str
    pending: int
    running: int
    done: int
    failed: int
    excluded: int
    oldest_debt: datetime | None
    health: Health
    counted_at: datetime | None = None
    oldest_failed: datetime | None = None
    checked: Checked = Checked()  # noqa: RUF009 - frozen


@dataclass(frozen=True, slots=True)
class Left:
    """What is not at rest in some lanes, in customers, each of them counted once: who waits for a person, and who else
    is on their way; ``oldest``: since when the oldest task of these lanes waits. Changes that are switched off are not
    on their way. ``checked``: who has arrived, and is only checked once more, the last of them at ``checked_at``.

    ``exact`` is False where there are too many to be told apart: then at least so many there are.
    """

    need_a_person: int
    on_their_way: int
    oldest: datetime | None
    exact: bool = True
    checked: int = 0
    checked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """All that is known of one customer, oldest first; rows as mappings of column names to values."""

    customer: Known
    first_topic: str
    first_seen_at: datetime
    deliveries: Sequence[Mapping[str, Any]]
    attempts: Sequence[Mapping[str, Any]]
    tasks: Sequence[Mapping[str, Any]]
    erasure: Erasure | None = None


class Report:
    """Looks into the ledger for commands and pages."""

    def __init__(self, database: Database, *, updates_too: bool = True) -> None:
        self._database = database
        self._updates_too = updates_too

    def lanes(self, names: Sequence[str], *, now: datetime | None = None) -> list[LaneReport]:
        """Each lane at a glance, in the order given; it costs the same however many customers there are.

        ``now`` is needed to tell ``checked``.
        """
        with self._database.reading() as c:
            found, customers = census.look(c, names)
            large = customers > census.LIVE or max(found.values(), default=0) > census.LIVE
            last = (census.last_count(c) or census.count_all(c)) if large else None
            healths = {
                row["name"]: Health(**{k: v for k, v in row.items() if k != "name"})
                for row in c.execute(select(t.lanes)).mappings()
            }
            reports = [_lane(name, _Found(found, customers, last), healths.get(name, Health())) for name in names]
            return [
                replace(
                    report,
                    oldest_debt=oldest.waiting(c, report.lane, updates_too=self._updates_too)
                    if report.pending or report.running
                    else None,
                    oldest_failed=oldest.failed(c, report.lane) if report.failed else None,
                    checked=once_more.in_lane(c, report.lane, now) if now and report.pending else Checked(),
                )
                for report in reports
            ]

    def left(self, lanes: Sequence[LaneReport]) -> Left:
        """Who is left in these lanes, each customer counted once however many of the lanes they are left in."""
        open_tasks = sum(lane.pending + lane.running + lane.failed for lane in lanes)
        if not open_tasks:
            return Left(0, 0, None)
        since = min((lane.oldest_debt for lane in lanes if lane.oldest_debt), default=None)
        if open_tasks > census.LIVE_DEBT:
            # Who waits in one lane may have failed in another, and then is one who needs a person.
            failed_in_all = sum(lane.failed for lane in lanes)
            on_their_way = max(lane.pending + lane.running - (failed_in_all - lane.failed) for lane in lanes)
            return Left(max(lane.failed for lane in lanes), max(0, on_their_way), since, exact=False)
        tasks = t.tasks.c
        failed = tasks.state == "failed"
        here: list[ColumnElement[bool]] = [tasks.lane.in_([lane.lane for lane in lanes]), tasks.state.in_(census.OPEN)]
        if not self._updates_too:
            here.append((tasks.state != "pending") | tasks.ref.is_(None))
        arrived = once_more.is_checked()
        left = select(
            func.count(distinct(case((failed, tasks.customer_id)))),
            func.count(distinct(case((arrived, None), else_=tasks.customer_id))),  # not true: a kind may be NULL
            func.count(distinct(tasks.customer_id)),
            func.max(case((arrived, tasks.due_at))),
        )
        with self._database.reading() as c:
            need_a_person, not_there, everybody, checked_at = c.execute(left.where(*here)).one()
        checked = everybody - not_there
        return Left(need_a_person, not_there - need_a_person, since, True, checked, checked_at if checked else None)

    def members(self) -> int:
        """How many members the index holds; of very many, at the last count."""
        with self._database.reading() as c:
            found = census.look_at_members(c)
            return found if found <= census.LIVE else (census.last_count(c) or census.count_all(c)).members

    def worker_seen(self) -> tuple[datetime | None, timedelta]:
        """When a worker last gave a sign of life, and after how long without one it can be taken for gone."""
        with self._database.reading() as c:
            last = census.last_count(c)
        return (last.at, 3 * last.good_for) if last else (None, 3 * census.EVERY)

    def last_delivery(self, verdict: str | None = None) -> datetime | None:
        """When the last delivery came, or the last one with this verdict."""
        query = select(func.max(t.deliveries.c.received_at))
        if verdict:
            query = query.where(t.deliveries.c.verdict == verdict)
        else:
            query = select(t.deliveries.c.received_at).order_by(t.deliveries.c.id.desc()).limit(1)
        with self._database.reading() as c:
            return c.execute(query).scalar()

    def failures(self, names: Sequence[str], *, examples: int = 3) -> list[Failures]:
        """What waits for a person in these lanes, grouped by lane and cause, the largest group first."""
        return Waiting(self._database).groups(names, examples=examples)

    def story(self, customer_id: int, *, last: int = 50) -> Story | None:
        """One customer's story: the last deliveries and attempts (without bodies) and the tasks; None if unknown."""
        with self._database.reading() as c:
            row = c.execute(select(t.customers).where(t.customers.c.id == customer_id)).mappings().first()
            if row is None:
                return None
            columns = [column for column in t.deliveries.c if column.name != "body"]
            deliveries = select(*columns).where(t.deliveries.c.customer_id == customer_id)
            tried = select(t.attempts).where(t.attempts.c.customer_id == customer_id)
            return Story(
                Known.from_row(dict(row)),
                row["first_topic"],
                row["first_seen_at"],
                [*c.execute(deliveries.order_by(t.deliveries.c.id.desc()).limit(last)).mappings()][::-1],
                [*c.execute(tried.order_by(t.attempts.c.id.desc()).limit(last)).mappings()][::-1],
                [*c.execute(select(t.tasks).where(t.tasks.c.customer_id == customer_id)).mappings()],
                erasure_of(c, customer_id),
            )


@dataclass(frozen=True, slots=True)
class _Found:
    """What a look found, up to so many of each; and the last count, where that was too much."""

    tasks: Mapping[tuple[str, str], int]
    customers: int
    last: Counted | None


def _lane(lane: str, found: _Found, health: Health) -> LaneReport:
    """The lane from what was just found, and from the last count what there was too much of to find.

    The most frequent of the states is then told as what is left of the last count's sum: so that what is right now and
    what was counted before still add up.
    """
    counts = {state: found.tasks[lane, state] for state in census.STATES}
    there = sum(counts.values())
    customers, last = found.customers, found.last
    if last is not None:
        counts = {s: max(n, last.tasks.get((lane, s), 0)) if n > census.LIVE else n for s, n in counts.items()}
        customers = max(last.customers, customers)
        most = max(counts, key=lambda state: counts[state])
        if counts[most] > census.LIVE:
            counts[most] = max(census.LIVE + 1, last.of(lane) - sum(n for s, n in counts.items() if s != most))
        there = sum(counts.values())
    return LaneReport(
        lane,
        **counts,
        excluded=max(0, customers - there),
        oldest_debt=None,
        health=health,
        counted_at=last.at if last is not None else None,
        oldest_failed=None,
        checked=Checked(),
    )
