"""After a lost answer the member stands there although the task is pending: every door says so, and until when."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from flask import Flask

from customer import Member
from handlers.api import told
from ledger import once_more
from ledger import tables as t
from ledger.browse import Browse
from ledger.outcome import LATE
from ledger.report import Report
from ledger.standing import Standing, Standings
from tests.building import body_of, house_of
from tests.building import post as knock
from tests.conftest import NOON, Clock
from tests.console import console_app, signed_in
from tests.ledger_cases import LANES, Ledger, done, retry
from tests.test_api_openapi import PROMISED, STATUS
from tests.test_console_overview import ON

TOKEN = "an-invented-status-token-of-some-length"
#: NOON is 12:00:00 in Japan; the 503 comes a second later, and a minute after that nothing older can come any more.
CHECKED = "12:01:01"


@pytest.fixture
def app(database_url: str, clock: Clock) -> Iterator[Flask]:
    made = console_app(database_url, now=clock, status_api_token=TOKEN, **ON)
    yield made
    house_of(made).close()


@pytest.fixture
def ledger(app: Flask, clock: Clock) -> Ledger:
    """Two customers: one is in sync; of the other, a 503 on create, and 15 s later the member was found there."""
    for i in (1, 2):
        knock(app.test_client(), body_of(i))
    house_of(app).members.put([Member("m-2", "2", "2", (), "0")], clock())
    ledger = Ledger(house_of(app).database)
    for lane in LANES:
        ledger.settle(ledger.claim(lane, 1, now=clock()), done(f"{lane}-1"), now=clock())
    clock.forward(seconds=1)
    for lane in ("shopify", "hubspot"):
        ledger.carry(done(f"{lane}-2"), lane, now=clock())
    ledger.carry(retry(doubt=True, kind="smaregi.unavailable"), now=clock())
    ledger.carry(done("m-2", did="linked"), now=clock.forward(seconds=15))
    task = waiting(ledger)
    assert (task["state"], task["due_at"]) == ("pending", NOON + timedelta(seconds=1) + LATE)
    return ledger


def waiting(ledger: Ledger) -> dict[str, object]:
    (row,) = [dict(row) for row in ledger.rows(t.tasks, lane="smaregi") if row["state"] == "pending"]
    return row


def text_of(app: Flask, url: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", signed_in(app).get(url).text))


def headline(app: Flask) -> str:
    found = re.search(r'<p class="headline">(.*?)</p>', signed_in(app).get("/console/").text)
    assert found
    return found[1]


def run(app: Flask, *arguments: str) -> str:
    return app.test_cli_runner().invoke(args=list(arguments), env={"COLUMNS": "200"}).output


def test_the_overview_says_who_has_arrived(app: Flask, ledger: Ledger) -> None:
    assert headline(app) == f"1 has arrived and is checked once more at {CHECKED}; all others are in sync."
    assert f"Of those waiting, 1 arrived; checked once more at {CHECKED}." in text_of(app, "/console/")
    japanese = signed_in(app, language="ja").get("/console/").text
    assert f"{CHECKED}までにもう一度確認" in japanese


def test_the_customers_pages_say_so(app: Flask, ledger: Ledger) -> None:
    i = waiting(ledger)["customer_id"]
    one = text_of(app, f"/console/customers/{i}")
    assert f"Arrived checked once more at {CHECKED}" in one
    assert "Next try" not in one
    assert "arrived" in text_of(app, "/console/customers")


def test_the_terminal_says_so(app: Flask, ledger: Ledger) -> None:
    assert f"smaregi: 1 of the pending arrived; checked once more at {CHECKED}" in run(app, "status")
    assert f"arrived; checked once more at {CHECKED}" in run(app, "show", str(waiting(ledger)["customer_id"]))


def test_the_status_api_says_so_as_described(app: Flask, ledger: Ledger, clock: Clock) -> None:
    i = waiting(ledger)["customer_id"]
    answer = app.test_client().get(f"/api/customers/{i}", headers={"Authorization": f"Bearer {TOKEN}"})
    said = json.loads(answer.data)
    assert said["store"]["state"] == "ready"
    assert said["store"]["checked_again_at"] == f"2026-11-22T{CHECKED}+09:00"
    assert "checked_again_at" not in said["crm"]
    case = STATUS.Case(path_parameters={"id": str(i)}, headers={}, query={})
    case.validate_response(answer, checks=PROMISED)
    ledger.carry(done("m-2"), now=clock.forward(minutes=1))
    later = app.test_client().get(f"/api/customers/{i}", headers={"Authorization": f"Bearer {TOKEN}"})
    assert "checked_again_at" not in json.loads(later.data)["store"]
    assert later.headers["ETag"] != answer.headers["ETag"]


def test_both_sides_are_told() -> None:
    at = datetime.fromisoformat("2026-11-22T02:27:44+00:00")
    said = json.loads(told(1, Standing(in_crm=True, crm_checked_at=at), "en"))
    assert said["crm"] == {"state": "ready", "checked_again_at": "2026-11-22T11:27:44+09:00"}


def test_when_it_was_checked_nothing_is_said(app: Flask, ledger: Ledger, clock: Clock) -> None:
    ledger.carry(done("m-2"), now=clock.forward(minutes=1))
    assert headline(app) == "All 2 customers are in sync."
    for said in (run(app, "status"), text_of(app, "/console/"), text_of(app, "/console/customers")):
        assert "checked once more" not in said


def test_a_change_that_comes_meanwhile_waits_like_any_other(app: Flask, ledger: Ledger, clock: Clock) -> None:
    i = waiting(ledger)["customer_id"]
    assert isinstance(i, int)
    knock(app.test_client(), body_of(i, first_name="例", updated="2026-11-22T12:00:30+09:00"))
    task = waiting(ledger)
    assert once_more.checked_at(task) is None
    assert "is on the way" in headline(app)
    assert "checked once more" not in run(app, "status")
    assert Standings(ledger.database).of([i])[i].store_checked_at is None
    (row,) = Browse(ledger.database, lanes=LANES).rows([i])
    assert row.tasks["smaregi"].checked_at is None


def test_who_is_checked_is_counted_apart(ledger: Ledger, clock: Clock) -> None:
    report = Report(ledger.database)
    lanes = report.lanes(LANES, now=clock())
    left = report.left(lanes)
    assert (left.need_a_person, left.on_their_way, left.checked) == (0, 0, 1)
    assert [lane.checked.count for lane in lanes] == [0, 1, 0]
    assert [lane.checked.count for lane in report.lanes(LANES, now=clock.forward(minutes=2))] == [0, 0, 0]
