"""*Decide*: what a delivery's topic asks for. Pure; a new topic is one more line in ``decide``."""

from __future__ import annotations

from dataclasses import dataclass

from clients.shopify.payload import SAMPLE_CUSTOMER_ID, Unreadable, read_payload
from customer import Customer
from ledger.arrival import Verdict

#: The topics that tell us about a customer, each with the same whole body.
CUSTOMER_TOPICS = frozenset({"customers/create", "customers/update"})


@dataclass(frozen=True, slots=True)
class Asked:
    """What a delivery asks for: a customer to bring over, or nothing, with the verdict that says why."""

    customer: Customer | None = None
    verdict: Verdict | None = None
    why: str | None = None


def decide(topic: str, body: bytes, *, is_test: bool) -> Asked:
    """What this delivery asks for; never raises, for what cannot be read is kept and shown, not lost.

    ``is_test``: the request says that it is a test. Nobody signed that, so Shopify's own sample customer is the second
    guard. https://shopify.dev/docs/apps/build/webhooks/delivery-structure
    """
    if is_test:
        return Asked(verdict="test", why="a test notification")
    if topic not in CUSTOMER_TOPICS:
        return Asked(verdict="ignored", why="a topic this service does not act on")
    try:
        customer = read_payload(body)
    except Unreadable as e:
        return Asked(verdict="unreadable", why=str(e))
    if customer.id == SAMPLE_CUSTOMER_ID:
        return Asked(verdict="test", why="Shopify's sample customer")
    return Asked(customer=customer)
