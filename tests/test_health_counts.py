"""Numbers on one page are disjoint and add up, and every door tells the same "oldest" and the same latency."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from handlers.telling import latency_line
from ledger import census
from ledger import tables as t
from ledger.census import Census
from ledger.database import Database
from ledger.readings import Asked, look
from ledger.report import Report
from tests.building import body_of, house_of
from tests.building import post as knock
from tests.conftest import NOON, Clock
from tests.console import console_app, signed_in
from tests.ledger_cases import LANES, Ledger, done, failed
from tests.test_console_overview import ON

STATES = ("pending", "running", "done", "failed", None)
#: A few customers: the state of the task in each lane (None: no task there), and how many minutes ago it was owed.
CUSTOMER = st.tuples(st.tuples(*[st.sampled_from(STATES)] * len(LANES)), st.integers(0, 60), st.booleans())


@pytest.fixture
def app(database_url: str, clock: Clock) -> Iterator[Flask]:
    made = console_app(database_url, now=clock, **ON)
    yield made
    house_of(made).close()


def put(database: Database, customers: list[tuple[tuple[str | None, ...], int, bool]]) -> None:
    people, tasks = [], []
    for i, (states, minutes, there) in enumerate(customers, 1):
        row: dict[str, Any] = {"id": i, "revision": 1, "state": {}, "first_topic": ""}
        people.append({**row, "first_seen_at": NOON, "changed_at": NOON})
        for lane, state in zip(LANES, states, strict=True):
            since = NOON - timedelta(minutes=minutes)
            tasks.append(
                {
                    "customer_id": i,
                    "lane": lane,
                    "state": state,
                    "since": since,
                    "due_at": since,
                    "kind": "far.refused" if state == "failed" else None,
                    "ref": "r" if there else None,
                    "request_id": "",
                }
            )
    with database.writing() as c:
        for table in (t.tasks, t.customers, t.cursors):
            c.execute(table.delete())
        if people:
            c.execute(insert(t.customers), people)
        if rows := [row for row in tasks if row["state"]]:
            c.execute(insert(t.tasks), rows)


def brute(customers: list[tuple[tuple[str | None, ...], int, bool]], *, updates_too: bool) -> Mapping[str, Any]:
    """The same by looking at each task, one by one."""
    ages: dict[tuple[str, str], list[datetime]] = {}
    need = way = 0
    for states, minutes, there in customers:
        kinds = set()
        for lane, state in zip(LANES, states, strict=True):
            if state == "failed":
                kinds.add("failed")
            elif state in ("pending", "running") and (updates_too or state == "running" or not there):
                kinds.add("waiting")
            else:
                continue
            what = "failed" if state == "failed" else "waiting"
            ages.setdefault((lane, what), []).append(NOON - timedelta(minutes=minutes))
        need += "failed" in kinds
        way += kinds == {"waiting"}
    return {"oldest": {key: min(at) for key, at in ages.items()}, "need": need, "way": way}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(CUSTOMER, max_size=9), st.booleans(), st.sampled_from([(5000, 1000), (5000, 2), (2, 1)]))
def test_whatever_stands_there_adds_up_and_is_told_alike(
    database: Database,
    customers: list[tuple[tuple[str | None, ...], int, bool]],
    updates_too: bool,
    few: tuple[int, int],
) -> None:
    put(database, customers)
    want = brute(customers, updates_too=updates_too)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(census, "LIVE", few[0])
        patch.setattr(census, "LIVE_DEBT", few[1])
        Census(database).count(NOON)
        report = Report(database, updates_too=updates_too)
        lanes = report.lanes(LANES)
        left = report.left(lanes)
        asked = Asked(LANES, "smaregi", (), (), updates_too, 3)
        debts = look(database, asked, NOON).debts
    for lane in lanes:
        assert lane.pending + lane.running + lane.done + lane.failed + lane.excluded == len(customers)
        assert lane.oldest_debt == want["oldest"].get((lane.lane, "waiting")) == debts.get(lane.lane)
        assert lane.oldest_failed == want["oldest"].get((lane.lane, "failed"))
    waits = [lane.oldest_debt for lane in lanes if lane.oldest_debt]
    assert left.oldest == min(waits, default=None)
    if left.exact:
        assert (left.need_a_person, left.on_their_way) == (want["need"], want["way"])
    else:
        assert left.need_a_person <= want["need"]
        assert left.need_a_person + left.on_their_way <= want["need"] + sum(
            any(state in ("pending", "running") for state in states) and "failed" not in states
            for states, _, _ in customers
        )


def test_a_customer_is_counted_once_on_top(app: Flask, clock: Clock) -> None:
    """Failed in one lane and pending in another: that is one customer, who needs a person."""
    knock(app.test_client(), body_of(1))
    ledger = Ledger(house_of(app).database)
    ledger.carry(failed(), "hubspot", now=clock.forward(minutes=1))
    text = signed_in(app).get("/console/").text
    top = re.search(r'<p class="headline">(.*?)</p>', text)
    assert top
    assert top[1] == "1 customer needs you; all others are in sync."


def status(app: Flask) -> str:
    return app.test_cli_runner().invoke(args=["status"], env={"COLUMNS": "200"}).output


def test_every_door_tells_the_same_oldest_and_the_same_latency(app: Flask, clock: Clock) -> None:
    for i in (1, 2, 3):
        knock(app.test_client(), body_of(i))
        clock.forward(seconds=20)
    house, ledger = house_of(app), Ledger(house_of(app).database)
    for lane in LANES:
        ledger.settle(ledger.claim(lane, 1, now=clock()), done("x"), now=clock())
    ledger.settle(ledger.claim("smaregi", 1, now=clock()), failed(), now=clock())
    clock.forward(minutes=20)
    (smaregi,) = house.report.lanes(["smaregi"])
    latency = house.rollups.latency()
    assert (latency.count, latency.p50_ms) == (1, 60_000)
    metrics = app.test_client().get("/metrics").text
    assert 'customer_sync_oldest_debt_seconds{lane="smaregi"} 1240.0' in metrics
    assert 'customer_sync_oldest_failed_seconds{lane="smaregi"} 1220.0' in metrics
    assert 'customer_sync_latency_seconds{quantile="0.5"} 60.0' in metrics
    assert clock() - (smaregi.oldest_debt or NOON) == timedelta(seconds=1240)
    told = status(app)
    assert latency_line(latency) in told
    assert "half within 60.0 s" in told
    assert re.search(r"smaregi +on +1 +0 +1 +1 +0 +21 min ago +20 min ago", told)
    page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", signed_in(app).get("/console/").text))
    assert "Longest waiting 21 minutes ago" in page
    assert "Oldest failure 20 minutes ago" in page
    assert "half within 1 min" in page
    watchman = house.watchman
    assert watchman.look()
    (debt,) = [one for one in house.alerts.open_ones() if one.key == "debt:smaregi"]
    assert debt.since == smaregi.oldest_debt


def test_the_rule_of_prometheus_asks_for_who_waits_in_lanes_that_are_on() -> None:
    rules = (Path(__file__).parent.parent / "docs" / "prometheus" / "alerts.yml").read_text()
    rule = rules.split("alert: CustomerSyncDebtIsOld")[1].split("- alert")[0]
    assert (
        'customer_sync_oldest_debt_seconds{lane!="mail"} and on (lane, instance) (customer_sync_lane_on == 1)' in rule
    )
    assert "failed_seconds" not in rule


def test_what_has_only_failed_is_no_old_debt(app: Flask, clock: Clock) -> None:
    knock(app.test_client(), body_of(1))
    ledger = Ledger(house_of(app).database)
    for lane in LANES:
        ledger.carry(failed(), lane, now=clock())
    clock.forward(hours=3)
    assert 'oldest_debt_seconds{lane="smaregi"} 0.0' in app.test_client().get("/metrics").text
    house_of(app).watchman.look()
    assert not [one for one in house_of(app).alerts.open_ones() if one.kind == "debt"]
