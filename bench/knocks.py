"""Signed webhook requests as Shopify sends them, made before the clock starts: bytes that only need to be sent.

Every one is a delivery of its own. Of ten, five are new customers, three change a customer who is known by then, and
two save one again with nothing changed, which is what a busy shop sends most of.
"""

from __future__ import annotations

import itertools
import re
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from sandbox.config import SandboxConfig
from sandbox.people import people
from sandbox.shopify import ShopShelf
from sandbox.shopify_payloads import customer_body, encode, sign

MIX: Final = "of ten deliveries, five are new customers, three are changes, two are saves without a change"
_PATTERN: Final = "ncnsncnsnc"
_VERSION: Final = "2026-10"
#: A change comes so many customers after the creation: then it is known, however many connections knock at once.
_BEHIND: Final = 300
_PLACE_OF_ID: Final = b"6999999999999"
_SCATTER: Final = 0x9E3779B97F4A7C15F39CC0605CEDC835  # odd, so that no two products are the same


def webhook_id(first_id: int, number: int) -> str:
    """Shopify's ids are random, so they fall anywhere in an index; these do too, and no two are the same."""
    return str(uuid.UUID(int=((first_id << 32) + number) * _SCATTER % 2**128))


class Knocks:
    """Requests without end; ``first_id`` is the Shopify id of the first customer.

    Two runs over the same ledger must lie at least as many ids apart as the first one sent requests. ``there``: so many
    customers are in the ledger already, and the new ones come after them; ``places`` are those of them who change, in
    turn, each counted from the first.
    """

    def __init__(
        self, first_id: int, config: SandboxConfig | None = None, *, there: int = 0, places: Iterable[int] = ()
    ) -> None:
        self._config = config or SandboxConfig()
        self._secret = self._config.webhook_secret
        self._first_id = first_id
        self._there = there
        self._places = tuple(places)
        self._bodies = [_template(body) for body in _bodies(self._config)]
        self._now = datetime.now(UTC)

    def __iter__(self) -> Iterator[bytes]:
        made = self._there
        places = iter(self._places)
        for number in itertools.count():
            kind = _PATTERN[number % len(_PATTERN)]
            place = made - _BEHIND - number % 50
            if kind != "n" and self._places:
                place = next(places)
            if kind == "n" or place < 0:
                yield self._request(number, made, topic=b"customers/create", saves=0, note=0)
                made += 1
            else:
                # A save comes after a change of other customers: nothing but its time is new.
                yield self._request(number, place, topic=b"customers/update", saves=number, note=kind == "c")

    def _request(self, number: int, customer: int, *, topic: bytes, saves: int, note: bool | int) -> bytes:
        customer_id = self._first_id + customer
        saved_at = (self._now + timedelta(seconds=saves)).replace(microsecond=0).isoformat()
        text = b"\xe5\xa4\x89\xe6\x9b\xb4 %d" % number if note else b""
        body = self._bodies[customer % len(self._bodies)]
        body = body.replace(_PLACE_OF_ID, b"%d" % customer_id)
        body = body.replace(b"{saved}", saved_at.encode()).replace(b"{note}", b'"%s"' % text if text else b"null")
        return (
            b"POST /webhooks/shopify HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"User-Agent: Shopify-Captain-Hook\r\nAccept: */*\r\n"
            b"Accept-Encoding: gzip;q=1.0,deflate;q=0.6,identity;q=0.3\r\nX-Shopify-Topic: %s\r\n"
            b"X-Shopify-Hmac-Sha256: %s\r\nX-Shopify-Shop-Domain: %s\r\n"
            b"X-Shopify-API-Version: %s\r\nX-Shopify-Webhook-Id: %s\r\nX-Shopify-Event-Id: %032x\r\n"
            b"X-Shopify-Triggered-At: %s\r\nContent-Length: %d\r\n\r\n%s"
        ) % (
            topic,
            sign(self._secret, body).encode(),
            self._config.shop.encode(),
            _VERSION.encode(),
            webhook_id(self._first_id, self._there * 1000 + number).encode(),
            (self._first_id << 32) + self._there * 1000 + number,
            f"{self._now + timedelta(microseconds=number):%Y-%m-%dT%H:%M:%S.%fZ}".encode(),
            len(body),
            body,
        )


def badly_signed(first_id: int) -> Iterator[bytes]:
    """Requests that nobody may take in: a signature of something else, one that is no signature, and none at all."""
    for request, wrong in zip(Knocks(first_id), (b"AAAA" * 10 + b"AAA=", b"\xe5\xa4\x89", None), strict=False):
        head, _, body = request.partition(b"\r\n\r\n")
        lines = [line for line in head.split(b"\r\n") if not line.startswith(b"X-Shopify-Hmac-Sha256:")]
        given = [] if wrong is None else [b"X-Shopify-Hmac-Sha256: " + wrong]
        yield b"\r\n".join([*lines, *given]) + b"\r\n\r\n" + body


def _bodies(config: SandboxConfig) -> Iterator[bytes]:
    """The bodies of a hundred invented people, as the shop would send them, all with the same id."""
    shop = ShopShelf(config)
    for person in itertools.islice(people(7), 100):
        customer = shop.create(person.shop_fields(), send=False)
        yield encode(customer_body(customer, _VERSION)).replace(b"%d" % customer.id, _PLACE_OF_ID)
    shop.close()


def _template(body: bytes) -> bytes:
    """The body with holes for the time of the save, the note, and the id, which stands in the e-mail too."""
    body = re.sub(rb"(?i)(?=@example\.jp)", b"." + _PLACE_OF_ID, body)
    head, found, rest = body.partition(b'"updated_at":"')
    assert found
    body = head + found + b"{saved}" + rest[rest.index(b'"') :]
    assert b'"note":null' in body
    return body.replace(b'"note":null', b'"note":{note}')
