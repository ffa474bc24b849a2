"""Post a kept body again: the same door, the same signature, the same commit as when Shopify knocks.

It comes as a new delivery, for the old one's key would refuse it. Only one that was never read keeps its key, so that
the new one stands in its place. The times are the old ones, so a body that is older than what is known changes nothing,
as it should.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from io import BytesIO

from clients.shopify.signature import sign
from handlers.front import Environ
from handlers.webhook import PATH, Door
from ledger.deliveries import Whole
from ledger.unreadable import NEVER_READ


@dataclass(frozen=True, slots=True)
class Posted:
    """How the door answered, and the key and the request id of the new delivery."""

    status: int
    said: str
    webhook_id: str
    request_id: str


def webhook_id_for(whole: Whole) -> str:
    """Under which id a person posts this again: its own where it was never read, else a new one, not like Shopify's."""
    return whole.delivery.webhook_id if whole.delivery.verdict in NEVER_READ else f"again-{uuid.uuid4()}"


def post_again(door: Door, whole: Whole, webhook_id: str) -> Posted:
    """Hand this delivery to the webhook door once more, under ``webhook_id``; never raises."""
    request_id = uuid.uuid4().hex
    status, said = door.receive(request_of(door, whole, webhook_id), request_id)
    return Posted(status, said, webhook_id, request_id)


def request_of(door: Door, whole: Whole, webhook_id: str) -> Environ:
    """The request as Shopify would make it, signed with the first secret; headers in WSGI's own words."""
    delivery = whole.delivery
    headers = {
        "TOPIC": delivery.topic,
        "HMAC_SHA256": sign(whole.body, door.secrets[0][1]),
        "SHOP_DOMAIN": delivery.shop,
        "API_VERSION": delivery.api_version or "",
        "WEBHOOK_ID": webhook_id,
        "EVENT_ID": delivery.event_id or "",
        "TRIGGERED_AT": delivery.triggered_at.isoformat() if delivery.triggered_at else "",
        "TEST": "true" if delivery.verdict == "test" else "",
    }
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": PATH,
        "CONTENT_LENGTH": str(len(whole.body)),
        "CONTENT_TYPE": "application/json",
        "wsgi.input": BytesIO(whole.body),
        **{f"HTTP_X_SHOPIFY_{name}": value for name, value in headers.items() if value},
    }
