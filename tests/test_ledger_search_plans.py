"""With many customers in the ledger, no page of the list and no search reads a growing table from end to end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ledger.browse import Browse
from ledger.database import Database
from ledger.search import Search
from ledger.search_index import SearchIndex
from ledger.timeline import timeline
from ledger.ways import Filter
from ledger.words import read_query
from tests.conftest import NOON, Clock
from tests.ledger_cases import DESTINATIONS, LANES, Ledger, delivery_of, person
from tests.test_ledger_plans import MANY, Listener, ledger, plans_of, reads_from_end_to_end  # noqa: F401 - a fixture

HOUR = timedelta(hours=1)
WANTED = [
    Filter(),
    Filter(lane="smaregi", state="done"),
    Filter(lane="smaregi", state="failed"),
    Filter(state="failed"),
    Filter(lane="smaregi"),
    Filter(kind="no.such"),
    Filter(since=NOON - HOUR, until=NOON + HOUR),
    Filter(state="failed", since=NOON - HOUR),
]


@pytest.fixture
def indexed(ledger: Ledger, clock: Clock) -> Database:  # noqa: F811 - the fixture
    """As production has it: nobody counts SQLite's rows for its planner; PostgreSQL counts by itself."""
    database, index = ledger.database, SearchIndex(ledger.database)
    for _ in range(3):
        while index.run(now=clock, rest=lambda _: None).more:
            pass
        clock.forward(seconds=4)
    with database.writing() as c:
        c.exec_driver_sql("ANALYZE")
        if not database.on_postgresql:
            c.exec_driver_sql("DELETE FROM sqlite_stat1")
    if not database.on_postgresql:
        database.close()
    return database


@pytest.mark.parametrize("wanted", WANTED, ids=[str(n) for n in range(len(WANTED))])
def test_a_page_of_a_list_walks_an_index(indexed: Database, wanted: Filter) -> None:
    browse, listener = Browse(indexed, lanes=LANES), Listener()
    with listener.on(indexed.engine):
        browse.customers(wanted, size=20)
        browse.customers(wanted, before=MANY // 2, size=20)
        browse.customers(wanted, after=MANY // 2, size=20)
        browse.of([5, 6], wanted)
        browse.kinds()
    _none_reads_all(indexed, listener)


@pytest.mark.parametrize(
    "typed", ["見本", "見本 hanako", "hanako77@example.jp", "090-0000-9003", "77", "c77", "smaregi-77"]
)
def test_a_search_walks_an_index(indexed: Database, typed: str) -> None:
    listener = Listener()
    with listener.on(indexed.engine):
        Search(indexed, lanes=DESTINATIONS).find(read_query(typed))
        timeline(indexed, 77)
    _none_reads_all(indexed, listener)


def test_to_index_what_is_new_does_not_look_at_what_is_old(indexed: Database, clock: Clock) -> None:
    listener, index = Listener(), SearchIndex(indexed)
    Ledger(indexed).hear(delivery_of(person(7, last_name="新")), now=clock())
    looked_at = 0
    with listener.on(indexed.engine, indexed._loose):
        for _ in range(4):
            looked_at += index.run(now=clock, rest=lambda _: None).customers
            clock.forward(seconds=4)
        index.progress()
    assert looked_at == 1
    _none_reads_all(indexed, listener)


def _none_reads_all(database: Database, listener: Listener) -> None:
    plans = plans_of(database, listener.heard)
    assert plans
    bad = {one: lines for one, plan in plans.items() if (lines := reads_from_end_to_end(plan) + _words_whole(plan))}
    assert not bad


def _words_whole(plan: str) -> list[str]:
    return [line for line in plan.splitlines() if "SCAN search_words" in line or "Seq Scan on search_words" in line]
