"""``/metrics``: the same numbers from every process, cheap to ask for, and nobody's name in them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml  # type: ignore[import-untyped]  # schemathesis brings it along
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from customer import Freshness
from handlers.house import LANES
from handlers.metrics import LedgerNumbers, Sources, numbers
from ledger.breaker import Health
from ledger.counts import Counts, Latency
from ledger.database import StoreBusy
from ledger.histogram import Histogram
from ledger.keeps import Paces
from ledger.report import LaneReport
from sandbox.system import System
from tests.building import body_of, headers_of, house_of, make_app, post
from tests.conftest import NOON, Clock
from tests.ledger_cases import Ledger, done, retry

DOCS = Path(__file__).resolve().parent.parent / "docs"
TOKEN = "an-invented-token-for-prometheus"
Sample = tuple[str, frozenset[tuple[str, str]]]


def read(text: str) -> dict[Sample, float]:
    """What Prometheus would make of it."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scrape(app: Flask) -> dict[Sample, float]:
    answer = app.test_client().get("/metrics")
    assert answer.status_code == 200
    return read(answer.text)


def named(name: str, **labels: str) -> Sample:
    return (f"customer_sync_{name}", frozenset(labels.items()))


@pytest.fixture
def app(database_url: str, clock: Clock) -> Iterator[Flask]:
    made = make_app(database_url, now=clock)
    yield made
    house_of(made).close()


def sources(**changes: Any) -> Sources:
    """A ledger in which nothing is."""
    nothing = Sources(
        unreadable=lambda: 0,
        lanes=lambda: [LaneReport(lane, 0, 0, 0, 0, 0, None, Health()) for lane in LANES],
        freshness=Freshness,
        last_delivery=lambda: None,
        ahead=lambda _: {},
        counts=Counts,
        latency=Latency,
        alerts=list,
        lanes_off={},
        now=lambda: NOON,
    )
    return replace(nothing, **changes)


def of(told: Sources) -> dict[Sample, float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value for one in numbers(told) for sample in one.samples
    }


# What the ledger tells


def test_tasks_are_told_by_lane_and_state_with_the_oldest_debt(app: Flask, clock: Clock) -> None:
    post(app.test_client(), body_of(6900000000001))
    clock.forward(seconds=90)
    found = scrape(app)
    assert found[named("tasks", lane="smaregi", state="pending")] == 1
    assert found[named("tasks", lane="smaregi", state="failed")] == 0
    assert found[named("oldest_debt_seconds", lane="smaregi")] == 90
    assert found[named("lane_on", lane="smaregi")] == 0  # no credential
    assert found[named("last_delivery_timestamp_seconds")] == NOON.timestamp()
    assert found[named("ledger_up")] == 1


def test_what_happened_is_told_by_every_process_and_after_every_restart_alike(
    app: Flask, database_url: str, clock: Clock
) -> None:
    house = house_of(app)
    post(app.test_client(), body_of(6900000000001))
    ledger = Ledger(house.database)
    ledger.carry(retry(), now=clock.forward(minutes=1))
    ledger.carry(done("7"), now=clock.forward(minutes=5))
    for _ in range(3):
        while house.rollups.roll_up(clock.forward(minutes=5)):
            pass
    found = scrape(app)
    assert found[named("deliveries_total", verdict="changed")] == 1
    assert found[named("attempts_total", lane="smaregi", outcome="retry")] == 1
    assert found[named("attempts_total", lane="smaregi", outcome="done")] == 1
    assert found[named("attempt_seconds_count", lane="smaregi")] == 2
    assert found[named("attempt_seconds_sum", lane="smaregi")] == pytest.approx(0.025)
    assert found[named("attempt_seconds_bucket", lane="smaregi", le="0.05")] == 2
    other = make_app(database_url, now=clock)
    of_the_ledger = {sample: value for sample, value in found.items() if "answer" not in sample[0]}
    assert of_the_ledger.items() <= scrape(other).items() | {
        (sample, value) for sample, value in found.items() if "group" in sample[0] or "waiters" in sample[0]
    }
    house_of(other).close()


def test_the_buckets_of_a_histogram_hold_all_that_is_below_them() -> None:
    found = of(sources(counts=lambda: Counts(total=Histogram.of([40, 60, 1100, 999_999_999]))))
    told = {
        dict(labels)["le"]: value for (name, labels), value in found.items() if name.endswith("to_sync_seconds_bucket")
    }
    assert told["0.05"] == 1
    assert told["0.1"] == 2
    assert told["1.2"] == told["300"] == 3
    assert told["+Inf"] == found[named("delivery_to_sync_seconds_count")] == 4


@pytest.mark.parametrize("breaker", ["closed", "open", "probing"])
def test_a_breaker_is_in_one_state(breaker: str) -> None:
    found = of(sources(lanes=lambda: [LaneReport("smaregi", 0, 0, 0, 0, 0, None, Health(breaker=breaker))]))
    states = {dict(labels)["state"]: value for (name, labels), value in found.items() if name.endswith("lane_breaker")}
    assert states == {**dict.fromkeys(("closed", "open", "probing"), 0.0), breaker: 1.0}


def test_the_pace_tells_how_far_ahead_the_next_slot_lies_and_not_whose_it_is(app: Flask, clock: Clock) -> None:
    paces = Paces(house_of(app).database)
    paces.reserve("smaregi.reads:sb_contract", 20, 10.0, clock().timestamp())
    paces.reserve("hubspot", 1, 10.0, clock().timestamp() - 60)
    found = scrape(app)
    assert found[named("pace_ahead_seconds", rate="smaregi.reads")] == pytest.approx(2.0)
    assert found[named("pace_ahead_seconds", rate="hubspot")] == 0


def test_alerts_are_counted_by_kind() -> None:
    class One:
        def __init__(self, kind: str) -> None:
            self.kind = kind

    found = of(sources(alerts=lambda: [One("lane.open"), One("task.failed"), One("task.failed")]))
    assert found[named("alerts_open", kind="task.failed")] == 2


def test_a_ledger_that_cannot_be_asked_is_a_number_too(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy() -> Any:
        raise StoreBusy("gone")

    monkeypatch.setattr(house_of(app).database, "reading", busy)
    found = scrape(app)
    assert found[named("ledger_up")] == 0
    assert named("tasks", lane="smaregi", state="done") not in found


def test_however_many_scrape_the_ledger_is_asked_once_in_some_seconds() -> None:
    asked: list[int] = []

    def counts() -> Counts:
        asked.append(1)
        return Counts()

    time = [0.0]
    ledger = LedgerNumbers(sources(counts=counts), kept_s=5, clock=lambda: time[0])
    for _ in range(10):
        list(ledger.collect())
    assert len(asked) == 1
    time[0] = 5.0
    list(ledger.collect())
    assert len(asked) == 2


# What the doors tell


def test_answers_are_counted_by_door_and_status(database_url: str, clock: Clock) -> None:
    app = make_app(database_url, now=clock, status_api_token="an-invented-token-for-the-site")
    client = app.test_client()
    post(client, body_of(6900000000001))
    post(client, body_of(6900000000001), secret="a-wrong-secret")
    client.get("/api/customers/6900000000001")
    found = scrape(app)
    assert found[named("answers_total", door="webhooks", status="200")] == 1
    assert found[named("answers_total", door="webhooks", status="401")] == 1
    assert found[named("answers_total", door="webhooks", status="503")] == 0
    assert found[named("answers_total", door="status", status="401")] == 1
    assert found[named("webhook_answer_seconds_count")] == 2
    assert found[named("commit_group_deliveries_sum")] == 1
    house_of(app).close()


@pytest.mark.parametrize(("given", "status"), [(None, 401), ("Bearer wrong", 401), (f"Bearer {TOKEN}", 200)])
def test_with_a_token_only_who_bears_it_is_told(database_url: str, given: str | None, status: int) -> None:
    app = make_app(database_url, metrics_token=TOKEN)
    answer = app.test_client().get("/metrics", headers={"Authorization": given} if given else {})
    assert answer.status_code == status
    assert ("customer_sync" in answer.text) is (status == 200)
    house_of(app).close()


def test_all_processes_of_the_web_door_are_one_and_one_that_ends_takes_nothing_along(tmp_path: Path) -> None:
    with System(tmp_path, settings={"WEB_PROCESSES": "2"}) as system:
        system.run("db", "upgrade")
        web = system.start_web()
        for i in range(8):
            body = body_of(6900000000001 + i)
            secret, shop = system.config.webhook_secret, system.config.shop
            headers = headers_of(body, secret=secret, X_Shopify_Shop_Domain=shop)
            assert requests.post(system.webhook_url, body, headers=headers, timeout=15).status_code == 200
        found = [read(requests.get(f"{system.web_url}/metrics", timeout=15).text) for _ in range(6)]
        assert {one[named("answers_total", door="webhooks", status="200")] for one in found} == {8.0}
        assert {one[named("tasks", lane="smaregi", state="pending")] for one in found} == {8.0}
        folder = folder_of(web.process.pid)
        assert list(folder.glob("counter_*.db"))
        assert web.stop() == 0
        assert not folder.exists()


def folder_of(pid: int) -> Path:
    """Where the processes of this master count."""
    places = [Path("/dev/shm"), Path("/tmp")]
    return next(found for place in places for found in place.glob(f"customer-sync-metrics-{pid}-*"))


def test_no_customer_and_no_person_is_in_it(app: Flask, clock: Clock) -> None:
    post(app.test_client(), body_of(6900000000001))
    Ledger(house_of(app).database).carry(retry(), now=clock.forward(minutes=1))
    text = app.test_client().get("/metrics").text
    assert "6900000000001" not in text
    assert "hanako" not in text


def test_names_follow_the_conventions(app: Flask) -> None:
    post(app.test_client(), body_of(6900000000001))
    for family in text_string_to_metric_families(app.test_client().get("/metrics").text):
        assert re.fullmatch(r"customer_sync_[a-z_]+", family.name)
        assert family.documentation


# The files for others


def expressions() -> Iterator[tuple[str, str]]:
    """Every expression of the dashboard and of the rules, with where it stands."""
    board = json.loads((DOCS / "grafana" / "customer-sync.json").read_text())
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]
    for group in yaml.safe_load((DOCS / "prometheus" / "alerts.yml").read_text())["groups"]:
        for rule in group["rules"]:
            assert rule["annotations"]["summary"]
            yield rule["alert"], rule["expr"]


def test_every_number_on_the_dashboard_and_in_the_rules_is_there(database_url: str, clock: Clock) -> None:
    app = make_app(database_url, now=clock)
    house = house_of(app)
    post(app.test_client(), body_of(6900000000001))
    Ledger(house.database).carry(done("7"), now=clock.forward(minutes=1))
    house.members.may_poll(clock(), clock())
    house.members.polled(lambda _: Freshness(scanned_at=clock(), fresh_at=clock()))
    for _ in range(3):
        house.rollups.roll_up(clock.forward(minutes=5))
    there = {name for name, _ in scrape(app)} | declared(app)
    used = {(where, name) for where, text in expressions() for name in re.findall(r"customer_sync_\w+", text)}
    assert len(used) > 15
    assert not {(where, name) for where, name in used if name not in there}
    house.close()


def declared(app: Flask) -> set[str]:
    """The names of families without a sample now."""
    return set(re.findall(r"^# TYPE (\S+)", app.test_client().get("/metrics").text, re.MULTILINE))
