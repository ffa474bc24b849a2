"""The receiver: signature, headers and body of one request, as far as *read* and *decide* go."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from clients.shopify.payload import Unreadable, read_payload
from clients.shopify.signature import sign
from customer import Customer
from fuzz.laws import Broken, storable
from fuzz.source import Source
from fuzz.targets.target import Target
from fuzz.wild import as_bytes, header, tamper
from handlers.topics import decide
from handlers.webhook import LARGEST_BODY, Delivery, Refused, read

SHOP: Final = "example.myshopify.com"
SECRETS: Final = (("secret 1", "an-invented-secret"), ("secret 2", "another-invented-secret"))
PAYLOADS: Final = Path(__file__).resolve().parents[2] / "tests" / "payloads" / "shopify"
HEADERS: Final = ("TOPIC", "SHOP_DOMAIN", "WEBHOOK_ID", "TEST", "TRIGGERED_AT", "EVENT_ID", "API_VERSION")


def _bodies() -> list[bytes]:
    return [path.read_bytes() for path in sorted(PAYLOADS.iterdir())]


def _objects() -> list[Any]:
    found = []
    for body in _bodies():
        try:
            told = json.loads(body)
        except (ValueError, RecursionError):
            continue
        if isinstance(told, dict):
            found.append(told)
    return found


OBJECTS: Final = _objects()


def body_from(source: Source) -> bytes:
    """A webhook body: a fixture that was tampered with, or bytes as they come."""
    if source.one_in(4):
        return source.rest()
    return as_bytes(source, tamper(source, source.pick(OBJECTS), 20))


def play(source: Source) -> None:
    """One request."""
    headers = {
        "TOPIC": "customers/update",
        "SHOP_DOMAIN": SHOP,
        "WEBHOOK_ID": "b54557e4",
        "TRIGGERED_AT": "2026-11-22T03:00:00.123456789Z",
    }
    headers |= {name: source.pick((header(source), "true", "customers/create")) for name in HEADERS if source.one_in(8)}
    secret = source.pick((SECRETS[0][1], SECRETS[1][1], "a stranger's", ""))
    forged = source.one_in(10)
    body = body_from(source)[:LARGEST_BODY]  # a larger one is refused before it is read: tests/test_webhook.py
    signature = header(source) if forged else sign(body, secret)
    ours = not forged and secret in dict(SECRETS).values()
    delivery = _read(headers, signature, body)
    if delivery is None:
        if ours and headers["SHOP_DOMAIN"] == SHOP:
            raise Broken("a request of our own shop is refused")
        return
    if not ours:
        raise Broken("a request that none of our secrets signed was believed")
    if delivery.body != body:
        raise Broken("the body was changed before it was kept")
    storable((delivery.topic, delivery.webhook_id, delivery.event_id, delivery.api_version), "headers")
    asked = decide(delivery.topic, delivery.body, is_test=delivery.is_test)
    storable(asked.why, "why")
    _sound_body(body)


def _read(headers: dict[str, str], signature: str, body: bytes) -> Delivery | None:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
        "HTTP_X_SHOPIFY_HMAC_SHA256": signature,
        **{f"HTTP_X_SHOPIFY_{name}": value for name, value in headers.items()},
    }
    try:
        return read(environ, SECRETS, SHOP)
    except Refused as refused:
        if refused.status not in (401, 403, 413):
            raise Broken(f"refused with {refused.status}") from refused
        return None


def _sound_body(body: bytes) -> None:
    """A body is a customer who can be kept, or unreadable in a few words that quote nothing."""
    try:
        customer = read_payload(body)
    except Unreadable as unreadable:
        if len(unreadable.why) > 100:
            raise Broken("the reason quotes the body") from unreadable
        return
    storable(customer, "the customer")
    if not 0 < customer.id < 2**63:
        raise Broken("an id that no database column holds")
    told = json.dumps(customer.to_json(), ensure_ascii=False)
    if Customer.from_json(json.loads(told)) != customer:
        raise Broken("the customer's JSON does not go round")


TARGET: Final = Target(
    name="receiver",
    law="answers 401, 403 or 413, or believes what one of our secrets signed and keeps every byte; never raises else",
    play=play,
    # A tame choice for each header, then the fixture as it is.
    seeds=lambda: [b"\x00" * 20, *(bytes([0] * 10 + [3]) + body for body in _bodies())],
)
