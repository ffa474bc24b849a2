"""The webhook door: what comes in, what is answered, what is kept. The same roof as production, both databases."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from ledger import tables as t
from ledger.book import Settlement
from ledger.database import Database
from ledger.outcome import Done, Failed
from tests.building import ADMIN_SECRET, body_of, headers_of, house_of, make_app, post
from tests.conftest import NOON, Clock

PAYLOADS = Path(__file__).parent / "payloads" / "shopify"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(database_url: str, clock: Clock) -> Iterator[FlaskClient]:
    app = make_app(database_url, now=clock)
    yield app.test_client()
    house_of(app).close()


def rows(client: FlaskClient, table: Any) -> list[dict[str, Any]]:
    database: Database = house_of(client.application).database
    with database.reading() as c:
        return [dict(row) for row in c.execute(select(table)).mappings()]


def nothing_is_kept(client: FlaskClient) -> bool:
    return not any(rows(client, table) for table in (t.deliveries, t.customers, t.tasks))


def settle_all(client: FlaskClient, lane: str, outcome: Any) -> None:
    book = house_of(client.application).book
    clock = house_of(client.application).now
    claimed = book.claim(lane, 100, now=clock(), lease=timedelta(seconds=30))
    book.settle([Settlement(lane, [(c, outcome) for c in claimed], clock(), 1.0)], now=clock())


@pytest.mark.parametrize("topic", ["customers/create", "customers/update"])
def test_a_signed_delivery_of_a_known_topic_is_kept_with_its_customer_and_tasks(
    client: FlaskClient, topic: str
) -> None:
    assert post(client, body_of(6900000000001), X_Shopify_Topic=topic).status_code == 200
    assert [row["verdict"] for row in rows(client, t.deliveries)] == ["changed"]
    assert [row["id"] for row in rows(client, t.customers)] == [6900000000001]
    assert {row["lane"]: row["state"] for row in rows(client, t.tasks)} == dict.fromkeys(
        ("shopify", "smaregi", "hubspot"), "pending"
    )


def test_the_body_is_kept_byte_for_byte(client: FlaskClient) -> None:
    body = b'{"id": 6900000000001,\n  "note":"\\u82b1 \\/ "}'
    assert post(client, body).status_code == 200
    assert rows(client, t.deliveries)[0]["body"] == body


@pytest.mark.parametrize(("secret", "label"), [(None, "secret 1"), (ADMIN_SECRET, "secret 2")])
def test_any_configured_secret_may_sign_and_the_log_knows_which(
    client: FlaskClient, secret: str | None, label: str
) -> None:
    body = body_of(6900000000001)
    headers = headers_of(body, secret=secret) if secret else headers_of(body)
    assert post(client, body, headers).status_code == 200
    assert rows(client, t.deliveries)[0]["secret"] == label


@pytest.mark.parametrize(
    "signature",
    ["", "not base64 !", "AAAA", "UkUx5xUgbE1mZtNvzMqP/UoPHjWVcjUfSphHLwSIbqU=", "h\xe9h\xe9", "\xff" * 44, "a" * 3000],
)
def test_a_missing_wrong_or_malformed_signature_is_refused_and_nothing_is_kept(
    client: FlaskClient, signature: str
) -> None:
    headers = headers_of(body_of(1), X_Shopify_Hmac_Sha256=signature)
    assert post(client, body_of(1), headers).status_code == 401
    assert nothing_is_kept(client)


def test_a_signature_over_other_bytes_is_refused(client: FlaskClient) -> None:
    headers = headers_of(body_of(1))
    assert post(client, body_of(1) + b" ", headers).status_code == 401


def test_refusals_are_counted(client: FlaskClient, clock: Clock) -> None:
    app = client.application
    for _ in range(3):
        post(client, body_of(1), X_Shopify_Hmac_Sha256="")
    house_of(app).tally.write_down()
    assert house_of(app).tallies.of(clock().date().isoformat()) == {"refused 401": 3}


def test_another_shops_domain_is_refused(client: FlaskClient) -> None:
    assert post(client, body_of(1), X_Shopify_Shop_Domain="other.myshopify.com").status_code == 403
    assert post(client, body_of(1), X_Shopify_Shop_Domain="").status_code == 403
    assert nothing_is_kept(client)


def test_a_body_over_two_mebibytes_is_refused(client: FlaskClient) -> None:
    assert post(client, b" " * (2 * 1024 * 1024 + 1)).status_code == 413
    assert nothing_is_kept(client)
    assert post(client, b'{"id":1,"note":"' + b"x" * (2 * 1024 * 1024 - 18) + b'"}').status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_only_post_is_a_delivery(client: FlaskClient, method: str) -> None:
    assert client.open("/webhooks/shopify", method=method).status_code == 405


def test_the_same_delivery_again_adds_nothing_and_wakes_what_had_failed(client: FlaskClient) -> None:
    body = body_of(6900000000001)
    headers = headers_of(body)
    assert post(client, body, headers).status_code == 200
    settle_all(client, "hubspot", Done("5", "created"))
    house_of(client.application).now.forward(seconds=3)  # type: ignore[attr-defined]
    settle_all(client, "smaregi", Failed("needs a choice", "smaregi.several_members"))
    assert post(client, body, headers).status_code == 200
    assert len(rows(client, t.deliveries)) == 1
    states = {row["lane"]: row["state"] for row in rows(client, t.tasks)}
    assert states["smaregi"] == "pending"


def test_the_same_delivery_sixteen_times_at_the_same_instant_is_kept_once(client: FlaskClient) -> None:
    body = body_of(6900000000001)
    headers = headers_of(body)
    gate = threading.Barrier(16)
    answers: list[int] = []

    def knock() -> None:
        own = client.application.test_client()
        gate.wait()
        answers.append(post(own, body, headers).status_code)

    threads = [threading.Thread(target=knock) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 16
    assert len(rows(client, t.deliveries)) == 1
    assert [row["revision"] for row in rows(client, t.customers)] == [1]


def test_an_older_body_is_kept_as_a_delivery_and_changes_nothing(client: FlaskClient) -> None:
    post(client, body_of(1, updated="2026-11-22T12:00:05+09:00", first_name="新"))
    post(client, body_of(1, updated="2026-11-22T12:00:01+09:00", first_name="旧"))
    assert [row["verdict"] for row in rows(client, t.deliveries)] == ["changed", "older"]
    assert rows(client, t.customers)[0]["state"]["first_name"] == "新"


def test_a_customer_saved_again_asks_nothing_of_the_destinations(client: FlaskClient, clock: Clock) -> None:
    post(client, body_of(1))
    settle_all(client, "smaregi", Done("10", "created"))
    settle_all(client, "hubspot", Done("5", "created"))
    post(client, body_of(1, updated="2026-11-22T12:30:00+09:00"), X_Shopify_Topic="customers/update")
    assert [row["verdict"] for row in rows(client, t.deliveries)] == ["changed", "unchanged"]
    states = {row["lane"]: row["state"] for row in rows(client, t.tasks)}
    assert (states["smaregi"], states["hubspot"]) == ("done", "done")


@pytest.mark.parametrize("changes", [{"X_Shopify_Test": "true"}, {"X_Shopify_Test": "TRUE"}])
def test_a_test_notification_is_kept_and_reaches_nobody(client: FlaskClient, changes: dict[str, str]) -> None:
    assert post(client, body_of(1), None, **changes).status_code == 200
    assert [row["verdict"] for row in rows(client, t.deliveries)] == ["test"]
    assert rows(client, t.tasks) == []
    assert house_of(client.application).report.last_delivery("test") == NOON


def test_shopifys_sample_customer_reaches_nobody_even_without_the_test_header(client: FlaskClient) -> None:
    assert post(client, body_of(706405506930370084)).status_code == 200
    assert [row["verdict"] for row in rows(client, t.deliveries)] == ["test"]
    assert rows(client, t.customers) == []


@pytest.mark.parametrize("path", sorted(PAYLOADS.glob("unreadable_*")), ids=lambda p: p.stem)
def test_a_signed_body_that_cannot_be_read_is_kept_whole(client: FlaskClient, path: Path) -> None:
    body = path.read_bytes()
    assert post(client, body).status_code == 200
    kept = rows(client, t.deliveries)
    assert [(row["verdict"], row["body"]) for row in kept] == [("unreadable", body)]
    assert kept[0]["why"]
    assert rows(client, t.customers) == []


def test_an_unknown_topic_is_kept_and_nothing_else(client: FlaskClient) -> None:
    assert post(client, b'{"id":1}', X_Shopify_Topic="orders/create").status_code == 200
    assert [row["verdict"] for row in rows(client, t.deliveries)] == ["ignored"]
    assert rows(client, t.customers) == []


@pytest.mark.parametrize(
    "path", sorted(p for p in PAYLOADS.glob("*.json") if "unreadable" not in p.stem), ids=lambda p: p.stem
)
def test_every_shape_of_payload_since_2023_07_is_understood(client: FlaskClient, path: Path) -> None:
    assert post(client, path.read_bytes()).status_code == 200
    expected = "test" if "sample" in path.stem else "changed"
    assert [row["verdict"] for row in rows(client, t.deliveries)] == [expected]


def test_a_delivery_without_a_webhook_id_is_known_again_by_its_bytes(client: FlaskClient) -> None:
    for _ in range(2):
        assert post(client, body_of(1), X_Shopify_Webhook_Id="").status_code == 200
    assert len(rows(client, t.deliveries)) == 1


def test_nuls_and_lone_surrogates_do_not_stop_the_store(client: FlaskClient) -> None:
    body = b'{"id":1,"first_name":"a\\u0000b\\ud800c","updated_at":"2026-11-22T12:00:00+09:00"}'
    assert post(client, body).status_code == 200
    assert [row["verdict"] for row in rows(client, t.deliveries)] == ["changed"]


def test_a_store_that_is_busy_for_over_two_seconds_asks_shopify_to_come_again(
    sqlite_template: Path, tmp_path: Path
) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(sqlite_template.read_bytes())
    app = make_app(f"sqlite:///{path}")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert post(app.test_client(), body_of(1)).status_code == 503
    other.execute("ROLLBACK")
    other.close()
    assert post(app.test_client(), body_of(1)).status_code == 200
    house_of(app).close()


def test_a_store_that_is_gone_asks_shopify_to_come_again(tmp_path: Path) -> None:
    app = make_app(f"sqlite:///{tmp_path}/never-migrated.db")
    assert post(app.test_client(), body_of(1)).status_code == 503
    house_of(app).close()
    app = make_app("postgresql://nobody@127.0.0.1:9/nowhere")
    assert post(app.test_client(), body_of(1)).status_code == 503
    house_of(app).close()


def test_a_lane_that_is_switched_off_keeps_its_debt(database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    app = make_app(database_url, enable_pos_sync=False)
    assert post(app.test_client(), body_of(1)).status_code == 200
    skipped = [json.loads(line) for line in capsys.readouterr().err.splitlines() if '"skipped"' in line]
    assert {line["lane"]: line["why"] for line in skipped}["smaregi"] == "ENABLE_POS_SYNC is false"
    house_of(app).close()


def test_health_and_readiness_are_told(client: FlaskClient, tmp_path: Path) -> None:
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200
    unready = make_app(f"sqlite:///{tmp_path}/never-migrated.db")
    assert unready.test_client().get("/readyz").status_code == 503
    house_of(unready).close()
