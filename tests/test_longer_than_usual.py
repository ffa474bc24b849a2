"""What an outage, a switch or a person cost is not the way's time: "longer than usual" rises for slowness alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

from handlers.alert_changes import all_on_since
from handlers.alerting import NO_OUTAGE, Rules
from ledger import tables as t
from ledger.outages import Try, of_lanes, overlap
from ledger.readings import Arrived, Asked, look
from tests.conftest import NOON, Clock
from tests.ledger_cases import LANES
from tests.test_watchman import Scene, scene

__all__ = ["scene"]  # a fixture

DOWN = "smaregi.unavailable"
#: (lane, customer, began, ended, outcome, kind, came): seconds; ``came`` on the attempt that completed a customer.
Row = tuple[str, int, float, float, str, str | None, float | None]


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def put(scene: Scene, rows: Sequence[Row]) -> None:
    for lane, customer, began, ended, outcome, kind, came in sorted(rows, key=lambda row: row[3]):
        row: dict[str, Any] = {"customer_id": customer, "lane": lane, "outcome": outcome, "kind": kind}
        row |= {"attempt": 1, "revision": 1, "request_id": "r", "started_at": at(began)}
        row |= {"duration_ms": (ended - began) * 1000, "total_ms": None if came is None else (ended - came) * 1000}
        scene.write(insert(t.attempts).values(row))


def counted(scene: Scene, count: int) -> list[float]:
    """How long the newest customers took by what counts, in seconds, the newest first."""
    asked = Asked(LANES, "smaregi", (), (), updates_too=True, attempts=3, no_outage=NO_OUTAGE)
    newest: Sequence[Arrived] = look(scene.ledger.database, asked, scene.clock()).arrived[:count]
    return [round(one.counted_ms / 1000, 3) for one in newest]


def arrives(customer: int, came: float, ended: float, *, took: float = 0.5) -> Row:
    return ("smaregi", customer, ended - took, ended, "done", None, came)


CASES: dict[str, tuple[list[Row], float]] = {
    "a quick one": ([arrives(7, 100, 101.5)], 1.5),
    "a slow far side": ([("smaregi", 7, 101, 109, "done", None, 100)], 9),
    "a queue before it": ([arrives(8, 90, 106), arrives(7, 100, 109)], 9),
    "its own back-off after a 503": (
        [("smaregi", 7, 101, 102, "retry", DOWN, None), arrives(8, 102, 103), arrives(7, 100, 112)],
        1 + 0.5,
    ),
    "a lane that is away for others": (
        [
            ("smaregi", 8, 90, 91, "retry", DOWN, None),
            ("smaregi", 8, 120, 120.5, "done", None, None),
            arrives(7, 100, 121),
        ],
        1.0,
    ),
    "a lane that is still away while another arrives elsewhere": (
        [("hubspot", 8, 90, 91, "retry", "hubspot.unavailable", None), arrives(7, 100, 130)],
        0,
    ),
    "a pause that the far side asked for": (
        [
            ("smaregi", 8, 90, 91, "retry", "smaregi.busy", None),
            ("smaregi", 8, 120, 121, "done", None, None),
            arrives(7, 100, 121),
        ],
        1.0,
    ),
    "waits of ours are no outage": (
        [("smaregi", 7, 101, 101.1, "retry", "smaregi.index_stale", None), arrives(7, 100, 131)],
        31,
    ),
    "faults of ours are no outage": (
        [("smaregi", 7, 101, 102, "retry", "fault.KeyError", None), arrives(7, 100, 131)],
        31,
    ),
    "a wait for a person": ([("smaregi", 7, 101, 102, "failed", "smaregi.refused", None), arrives(7, 100, 9000)], 2.5),
    "a success that ran beside the failure proves nothing": (
        [
            ("smaregi", 8, 90, 92, "retry", DOWN, None),
            ("smaregi", 9, 91, 93, "done", None, None),
            ("smaregi", 8, 110, 110.5, "done", None, None),
            arrives(7, 95, 111),
        ],
        1,
    ),
    "sent once more": (
        [
            ("smaregi", 7, 101, 102, "retry", DOWN, None),
            ("smaregi", 7, 108, 109, "done", None, None),
            arrives(7, 100, 163),
        ],
        1 + 1 + 0.5,
    ),
    "two lanes away at once are counted once": (
        [
            ("smaregi", 8, 100, 101, "retry", DOWN, None),
            ("hubspot", 8, 105, 106, "retry", "hubspot.unavailable", None),
            ("smaregi", 8, 120, 121, "done", None, None),
            ("hubspot", 8, 130, 131, "done", None, None),
            arrives(7, 95, 132),
        ],
        5 + 2,
    ),
    "a lane apart says nothing": ([("mail", 8, 90, 91, "retry", "mail.unavailable", None), arrives(7, 100, 130)], 30),
}


@pytest.mark.parametrize("what", CASES)
def test_what_is_counted(scene: Scene, what: str) -> None:
    rows, seconds = CASES[what]
    put(scene, rows)
    assert counted(scene, 1) == [pytest.approx(seconds, abs=0.01)]


SECONDS = st.integers(0, 60).map(at)
SPAN = st.tuples(SECONDS, SECONDS)


@given(SECONDS, SECONDS, st.lists(SPAN, max_size=6))
def test_what_lies_in_spans_is_counted_once(
    came: datetime, ended: datetime, spans: list[tuple[datetime, datetime]]
) -> None:
    seconds = int((ended - came).total_seconds())
    inside = [any(a <= came + timedelta(seconds=s) < b for a, b in spans) for s in range(max(0, seconds))]
    assert overlap(came, ended, spans) == timedelta(seconds=sum(inside))


TRY = st.builds(
    lambda lane, began, took, outcome: Try(lane, 1, at(began), at(began + took), outcome, None),
    st.sampled_from(LANES),
    st.integers(0, 50),
    st.integers(0, 5),
    st.sampled_from(["done", "retry", "failed"]),
)


@given(st.lists(TRY, max_size=20))
def test_a_lane_without_failures_was_never_away(tries: list[Try]) -> None:
    tries.sort(key=lambda one: one.ended)
    spans = of_lanes(tries, lambda one: one.outcome == "retry")
    assert bool(spans) == any(one.outcome == "retry" for one in tries)
    assert all(began <= ended for began, ended in spans)
    assert of_lanes(tries, lambda _: False) == []


# --- over a ledger, as it happens


def slow_rose(scene: Scene) -> bool:
    return any(alert.kind == "slow" for alert in (*scene.alerts.open_ones(), *scene.alerts.last_over()))


def now_s(scene: Scene) -> float:
    return (scene.clock() - NOON).total_seconds()


def five_arrive(scene: Scene, *, took: float) -> None:
    """Five customers who came so long ago arrive now."""
    put(scene, [arrives(100 + i, now_s(scene) - took, now_s(scene) - 0.001 * i) for i in range(5)])


def test_real_slowness_is_told(scene: Scene) -> None:
    scene.run(minutes=1)
    five_arrive(scene, took=9)
    scene.run(minutes=1)
    assert slow_rose(scene)


@pytest.mark.parametrize("failures", [1, 4])
def test_a_short_outage_that_opened_nothing_is_no_slowness(scene: Scene, failures: int) -> None:
    scene.run(minutes=1)
    now = now_s(scene)
    put(scene, [("smaregi", 90 + i, now + i, now + i + 0.1, "retry", DOWN, None) for i in range(failures)])
    scene.clock.forward(seconds=30)
    put(scene, [("smaregi", 90, now + 28, now + 28.5, "done", None, None)])
    five_arrive(scene, took=29)
    scene.run(minutes=2)
    assert not slow_rose(scene)
    scene.clock.forward(minutes=1)
    five_arrive(scene, took=9)
    scene.run(minutes=1)
    assert slow_rose(scene), "afterwards slowness is told as ever"


def test_who_waited_for_a_lane_that_was_off_is_no_slowness(scene: Scene) -> None:
    off, on = scene.watchman(), scene.watchman()
    off._asked = replace(off._asked, lanes=("shopify", "smaregi"))
    off._rules = Rules(lanes=("shopify", "smaregi"))
    for _ in range(6):
        scene.clock.forward(minutes=10)
        off.look()
    five_arrive(scene, took=3000)
    scene.clock.forward(seconds=10)
    on.look()
    five_arrive(scene, took=3000)
    scene.clock.forward(seconds=10)
    on.look()
    assert not slow_rose(scene)
    scene.clock.forward(seconds=30)
    five_arrive(scene, took=9)
    on.look()
    assert slow_rose(scene)


def test_it_never_rises_together_with_the_notice_that_an_outage_is_over(scene: Scene) -> None:
    scene.breaker("open", DOWN)
    scene.run(minutes=5)
    scene.breaker("closed", None)
    for _ in range(12):
        scene.clock.forward(seconds=10)
        five_arrive(scene, took=9)
        before = {alert.id for alert in scene.alerts.last_over()}
        scene.watchman().look()
        over = {alert.id for alert in scene.alerts.last_over()} - before
        rose = any(alert.kind == "slow" for alert in scene.alerts.open_ones())
        if over:
            assert not rose
            break
        assert not rose
    else:
        pytest.fail("the outage is never over")


def test_many_other_alerts_do_not_hide_that_an_outage_has_just_ended(scene: Scene, clock: Clock) -> None:
    row: dict[str, Any] = {"kind": "open", "key": "open:x", "count": 1, "customers": [], "facts": {}, "told_to": []}
    row |= {"since": clock(), "raised_at": clock(), "over_at": clock()}
    scene.write(insert(t.alerts).values(row))
    for i in range(30):
        scene.write(insert(t.alerts).values({**row, "kind": "same_person", "key": f"same_person:{i}"}))
    clock.forward(seconds=5)
    five_arrive(scene, took=20)
    scene.run(minutes=1)
    assert not slow_rose(scene)


@pytest.mark.parametrize(
    ("before", "after", "since"),
    [
        (("a", "b"), ("a", "b"), NOON),
        (("a", "b"), ("a",), NOON),
        (("a",), ("a", "b"), at(60)),
        ((), ("a",), at(60)),
    ],
)
def test_what_is_switched_on_is_on_since_the_first_look(
    before: Sequence[str], after: Sequence[str], since: datetime
) -> None:
    first, memory = all_on_since({}, before, NOON, updates_too=False)
    assert first == NOON
    told, remember = all_on_since(memory or {}, after, at(60), updates_too=False)
    assert told == since
    again, nothing = all_on_since({**(memory or {}), **(remember or {})}, after, at(90), updates_too=False)
    assert (again, nothing) == (since, None)
    assert all_on_since({**(memory or {}), **(remember or {})}, after, at(99), updates_too=True)[0] == at(99)
    back, _ = all_on_since({**(memory or {}), **(remember or {})}, after, at(-3600), updates_too=False)
    assert back == at(-3600), "the clock was set back"
