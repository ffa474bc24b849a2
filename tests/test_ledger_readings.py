"""What the alerts are judged by is read right, and never costs more in a large ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert, update

from ledger import tables as t
from ledger.database import Database
from ledger.outcome import Failed
from ledger.readings import MOST, Asked, Readings, look
from ledger.unreadable import Unreadable
from tests.conftest import NOON, Clock
from tests.ledger_cases import LANES, Ledger, delivery_of, done, person, retry
from tests.test_ledger_plans import Listener, plans_of, reads_from_end_to_end
from tests.test_ledger_plans import ledger as full  # noqa: F401 - a fixture: a ledger of many customers

ASKED = Asked(
    lanes=LANES, pos="smaregi", says_nothing=["smaregi.busy"], twins=["smaregi.twins"], updates_too=True, attempts=3
)


@pytest.fixture
def small(database: Database) -> Ledger:
    return Ledger(database)


def read(ledger: Ledger, asked: Asked = ASKED, *, minutes: float = 0) -> Readings:
    return look(ledger.database, asked, NOON + timedelta(minutes=minutes))


def hear(ledger: Ledger, *ids: int, minutes: float = 0) -> None:
    at = NOON + timedelta(minutes=minutes)
    ledger.hear(*(delivery_of(person(i), received_at=at) for i in ids), now=at)


def fail(ledger: Ledger, kind: str, *, minutes: float = 0) -> None:
    ledger.carry(Failed(why="words", kind=kind), now=NOON + timedelta(minutes=minutes))


def test_an_empty_ledger_says_nothing(small: Ledger) -> None:
    assert read(small) == Readings({}, [], [], [], [], {}, None, None, {})


def test_what_failed_is_told_by_cause_with_those_who_wait_longest(small: Ledger) -> None:
    for i in range(1, 8):
        hear(small, i, minutes=i)
    fail(small, "smaregi.refused", minutes=8)
    hear(small, 20, minutes=9)
    fail(small, "smaregi.twins", minutes=10)
    told = read(small)
    [waiting] = told.waiting
    assert (waiting.lane, waiting.cause, waiting.count) == ("smaregi", "smaregi.refused", 7)
    assert (waiting.customers, waiting.since) == ((1, 2, 3, 4, 5), NOON + timedelta(minutes=1))
    assert told.twins == [(20, "smaregi", "smaregi.twins", NOON + timedelta(minutes=9))]


def test_thousands_of_one_cause_hide_no_other(small: Ledger) -> None:
    row = {"lane": "smaregi", "state": "failed", "due_at": NOON, "since": NOON}
    kinds = ["smaregi.a"] * (MOST + 50) + ["smaregi.twins", "smaregi.z", None]
    with small.database.writing() as c:
        c.execute(insert(t.tasks), [{**row, "customer_id": i, "kind": kind} for i, kind in enumerate(kinds)])
    told = read(small)
    assert [(one.cause, one.count) for one in told.waiting] == [("smaregi.a", MOST), ("smaregi.z", 1), (None, 1)]
    assert [i for i, *_ in told.twins] == [MOST + 50]


def test_the_pos_is_judged_by_its_newest_attempts_that_speak_of_it(small: Ledger) -> None:
    hear(small, 1)
    small.carry(done("m-1"), now=NOON)
    for minute, kind in enumerate(("smaregi.unavailable", "smaregi.busy", "smaregi.refused"), start=1):
        hear(small, 1, minutes=minute)
        with small.database.writing() as c:
            c.execute(update(t.tasks).values(due_at=NOON, state="pending"))
        small.carry(retry(kind=kind), now=NOON + timedelta(minutes=minute))
        small.carry(retry(kind="hubspot.down"), "hubspot", now=NOON + timedelta(minutes=minute))
    assert [(one.well, one.cause) for one in read(small).pos] == [
        (False, "smaregi.refused"),
        (False, "smaregi.unavailable"),
        (True, None),
    ]
    assert read(small, replace(ASKED, lanes=("shopify",))).pos == ()


def test_who_arrived_is_told_with_when_their_delivery_came(small: Ledger) -> None:
    hear(small, 1)
    for lane in LANES:
        small.carry(done(f"{lane}-1"), lane, now=NOON + timedelta(seconds=4))
    [arrived] = read(small).arrived
    assert arrived.total_ms == 4000
    assert abs(arrived.came_at - NOON) < timedelta(milliseconds=100)


def test_the_oldest_debt_is_found_among_many_however_often_it_was_tried(small: Ledger) -> None:
    row = {"lane": "hubspot", "state": "pending", "held": False}
    rows = [
        {**row, "customer_id": i, "since": NOON + timedelta(seconds=i), "due_at": NOON + timedelta(seconds=i)}
        for i in range(1, 2000)
    ]
    rows[1500] |= {"since": NOON - timedelta(hours=1), "due_at": NOON + timedelta(hours=1)}
    with small.database.writing() as c:
        c.execute(insert(t.tasks), rows)
    assert read(small).debts == {"hubspot": NOON - timedelta(hours=1)}


def test_what_waits_for_a_person_or_for_a_switch_is_no_debt(small: Ledger) -> None:
    hear(small, 1)
    assert set(read(small).debts) == set(LANES)
    fail(small, "smaregi.refused")
    assert set(read(small).debts) == {"shopify", "hubspot"}
    with small.database.writing() as c:
        c.execute(update(t.tasks).values(ref="9"))
    assert read(small, replace(ASKED, updates_too=False)).debts == {}


def test_unreadable_deliveries_count_until_they_are_closed(small: Ledger) -> None:
    for minute in (0, 5):
        at = NOON + timedelta(minutes=minute)
        small.hear(delivery_of(None, verdict="unreadable", received_at=at), now=at)
    assert read(small, minutes=10).unreadable == (2, NOON)
    assert read(small, minutes=100 * 24 * 60).unreadable == (2, NOON)
    unreadable = Unreadable(small.database)
    second, first = unreadable.left(named=9).newest
    assert unreadable.close([first], "ticket 12", now=NOON) == [first]
    assert read(small).unreadable == (1, NOON + timedelta(minutes=5))
    assert unreadable.close([first, second], "ticket 12", now=NOON) == [second]
    assert read(small).unreadable is None


def test_nothing_reads_a_growing_table_whole(full: Ledger, clock: Clock) -> None:  # noqa: F811
    database = full.database
    if not database.on_postgresql:
        # Nobody counts SQLite's rows for its planner in production; with the counts it would find ways of its own.
        with database.writing() as c:
            c.exec_driver_sql("DELETE FROM sqlite_stat1")
        database.close()
    listener = Listener()
    with listener.on(database.engine):
        for updates_too in (True, False):
            look(database, replace(ASKED, updates_too=updates_too), clock())
    # The newest delivery is the first row of a walk backwards, and the walk ends there.
    looks = {one: values for one, values in listener.heard.items() if "ORDER BY deliveries.id DESC" not in one}
    assert len(looks) >= 10
    assert not {one: bad for one, plan in plans_of(database, looks).items() if (bad := reads_from_end_to_end(plan))}
