"""Lists of customers: filtered, paged in both directions, and the same on either database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ledger.browse import MOST_COUNTED, Browse, Listing
from ledger.database import Database
from ledger.erase import Erasing
from ledger.outcome import Failed
from ledger.ways import Filter
from tests.conftest import Clock
from tests.ledger_cases import LANES, SAVED, Ledger, delivery_of, done, person, retry


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database)


@pytest.fixture
def browse(database: Database) -> Browse:
    return Browse(database, lanes=LANES)


def hear(ledger: Ledger, clock: Clock, *numbers: int) -> None:
    for i in numbers:
        ledger.hear(delivery_of(person(i), received_at=clock()), now=clock())


def ids(listing: Listing) -> list[int]:
    return [row.customer.id for row in listing.rows]


def every_page(browse: Browse, wanted: Filter, size: int) -> list[list[int]]:
    pages, page = [], browse.customers(wanted, size=size)
    while True:
        pages.append(ids(page))
        if page.older is None:
            return pages
        page = browse.customers(wanted, before=page.older, size=size)


def everybody(browse: Browse, wanted: Filter, size: int) -> list[int]:
    return [i for page in every_page(browse, wanted, size) for i in page]


def test_everybody_is_on_one_page_and_the_newest_come_first(ledger: Ledger, browse: Browse, clock: Clock) -> None:
    hear(ledger, clock, *range(1, 8))
    assert every_page(browse, Filter(), 3) == [[7, 6, 5], [4, 3, 2], [1]]
    assert every_page(browse, Filter(), 7) == [[7, 6, 5, 4, 3, 2, 1]]


def test_a_page_leads_back_to_the_one_before_it(ledger: Ledger, browse: Browse, clock: Clock) -> None:
    hear(ledger, clock, *range(1, 10))
    first = browse.customers(Filter(), size=3)
    second = browse.customers(Filter(), before=first.older, size=3)
    third = browse.customers(Filter(), before=second.older, size=3)
    assert first.newer is None
    assert third.older is None
    back = browse.customers(Filter(), after=third.newer, size=3)
    assert ids(back) == ids(second) == [6, 5, 4]
    assert ids(browse.customers(Filter(), after=back.newer, size=3)) == [9, 8, 7]
    assert browse.customers(Filter(), after=back.newer, size=3).newer is None
    assert ids(browse.customers(Filter(), before=back.older, size=3)) == [3, 2, 1]


def test_going_back_to_a_beginning_that_is_not_a_full_page_shows_the_first_page(
    ledger: Ledger, browse: Browse, clock: Clock
) -> None:
    hear(ledger, clock, *range(1, 6))
    assert ids(browse.customers(Filter(), after=4, size=3)) == [5, 4, 3]


def test_a_list_of_one_state_in_one_lane_holds_those_and_no_others(
    ledger: Ledger, browse: Browse, clock: Clock
) -> None:
    hear(ledger, clock, *range(1, 5))
    ledger.carry(done("m"), "smaregi", now=clock())
    hear(ledger, clock, *range(5, 8))
    ledger.carry(Failed("no", "far.ambiguous"), "hubspot", now=clock())
    assert every_page(browse, Filter(lane="smaregi", state="done"), 3) == [[4, 3, 2], [1]]
    assert every_page(browse, Filter(lane="smaregi", state="pending"), 9) == [[7, 6, 5]]
    assert every_page(browse, Filter(lane="smaregi"), 4) == [[7, 6, 5, 4], [3, 2, 1]]
    assert every_page(browse, Filter(state="failed"), 9) == [[7, 6, 5, 4, 3, 2, 1]]
    assert every_page(browse, Filter(lane="smaregi", state="failed"), 9) == [[]]


@pytest.mark.parametrize("size", [1, 2, 3, 50])
def test_somebody_with_two_tasks_in_a_state_is_listed_once(
    ledger: Ledger, browse: Browse, clock: Clock, size: int
) -> None:
    hear(ledger, clock, *range(1, 8))
    for lane in ("smaregi", "hubspot"):
        ledger.carry(Failed("no", "far.ambiguous"), lane, now=clock())
    assert everybody(browse, Filter(state="failed"), size) == [7, 6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize("size", [1, 2, 50])
def test_a_kind_of_error_is_found_in_whichever_lane_and_state_it_stands(
    ledger: Ledger, browse: Browse, clock: Clock, size: int
) -> None:
    hear(ledger, clock, *range(1, 40))
    for claimed in ledger.claim("smaregi", now=clock()):
        ledger.settle([claimed], Failed("no", "a" if claimed.customer_id % 10 else "b"), now=clock())
    ledger.carry(retry(kind="c"), "hubspot", now=clock())
    assert everybody(browse, Filter(kind="b"), size) == [30, 20, 10]
    assert everybody(browse, Filter(kind="c", state="pending"), size) == list(range(39, 0, -1))
    assert everybody(browse, Filter(kind="b", lane="hubspot"), size) == []
    assert browse.kinds() == ["a", "b", "c"]


def test_a_page_that_looks_too_long_says_so_and_leads_on(
    ledger: Ledger, browse: Browse, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.browse._MOST_STEPS", 5)
    hear(ledger, clock, *range(1, 40))
    for claimed in ledger.claim("smaregi", now=clock()):
        ledger.settle([claimed], Failed("no", "a" if claimed.customer_id != 3 else "b"), now=clock())
    page = browse.customers(Filter(kind="b"), size=2)
    assert page.tired
    assert not page.rows
    assert everybody(browse, Filter(kind="b"), 2) == [3]
    back = browse.customers(Filter(kind="b"), after=1, size=2)
    assert ids(back) == [3]


def test_the_time_is_that_of_the_last_change_or_of_the_last_carry(ledger: Ledger, browse: Browse, clock: Clock) -> None:
    began = clock()
    hear(ledger, clock, 3, 1)
    clock.forward(hours=1)
    hear(ledger, clock, 2, 4)
    ledger.carry(done("m"), "smaregi", now=clock())
    clock.forward(hours=1)
    ledger.hear(
        delivery_of(person(1, last_name="新", saved=SAVED + timedelta(minutes=9)), received_at=clock()), now=clock()
    )
    ledger.carry(Failed("no", "far.ambiguous"), "smaregi", now=clock())
    hour = timedelta(hours=1)

    assert everybody(browse, Filter(since=began + hour), 1) == [1, 4, 2]
    assert every_page(browse, Filter(since=began, until=began + hour), 9) == [[1, 3]]
    assert every_page(browse, Filter(until=began), 9) == [[]]
    assert every_page(browse, Filter(since=began + 9 * hour), 9) == [[]]

    carried = Filter(lane="smaregi", since=began + hour, until=began + 2 * hour)
    assert sorted(everybody(browse, carried, 1)) == [1, 2, 3, 4]
    assert every_page(browse, Filter(lane="smaregi", state="failed", since=began + hour), 9) == [[1]]
    assert every_page(browse, Filter(lane="smaregi", state="failed", until=began + hour), 9) == [[]]
    assert every_page(browse, Filter(kind="far.ambiguous", since=began), 9) == [[1]]


def test_somebody_carried_in_two_lanes_in_between_is_listed_once(ledger: Ledger, browse: Browse, clock: Clock) -> None:
    hear(ledger, clock, 1, 2)
    for lane in ("smaregi", "hubspot"):
        ledger.carry(done("m"), lane, now=clock())
    assert sorted(everybody(browse, Filter(state="done", since=clock()), 1)) == [1, 2]


def test_a_row_says_where_the_customer_stands_in_each_lane(ledger: Ledger, browse: Browse, clock: Clock) -> None:
    hear(ledger, clock, 1)
    ledger.carry(done("m-1"), "smaregi", now=clock())
    ledger.carry(retry(kind="far.broken"), "hubspot", now=clock())
    (row,) = browse.customers(Filter()).rows
    assert row.customer == person(1)
    assert {lane: (task.state, task.ref, task.kind) for lane, task in row.tasks.items()} == {
        "shopify": ("pending", None, None),
        "smaregi": ("done", "m-1", None),
        "hubspot": ("pending", None, "far.broken"),
    }
    assert not row.erased


def test_who_was_erased_is_listed_as_such(ledger: Ledger, browse: Browse, clock: Clock) -> None:
    hear(ledger, clock, 1, 2)
    Erasing(ledger.database).erase(1, by="mihon", why="", now=clock())
    assert [(row.customer.id, row.erased) for row in browse.customers(Filter()).rows] == [(2, False), (1, True)]


def test_only_what_is_cheap_is_counted(
    ledger: Ledger, browse: Browse, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hear(ledger, clock, *range(1, 8))
    assert browse.count(Filter()) == 7
    assert browse.count(Filter(lane="smaregi", state="pending")) == 7
    assert browse.count(Filter(lane="smaregi", state="failed")) == 0
    assert browse.count(Filter(kind="x")) is None
    assert browse.count(Filter(since=clock())) is None
    monkeypatch.setattr("ledger.browse.MOST_COUNTED", 3)
    assert browse.count(Filter()) == 4 < MOST_COUNTED


def test_people_who_were_found_can_be_filtered_too(ledger: Ledger, browse: Browse, clock: Clock) -> None:
    hear(ledger, clock, 1, 2, 3)
    ledger.settle(ledger.claim("smaregi", 1, now=clock()), Failed("no", "far.ambiguous"), now=clock.forward(hours=1))
    (failed,) = browse.of([3, 1, 2], Filter(state="failed"))
    assert browse.of([3, 1, 2, 99], Filter()) == [3, 1, 2]
    assert browse.of([failed], Filter(state="failed", since=clock())) == [failed]
    assert browse.of([failed], Filter(state="failed", until=clock())) == []
    assert browse.of([3], Filter(since=clock())) == []
    assert [row.customer.id for row in browse.rows([2, 99, 1])] == [2, 1]
