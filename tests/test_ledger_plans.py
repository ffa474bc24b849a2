"""With many customers in the ledger, nothing that happens per event reads a growing table from end to end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event

from customer import Member
from ledger import census
from ledger import tables as t
from ledger.database import Database
from ledger.erase import Erasing
from ledger.members import Members
from ledger.outcome import Outcome
from ledger.prune import Pruning
from ledger.report import Report
from ledger.rollups import Rollups
from tests.conftest import NOON, Clock
from tests.ledger_cases import LANES, SAVED, Ledger, delivery_of, done, failed, person, retry

MANY = 5000
GROWING = ("tasks", "customers", "deliveries", "attempts", "members", "member_mails")


@pytest.fixture
def ledger(database: Database) -> Ledger:
    """A ledger of many customers, nearly all at rest; one in a hundred pending, a few running, a few failed."""
    ledger = Ledger(database)
    states = {1: "pending", 2: "running", 3: "failed"}
    numbers = range(1, MANY + 1)
    with database.writing() as c:
        c.execute(
            t.customers.insert(),
            [
                {
                    "id": i,
                    "revision": 1,
                    "state": person(i).to_json(),
                    "updated_at": SAVED,
                    "read_through": SAVED,
                    "first_topic": "customers/create",
                    "first_seen_at": NOON,
                    "changed_at": NOON,
                }
                for i in numbers
            ],
        )
        c.execute(
            t.tasks.insert(),
            [
                {
                    "customer_id": i,
                    "lane": lane,
                    "state": (state := states.get(i % 100 if i % 100 == 1 else i % 1000, "done")),
                    "wanted": 1,
                    "due_at": NOON + timedelta(seconds=i),
                    "since": NOON,
                    "held": False,
                    "doubt": False,
                    "attempt": 0,
                    "request_id": "r",
                    "ref": f"{lane}-{i}" if i % 200 else None,
                    "token": "t" if state == "running" else None,
                    "lease_until": NOON if state == "running" else None,
                    "carrying": 1 if state == "running" else None,
                }
                for i in numbers
                for lane in LANES
            ],
        )
        c.execute(
            t.deliveries.insert(),
            [
                {
                    "shop": "s",
                    "topic": "customers/update",
                    "webhook_id": f"old-{i}",
                    "received_at": NOON,
                    "customer_id": i,
                    "verdict": "changed",
                    "secret": "app",
                    "request_id": "r",
                    "body": b"{}",
                }
                for i in numbers
            ],
        )
        c.execute(
            t.attempts.insert(),
            [
                {
                    "customer_id": i,
                    "lane": "smaregi",
                    "attempt": 1,
                    "revision": 1,
                    "started_at": NOON,
                    "duration_ms": 1.0,
                    "outcome": "done",
                    "request_id": "r",
                }
                for i in numbers
            ],
        )
    Members(database).put([Member(f"{i}", f"c{i}", f"n{i}", (f"m{i}@example.jp",), "0") for i in numbers], NOON)
    with database.writing() as c:
        c.exec_driver_sql("ANALYZE")
    return ledger


class Listener:
    """Every statement that was sent, with the first values it was sent with."""

    def __init__(self) -> None:
        self.heard: dict[str, Any] = {}

    @contextmanager
    def on(self, *engines: Engine) -> Iterator[None]:
        """Listen to these; on PostgreSQL the loose one is the same as the other."""
        for engine in set(engines):
            event.listen(engine, "before_cursor_execute", self._hear)
        yield
        for engine in set(engines):
            event.remove(engine, "before_cursor_execute", self._hear)

    def _hear(self, _c: Any, _cursor: Any, statement: str, values: Any, _context: Any, _many: bool) -> None:
        if re.match(r"\s*(SELECT|UPDATE|INSERT|DELETE|WITH)\b", statement):
            self.heard.setdefault(statement, values[0] if isinstance(values, list) else values)


def plans_of(database: Database, heard: dict[str, Any]) -> dict[str, str]:
    """How the database would go about each statement."""
    explain = "EXPLAIN " if database.on_postgresql else "EXPLAIN QUERY PLAN "
    plans = {}
    with database.writing() as c:
        for statement, values in heard.items():
            rows = c.exec_driver_sql(explain + statement, values)
            plans[statement] = "\n".join(str(row[-1]) for row in rows)
    return plans


def reads_from_end_to_end(plan: str) -> list[str]:
    """The lines of a plan that read a growing table whole, by itself or by one of its indexes."""
    tables = "|".join(GROWING)
    whole = re.compile(rf"\bSCAN ({tables})\b|Seq Scan on ({tables})\b")
    # The index of running tasks is as long as what is in hand, and never longer.
    return [line for line in plan.splitlines() if whole.search(line) and "ix_tasks_lease" not in line]


def test_nothing_that_happens_per_event_reads_a_growing_table_whole(ledger: Ledger, clock: Clock) -> None:
    database, members = ledger.database, Members(ledger.database)
    clock.forward(hours=2)
    listener = Listener()
    outcomes: list[Outcome] = [done("m", found=person(1, last_kana="ミホン")), retry(), failed()]
    with listener.on(database.engine, database._loose):
        new = delivery_of(person(MANY + 1))
        ledger.hear(new, delivery_of(person(7, last_name="新田", saved=SAVED + timedelta(seconds=1))), now=clock())
        ledger.hear(new, now=clock(), reading_is_on=True)
        for lane in LANES:
            ledger.book.next_due(lane, now=clock())
            ledger.book.next_due(lane, now=clock(), updates_too=False)
            claimed = ledger.claim(lane, 10, now=clock())
            assert len(claimed) == 10
            ledger.claim(lane, 10, now=clock(), updates_too=False)
            ledger.book.renew([claimed[0].token], until=clock() + timedelta(minutes=1))
            for outcome in outcomes:
                ledger.settle([claimed.pop()], outcome, now=clock())
        assert ledger.book.rescue(now=clock()) > 0
        ledger.resync.page(now=clock(), lanes=["smaregi"], customer_ids=[1, 2, 3])
        members.by_mail("m5@example.jp")
        members.by_code("c5")
        members.by_number("n5")
        members.linked_to("smaregi-5")
        members.hold_mail("m5@example.jp", 5, clock(), clock() + timedelta(minutes=1))
        members.put([Member("5", "c5", None, ("x@example.jp",), "0")], clock())
        Report(database).story(5)
        Report(database).last_delivery("test")

    plans = plans_of(database, listener.heard)
    assert len(plans) > 25
    bad = {statement: lines for statement, plan in plans.items() if (lines := reads_from_end_to_end(plan))}
    assert not bad


def test_pruning_and_erasing_walk_an_index(ledger: Ledger, clock: Clock) -> None:
    """Short steps stay short only if none reads what is not its own."""
    database = ledger.database
    ledger.hear(delivery_of(None, verdict="unreadable"), now=clock())
    database_at = clock.forward(days=200)
    listener = Listener()
    with listener.on(database.engine, database._loose):
        steps = Pruning(database, bodies=timedelta(days=30), attempts=timedelta(days=180)).run(
            now=clock, rest=lambda _: None
        )
        assert sum(step.bodies + step.attempts for step in steps) == 2 * MANY
        erasing = Erasing(database)
        erasing.erase(5, by="mihon", why="", now=database_at)
        erasing.tidy(database_at)
        ledger.resync.page(now=database_at, lanes=["smaregi"], customer_ids=[5])

    plans = plans_of(database, listener.heard)
    assert len(plans) > 15
    bad = {statement: lines for statement, plan in plans.items() if (lines := reads_from_end_to_end(plan))}
    assert not bad


def test_a_claim_reads_what_is_due_in_its_order(ledger: Ledger, clock: Clock) -> None:
    """Whatever the number of pending tasks, the first ones come from the index: nothing is sorted."""
    listener = Listener()
    with listener.on(ledger.database.engine, ledger.database._loose):
        assert len(ledger.claim(limit=10, now=clock.forward(hours=2))) == 10
    plans = plans_of(ledger.database, listener.heard)
    (plan,) = [plan for statement, plan in plans.items() if "ORDER BY tasks.due_at" in statement]
    assert "ix_tasks_due" in plan
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan


def test_what_waits_for_a_person_is_found_without_looking_at_all_who_are_done(ledger: Ledger) -> None:
    database = ledger.database
    if not database.on_postgresql:
        # Nobody counts SQLite's rows for its planner in production; with the counts it would find ways of its own.
        with database.writing() as c:
            c.exec_driver_sql("DELETE FROM sqlite_stat1")
        database.close()
    listener = Listener()
    with listener.on(database.engine):
        assert sum(group.count for group in Report(database).failures(LANES)) > 0
        Report(database).lanes(LANES)
    # How many are done in each lane is the one thing that has to be counted.
    looks = {one: values for one, values in listener.heard.items() if "count(*)" not in one or "tasks.kind" in one}
    bad = {one: lines for one, plan in plans_of(database, looks).items() if (lines := reads_from_end_to_end(plan))}
    assert len(looks) == 6
    assert not bad


def test_the_few_are_counted_without_looking_at_the_many(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(census, "LIVE", 50)
    monkeypatch.setattr(census, "STATES", census.OPEN)
    listener = Listener()
    with listener.on(ledger.database.engine), ledger.database.reading() as c:
        census.look(c, [*LANES, "mail"])
    ((_, plan),) = plans_of(ledger.database, listener.heard).items()
    assert not [line for line in reads_from_end_to_end(plan) if "customers" not in line]


def test_adding_up_walks_by_the_numbers(ledger: Ledger, clock: Clock) -> None:
    rollups, listener = Rollups(ledger.database), Listener()
    with listener.on(ledger.database.engine, ledger.database._loose):
        for _ in range(4):
            rollups.roll_up(clock.forward(seconds=10))
        assert sum(rollups.counts().attempts.values()) == MANY
        rollups.last_totals()
        rollups.hours(clock() - timedelta(days=7), clock())
        rollups.expected_gap(clock())
    plans = plans_of(ledger.database, listener.heard)
    assert len(plans) > 10
    bad = {statement: lines for statement, plan in plans.items() if (lines := reads_from_end_to_end(plan))}
    assert not bad
