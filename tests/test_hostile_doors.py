"""The doors as `fuzz/openapi.json` describes them, met with whatever schemathesis thinks of, signed and unsigned."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import checks
from sqlalchemy import func, select

from clients.shopify.signature import sign
from handlers.webhook import PATH
from ledger import tables as t
from tests.building import SECRET, SHOP, house_of, make_app

OPENAPI = Path(__file__).resolve().parent.parent / "fuzz" / "openapi.json"
EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "12"))
PRIVATE = "renge.mitarai@private.example.jp"

SCHEMA = schemathesis.openapi.from_dict(json.loads(OPENAPI.read_text()))
DELIVERY = SCHEMA["/webhooks/shopify"]["POST"]
PROMISED = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]

bounded = settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    derandomize=EXAMPLES == 12,
    database=None,
)


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:
    made = make_app(database_url)
    yield made
    house = house_of(made)
    house.tally.close()
    house.database.close()


def kept(app: Flask) -> int:
    with house_of(app).database.reading() as c:
        return int(c.execute(select(func.count()).select_from(t.deliveries)).scalar_one())


def knock(app: Flask, case: schemathesis.Case[Any], *, secret: str | None, shop: str = SHOP) -> int:
    """Send one case as WSGI, signed by ``secret`` or not at all; its status, after everything promised was checked."""
    body = case.body if isinstance(case.body, bytes) else json.dumps(case.body).encode()
    headers = {name: _as_wsgi(value) for name, value in (case.headers or {}).items()}
    headers |= {"X-Shopify-Shop-Domain": shop, "Content-Type": "application/json"}
    if secret is not None:
        headers["X-Shopify-Hmac-Sha256"] = sign(body, secret)
    response = app.test_client().post("/webhooks/shopify", data=body, headers=headers)
    case.validate_response(response, checks=PROMISED)
    assert SECRET not in response.text
    assert PRIVATE not in response.text
    return response.status_code


def _as_wsgi(value: object) -> str:
    return str(value).encode("utf-8", "replace").decode("latin-1").replace("\r", " ").replace("\n", " ")


def test_every_signed_request_is_answered_as_described_and_is_in_the_ledger(app: Flask) -> None:
    sent = 0

    @bounded
    @given(st.data())
    def knocked(data: st.DataObject) -> None:
        nonlocal sent
        case = data.draw(DELIVERY.as_strategy())
        if isinstance(case.body, dict) and data.draw(st.booleans()):
            case.body["email"] = PRIVATE
        case.headers["X-Shopify-Webhook-Id"] = f"case-{sent}"
        assert knock(app, case, secret=SECRET) == 200
        sent += 1
        assert kept(app) == sent

    knocked()
    assert sent >= EXAMPLES


def test_a_body_of_any_bytes_that_is_signed_is_in_the_ledger(app: Flask) -> None:
    sent = 0

    @bounded
    @given(st.data(), st.binary(max_size=300), st.sampled_from(["customers/update", "customers/delete", "", "\x00"]))
    def knocked(data: st.DataObject, body: bytes, topic: str) -> None:
        nonlocal sent
        case = data.draw(DELIVERY.as_strategy())
        case.body = body
        case.headers.update({"X-Shopify-Topic": topic, "X-Shopify-Webhook-Id": f"bytes-{sent}"})
        assert knock(app, case, secret=SECRET) == 200
        sent += 1

    knocked()
    assert kept(app) == sent >= EXAMPLES


@pytest.mark.parametrize(
    ("secret", "shop", "status"), [(None, SHOP, 401), ("x", SHOP, 401), (SECRET, "a.example", 403)]
)
def test_nothing_is_kept_of_a_stranger(app: Flask, secret: str | None, shop: str, status: int) -> None:
    @bounded
    @given(DELIVERY.as_strategy())
    def knocked(case: schemathesis.Case[Any]) -> None:
        assert knock(app, case, secret=secret, shop=shop) == status

    knocked()
    assert kept(app) == 0


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_the_small_doors_answer_as_described(app: Flask, path: str) -> None:
    @bounded
    @given(SCHEMA[path]["GET"].as_strategy())
    def knocked(case: schemathesis.Case[Any]) -> None:
        case.validate_response(app.test_client().get(path), checks=PROMISED)

    knocked()


def test_every_door_that_is_open_to_strangers_is_described(app: Flask) -> None:
    described = set(json.loads(OPENAPI.read_text())["paths"])
    # The console's doors are closed to strangers, and its own tests knock at each.
    doors = {rule.rule for rule in app.url_map.iter_rules() if not rule.rule.startswith("/console")}
    assert described == {PATH, *doors}


def test_no_door_answers_5xx_to_a_method_or_a_path_it_does_not_know(app: Flask) -> None:
    client = app.test_client()
    for path in (
        "/webhooks/shopify",
        "/healthz",
        "/readyz",
        "/metrics",
        "/",
        "//",
        "/webhooks/shopify/",
        "/..%2f..%2fetc",
        "/%00",
    ):
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "HEAD", "BREW"):
            assert client.open(path, method=method).status_code < 500
