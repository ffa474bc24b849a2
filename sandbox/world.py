"""Everything the stand-ins know, in one place, so that tests and the demo can look at the far side directly."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sandbox.calls import Calls
from sandbox.config import SandboxConfig
from sandbox.faults import Faults
from sandbox.hubspot import HubSpotShelf
from sandbox.mail import MailShelf
from sandbox.smaregi import SmaregiShelf
from sandbox.writes import Writes

Clock = Callable[[], datetime]


def now() -> datetime:
    """The time of the real clock, with its zone."""
    return datetime.now(UTC)


class World:
    """The shared state of one sandbox.

    `shopify` is a `sandbox.shopify.ShopShelf`, put here by `create_sandbox`; a shelf offers `reset()` and
    `records() -> list[dict]`, guards itself with its own lock, and never holds it while something is slow. One that
    has threads of its own offers `close()` too.
    """

    def __init__(self, config: SandboxConfig, clock: Clock = now, pause: Callable[[float], None] = time.sleep) -> None:
        self.config = config
        self.clock = clock
        self.pause = pause
        self.faults = Faults(config.seed)
        self.calls = Calls()
        self.writes = Writes()
        self.smaregi = SmaregiShelf(config, clock)
        self.hubspot = HubSpotShelf(config, clock)
        self.mail = MailShelf(clock)
        self.flag_writes = self.smaregi.members.flag_writes
        self.smaregi.members.writes = self.hubspot.contacts.writes = self.writes
        self.shopify: Any = None

    def reset(self) -> None:
        """As on the first day: no records, no faults, no calls."""
        self.faults.clear()
        self.calls.clear()
        self.writes.clear()
        self.flag_writes.follow(on=False)
        for shelf in (self.smaregi, self.hubspot, self.mail, self.shopify):
            if shelf is not None:
                shelf.reset()

    def lift_limits(self) -> None:
        """From now on nobody counts calls: far sides that take whatever comes."""
        for limit in (self.smaregi.reads, self.smaregi.writes, self.hubspot.rolling, self.hubspot.searches):
            limit.limit = None
        self.hubspot.config = replace(
            self.hubspot.config, hubspot_calls_per_10_seconds=None, hubspot_calls_per_day=None
        )
        if self.shopify is not None:
            self.shopify.bucket.per_second = None

    def close(self) -> None:
        """End what still runs in the background, as the shop's webhook sender does."""
        if hasattr(self.shopify, "close"):
            self.shopify.close()

    def records(self) -> dict[str, object]:
        """All that is stored at the far side: `members`, `contacts` and the shop's `customers`."""
        return {
            "members": self.smaregi.records(),
            "contacts": self.hubspot.records(),
            "customers": self.shopify.records() if self.shopify is not None else [],
        }
