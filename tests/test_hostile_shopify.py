"""What hostile answers of Shopify's did to its parsers, before they were mended."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from clients.errors import TryLater
from clients.http import Answer
from clients.pace import AlonePace
from clients.shopify.lane import ShopifyLane
from clients.shopify.points import Cost, Points
from clients.shopify.refusals import request_id
from clients.token import AloneVault
from customer import Customer, Task
from fuzz.clock import FakeClock
from fuzz.wire import Asked, answered_by, reply


def cost(**changes: Any) -> Cost | None:
    status = {"maximumAvailable": 2000.0, "currentlyAvailable": 1980, "restoreRate": 100.0}
    told = {"requestedQueryCost": 20, "actualQueryCost": 18, "throttleStatus": status}
    status |= {name: value for name, value in changes.items() if name in status}
    told |= {name: value for name, value in changes.items() if name in told}
    return Cost.read({"extensions": {"cost": told}})


def test_a_cost_is_read() -> None:
    assert cost() is not None


@pytest.mark.parametrize("value", [10**400, -(10**400), 1e308, math.nan, math.inf, "x", [], {}])
@pytest.mark.parametrize(
    "name", ["requestedQueryCost", "actualQueryCost", "maximumAvailable", "currentlyAvailable", "restoreRate"]
)
def test_a_cost_that_makes_no_sense_is_none(name: str, value: object) -> None:
    assert cost(**{name: value}) is None


@pytest.mark.parametrize("rate", [0, -1, 5e-324, 0.5])
def test_a_bucket_that_would_never_fill_is_not_believed(rate: float) -> None:
    assert cost(restoreRate=rate) is None


def test_nobody_waits_for_more_points_than_a_query_may_cost() -> None:
    slept: list[float] = []
    points = Points(AlonePace(), "shopify:x", now=lambda: 0.0, sleep=slept.append)
    points.take(1e300)
    points.take(1.0)
    assert sum(slept) <= 20


@pytest.mark.parametrize("told", ["a\x00b", "renge@example.jp", "a b", "\xe8\x8a\xb1", ""])
def test_a_request_id_that_is_none_is_left_out(told: str) -> None:
    assert request_id(Answer(500, {"X-Request-Id": told}, None)) is None


@pytest.mark.parametrize(
    "answer",
    [
        {"access_token": "shpat_fresh", "expires_in": math.nan},
        {"access_token": "shpat_fresh", "expires_in": -1},
        {"access_token": "shpat_fresh", "expires_in": True},
        {"access_token": "", "expires_in": 86399},
        {"access_token": "line\nbreak", "expires_in": 86399},
        {"access_token": "花子", "expires_in": 86399},
    ],
)
def test_a_token_that_is_none_is_asked_for_again_later(answer: dict[str, Any]) -> None:
    clock = FakeClock()
    lane = ShopifyLane(
        shop="example.myshopify.com",
        api_url="http://shopify.test",
        api_version="2026-10",
        access_token=None,
        client_id="an-id",
        client_secret="an-invented-secret",
        metafields={},
        vault=AloneVault(),
        pace_store=AlonePace(),
        now=clock,
        sleep=clock.sleep,
    )

    def said(_: Asked) -> bytes:
        return reply(200, json.dumps(answer).encode())

    with answered_by(said), pytest.raises(TryLater) as raised:
        lane.carry([Task(Customer(id=1))])
    assert raised.value.kind == "shopify.token_unreadable"
