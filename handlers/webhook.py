"""In, within one request: *read* -> *decide* -> *record* -> *answer*. It meets no other network and no retry.

The answer says that we have it, never how it will end: 200 only after the commit, 503 when the store cannot take it
(Shopify comes again: 8 times within 4 hours).
https://shopify.dev/docs/apps/build/webhooks/verify-deliveries

The door stands in front of Flask, as its WSGI middleware may: Shopify sends a burst of thousands at a time, and Flask's
way to a view (routing, contexts, signals, a response object) costs as much as all that is done here.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from werkzeug.wsgi import get_input_stream

from clients import spans
from clients.shopify.payload import read_triggered_at
from clients.shopify.signature import verify
from handlers.front import Environ, waiting
from handlers.tally import Tally
from handlers.topics import Asked, decide
from ledger.arrival import Arrival, Recorded
from ledger.clerk import Clerk
from ledger.database import StoreBusy

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

log = structlog.get_logger()

PATH: Final = "/webhooks/shopify"
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


class Knock(NamedTuple):
    """A delivery on its way to the ledger, and when it came in (``time.perf_counter``)."""

    arrival: Arrival
    began: float


@dataclass(frozen=True)
class Door:
    """What the webhook door needs: whom to believe, how to record, what to tell the log.

    ``secrets`` are (label, secret) pairs, any of which may match. ``record`` keeps a group in one commit. ``lanes_off``
    maps each lane that is switched off to the reason in words; ``updates_too``: whether changes to customers who are
    there already are carried. ``one_write``: what is logged inside goes out with one write. ``answered`` is told the
    status and the seconds of each answer, ``grouped`` how many shared a commit.
    """

    shop: str
    secrets: Sequence[tuple[str, str]]
    record: Callable[[Sequence[Arrival]], Sequence[Recorded]]
    tally: Tally
    now: Callable[[], datetime]
    lanes_off: Mapping[str, str]
    updates_too: bool
    one_write: Callable[[], AbstractContextManager[None]] = nullcontext
    answered: Callable[[int, float], None] = lambda *_: None
    grouped: Callable[[int], None] = lambda _: None

    @cached_property
    def clerk(self) -> Clerk[Knock, Recorded]:
        """Concurrent deliveries share a commit."""
        return Clerk("record", self._record)

    def before(self, app: WSGIApplication) -> WSGIApplication:
        """The app with this door in front of it: ``POST /webhooks/shopify`` is answered here, all else by the app."""

        def knock(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
            if environ.get("PATH_INFO") != PATH:
                return app(environ, start_response)
            began = time.perf_counter()
            request_id = uuid.uuid4().hex
            if environ.get("REQUEST_METHOD") != "POST":
                return answer(start_response, 405, "only POST", request_id, ("Allow", "POST"))
            status, text = self.receive(environ, request_id)
            self.answered(status, time.perf_counter() - began)
            return answer(start_response, status, text, request_id)

        return knock

    def receive(self, environ: Environ, request_id: str) -> tuple[int, str]:
        """Take one delivery in; the HTTP status to answer with, and a few words."""
        with spans.span("receive", request_id=request_id, kind="server", begins=True) as span:
            status, text = self._receive(environ, request_id)
            span.note({"http.request.method": "POST", "http.route": PATH, "http.response.status_code": status})
            if status >= 500:
                span.fail(str(status))
            return status, text

    def _receive(self, environ: Environ, request_id: str) -> tuple[int, str]:
        began = time.perf_counter()
        try:
            delivery = read(environ, self.secrets, self.shop)
            asked = decide(delivery.topic, delivery.body, is_test=delivery.is_test)
            arrival = _arrival(delivery, asked, request_id, self.now())
            with spans.span("record"):
                self.clerk.do(Knock(arrival, began), timeout_s=PATIENCE_S, waiting=waiting(environ))
        except Refused as e:
            self.tally.count(f"refused {e.status}")
            log.warning("refused", request_id=request_id, status=e.status, why=e.why)
            return e.status, e.why
        except StoreBusy as e:
            log.error("not kept", request_id=request_id, status=503, why=str(e))
            return 503, "the store is busy; please come again"
        except Exception:
            log.exception("not kept", request_id=request_id, status=500)
            return 500, "this is a fault of ours; please come again"
        return 200, "kept"

    def _record(self, knocks: Sequence[Knock]) -> Sequence[Recorded]:
        recorded = self.record([knock.arrival for knock in knocks])
        self.grouped(len(knocks))
        # Told here, by the one thread that has them all: a write each, by each caller, cost as much as the commit.
        try:
            with self.one_write():
                for knock, became in zip(knocks, recorded, strict=True):
                    self._tell(knock.arrival, became, (time.perf_counter() - knock.began) * 1000)
        except Exception:
            # They are kept: a log that fails must not have them recorded twice.
            log.exception("not told", count=len(knocks))
        return recorded

    def _tell(self, arrival: Arrival, recorded: Recorded, ms: float) -> None:
        request_id = arrival.request_id
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


def read(environ: Environ, secrets: Sequence[tuple[str, str]], shop: str) -> Delivery:
    """The delivery in this request, believed. Raises ``Refused``.

    The signature is checked over the raw bytes before anything is parsed; only the body is signed, so the headers are
    believed no further than the key and the log.
    """
    try:
        body = get_input_stream(environ, max_content_length=LARGEST_BODY).read()
    except RequestEntityTooLarge:
        raise Refused(413, f"the body is over {LARGEST_BODY} bytes") from None
    except BadRequest:
        raise Refused(400, "the connection ended before the body did") from None
    label = verify(body, environ.get("HTTP_X_SHOPIFY_HMAC_SHA256"), secrets)
    if label is None:
        raise Refused(401, "no signature of ours: check SHOPIFY_WEBHOOK_SECRETS if this came from Shopify")
    domain = environ.get("HTTP_X_SHOPIFY_SHOP_DOMAIN", "").strip().lower()
    if domain != shop:
        raise Refused(403, "another shop's domain: check SHOPIFY_SHOP")
    return Delivery(
        body=body,
        topic=_text(environ, "HTTP_X_SHOPIFY_TOPIC", 200),
        shop=domain,
        # Old and hand-made requests lack the id: then the same bytes are the same delivery.
        webhook_id=_text(environ, "HTTP_X_SHOPIFY_WEBHOOK_ID", 200) or f"sha256:{hashlib.sha256(body).hexdigest()}",
        is_test=environ.get("HTTP_X_SHOPIFY_TEST", "").strip().lower() == "true",
        secret=label,
        event_id=_text(environ, "HTTP_X_SHOPIFY_EVENT_ID", 200) or None,
        api_version=_text(environ, "HTTP_X_SHOPIFY_API_VERSION", 40) or None,
        triggered_at=read_triggered_at(environ.get("HTTP_X_SHOPIFY_TRIGGERED_AT")),
    )


def _text(environ: Environ, name: str, longest: int) -> str:
    """A header as it may be kept: PostgreSQL refuses NUL, which gunicorn lets nobody send, but others might."""
    header: str = environ.get(name, "")
    return header[:longest].replace("\x00", "")


def answer(
    start_response: StartResponse, status: int, text: str, request_id: str, *headers: tuple[str, str]
) -> Iterable[bytes]:
    """A short answer with the id under which the log tells the rest."""
    told = f"{text}\n".encode()
    start_response(
        _STATUS_LINES[status],
        [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(told))),
            ("X-Request-Id", request_id),
            *headers,
        ],
    )
    return (told,)


_STATUS_LINES: Final = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


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
