"""The pure parts of growth, the burst and the hindrances: who is touched, what counts, and when a goal is met."""

from __future__ import annotations

import json
import uuid
from array import array
from datetime import UTC, datetime, timedelta
from itertools import islice

from bench.burst import Burst
from bench.burst import section as burst_section
from bench.ceiling import rote_server
from bench.costs import Cost, Growth, Point
from bench.growth import section as growth_section
from bench.hindered import Arrivals
from bench.hindered import section as hindered_section
from bench.knocks import Knocks
from bench.load import Volley, drive
from bench.trips import Stay, Trip
from sandbox.server import RunningSandbox

FIRST = 7_000_000_000_000
NOON = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def told(request: bytes) -> tuple[str, str, str]:
    """The topic, the webhook id and the e-mail of a knock."""
    head, _, body = request.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    return headers["X-Shopify-Topic"], headers["X-Shopify-Webhook-Id"], json.loads(body)["email"] or ""


def test_those_who_change_are_the_ones_named_and_the_new_ones_come_after_all_who_are_there() -> None:
    knocks = [
        json.loads(one.partition(b"\r\n\r\n")[2])["id"] - FIRST
        for one in islice(Knocks(FIRST, there=5000, places=range(100, 200)), 20)
    ]
    assert knocks[1::2] == list(range(100, 110))
    assert knocks[0::2] == list(range(5000, 5010))


def test_webhook_ids_fall_anywhere_and_never_twice() -> None:
    ids = [told(one)[1] for one in islice(Knocks(FIRST), 2000)]
    assert len(set(ids)) == len(ids)
    assert ids != sorted(ids)
    assert str(uuid.UUID(ids[0])) == ids[0]


def test_no_two_customers_share_an_e_mail() -> None:
    mails = [mail for topic, _, mail in map(told, islice(Knocks(FIRST), 600)) if topic == "customers/create" and mail]
    assert len({mail.lower() for mail in mails}) == len(mails)


def test_a_volley_ends_when_all_that_was_to_be_sent_is_answered() -> None:
    with rote_server() as address:
        volley = drive(address, islice(iter(Knocks(FIRST)), 50), connections=4, seconds=60)
    assert len(volley.latencies_ms) == 50
    assert volley.per_second > 50 / 60


def test_far_sides_without_limits_refuse_nobody() -> None:
    with RunningSandbox() as sandbox:
        shelf = sandbox.world.smaregi
        taken = [shelf.writes.take(0.0) for _ in range(30)]
        sandbox.world.lift_limits()
        assert not all(taken)
        assert all(shelf.writes.take(0.0) for _ in range(30))
        assert all(sandbox.world.hubspot.pace(is_search=False) is None for _ in range(300))
        assert all(sandbox.world.shopify.bucket.take(1000.0) for _ in range(5))


def point(customers: int, work: float) -> Point:
    cost = Cost(wall=10.0, web=1.0, worker=work - 1.0, database=None)
    small = Cost(wall=10.0, web=1.0, worker=9.0, database=None)
    return Point("SQLite", customers, [cost], 60, 90, 5.0, {"start of web": 800.0}, {"claim 16": 2.0}, 0, [small])


def test_growth_is_judged_by_a_million_customers_and_by_nothing_less() -> None:
    def met(*points: Point) -> list[bool | None]:
        return [goal.met for goal in growth_section(Growth(list(points))).goals]

    assert met(point(1_000, 10.0), point(1_000_000, 11.9)) == [True]
    assert met(point(1_000, 10.0), point(1_000_000, 12.1)) == [False]
    assert met(point(1_000, 10.0), point(10_000, 10.0)) == [None]
    assert met(point(1_000, 10.0), point(10_000, 12.1)) == [None]


def burst(slowest_ms: float, *, left: int = 0) -> Burst:
    volley = Volley(500.0, array("d", [20.0] * 99 + [slowest_ms]), {})
    return Burst(100, volley, 50, 10, [(0.0, 120), (60.0, left)], {}, {"web": 70.0}, 5.0, 1.0)


def test_a_burst_is_met_when_nobody_waits_a_second_and_nothing_is_left() -> None:
    assert [goal.met for goal in burst_section(burst(900.0)).goals] == [True, True]
    assert [goal.met for goal in burst_section(burst(1100.0, left=3)).goals] == [False, False]
    assert burst(900.0).drained_per_second == 2.0


def test_a_lane_that_nothing_stands_in_the_way_of_must_keep_its_time() -> None:
    def after(ms: int) -> Stay:
        return Stay(NOON, NOON + timedelta(milliseconds=ms))

    trip = Trip(NOON, None, {"hubspot": after(9000)}, 2, {"hubspot": after(1600)})
    found = Arrivals("Smaregi answers 503", 1, [trip], ["hubspot"], {"smaregi": 1, "hubspot": 0})
    shown = hindered_section([found])
    assert [goal.met for goal in shown.goals] == [True]
    smaregi, hubspot = shown.tables[0].rows
    assert smaregi[2:4] == ("0", "–")
    assert hubspot[3:7] == ("1,600", "1,600", "1,600", "9,000")
