"""What something before Shopify refuses for the sake of one id is no verdict on the lane, and costs few calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clients.alike import Alike
from clients.errors import AskPerson, CarryError, StopLane, TryLater
from clients.http import Answer
from clients.lane import Carried, Result
from clients.pace import AlonePace
from clients.shopify.blocked import read_in_parts, refusal_of_rows
from clients.shopify.lane import ShopifyLane
from clients.token import AloneVault
from customer import Address, Customer, Task
from sandbox.config import SandboxConfig
from sandbox.world import World
from tests.flow import UNLIMITED, running, until
from tests.no_socket import URL, sandbox_without_a_socket

NOW: Final = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
HTML: Final = "<html><body>Request blocked.</body></html>"
MOST: Final = 16
#: How something before Shopify says no, and what it is called when everybody hears it.
FORMS: Final[Sequence[tuple[int, object, str]]] = (
    (403, HTML, "shopify.all_blocked"),
    (403, {"message": "Forbidden"}, "shopify.forbidden"),
    (403, None, "shopify.forbidden"),
    (413, HTML, "shopify.all_blocked"),
    (413, {}, "shopify.question_refused"),
    (406, HTML, "shopify.all_blocked"),
    (400, HTML, "shopify.all_blocked"),
    (404, HTML, "shopify.not_found"),
    (200, HTML, "shopify.all_blocked"),
)


@pytest.fixture
def world() -> Iterator[World]:
    config = SandboxConfig(shopify_points_per_second=None, webhook_url="http://127.0.0.1:1/")
    with sandbox_without_a_socket(config, clock=lambda: NOW) as world:
        world.shopify.webhooks.url = None
        yield world


@pytest.fixture
def lane(world: World) -> ShopifyLane:
    lane = ShopifyLane(
        shop=world.config.shop,
        api_url=f"{URL}/shopify",
        api_version="2026-10",
        access_token=world.config.shopify_access_token,
        client_id=None,
        client_secret=None,
        metafields={},
        vault=AloneVault(),
        pace_store=AlonePace(),
        now=lambda: NOW,
        sleep=lambda _: None,
    )
    lane.prepare()
    world.calls.clear()
    return lane


@pytest.fixture
def ids(world: World) -> list[int]:
    return [
        world.shopify.create({"email": f"person{n}@example.com", "last_name": "見本", "first_name": "花子"}).id
        for n in range(50)
    ]


def tasks(ids: Sequence[int], attempt: int = 1) -> list[Task]:
    return [Task(Customer(id=one), attempt=attempt) for one in ids]


def firewall(world: World, *ids: int, status: int = 403, body: object = HTML) -> int:
    sent = "|".join(rf"Customer/{one}\b" for one in ids)
    return world.faults.add("shopify", "status", status=status, body=body, sent=sent)


def refused(results: Mapping[int, Result]) -> dict[int, str]:
    return {one: result.kind for one, result in results.items() if isinstance(result, CarryError)}


@pytest.mark.parametrize(("status", "body", "_"), FORMS)
@pytest.mark.parametrize("where", [0, 1, 24, 49])
def test_one_of_fifty_stands_alone_within_sixteen_calls(
    world: World, lane: ShopifyLane, ids: list[int], where: int, status: int, body: object, _: str
) -> None:
    firewall(world, ids[where], status=status, body=body)
    results = lane.carry(tasks(ids))
    assert world.calls.count(system="shopify") <= MOST
    assert refused(results) == {ids[where]: "shopify.blocked"}
    assert isinstance(results[ids[where]], AskPerson)
    assert all(result.found is not None for result in results.values() if isinstance(result, Carried))


@pytest.mark.parametrize(("status", "body", "kind"), FORMS)
def test_where_every_read_is_refused_but_the_shop_answers_it_is_the_lane(
    world: World, lane: ShopifyLane, ids: list[int], status: int, body: object, kind: str
) -> None:
    firewall(world, *ids, status=status, body=body)
    with pytest.raises(StopLane) as stopped:
        lane.carry(tasks(ids))
    assert stopped.value.kind == kind
    assert world.calls.count(system="shopify") <= MOST
    world.faults.clear()
    assert not refused(lane.carry(tasks(ids)))


@pytest.mark.parametrize(
    ("status", "body", "kind"), [(403, HTML, "shopify.forbidden"), (404, HTML, "shopify.not_found")]
)
def test_where_the_shop_is_refused_as_well_it_is_the_lane_after_two_calls(
    world: World, lane: ShopifyLane, ids: list[int], status: int, body: object, kind: str
) -> None:
    world.faults.add("shopify", "status", status=status, body=body)
    with pytest.raises(StopLane) as stopped:
        lane.carry(tasks(ids))
    assert stopped.value.kind == kind
    assert world.calls.count(system="shopify") == 2


def test_a_page_instead_of_every_answer_is_tried_later_as_before(
    world: World, lane: ShopifyLane, ids: list[int]
) -> None:
    world.faults.add("shopify", "status", status=200, body=HTML)
    with pytest.raises(TryLater) as later:
        lane.carry(tasks(ids))
    assert (later.value.kind, later.value.lane_wide) == ("shopify.answer_unreadable", True)


def test_one_who_is_read_alone_is_for_a_person_after_three_tries(
    world: World, lane: ShopifyLane, ids: list[int]
) -> None:
    firewall(world, ids[0], status=200)
    results = [lane.carry(tasks(ids[:1], attempt))[ids[0]] for attempt in (1, 2, 3)]
    assert [type(each) for each in results] == [TryLater, TryLater, AskPerson]
    assert not any(isinstance(each, CarryError) and each.doubt for each in results), "a read leaves nothing to doubt"


def test_what_else_goes_wrong_after_some_were_read_keeps_what_was_read(
    world: World, lane: ShopifyLane, ids: list[int]
) -> None:
    firewall(world, ids[40])
    world.faults.add("shopify", "status", status=503, sent=rf"Customer/{ids[45]}\b")
    results = lane.carry(tasks(ids))
    assert sum(isinstance(each, Carried) for each in results.values()) >= 25
    assert refused(results)[ids[45]] == "shopify.down"
    assert set(refused(results).values()) == {"shopify.blocked", "shopify.down"}


def test_no_address_is_cleared_where_the_question_for_it_is_refused(
    world: World, lane: ShopifyLane, ids: list[int]
) -> None:
    world.faults.add("shopify", "status", status=403, body=HTML, sent="addressesV2")
    known = Customer(id=ids[0], address=Address(zip="100-0014", city="千代田区", address1="永田町2-3-1"))
    result = lane.carry([Task(known)])[ids[0]]
    assert isinstance(result, Carried)
    assert result.found is not None
    assert not isinstance(result.found.address, Address)
    assert result.found.address is not None, "unknown, and not cleared"


def test_who_cannot_be_read_still_goes_with_what_the_webhook_said(database_url: str) -> None:
    with running(database_url, UNLIMITED, worker=False) as flow:
        people = [
            flow.shop.create({"email": f"p{n}@example.com", "last_name": "見本", "first_name": "花子"})
            for n in range(8)
        ]
        assert flow.shop.wait_idle(10)
        firewall(flow.sandbox.world, people[3].id)
        flow.worker.start()
        until(lambda: len(flow.members) == 8 and len(flow.contacts) == 8, 20)
        until(lambda: flow.states(people[3].id)["shopify"] == "failed", 20)
        assert [flow.states(one.id)["shopify"] for one in people].count("done") == 7
        assert flow.house.report.lanes(["shopify"])[0].health.breaker == "closed"


@pytest.mark.parametrize("status", [401, 423, 429, 430, 500, 503])
def test_what_says_nothing_of_the_rows_is_sorted_as_ever(status: int) -> None:
    refusal = refusal_of_rows(Answer(status, {"Content-Type": "text/html"}, None), "SHOPIFY_ACCESS_TOKEN")
    assert refusal is not None
    assert not refusal.kind.endswith("blocked")


@settings(max_examples=60)
@given(st.integers(1, 50).flatmap(lambda n: st.tuples(st.just(n), st.frozensets(st.integers(0, n - 1)))))
def test_each_customer_has_one_result_whoever_is_refused(what: tuple[int, frozenset[int]]) -> None:
    count, bad = what
    calls = 0

    def read(part: Sequence[int]) -> Mapping[int, Result]:
        nonlocal calls
        calls += 1
        if set(part) & bad:
            error = refusal_of_rows(Answer(403, {}, None), "SHOPIFY_ACCESS_TOKEN")
            assert error is not None
            raise error
        return {one: Carried(ref=str(one), did="read") for one in part}

    def account() -> Any:
        nonlocal calls
        calls += 1

    try:
        results = read_in_parts(tasks(range(count)), read, Alike(), account)
    except StopLane:
        assert len(bad) > 1, "two refused alike"
        return
    assert calls <= MOST
    assert set(results) == set(range(count))
    assert {one for one, each in results.items() if isinstance(each, Carried)} & bad == set()
    assert {one for one, each in results.items() if isinstance(each, AskPerson)} <= bad
