"""An alert as a value: what was seen, what stands of it in the ledger, and what one look changes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

#: What can be told of an alert.
News: TypeAlias = Literal["rise", "over"]


@dataclass(frozen=True, slots=True)
class Sighting:
    """Something that is wrong now. ``key`` is what it is the same by; ``since`` when it began.

    ``cause`` is the kind of an error (``smaregi.credentials``); ``customers`` names up to five by their Shopify ids;
    ``facts`` are numbers for the words. Nothing here is personal.
    """

    kind: str
    key: str
    since: datetime
    lane: str | None = None
    customer_id: int | None = None
    cause: str | None = None
    why: str | None = None
    count: int = 1
    customers: tuple[int, ...] = ()
    facts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alert(Sighting):
    """One row. ``trouble``: why it could not be told, without a secret. ``gone_since``: not seen since then."""

    id: int = 0
    raised_at: datetime | None = None
    gone_since: datetime | None = None
    over_at: datetime | None = None
    news: News | None = None
    told_at: datetime | None = None
    over_told_at: datetime | None = None
    told_to: tuple[str, ...] = ()
    tries: int = 0
    next_try_at: datetime | None = None
    trouble: str | None = None
    token: str | None = None
    held_until: datetime | None = None
    sending: News | None = None

    @property
    def lasted(self) -> timedelta | None:
        """How long it was there; None while it is."""
        return None if self.over_at is None else (self.gone_since or self.over_at) - self.since


@dataclass(frozen=True, slots=True)
class Changes:
    """What one look changes. By the alert's id: ``seen`` has new figures, ``grown`` those worth telling again,
    ``tell`` was never told, ``gone`` is not seen any more, ``back`` is seen again, ``over`` has been gone long enough.
    """

    rise: tuple[Sighting, ...] = ()
    seen: Mapping[int, Sighting] = field(default_factory=dict)
    grown: Mapping[int, Sighting] = field(default_factory=dict)
    tell: tuple[int, ...] = ()
    gone: tuple[int, ...] = ()
    back: tuple[int, ...] = ()
    over: tuple[int, ...] = ()
