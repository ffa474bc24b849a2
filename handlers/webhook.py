"""In, within one request: *read* -> *decide* -> *record* -> *answer*. It meets no other network and no retry.

The answer says that we have it, never how it will end: 200 only after the commit, 503 when the store cannot take it
(Shopify comes again: 8 times within 4 hours).
https://shopify.dev/docs/apps/build/webhooks/verify-deliveries
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from flask import Blueprint, Request, Response, request
from werkzeug.datastructures import Headers
from werkzeug.exceptions import RequestEntityTooLarge

from clients.shopify.payload import read_triggered_at
from clients.shopify.signature import verify
from handlers.tally import Tally
from handlers.topics import Asked, decide
from ledger.arrival import Arrival, Recorded
from ledger.clerk import Clerk
from ledger.database import StoreBusy

log = structlog.get_logger()

#: Shopify sends a few kilobytes; nobody else sends anything.
LARGEST_BODY = 2 * 1024 * 1024
#: The store may take so long before Shopify is asked to come again.
PATIENCE_S = 2.0


class Refused(Exception):
    """This request is not taken in, and nothing of it is kept."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


@dataclass(frozen=True, slots=True)
class Delivery:
    """One verified webhook request, as it came."""

    body: bytes
    topic: str
    shop: str
    webhook_id: str
    is_test: bool
    secret: str
    event_id: str | None
    api_version: str | None
    triggered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Door:
    """What the webhook door needs: whom to believe, where to record, what to tell the log.

    ``secrets`` are (label, secret) pairs, any of which may match. ``lanes_off`` maps each lane that is switched off to
    the reason in words; ``updates_too``: whether changes to customers who are there already are carried.
    """

    shop: str
    secrets: Sequence[tuple[str, str]]
    clerk: Clerk[Arrival, Recorded]
    tally: Tally
    now: Callable[[], datetime]
    lanes_off: Mapping[str, str]
    updates_too: bool

    def blueprint(self) -> Blueprint:
        """The door as Flask knows it: ``POST /webhooks/shopify``."""
        door = Blueprint("webhook", __name__)
        door.post("/webhooks/shopify")(self.receive)
        return door

    def receive(self) -> Response:
        """Take one delivery in."""
        began = time.perf_counter()
        request_id = uuid.uuid4().hex
        try:
            delivery = read(request, self.secrets, self.shop)
            asked = decide(delivery.topic, delivery.body, is_test=delivery.is_test)
            arrival = _arrival(delivery, asked, request_id, self.now())
            recorded = self.clerk.do(arrival, timeout_s=PATIENCE_S)
        except Refused as e:
            self.tally.count(f"refused {e.status}")
            log.warning("refused", request_id=request_id, status=e.status, why=e.why)
            return answer(e.status, e.why, request_id)
        except StoreBusy as e:
            log.error("not kept", request_id=request_id, status=503, why=str(e))
            return answer(503, "the store is busy; please come again", request_id)
        self._tell(arrival, recorded, request_id, (time.perf_counter() - began) * 1000)
        return answer(200, "kept", request_id)

    def _tell(self, arrival: Arrival, recorded: Recorded, request_id: str, ms: float) -> None:
        verdict = "repeat" if recorded.repeat else recorded.verdict
        customer_id = arrival.customer.id if arrival.customer else None
        tell = log.error if recorded.verdict == "unreadable" else log.info
        tell(
            "received",
            request_id=request_id,
            customer_id=customer_id,
            topic=arrival.topic,
            webhook_id=arrival.webhook_id,
            api_version=arrival.api_version,
            verdict=verdict,
            why=arrival.why,
            revision=recorded.revision,
            secret=arrival.secret,
            bytes=len(arrival.body),
            duration_ms=round(ms, 1),
        )
        if verdict == "changed":
            for lane, why in self.lanes_off.items():
                log.info("skipped", request_id=request_id, customer_id=customer_id, lane=lane, why=why)
            if not self.updates_too and recorded.revision != 1:
                why = "ENABLE_UPDATE_SYNC is false: a change waits where the customer is known already"
                log.info("skipped", request_id=request_id, customer_id=customer_id, why=why)


def read(request: Request, secrets: Sequence[tuple[str, str]], shop: str) -> Delivery:
    """The delivery in this request, believed. Raises ``Refused``.

    The signature is checked over the raw bytes before anything is parsed; only the body is signed, so the headers are
    believed no further than the key and the log.
    """
    headers = request.headers
    try:
        body = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise Refused(413, f"the body is over {LARGEST_BODY} bytes") from None
    label = verify(body, headers.get("X-Shopify-Hmac-Sha256"), secrets)
    if label is None:
        raise Refused(401, "no signature of ours: check SHOPIFY_WEBHOOK_SECRETS if this came from Shopify")
    domain = headers.get("X-Shopify-Shop-Domain", "").strip().lower()
    if domain != shop:
        raise Refused(403, "another shop's domain: check SHOPIFY_SHOP")
    return Delivery(
        body=body,
        topic=_text(headers, "X-Shopify-Topic", 200),
        shop=domain,
        # Old and hand-made requests lack the id: then the same bytes are the same delivery.
        webhook_id=_text(headers, "X-Shopify-Webhook-Id", 200) or f"sha256:{hashlib.sha256(body).hexdigest()}",
        is_test=headers.get("X-Shopify-Test", "").strip().lower() == "true",
        secret=label,
        event_id=_text(headers, "X-Shopify-Event-Id", 200) or None,
        api_version=_text(headers, "X-Shopify-API-Version", 40) or None,
        triggered_at=read_triggered_at(headers.get("X-Shopify-Triggered-At")),
    )


def _text(headers: Headers, name: str, longest: int) -> str:
    """A header as it may be kept: PostgreSQL refuses NUL, which gunicorn lets nobody send, but others might."""
    return headers.get(name, "")[:longest].replace("\x00", "")


def answer(status: int, text: str, request_id: str) -> Response:
    """A short answer with the id under which the log tells the rest."""
    response = Response(text + "\n", status, content_type="text/plain; charset=utf-8")
    response.headers["X-Request-Id"] = request_id
    return response


def _arrival(delivery: Delivery, asked: Asked, request_id: str, now: datetime) -> Arrival:
    return Arrival(
        shop=delivery.shop,
        topic=delivery.topic,
        webhook_id=delivery.webhook_id,
        received_at=now,
        body=delivery.body,
        secret=delivery.secret,
        request_id=request_id,
        customer=asked.customer,
        verdict=asked.verdict,
        why=asked.why,
        event_id=delivery.event_id,
        api_version=delivery.api_version,
        triggered_at=delivery.triggered_at,
    )
