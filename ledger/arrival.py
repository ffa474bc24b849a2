"""A delivery on its way into the ledger, and the one question about it: is this newer than what we know? Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, TypeAlias

from customer import Customer
from japan import laid_over

#: What became of a delivery. ``dismissed`` (closed by hand) and ``replaced`` were ``unreadable`` before.
Verdict: TypeAlias = Literal["changed", "unchanged", "older", "test", "unreadable", "dismissed", "replaced", "ignored"]

#: When an erased customer counts as saved: nothing is newer.
END_OF_TIME: Final = datetime(9999, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Arrival:
    """One verified delivery, as it came, with what its topic asks for.

    ``customer`` is set when the delivery tells us about one; otherwise ``verdict`` already says why it does not
    (``test``, ``unreadable``, ``ignored``) and ``why`` says it in words.
    """

    shop: str
    topic: str
    webhook_id: str
    received_at: datetime
    body: bytes
    secret: str
    request_id: str
    customer: Customer | None = None
    verdict: Verdict | None = None
    why: str | None = None
    event_id: str | None = None
    api_version: str | None = None
    triggered_at: datetime | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes a delivery this one and no other."""
        return (self.shop, self.topic, self.webhook_id)


@dataclass(frozen=True, slots=True)
class Known:
    """A customer as the ledger has it. ``read_through``: every save up to this moment has been read back whole."""

    customer: Customer
    revision: int
    triggered_at: datetime | None = None
    read_through: datetime | None = None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Known:
        """From a row of the table ``customers``."""
        return cls(Customer.from_json(row["state"]), row["revision"], row["triggered_at"], row["read_through"])


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of an arrival. ``repeat``: the key was there already, and nothing new was kept."""

    verdict: Verdict
    repeat: bool = False
    revision: int | None = None


def is_older(known: Known | None, updated_at: datetime | None, triggered_at: datetime | None) -> bool:
    """Whether a body says what was true before what we know.

    Shopify's times are whole seconds, so equal ones are common and are let in; then the time of the trigger decides,
    where both have one. https://shopify.dev/docs/apps/build/webhooks/best-practices
    """
    if known is None or known.customer.updated_at is None:
        return False
    if known.customer.updated_at == END_OF_TIME:
        return True
    if updated_at is None:
        return False
    if updated_at != known.customer.updated_at:
        return updated_at < known.customer.updated_at
    return bool(triggered_at and known.triggered_at and triggered_at < known.triggered_at)


def learn(known: Known | None, told: Customer, triggered_at: datetime | None) -> Known:
    """What we know after hearing ``told``: the revision grows by one when, and only when, something really changed."""
    if known is None:
        return Known(laid_over(None, told), 1, triggered_at)
    if told.updated_at is None:
        # The time of the last save is what refuses older bodies: it is never forgotten.
        told = replace(told, updated_at=known.customer.updated_at)
    merged = laid_over(known.customer, told)
    changed = not merged.says_the_same_as(known.customer)
    latest = max((at for at in (known.triggered_at, triggered_at) if at), default=None)
    return Known(merged, known.revision + changed, latest, known.read_through)


def hear(known: Known | None, told: Customer, triggered_at: datetime | None) -> Known:
    """What we know after a webhook's body, which never clears anything: see ``Customer.told_in_part``."""
    return learn(known, told.told_in_part(known.customer) if known else told, triggered_at)


def needs_read(known: Known) -> bool:
    """Whether Shopify has a newer customer than the last one we read back whole."""
    updated_at = known.customer.updated_at
    return known.read_through is None or updated_at is None or known.read_through < updated_at


def read_through(found_updated_at: datetime | None, began_at: datetime) -> datetime | None:
    """Up to which moment a read that began then has seen every save.

    Shopify's times are whole seconds: a read in the very second of a save may have missed a second save in it.
    """
    if found_updated_at is None:
        return None
    settled = began_at - found_updated_at > timedelta(seconds=3)
    return found_updated_at if settled else found_updated_at - timedelta(seconds=1)
