"""What waits for a person: found by cause, oldest first, page by page, without looking at all who are done."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ledger import tables as t
from ledger.database import Database
from ledger.waiting import Waiting
from tests.conftest import NOON, Clock
from tests.ledger_cases import LANES, Ledger, delivery_of, failed, person
from tests.test_ledger_plans import Listener, plans_of, reads_from_end_to_end


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database)


@pytest.fixture
def waiting(database: Database) -> Waiting:
    return Waiting(database)


def fail(ledger: Ledger, *customers: int, kind: str, clock: Clock) -> None:
    """These customers fail in the lane smaregi, one after the other, a second apart."""
    for i in customers:
        arrival = replace(delivery_of(person(i)), received_at=clock())
        ledger.hear(arrival, now=clock())
        ledger.settle(ledger.claim(limit=1, now=clock()), replace(failed(), kind=kind), now=clock())
        clock.forward(seconds=1)


def test_failures_are_grouped_by_cause_the_largest_first(ledger: Ledger, waiting: Waiting, clock: Clock) -> None:
    fail(ledger, 9, kind="far.refused", clock=clock)
    fail(ledger, 5, 4, 3, kind="far.ambiguous", clock=clock)
    large, small = waiting.groups(LANES, examples=2)
    assert (large.lane, large.kind, large.count, large.since) == ("smaregi", "far.ambiguous", 3, NOON + timedelta(0, 1))
    assert [i for i, _ in large.examples] == [5, 4]
    assert (small.kind, small.count, small.since) == ("far.refused", 1, NOON)
    assert waiting.groups(["hubspot"]) == []
    assert [group.examples for group in waiting.groups(LANES, examples=0)] == [[], []]


def test_one_causes_customers_come_page_by_page_the_oldest_first(
    ledger: Ledger, waiting: Waiting, clock: Clock
) -> None:
    fail(ledger, 5, 4, 3, 2, 1, kind="far.ambiguous", clock=clock)
    fail(ledger, 6, kind="far.refused", clock=clock)
    pages, after = [], None
    while page := waiting.page("smaregi", "far.ambiguous", after=after, limit=2):
        pages.append([stuck.customer_id for stuck in page])
        after = page[-1].place
    assert pages == [[5, 4], [3, 2], [1]]
    assert waiting.count("smaregi", "far.ambiguous") == 5
    assert waiting.page("smaregi", "far.ambiguous", limit=1)[0].choices == [{"member": "7"}, {"member": "8"}]


def test_what_failed_again_meanwhile_can_be_left_out(ledger: Ledger, waiting: Waiting, clock: Clock) -> None:
    fail(ledger, 1, 2, kind="far.ambiguous", clock=clock)
    began = clock() - timedelta(seconds=1)
    fail(ledger, 3, kind="far.ambiguous", clock=clock)
    with ledger.database.writing() as c:  # its worker ended: nobody settled it
        c.execute(t.tasks.update().where(t.tasks.c.customer_id == 2).values(settled_at=None))
    page = waiting.page("smaregi", "far.ambiguous", failed_until=began)
    assert [stuck.customer_id for stuck in page] == [1, 2]


def test_a_failure_without_a_cause_is_found_too(ledger: Ledger, waiting: Waiting, clock: Clock) -> None:
    fail(ledger, 1, 2, kind="far.ambiguous", clock=clock)
    with ledger.database.writing() as c:
        c.execute(t.tasks.update().where(t.tasks.c.customer_id == 1).values(kind=None))
    assert {group.kind for group in waiting.groups(LANES)} == {None, "far.ambiguous"}
    assert [stuck.customer_id for stuck in waiting.page("smaregi", None)] == [1]
    assert waiting.count("smaregi", None) == 1


def test_only_what_failed_can_be_asked_for_alone(ledger: Ledger, waiting: Waiting, clock: Clock) -> None:
    fail(ledger, 1, kind="far.ambiguous", clock=clock)
    stuck = waiting.one(1, "smaregi")
    assert stuck is not None
    assert (stuck.kind, stuck.ref, stuck.settled_at) == ("far.ambiguous", None, NOON)
    assert waiting.one(1, "hubspot") is None
    assert waiting.one(2, "smaregi") is None


def test_every_look_goes_by_the_index_of_what_failed(ledger: Ledger, waiting: Waiting, clock: Clock) -> None:
    fail(ledger, *range(1, 30), kind="far.ambiguous", clock=clock)
    listener = Listener()
    with listener.on(ledger.database.engine):
        waiting.groups(LANES)
        first = waiting.page("smaregi", "far.ambiguous", limit=5)[-1]
        waiting.page("smaregi", "far.ambiguous", after=first.place, failed_until=clock())
        waiting.page("smaregi", None)
        waiting.count("smaregi", "far.ambiguous")
        waiting.one(1, "smaregi")
    if ledger.database.on_postgresql:
        return  # a table of a page or two is read whole whatever indexes there are; the plan is the same statement's
    plans = plans_of(ledger.database, listener.heard)
    assert len(plans) == 7
    assert not {one: lines for one, plan in plans.items() if (lines := reads_from_end_to_end(plan))}
    by_cause = [plan for one, plan in plans.items() if "tasks.kind" in one and "customer_id = ?" not in one]
    assert all("ix_tasks_failed" in plan for plan in by_cause)
    assert not [plan for plan in by_cause[1:] if "TEMP B-TREE" in plan]
