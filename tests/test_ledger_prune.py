"""Time: old bodies are emptied, old attempts deleted, and everything that matters stays."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import tables as t
from ledger.database import Database
from ledger.prune import Pruned, PrunesAlready, Pruning
from ledger.steps import LARGEST_SIZE, SLICE_S, next_size, rest_s
from tests.conftest import NOON, Clock
from tests.ledger_cases import Ledger, delivery_of, person, retry

DAY = timedelta(days=1)


def pruning_of(database: Database) -> Pruning:
    return Pruning(database, bodies=30 * DAY, attempts=180 * DAY)


def prune(pruning: Pruning, clock: Clock) -> Pruned:
    """All of it, without a rest."""
    steps = list(pruning.run(now=clock, rest=lambda _: None))
    return Pruned(sum(s.bodies for s in steps), sum(s.attempts for s in steps))


@pytest.fixture
def short_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """One slice a step, however quick this machine is."""
    monkeypatch.setattr("ledger.prune.STEP_S", 1e-9)


def fill(ledger: Ledger, days: int, *, since: datetime = NOON) -> None:
    """A delivery a day, each with a body and, in the lane smaregi, a try that failed."""
    for day in range(days):
        at = since + day * DAY
        ledger.hear(delivery_of(person(day + 1), key=f"k{day}", received_at=at, body=b"{hanako}"), now=at)
        ledger.carry(retry(pause=True), now=at)
        ledger.book.health_book.note("smaregi", retry(lane_wide=False), now=at)


def test_old_bodies_are_emptied_and_their_rows_stay(database: Database, clock: Clock) -> None:
    ledger, pruning = Ledger(database), pruning_of(database)
    fill(ledger, 10)
    clock.forward(days=35)
    assert pruning.owed(clock()) == Pruned(bodies=5)
    assert prune(pruning, clock).bodies == 5
    rows = sorted(ledger.rows(t.deliveries), key=lambda row: row["id"])
    assert [(row["body"], row["body_gone_at"]) for row in rows] == [(b"", clock())] * 5 + [(b"{hanako}", None)] * 5
    assert prune(pruning, clock) == Pruned()


def test_a_repeat_of_a_delivery_whose_body_is_gone_is_still_refused(database: Database, clock: Clock) -> None:
    ledger = Ledger(database)
    fill(ledger, 1)
    prune(pruning_of(database), Clock(clock.forward(days=60)))
    (again,) = ledger.hear(delivery_of(person(1, last_name="例"), key="k0"), now=clock())
    assert again.repeat
    assert ledger.known(1).customer.last_name == "見本"


def test_what_nobody_could_read_waits_for_a_person(database: Database, clock: Clock) -> None:
    ledger, pruning = Ledger(database), pruning_of(database)
    ledger.hear(delivery_of(None, verdict="unreadable", body=b"<xml>", received_at=NOON), now=NOON)
    ledger.hear(delivery_of(None, verdict="ignored", body=b"{}", received_at=NOON), now=NOON)
    clock.forward(days=400)
    assert prune(pruning, clock).bodies == 1
    assert {row["body"] for row in ledger.rows(t.deliveries)} == {b"<xml>", b""}
    assert pruning.count_unreadable(clock()) == 1
    assert pruning.empty_unreadable(clock()) == 1
    assert [row["body"] for row in ledger.rows(t.deliveries)] == [b"", b""]
    assert pruning.count_unreadable(clock()) == 0


def test_old_attempts_are_deleted(database: Database, clock: Clock) -> None:
    ledger, pruning = Ledger(database), pruning_of(database)
    with database.writing() as c:
        c.execute(t.attempts.insert(), [attempt_at(NOON + day * DAY) for day in range(200)])
    clock.forward(days=280)
    assert pruning.owed(clock()).attempts == 100
    assert prune(pruning, clock).attempts == 100
    assert min(row["started_at"] for row in ledger.rows(t.attempts)) == clock() - 180 * DAY


def attempt_at(at: datetime) -> dict[str, object]:
    return {
        "customer_id": 1,
        "lane": "smaregi",
        "attempt": 1,
        "revision": 1,
        "started_at": at,
        "duration_ms": 1.0,
        "outcome": "done",
        "request_id": "r",
    }


def test_new_attempts_are_found_though_all_before_were_deleted(database: Database, clock: Clock) -> None:
    """SQLite numbers anew in an empty table."""
    pruning = pruning_of(database)
    for _ in range(2):
        with database.writing() as c:
            c.execute(t.attempts.insert(), [attempt_at(clock())] * 3)
        clock.forward(days=181)
        assert prune(pruning, clock).attempts == 3


def test_for_ever_is_for_ever(database: Database, clock: Clock) -> None:
    pruning = Pruning(database, bodies=None, attempts=None)
    fill(Ledger(database), 3)
    clock.forward(days=10_000)
    assert pruning.owed(clock()) == Pruned()
    assert prune(pruning, clock) == Pruned()
    assert pruning.empty_unreadable(clock()) == 0


def test_one_process_at_a_time_prunes(database: Database, clock: Clock) -> None:
    fill(Ledger(database), 3)
    clock.forward(days=60)
    first = pruning_of(database).run(now=clock, rest=lambda _: None)
    next(first)
    with pytest.raises(PrunesAlready):
        prune(pruning_of(database), clock)
    first.close()
    assert prune(pruning_of(database), clock) == Pruned()


@pytest.mark.usefixtures("short_steps")
def test_who_prunes_and_is_gone_is_followed_and_stops_when_it_comes_back(database: Database, clock: Clock) -> None:
    ledger = Ledger(database)
    with database.writing() as c:
        c.execute(t.attempts.insert(), [attempt_at(NOON)] * 500)
    clock.forward(days=200)
    lost = pruning_of(database).run(now=clock, rest=lambda _: None)
    next(lost)
    clock.forward(minutes=3)
    other = pruning_of(database).run(now=clock, rest=lambda _: None)
    next(other)
    with pytest.raises(PrunesAlready):
        list(lost)
    list(other)
    assert not ledger.rows(t.attempts)


@pytest.mark.usefixtures("short_steps")
def test_between_two_steps_the_others_go_first_and_it_may_be_stopped(database: Database, clock: Clock) -> None:
    with database.writing() as c:
        c.execute(t.attempts.insert(), [attempt_at(NOON)] * 500)
    clock.forward(days=200)
    rests: list[float] = []

    def rest(seconds: float) -> bool:
        rests.append(seconds)
        return len(rests) == 2

    steps = list(pruning_of(database).run(now=clock, rest=rest))
    assert len(rests) == 2
    assert min(rests) > 0
    assert 0 < sum(step.attempts for step in steps) < 500


@given(st.integers(1, LARGEST_SIZE), st.floats(0, 10))
def test_a_slice_is_as_large_as_fits_into_the_time_it_may_take(size: int, took_s: float) -> None:
    after = next_size(size, took_s)
    assert 1 <= after <= min(2 * size, LARGEST_SIZE)
    if after > 1:
        assert after * took_s / size <= SLICE_S * 1.001
    assert rest_s(took_s) >= 2 * took_s


def test_a_store_that_got_slow_gets_smaller_slices_at_once_and_larger_ones_by_and_by() -> None:
    assert next_size(1000, 0.04) == 100
    assert next_size(100, 0.001) == 200
