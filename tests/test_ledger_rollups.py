"""Adding up: what is told of each hour, and of all time, is what counting every row would tell."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select

from ledger import rollups as the_module
from ledger import tables as t
from ledger.counts import Counts, Hour, hour_of
from ledger.database import Database
from ledger.histogram import Histogram
from ledger.prune import Pruning
from ledger.rollups import RECENT, Rollups
from tests.conftest import NOON, Clock

VERDICTS = ("changed", "unchanged", "older", "test", "unreadable", "ignored")
LANES = ("shopify", "smaregi", "hubspot", "mail")
OUTCOMES = ("done", "retry", "failed")
HOUR = timedelta(hours=1)
_numbers = iter(range(10**9))


@pytest.fixture
def rollups(database: Database) -> Rollups:
    return Rollups(database)


def delivery(at: datetime, verdict: str = "changed") -> dict[str, Any]:
    return {
        "shop": "s",
        "topic": "customers/update",
        "webhook_id": f"rolled-{next(_numbers)}",
        "received_at": at,
        "verdict": verdict,
        "secret": "app",
        "request_id": "r",
        "body": b"{}",
    }


def attempt(
    at: datetime, lane: str = "smaregi", outcome: str = "done", *, ms: float = 10.0, total_ms: float | None = None
) -> dict[str, Any]:
    return {
        "customer_id": 1,
        "lane": lane,
        "attempt": 1,
        "revision": 1,
        "started_at": at,
        "duration_ms": ms,
        "outcome": outcome,
        "request_id": "r",
        "total_ms": total_ms,
    }


def put(database: Database, table: Any, *rows: dict[str, Any]) -> None:
    with database.writing() as c:
        c.execute(table.insert(), list(rows))


def through(rollups: Rollups, clock: Clock) -> None:
    """Add up until nothing is left; on PostgreSQL a number is believed only when it has been seen for a while."""
    for _ in range(60):
        while rollups.roll_up(clock.forward(seconds=10)):
            pass
        if counted(rollups) == rows_of(rollups):
            return
    raise AssertionError(f"{counted(rollups)} of {rows_of(rollups)} rows were added up")


def counted(rollups: Rollups) -> tuple[int, int]:
    counts = rollups.counts()
    return sum(counts.deliveries.values()), sum(counts.attempts.values())


def rows_of(rollups: Rollups) -> tuple[int, int]:
    with rollups._database.reading() as c:
        return len(c.execute(select(t.deliveries.c.id)).all()), len(c.execute(select(t.attempts.c.id)).all())


def naive(database: Database) -> dict[datetime, Counts]:
    """Every row, counted one by one."""
    hours: dict[datetime, Counts] = {}
    with database.reading() as c:
        for row in c.execute(select(t.deliveries.c.received_at, t.deliveries.c.verdict)):
            hour = hour_of(row.received_at)
            hours[hour] = hours.get(hour, Counts()) + Counts(deliveries={row.verdict: 1})
        for row in c.execute(select(t.attempts)):
            hour = hour_of(row.started_at)
            one = Counts(
                attempts={(row.lane, row.outcome): 1},
                took={row.lane: Histogram.of([row.duration_ms])},
                total=Histogram.of([] if row.total_ms is None else [row.total_ms]),
            )
            hours[hour] = hours.get(hour, Counts()) + one
    return hours


def same(told: Counts, meant: Counts) -> bool:
    """The same counts; sums of milliseconds may differ in the last digits."""
    for a, b in [(told.total, meant.total), *((told.took[lane], meant.took[lane]) for lane in meant.took)]:
        if a.counts != b.counts or a.sum_ms != pytest.approx(b.sum_ms, abs=0.1):
            return False
    return (told.deliveries, told.attempts, told.took.keys()) == (meant.deliveries, meant.attempts, meant.took.keys())


def agrees(rollups: Rollups, database: Database) -> bool:
    """Whether hours and totals say what counting every row says."""
    meant = naive(database)
    told = {hour.hour: hour.counts for hour in rollups.hours(NOON - 48 * HOUR, NOON + 48 * HOUR)}
    everything = sum(meant.values(), Counts())
    return all(same(told[hour], meant.get(hour, Counts())) for hour in told) and same(rollups.counts(), everything)


def some_rows(dice: random.Random, count: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    def at() -> datetime:
        return NOON + dice.uniform(-20, 20) * HOUR

    def ms() -> float:
        return round(10 ** dice.uniform(0, 6), 1)

    attempts = [
        attempt(
            at(), dice.choice(LANES), dice.choice(OUTCOMES), ms=ms(), total_ms=ms() if dice.random() < 0.4 else None
        )
        for _ in range(count)
    ]
    return [delivery(at(), dice.choice(VERDICTS)) for _ in range(count)], attempts


def test_an_hour_tells_what_came_in_it_and_how_it_went(rollups: Rollups, database: Database, clock: Clock) -> None:
    put(database, t.deliveries, delivery(NOON), delivery(NOON + 59.9 * HOUR / 60, "older"), delivery(NOON + HOUR))
    put(
        database,
        t.attempts,
        attempt(NOON, ms=40),
        attempt(NOON, outcome="retry", ms=90),
        attempt(NOON, "hubspot", ms=350, total_ms=1000),
    )
    through(rollups, clock)
    before, hour, after = rollups.hours(NOON - HOUR, NOON + 2 * HOUR)
    assert before == Hour(NOON - HOUR)
    assert hour.counts.deliveries == {"changed": 1, "older": 1}
    assert hour.counts.attempts == {("smaregi", "done"): 1, ("smaregi", "retry"): 1, ("hubspot", "done"): 1}
    assert hour.counts.took["smaregi"] == Histogram.of([40, 90])
    assert hour.counts.total == Histogram.of([1000])
    assert (hour.deliveries, after.deliveries) == (2, 1)
    assert after.p95_ms is None
    assert 800 < (hour.p50_ms or 0) < 1200


@pytest.mark.parametrize("seed", range(4))
def test_whatever_comes_between_the_sums_are_what_counting_tells(
    rollups: Rollups, database: Database, clock: Clock, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages that end anywhere, two workers in turns, one that is killed in the midst of a commit."""
    dice = random.Random(seed)
    monkeypatch.setattr(the_module, "_PAGE", dice.choice([1, 3, 7]))
    monkeypatch.setattr(the_module, "_PAGES", dice.choice([1, 2, 5]))
    workers = [rollups, Rollups(database)]
    for _ in range(12):
        deliveries, attempts = some_rows(dice, dice.randrange(1, 6))
        put(database, t.deliveries, *deliveries)
        put(database, t.attempts, *attempts)
        for _ in range(dice.randrange(3)):
            worker = dice.choice(workers)
            with killed(worker, monkeypatch) if dice.random() < 0.3 else alive():
                worker.roll_up(clock.forward(seconds=dice.choice([0, 3, 10, 100])))
    clock.forward(minutes=2)
    through(rollups, clock)
    assert agrees(rollups, database)


@contextmanager
def alive() -> Iterator[None]:
    yield


@contextmanager
def killed(worker: Rollups, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The process ends while the hours are written, before the commit."""

    class Gone(BaseException):
        pass

    def end(_table: Any) -> Any:
        raise Gone

    with monkeypatch.context() as m:
        m.setattr(worker, "_insert", lambda table: end(table) if table is t.hours else real(table))
        real: Callable[[Any], Any] = Rollups(worker._database)._insert
        with suppress(Gone):
            yield


def test_two_at_the_same_moment_add_up_once(rollups: Rollups, database: Database, clock: Clock) -> None:
    put(database, t.deliveries, *(delivery(NOON) for _ in range(3)))
    other = Rollups(database)
    for _ in range(3):
        at = clock.forward(seconds=10)
        rollups.roll_up(at)
        other.roll_up(at)
    assert rollups.counts().deliveries == {"changed": 3}


def test_who_stood_still_until_another_took_over_adds_nothing(
    rollups: Rollups, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(database, t.attempts, attempt(NOON))
    rollups.roll_up(clock.forward(seconds=10))  # PostgreSQL only looks, the first time
    put(database, t.attempts, attempt(NOON))
    page, other = rollups._page, Rollups(database)

    def stand_still(*given: Any) -> Any:
        told = page(*given)
        for _ in range(3):
            other.roll_up(clock.forward(minutes=3))
        return told

    monkeypatch.setattr(rollups, "_page", stand_still)
    rollups.roll_up(clock.forward(seconds=10))
    assert rollups.counts().attempts == {("smaregi", "done"): 2}
    assert agrees(rollups, database)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite writes one after the other
def test_a_number_that_is_committed_late_is_not_passed_over(rollups: Rollups, database: Database, clock: Clock) -> None:
    """On PostgreSQL a transaction may be handed a number and commit after those with higher ones."""
    with database.writing() as slow:
        slow.execute(t.deliveries.insert(), [delivery(NOON)])
        put(database, t.deliveries, delivery(NOON), delivery(NOON))
        for _ in range(5):
            rollups.roll_up(clock.forward(seconds=20))
        assert rollups.counts().deliveries == {}
    through(rollups, clock)
    assert rollups.counts().deliveries == {"changed": 3}


def test_a_database_that_was_restored_elsewhere_is_not_waited_for(
    rollups: Rollups, database: Database, clock: Clock
) -> None:
    """There, transactions are numbered anew, and those of before never come."""
    put(database, t.deliveries, delivery(NOON))
    rollups.roll_up(clock.forward(seconds=10))
    if database.on_postgresql:
        with database.writing() as c:
            value = c.execute(select(t.cursors.c.value)).scalar_one()
            value["seen"][3] = 10**15
            c.execute(t.cursors.update().values(value=value))
    clock.forward(minutes=3)
    through(rollups, clock)


def test_what_is_pruned_stays_counted_and_what_comes_afterwards_is_counted_too(
    rollups: Rollups, database: Database, clock: Clock
) -> None:
    put(database, t.attempts, *(attempt(NOON, total_ms=1.0) for _ in range(5)))
    through(rollups, clock)
    clock.forward(days=200)
    list(Pruning(database, bodies=None, attempts=timedelta(days=180)).run(now=clock, rest=lambda _: None))
    # An empty table is numbered anew on SQLite.
    put(database, t.attempts, *(attempt(NOON, "mail") for _ in range(2)))
    for _ in range(3):
        rollups.roll_up(clock.forward(seconds=10))
    assert rollups.counts().attempts == {("smaregi", "done"): 5, ("mail", "done"): 2}
    assert len(rollups.last_totals()) == 5


def test_at_rest_nothing_is_written(rollups: Rollups, database: Database, clock: Clock) -> None:
    put(database, t.deliveries, delivery(NOON))
    through(rollups, clock)
    rollups.roll_up(clock.forward(seconds=10))
    with database.writing() as c:
        before = c.execute(select(t.cursors)).all()
        c.execute(delete(t.hours))
    assert not rollups.roll_up(clock.forward(seconds=10))
    with database.reading() as c:
        assert c.execute(select(t.cursors)).all() == before
        assert not c.execute(select(t.hours)).all()


def test_a_long_backlog_is_added_up_in_pieces(
    rollups: Rollups, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(the_module, "_PAGE", 2)
    monkeypatch.setattr(the_module, "_PAGES", 3)
    put(database, t.deliveries, *(delivery(NOON) for _ in range(20)))
    if database.on_postgresql:
        assert not rollups.roll_up(clock())
    sums = []
    clock.forward(seconds=10)
    while rollups.roll_up(clock()):
        sums.append(counted(rollups)[0])
    assert sums == [6, 12, 18]
    assert counted(rollups)[0] == 20


def test_after_more_than_a_year_an_hour_is_let_go_and_its_counts_stay_in_the_sum(
    rollups: Rollups, database: Database, clock: Clock
) -> None:
    put(database, t.deliveries, delivery(NOON))
    through(rollups, clock)
    clock.forward(days=401)
    put(database, t.deliveries, delivery(clock()))
    through(rollups, clock)
    with database.reading() as c:
        assert [hour_of(clock())] == c.execute(select(t.hours.c.hour)).scalars().all()
    assert rollups.counts().deliveries == {"changed": 2}


# --- the newest total times


def test_the_newest_total_times_are_told_at_once(rollups: Rollups, database: Database, clock: Clock) -> None:
    assert rollups.last_totals() == []
    for i in range(6):
        put(database, t.attempts, attempt(NOON, total_ms=i), attempt(NOON))
        if i % 2:
            rollups.roll_up(clock.forward(seconds=10))
        assert rollups.last_totals() == list(range(i + 1))
    assert rollups.last_totals(2) == [4, 5]


def test_only_so_many_of_the_newest_are_kept_one_by_one(rollups: Rollups, database: Database, clock: Clock) -> None:
    put(database, t.attempts, *(attempt(NOON, total_ms=i) for i in range(RECENT + 50)))
    through(rollups, clock)
    assert rollups.last_totals(10_000) == list(range(50, RECENT + 50))


# --- silence


def test_how_long_is_unusual_is_told_from_what_was_added_up(rollups: Rollups, database: Database, clock: Clock) -> None:
    assert rollups.expected_gap(clock()) is None
    hours = [NOON - i * HOUR for i in range(1, 24 * 10)]
    put(database, t.hours, *({"hour": hour, "deliveries": 16, "counts": Counts().to_json()} for hour in hours))
    assert rollups.expected_gap(NOON) == timedelta(minutes=30)
