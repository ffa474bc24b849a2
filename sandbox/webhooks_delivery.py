"""One webhook on its way: how it shall be sent, and what became of it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, get_args

from sandbox.shopify_payloads import Envelope, Instant, sign

SignedWith = Literal["app", "old", "admin", "wrong", "missing", "malformed", "non-ascii"]

REAL_RETRY_SECONDS: Final = (56.0, 112.0, 224.0, 448.0, 896.0, 1792.0, 3584.0, 7168.0)
"""Eight retries, exponential, within four hours; Shopify's exact offsets are unpublished."""

OLD_SECRET: Final = "sandbox-old-secret"  # noqa: S105 - invented
"""Signs as the app's secret before its rotation, which stays in use for up to an hour."""

ADMIN_KEY: Final = "sandbox-admin-key"
"""Signs what the store's own admin sends: webhooks made by hand, and test notifications."""


@dataclass(frozen=True, slots=True)
class DeliveryOptions:
    """How one webhook is sent; the defaults are a good day.

    `copies`: so many times at once under the same webhook id. `twins`: so many more deliveries of the same event, each
    under its own webhook id. `delay` in seconds (a late webhook). `api_version` and `shop` None: the shop's own.
    """

    signed_with: SignedWith = "app"
    copies: int = 1
    twins: int = 0
    delay: float = 0.0
    instant: Instant = "micro"
    api_version: str | None = None
    shop: str | None = None
    both_families: bool = False
    with_event_id: bool = True
    name: str | None = None

    def __post_init__(self) -> None:
        if self.signed_with not in get_args(SignedWith):
            raise ValueError(f"signed_with must be one of {', '.join(get_args(SignedWith))}")
        if self.instant not in get_args(Instant):
            raise ValueError(f"instant must be one of {', '.join(get_args(Instant))}")
        if not 1 <= self.copies <= 100 or not 0 <= self.twins <= 100 or not 0 <= self.delay <= 86_400:
            raise ValueError("copies must lie in 1..100, twins in 0..100, delay in 0..86400 seconds")


@dataclass(slots=True)
class Delivery:
    """One webhook on its way. `status` is the last answer's (None: there was none); the body is never shown."""

    id: int
    envelope: Envelope
    body: bytes
    url: str
    customer_id: int | None
    queued_at: datetime
    signature: str | bytes | None
    attempts: int = 0
    status: int | None = None
    error: str | None = None
    ms: float | None = None
    state: Literal["waiting", "delivered", "dropped"] = "waiting"
    done_at: datetime | None = None
    retries_left: int = 0
    first_tried: float | None = field(default=None, repr=False)

    def shown(self) -> dict[str, object]:
        """What may be seen of it: no body, nothing of the person."""
        return {
            "id": self.id,
            "webhook_id": self.envelope.webhook_id,
            "event_id": self.envelope.event_id,
            "topic": self.envelope.topic,
            "test": self.envelope.test,
            "customer_id": self.customer_id,
            "state": self.state,
            "status": self.status,
            "error": self.error,
            "attempts": self.attempts,
            "ms": self.ms,
            "queued_at": self.queued_at.isoformat(),
            "done_at": self.done_at.isoformat() if self.done_at else None,
        }


def signature(signed_with: SignedWith, secret: str, body: bytes) -> str | bytes | None:
    """The signature header of a body; `secret` is the app's own. None: no header at all."""
    keys = {"app": secret, "old": OLD_SECRET, "admin": ADMIN_KEY, "wrong": "nobody's secret"}
    spoilt: dict[str, str | bytes | None] = {
        "missing": None,
        "malformed": "this is not base64!",
        "non-ascii": "署名".encode(),
    }
    return sign(keys[signed_with], body) if signed_with in keys else spoilt[signed_with]
