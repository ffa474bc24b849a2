"""The pages of deliveries: what came, its body hidden until it is shown on purpose, and posted again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from ledger import tables as t
from ledger.deliveries import Asked
from tests.building import body_of, headers_of, house_of
from tests.conftest import NOON, Clock
from tests.console import console_app, post, signed_in
from tests.ledger_cases import DESTINATIONS

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def app(database_url: str, clock: Clock) -> Iterator[Flask]:
    made = console_app(database_url, now=clock)
    yield made
    house_of(made).close()


def came(app: Flask, body: bytes, **headers: str) -> int:
    """Shopify delivers this; the delivery's number."""
    made = headers_of(body, **headers)
    assert app.test_client().post("/webhooks/shopify", data=body, headers=made).status_code == 200
    found = house_of(app).deliveries.number_of(
        made["X-Shopify-Shop-Domain"], made["X-Shopify-Topic"], made["X-Shopify-Webhook-Id"]
    )
    assert found is not None
    return found


def acts_of(app: Flask) -> list[tuple[str, int | None, int]]:
    rows = house_of(app).audit.page(limit=50).rows
    return [(r.what, r.customer_id, r.details["delivery"]) for r in rows if not r.what.startswith("signed")][::-1]


def revision(app: Flask, customer_id: int) -> int:
    told = house_of(app).report.story(customer_id)
    assert told is not None
    return told.customer.revision


def test_the_list_tells_what_came_and_how_it_was_taken(app: Flask) -> None:
    came(app, body_of(6900000000001))
    came(app, b'{"id": "' + SCRIPT.encode() + b'"}', X_Shopify_Topic="customers/update")
    page = signed_in(app).get("/console/deliveries").text
    for words in ("customers/create", "taken in", "unreadable", "/console/customers/6900000000001", "secret 1"):
        assert words in page
    assert "花子" not in page
    assert "<script>alert" not in page


def test_the_list_is_filtered_and_paged(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.console.deliveries.PAGE", 2)
    for i in range(1, 6):
        came(app, body_of(i), X_Shopify_Topic="customers/create" if i % 2 else "customers/update")
    client = signed_in(app)

    def seen(url: str) -> list[int]:
        page = client.get(url).text
        return [int(part.split('"')[0]) for part in page.split('href="/console/customers/')[1:]]

    assert seen("/console/deliveries") == [5, 4]
    assert seen("/console/deliveries?topic=customers/update") == [4, 2]
    assert seen("/console/deliveries?customer=3") == [3]
    assert seen("/console/deliveries?verdict=unreadable") == []
    assert seen("/console/deliveries?day=2026-11-22") == [5, 4]
    assert seen("/console/deliveries?day=2026-11-21") == []
    page = client.get("/console/deliveries?topic=customers/create").text
    older = page.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    assert seen(older) == [1]


@pytest.mark.parametrize(
    "query",
    ["verdict=x", "day=x", "day=0001-01-01", "customer=x", "customer=99999999999999999999", "before=x", "topic=%00"],
)
def test_what_makes_no_sense_asks_for_nothing(app: Flask, query: str) -> None:
    came(app, body_of(1))
    assert signed_in(app).get(f"/console/deliveries?{query}").status_code == 200


def test_what_was_turned_away_is_counted_by_day(app: Flask, clock: Clock) -> None:
    house_of(app).tallies.add("2026-11-22", {"refused 401": 17, "refused 413": 2})
    page = signed_in(app).get("/console/deliveries").text
    assert "2026-11-22" in page
    assert ">17<" in page


def test_one_delivery_hides_what_is_personal(app: Flask) -> None:
    number = came(app, body_of(1, first_name=SCRIPT, note="見本のメモ"))
    page = signed_in(app).get(f"/console/deliveries/{number}").text
    for words in ("first_name", "•••", "gid://shopify/Customer/1", "customers/create", "200, after"):
        assert words in page
    for secret in ("alert(1)", "見本", "hanako1@example.jp"):
        assert secret not in page
    assert acts_of(app) == []


def test_a_body_is_shown_on_purpose_and_that_is_written_down(app: Flask) -> None:
    number = came(app, body_of(1, first_name=SCRIPT))
    client = signed_in(app)
    answer = post(client, f"/console/deliveries/{number}/show")
    assert "hanako1@example.jp" in answer.text
    assert "&lt;script&gt;" in answer.text
    assert "<script>alert" not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert acts_of(app) == [("showed a delivery's body", 1, number)]
    assert "hanako1@example.jp" not in client.get(f"/console/deliveries/{number}").text


@pytest.mark.parametrize("body", [b"", b"\xff\x00<hanako@example.jp>", "花子: 見本".encode(), b"[1, 2]", b"[" * 5000])
def test_a_body_nobody_can_read_is_shown_safely(app: Flask, body: bytes) -> None:
    number = came(app, body)
    client = signed_in(app)
    hidden, shown = client.get(f"/console/deliveries/{number}"), post(client, f"/console/deliveries/{number}/show")
    assert (hidden.status_code, shown.status_code) == (200, 200)
    assert "花子" not in hidden.text
    assert "hanako@" not in hidden.text
    if "花子".encode() in body:
        assert "花子" in shown.text


def test_a_body_that_is_gone_is_said_to_be(app: Flask) -> None:
    number = came(app, body_of(1))
    with house_of(app).database.writing() as c:
        c.execute(t.deliveries.update().values(body=b"", body_gone_at=NOON))
    client = signed_in(app)
    page = client.get(f"/console/deliveries/{number}").text
    assert "The body is gone" in page
    assert "/again" not in page
    answer = post(client, f"/console/deliveries/{number}/again")
    assert "cannot be posted again" in client.get(answer.location).text
    assert len(house_of(app).deliveries.page(Asked()).rows) == 1


def test_a_delivery_is_posted_again_as_a_new_one(app: Flask) -> None:
    number = came(app, body_of(1))
    with house_of(app).database.writing() as c:  # as if it had never been taken in
        for table in (t.tasks, t.customers):
            c.execute(table.delete())
    client = signed_in(app)
    answer = post(client, f"/console/deliveries/{number}/again")
    assert answer.status_code == 303
    assert "Posted again" in client.get(answer.location).text
    newest, first = house_of(app).deliveries.page(Asked()).rows
    assert newest.verdict == "changed"
    assert newest.webhook_id.startswith("again-")
    assert (newest.topic, newest.event_id, newest.triggered_at, newest.secret) == (
        first.topic,
        first.event_id,
        first.triggered_at,
        "secret 1",
    )
    assert revision(app, 1) == 1
    assert acts_of(app) == [("posted a delivery again", 1, number)]


def test_an_older_body_posted_again_changes_nothing_and_says_so(app: Flask) -> None:
    number = came(app, body_of(1, first_name="花子", updated="2026-11-22T12:00:00+09:00"))
    came(app, body_of(1, first_name="花江", updated="2026-11-22T12:05:00+09:00"))
    client = signed_in(app)
    answer = post(client, f"/console/deliveries/{number}/again")
    assert "older than what we know" in client.get(answer.location).text
    assert revision(app, 1) == 2
    assert [row.verdict for row in house_of(app).deliveries.page(Asked()).rows] == ["older", "changed", "changed"]


@pytest.mark.parametrize("how", [{"X_Shopify_Test": "true"}, {"X_Shopify_Topic": "customers/delete"}])
def test_a_test_stays_a_test_and_another_topic_another_topic(app: Flask, how: dict[str, str]) -> None:
    number = came(app, body_of(1), **how)
    post(signed_in(app), f"/console/deliveries/{number}/again")
    newest, first = house_of(app).deliveries.page(Asked()).rows
    assert (newest.verdict, newest.topic) == (first.verdict, first.topic)
    assert house_of(app).report.story(1) is None


def test_a_delivery_of_a_shop_that_is_no_longer_ours_is_refused_with_words(app: Flask) -> None:
    number = came(app, body_of(1))
    with house_of(app).database.writing() as c:
        c.execute(t.deliveries.update().values(shop="former.myshopify.com"))
    client = signed_in(app)
    answer = post(client, f"/console/deliveries/{number}/again")
    assert "403" in client.get(answer.location).text
    assert len(house_of(app).deliveries.page(Asked()).rows) == 1


def test_the_attempts_of_its_request_are_told(app: Flask) -> None:
    house = house_of(app)
    number = came(app, body_of(1))
    delivery = house.deliveries.page(Asked()).rows[0]
    row: dict[str, Any] = {
        "customer_id": 1,
        "lane": DESTINATIONS[0],
        "attempt": 1,
        "revision": 1,
        "started_at": NOON,
        "duration_ms": 41.6,
        "outcome": "failed",
        "why": SCRIPT,
        "request_id": delivery.request_id,
    }
    with house.database.writing() as c:
        c.execute(t.attempts.insert(), [row, {**row, "why": "another request", "request_id": "other"}])
    page = signed_in(app).get(f"/console/deliveries/{number}").text
    assert "42 ms" in page
    assert "&lt;script&gt;" in page
    assert "<script>alert" not in page
    assert "another request" not in page


@pytest.mark.parametrize("what", ["show", "again"])
def test_nothing_is_done_without_login_without_token_and_for_who_may_only_look(app: Flask, what: str) -> None:
    number = came(app, body_of(1))
    url = f"/console/deliveries/{number}/{what}"
    for answer in (app.test_client().post(url), signed_in(app).post(url), post(signed_in(app, "view"), url)):
        assert answer.status_code in (303, 400, 403)
        assert "hanako" not in answer.text
    assert post(signed_in(app, "view"), url).status_code == 403
    assert url not in signed_in(app, "view").get(f"/console/deliveries/{number}").text
    assert len(house_of(app).deliveries.page(Asked()).rows) == 1
    assert acts_of(app) == []


@pytest.mark.parametrize("path", ["/99", "/x", "/99999999999999999999"])
def test_what_is_not_there_is_404(app: Flask, path: str) -> None:
    client = signed_in(app)
    assert client.get(f"/console/deliveries{path}").status_code == 404
    assert post(client, f"/console/deliveries{path}/show").status_code == 404


def test_the_pages_speak_japanese(app: Flask) -> None:
    number = came(app, body_of(1))
    client = signed_in(app, language="ja")
    assert "Shopify からの受信" in client.get("/console/deliveries").text
    assert "個人データは隠しています" in client.get(f"/console/deliveries/{number}").text


def test_json_that_is_no_object_is_told_line_by_line(app: Flask) -> None:
    number = came(app, json.dumps([{"email": "hanako@example.jp"}]).encode())
    page = signed_in(app).get(f"/console/deliveries/{number}").text
    assert "email" in page
    assert "hanako@" not in page
