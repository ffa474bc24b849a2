"""A value that HubSpot refuses costs that property, and never the contact; whatever the code, shape or language."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, get_args

import pytest

from clients.errors import AskPerson
from clients.hubspot.lane import HubSpotLane
from clients.lane import Carried, Result
from clients.pace import AlonePace
from customer import Customer, Task
from sandbox.config import SandboxConfig, ValueWords
from sandbox.world import World
from tests.no_socket import URL, sandbox_without_a_socket

NOW: Final = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
FIRST: Final = 6900000000000
BASE: Final = SandboxConfig(hubspot_calls_per_10_seconds=100_000, hubspot_property_lag_seconds=0.0)
#: Codes seen in public code and on HubSpot's pages, one that nobody knows, and what it may be about.
CODES: Final = (
    ("lastname", "INVALID_ALPHA"),
    ("shopify_birth_date", "INVALID_DATE"),
    ("shopify_orders_count", "INVALID_LONG"),
    ("shopify_amount_spent", "INVALID_DOUBLE"),
    ("phone", "INVALID_PHONE_NUMBER"),
    ("address", "MAX_LENGTH_EXCEEDED"),
    ("shopify_tags", "INVALID_LENGTH"),
    ("shopify_gender", "INVALID_OPTION"),
    ("zip", "INVALID_INTEGER"),
    ("city", "READ_ONLY_VALUE"),
    ("state", "SOME_RULE_OF_2027"),
    ("shopify_updated_at", "INVALID_TIMESTAMP"),
)
WORDS: Final[tuple[ValueWords, ...]] = get_args(ValueWords)


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def portal(opened: ExitStack, *rules: tuple[str, str, str], **config: Any) -> tuple[World, HubSpotLane]:
    world = opened.enter_context(
        sandbox_without_a_socket(replace(BASE, hubspot_value_rules=rules, **config), clock=lambda: NOW)
    )
    lane = HubSpotLane(
        access_token=BASE.hubspot_token,
        api_url=f"{URL}/hubspot",
        pace_store=AlonePace(),
        now=lambda: NOW,
        sleep=lambda _: None,
    )
    lane.prepare()
    world.calls.clear()
    return world, lane


def person(number: int = 1, **more: Any) -> Customer:
    told: dict[str, Any] = {
        "email": f"person{number}@example.com",
        "phone": "090-0000-0001",
        "last_name": "見本",
        "first_name": "花子",
        "birth_date": "1990-01-31",
        "gender": "female",
        "tags": ["vip"],
        "orders_count": 3,
        "amount_spent": "1200.50",
        "address": {"zip": "100-0014", "province_code": "JP-13", "city": "千代田区", "address1": "永田町2-3-1"},
        "updated_at": NOW.isoformat(),
    }
    return Customer.from_json({"id": FIRST + number, **told, **more})


def carried(lane: HubSpotLane, task: Task) -> Carried:
    [result] = lane.carry([task]).values()
    assert isinstance(result, Carried), result
    return result


def asked(result: Result) -> AskPerson:
    assert isinstance(result, AskPerson), result
    return result


def again(task: Task, before: Carried, **change: Any) -> Task:
    changed = replace(task.customer, updated_at=NOW + timedelta(minutes=1), **change)
    return Task(changed, ref=before.ref, sent=before.sent, memo=before.memo)


def contact(world: World, customer: Customer) -> dict[str, Any]:
    found = [row["properties"] for row in world.hubspot.records()]
    [only] = [each for each in found if isinstance(each, dict) and each["shopify_customer_id"] == str(customer.id)]
    return only


def dropped(result: Carried) -> dict[str, str]:
    return {each.field: each.detail for each in result.corrections if each.what == "dropped"}


@pytest.mark.parametrize("words", WORDS)
@pytest.mark.parametrize(("name", "code"), CODES)
def test_a_refused_value_costs_its_property_and_one_more_call(
    opened: ExitStack, name: str, code: str, words: ValueWords
) -> None:
    world, lane = portal(opened, (name, "", code), hubspot_value_words=words)
    task = Task(person())
    result = carried(lane, task)
    assert world.calls.count(system="hubspot", path="batch/upsert") == 2
    there = contact(world, task.customer)
    assert name not in {each for each, value in there.items() if value}
    assert there["firstname"] == "花子"
    assert list(dropped(result)) == [name]


@pytest.mark.parametrize("words", WORDS)
@pytest.mark.parametrize("mode", ["one", "many"])
def test_all_that_is_named_goes_at_once(opened: ExitStack, words: ValueWords, mode: str) -> None:
    world, lane = portal(opened, *((name, "", code) for name, code in CODES), hubspot_value_words=words)
    tasks = [Task(person(number)) for number in range(1 if mode == "one" else 40)]
    results = lane.carry(tasks)
    assert world.calls.count(system="hubspot", path="batch/upsert") == 2
    for result in results.values():
        assert isinstance(result, Carried), result
        assert dropped(result).keys() == {name for name, _ in CODES}


def test_the_raw_value_is_kept_for_people(opened: ExitStack) -> None:
    _, lane = portal(opened, ("lastname", "[A-Za-z]+", "INVALID_ALPHA"), ("email", ".*@corp", "INVALID_DOMAIN"))
    result = carried(lane, Task(person(email="Hanako@Example.com")))
    assert "見本" in dropped(result)["lastname"]
    assert "Hanako@Example.com" in dropped(result)["email"]


def test_the_value_is_not_offered_again_but_another_one_is(opened: ExitStack) -> None:
    world, lane = portal(opened, ("phone", r"\+819000000002|", "INVALID_PHONE_NUMBER"))
    task = Task(person())
    first = carried(lane, task)
    world.calls.clear()
    assert carried(lane, again(task, first)).did == "unchanged"
    assert world.calls.count(system="hubspot") == 0
    second = carried(lane, again(task, first, first_name="華子"))
    assert world.calls.count(system="hubspot", path="batch/update") == 1
    assert dropped(second)["phone"].endswith("+819000000001")
    third = carried(lane, again(task, second, phone="+819000000002"))
    assert contact(world, task.customer)["phone"] == "+819000000002"
    assert dropped(third) == {}


def test_what_may_not_be_emptied_stays_and_the_rest_goes(opened: ExitStack) -> None:
    world, lane = portal(opened, ("phone", ".+", "SOME_RULE"))
    task = Task(person())
    first = carried(lane, task)
    second = carried(lane, again(task, first, phone=None, first_name="華子"))
    there = contact(world, task.customer)
    assert (there["phone"], there["firstname"]) == ("+819000000001", "華子")
    assert "empty" in dropped(second)["phone"]
    world.calls.clear()
    assert carried(lane, again(task, second, phone=None, first_name="華子")).did == "unchanged"
    assert world.calls.count(system="hubspot") == 0


@pytest.mark.parametrize("words", WORDS)
def test_our_key_is_never_left_out(opened: ExitStack, words: ValueWords) -> None:
    world, lane = portal(
        opened, ("shopify_customer_id", "", "INVALID_LONG"), ("phone", "", "X"), hubspot_value_words=words
    )
    [result] = lane.carry([Task(person())]).values()
    refused = asked(result)
    assert (refused.kind, "shopify_customer_id" in refused.why) == ("hubspot.refused", True)
    assert world.hubspot.records() == []


def test_nobody_is_left_without_a_name_and_an_address(opened: ExitStack) -> None:
    _, lane = portal(opened, *((name, "", "INVALID_ALPHA") for name in ("email", "firstname", "lastname")))
    [result] = lane.carry([Task(person())]).values()
    assert asked(result).kind == "hubspot.nothing_to_create_with"


def test_a_resync_offers_it_again(opened: ExitStack) -> None:
    _, lane = portal(opened, ("phone", "", "INVALID_PHONE_NUMBER"))
    task = Task(person())
    first = carried(lane, task)
    with sandbox_without_a_socket(BASE):  # another portal, without the rule
        lane.prepare()
        everything = Task(task.customer, sent=dict.fromkeys(first.sent, ""), memo=first.memo)
        assert dropped(carried(lane, everything)) == {}
