"""Deliveries as a person looks for them: by pages, filters and days, however many there are."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ledger import tables as t
from ledger.database import Database
from ledger.deliveries import Asked, Deliveries
from tests.conftest import NOON, Clock
from tests.ledger_cases import Ledger, delivery_of, done, person
from tests.test_ledger_plans import Listener, plans_of, reads_from_end_to_end

HOUR = timedelta(hours=1)


@pytest.fixture
def deliveries(database: Database) -> Deliveries:
    return Deliveries(database)


@pytest.fixture
def many(database: Database, clock: Clock) -> Ledger:
    """Forty deliveries, one an hour: of ten customers in turn, every fourth a create, every tenth unreadable."""
    ledger = Ledger(database)
    for i in range(40):
        topic = "customers/create" if i % 4 == 0 else "customers/update"
        unreadable = i % 10 == 9
        arrival = delivery_of(None if unreadable else person(i % 10 + 1), topic=topic, body=b"{}")
        arrival = replace(arrival, verdict="unreadable") if unreadable else arrival
        ledger.hear(replace(arrival, received_at=NOON + i * HOUR), now=NOON + i * HOUR)
    clock.forward(hours=40)
    return ledger


def walk(deliveries: Deliveries, asked: Asked, *, limit: int = 7) -> list[int]:
    """The hours of all pages in order, by the time they came."""
    hours: list[int] = []
    before = None
    for _ in range(100):
        page = deliveries.page(asked, before=before, limit=limit)
        assert len(page.rows) <= limit
        hours += [(row.received_at - NOON) // HOUR for row in page.rows]
        if page.older is None:
            return hours
        before = page.older
    raise AssertionError("the pages have no end")


def test_pages_go_from_the_newest_to_the_oldest(many: Ledger, deliveries: Deliveries) -> None:
    assert walk(deliveries, Asked()) == list(range(39, -1, -1))
    assert deliveries.page(Asked(), limit=40).older is None
    assert deliveries.page(Asked(), limit=39).older is not None


def test_an_empty_ledger_has_an_empty_page(database: Database, deliveries: Deliveries) -> None:
    for asked in (Asked(), Asked(verdict="changed"), Asked(topic="x"), Asked(customer_id=1), Asked(since=NOON)):
        assert deliveries.page(asked).rows == []
    assert deliveries.one(1) is None


@pytest.mark.parametrize(
    ("asked", "hours"),
    [
        (Asked(verdict="unreadable"), [39, 29, 19, 9]),
        (Asked(customer_id=3), [32, 22, 12, 2]),
        (Asked(customer_id=3, verdict="unreadable"), []),
        (Asked(customer_id=3, topic="customers/create"), [32, 12]),
        (Asked(topic="customers/create"), list(range(36, -1, -4))),
        (Asked(verdict="unreadable", topic="customers/update"), [39, 29, 19, 9]),
        (Asked(verdict="unreadable", topic="customers/create"), []),
        (Asked(since=NOON + 10 * HOUR, until=NOON + 13 * HOUR), [12, 11, 10]),
        (Asked(since=NOON + 38 * HOUR), [39, 38]),
        (Asked(until=NOON + 2 * HOUR), [1, 0]),
        (Asked(since=NOON + 900 * HOUR), []),
        (Asked(until=NOON - HOUR), []),
        (Asked(verdict="unreadable", since=NOON + 10 * HOUR, until=NOON + 30 * HOUR), [29, 19]),
        (Asked(customer_id=3, since=NOON + 10 * HOUR, until=NOON + 30 * HOUR), [22, 12]),
        (Asked(topic="customers/create", since=NOON + 10 * HOUR, until=NOON + 20 * HOUR), [16, 12]),
    ],
    ids=str,
)
@pytest.mark.parametrize("limit", [1, 3, 50])
@pytest.mark.parametrize("span", [3, 10_000])
def test_filters_find_all_they_ask_for_and_nothing_else(
    many: Ledger,
    deliveries: Deliveries,
    monkeypatch: pytest.MonkeyPatch,
    asked: Asked,
    hours: list[int],
    limit: int,
    span: int,
) -> None:
    monkeypatch.setattr("ledger.deliveries.SPAN", span)
    assert walk(deliveries, asked, limit=limit) == hours


def test_a_page_that_was_ended_early_says_so(
    many: Ledger, deliveries: Deliveries, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not deliveries.page(Asked(topic="customers/delete")).partly
    monkeypatch.setattr("ledger.deliveries.SPAN", 3)
    page = deliveries.page(Asked(topic="customers/delete"))
    assert (page.rows, page.partly) == ([], True)
    assert page.older is not None


def test_one_delivery_has_its_body_and_the_attempts_of_its_request(
    database: Database, deliveries: Deliveries, clock: Clock
) -> None:
    ledger = Ledger(database)
    arrival = delivery_of(person(1), body='{"id": 1, "first_name": "花子"}'.encode())
    ledger.hear(arrival, now=clock())
    ledger.carry(done(), now=clock())
    ledger.hear(delivery_of(None, verdict="ignored", body=b""), now=clock())
    number = deliveries.number_of(arrival.shop, arrival.topic, arrival.webhook_id)
    assert number is not None
    whole = deliveries.one(number)
    assert whole is not None
    assert whole.body == arrival.body
    assert whole.delivery.verdict == "changed"
    assert [row["lane"] for row in whole.attempts] == ["smaregi"]
    nobody = deliveries.one(number + 1)
    assert nobody is not None
    assert (nobody.body, nobody.attempts) == (b"", [])
    assert deliveries.number_of(arrival.shop, arrival.topic, "another") is None


def test_no_look_reads_all_deliveries(many: Ledger, deliveries: Deliveries) -> None:
    database = many.database
    if database.on_postgresql:
        return  # forty rows are read whole whatever indexes there are; SQLite's plans do not depend on how many
    listener = Listener()
    with listener.on(database.engine):
        for verdict in (None, "unreadable"):
            for topic in (None, "customers/create"):
                for customer_id in (None, 3):
                    asked = Asked(verdict, topic, customer_id, NOON, NOON + HOUR)
                    deliveries.page(asked)
                    deliveries.page(asked, before=20)
        deliveries.one(5)
    plans = plans_of(database, listener.heard)
    bad = {one: lines for one, plan in plans.items() if (lines := reads_from_end_to_end(plan))}
    assert not {one: lines for one, lines in bad.items() if "max(deliveries.id)" not in one}
    sorts = [one for one, plan in plans.items() if "TEMP B-TREE" in plan and "some" not in one]
    assert not sorts
    by_customer = [plan for one, plan in plans.items() if "customer_id = ?" in one and "attempts" not in one]
    assert by_customer
    assert all("ix_deliveries_customer" in plan for plan in by_customer)


def test_a_body_that_is_gone_is_told_apart_from_an_empty_one(
    database: Database, deliveries: Deliveries, clock: Clock
) -> None:
    Ledger(database).hear(delivery_of(person(1)), now=clock())
    with database.writing() as c:
        c.execute(t.deliveries.update().values(body=b"", body_gone_at=NOON))
    (row,) = deliveries.page(Asked()).rows
    assert row.body_gone_at == NOON
