"""The pace of Admin GraphQL: a lone read goes at once, a crowd keeps to the store's rate."""

from __future__ import annotations

from typing import Any

import pytest

from clients.pace import AlonePace
from clients.shopify.points import Cost, Points


class Time:
    """A clock that moves only while somebody sleeps."""

    def __init__(self) -> None:
        self.at = 1000.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds


def cost(requested: float = 500, actual: float | None = 500, available: float = 1500, **status: float) -> Cost:
    return Cost(
        requested=requested,
        actual=actual,
        available=available,
        maximum=status.get("maximum", 2000.0),
        restore_rate=status.get("restore_rate", 100.0),
    )


def test_a_lone_read_goes_at_once() -> None:
    time = Time()
    Points(AlonePace(), "shopify:a", now=time.now, sleep=time.sleep).take(500)
    assert time.slept == []


def test_a_crowd_of_processes_together_keeps_to_the_rate_and_uses_it() -> None:
    time, store = Time(), AlonePace()
    processes = [Points(store, "shopify:a", now=time.now, sleep=time.sleep) for _ in range(3)]
    for turn in range(60):
        processes[turn % 3].take(500)
    spent, seconds = 60 * 500, time.at - 1000
    assert spent <= 1000 + 100 * seconds  # never more than a bucket ahead of the rate
    assert spent >= 0.95 * 100 * seconds


def test_the_plans_rate_is_learned_from_the_answers() -> None:
    time, store = Time(), AlonePace()
    points = Points(store, "shopify:a", now=time.now, sleep=time.sleep)
    points.take(500)
    points.settle(500, cost(restore_rate=1000, maximum=20000))
    for _ in range(100):
        points.take(500)
    # 500 points at 100 a second, then 50,000 at 1,000 a second, less half the bucket.
    assert 43 <= time.at - 1000 <= 46


def test_what_a_query_cost_beyond_its_estimate_is_booked_afterwards() -> None:
    time, store = Time(), AlonePace()
    points = Points(store, "shopify:a", now=time.now, sleep=time.sleep)
    points.take(10)
    points.settle(10, cost(actual=500))
    assert store.reserve("shopify:a", 1, 100.0, time.at) == pytest.approx(time.at + 5.0)


def test_two_shops_do_not_share_a_pace() -> None:
    time, store = Time(), AlonePace()
    for shop in ("a", "b", "c", "d"):
        Points(store, f"shopify:{shop}", now=time.now, sleep=time.sleep).take(900)
    assert time.slept == []


def answer(**changes: Any) -> dict[str, Any]:
    status = {"maximumAvailable": 2000.0, "currentlyAvailable": 2, "restoreRate": 100.0}
    told = {"requestedQueryCost": 502, "actualQueryCost": None, "throttleStatus": status}
    return {"extensions": {"cost": {**told, **changes}}}


def test_the_wait_of_a_throttled_query_is_what_it_lacks_over_the_rate() -> None:
    read = Cost.read(answer())
    assert read is not None
    assert read.wait_s == pytest.approx(5.0)
    assert read.actual is None


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"extensions": None},
        {"extensions": {"cost": []}},
        answer(throttleStatus=None),
        answer(requestedQueryCost="many"),
        answer(requestedQueryCost=float("nan")),
        answer(throttleStatus={"maximumAvailable": 1, "currentlyAvailable": 1, "restoreRate": 0}),
    ],
)
def test_a_cost_that_makes_no_sense_is_none(body: dict[str, Any]) -> None:
    assert Cost.read(body) is None
