"""The lanes at a glance cost the same however many customers there are, and are right all the same."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ledger import census, oldest
from ledger import tables as t
from ledger.census import Census
from ledger.database import Database
from ledger.erase import Erasing
from ledger.report import LaneReport, Report
from tests.conftest import NOON, Clock
from tests.ledger_cases import LANES, Ledger, delivery_of, done, failed, person


@pytest.fixture
def ledger(database: Database) -> Ledger:
    """Eight customers, a minute apart: in Smaregi the first four are done, two failed, two pending."""
    ledger = Ledger(database)
    for i in range(1, 9):
        came_at = NOON - timedelta(minutes=20 - i)
        ledger.hear(delivery_of(person(i), received_at=came_at), now=came_at)
    ledger.settle(ledger.claim(limit=4, now=NOON), done(), now=NOON)
    ledger.settle(ledger.claim(limit=2, now=NOON), failed(), now=NOON)
    return ledger


def smaregi(ledger: Ledger) -> LaneReport:
    return Report(ledger.database).lanes(LANES)[1]


def numbers(lane: LaneReport) -> tuple[int, ...]:
    return (lane.pending, lane.running, lane.done, lane.failed, lane.excluded)


def test_a_small_ledger_is_counted_at_each_look(ledger: Ledger) -> None:
    assert numbers(smaregi(ledger)) == (2, 0, 4, 2, 0)
    assert smaregi(ledger).counted_at is None
    ledger.carry(done("m-9"), now=NOON)
    assert numbers(smaregi(ledger)) == (0, 0, 6, 2, 0)


def test_who_was_erased_or_is_in_another_lane_only_is_excluded(ledger: Ledger, clock: Clock) -> None:
    Erasing(ledger.database).erase(1, by="mihon", why="", now=clock())
    assert smaregi(ledger).excluded == 1
    (mail,) = Report(ledger.database).lanes(["mail"])
    assert (mail.done, mail.excluded) == (0, 8)


def test_of_a_large_ledger_the_last_count_is_told_with_its_time(
    ledger: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(census, "LIVE", 3)
    assert numbers(smaregi(ledger)) == (2, 0, 4, 2, 0), "nobody counted yet, so all is counted now"
    assert smaregi(ledger).counted_at is None

    counted_at = clock()
    assert Census(ledger.database).count(counted_at)
    ledger.carry(done("m-9"), now=clock.forward(seconds=5))
    assert numbers(smaregi(ledger)) == (0, 0, 6, 2, 0), "what is small is right now, what is large is the rest"
    assert smaregi(ledger).counted_at == counted_at

    assert Census(ledger.database).count(clock.forward(minutes=1))
    assert numbers(smaregi(ledger)) == (0, 0, 6, 2, 0)


def test_the_oldest_of_many_is_found_by_both_ends_of_the_line_and_the_last_count(
    ledger: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(census, "LIVE", 3)
    monkeypatch.setattr(census, "LIVE_DEBT", 2)
    monkeypatch.setattr(oldest, "_ENDS", 1)
    due = {1: NOON + timedelta(hours=1), 2: NOON, 8: NOON + timedelta(hours=9)}
    with ledger.database.writing() as c:  # the oldest is due neither first nor last
        c.execute(t.tasks.update().values(state="pending", due_at=NOON + timedelta(hours=2)))
        for i, at in due.items():
            c.execute(t.tasks.update().where(t.tasks.c.customer_id == i).values(due_at=at))
    assert smaregi(ledger).oldest_debt == NOON - timedelta(minutes=18)
    Census(ledger.database).count(clock())
    assert smaregi(ledger).oldest_debt == NOON - timedelta(minutes=19)


def test_who_waits_and_who_failed_are_told_apart(ledger: Ledger) -> None:
    assert smaregi(ledger).oldest_debt == NOON - timedelta(minutes=13)
    assert smaregi(ledger).oldest_failed == NOON - timedelta(minutes=15)


def test_counting_is_due_only_now_and_then(ledger: Ledger, clock: Clock) -> None:
    one, other = Census(ledger.database), Census(ledger.database)
    assert one.count(clock())
    assert not other.count(clock.forward(seconds=29))
    assert other.count(clock.forward(seconds=1))
    assert one.count(clock() - timedelta(hours=1)), "the clock was set back"


def test_the_longer_a_count_takes_the_rarer_it_is(
    ledger: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = iter((0.0, 2.0, 10.0, 10.1))
    monkeypatch.setattr("ledger.census.perf_counter", lambda: next(ticks))
    counting = Census(ledger.database)
    assert counting.count(clock())
    assert not counting.count(clock.forward(seconds=199))
    assert counting.count(clock.forward(seconds=1))
