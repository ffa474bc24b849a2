"""The pace of Admin GraphQL: a bucket of points for each app and store, refilled at a rate that every answer tells.

https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits : 100 to 2,000 points a second by plan, and a query
costs what it asks for. ``clients.pace.Pace`` spaces equal calls evenly; here the calls are as different as their cost
and the bucket lets a burst through, so a whole query is reserved in one go at the same shared store.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from clients.pace import PaceStore, sleep_until

# A query costs at most 1,000 points and the smallest plan restores 100 a second; beyond these no number is believed.
DEAREST: Final = 2_000.0
SLOWEST: Final = 10.0
LARGEST: Final = 1_000_000.0


@dataclass(frozen=True, slots=True)
class Cost:
    """What an answer says of its cost, in points, and of the bucket (``extensions.cost``)."""

    requested: float
    actual: float | None
    available: float
    maximum: float
    restore_rate: float

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Cost | None:
        """The cost an answer tells of; None when it does not, or not in numbers that make sense."""
        try:
            cost = body["extensions"]["cost"]
            status = cost["throttleStatus"]
            actual = cost.get("actualQueryCost")
            read = cls(
                requested=float(cost["requestedQueryCost"]),
                actual=None if actual is None else float(actual),
                available=float(status["currentlyAvailable"]),
                maximum=float(status["maximumAvailable"]),
                restore_rate=float(status["restoreRate"]),
            )
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
            return None
        return read if read._makes_sense else None

    @property
    def _makes_sense(self) -> bool:
        """Whether the numbers may be those of a shop: one that is not would have every worker wait for days."""
        return (
            0 <= self.requested <= DEAREST
            and 0 <= (self.actual or 0.0) <= DEAREST
            and abs(self.available) <= LARGEST
            and 0 < self.maximum <= LARGEST
            and SLOWEST <= self.restore_rate <= LARGEST
        )

    @property
    def wait_s(self) -> float:
        """Seconds until the bucket holds what the query asks for."""
        return max(0.0, (self.requested - self.available) / self.restore_rate)


class Points:
    """The points of one shop, shared by all processes; ``take`` blocks until the caller may ask.

    The rate is kept on the whole; up to half the bucket may be drawn ahead of it, so that a lone read goes at once
    even while others are on their way, and the other half is what others may have drawn without our knowing.
    """

    def __init__(
        self,
        store: PaceStore,
        name: str,
        *,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._name = name
        self._now = now
        self._sleep = sleep
        # The smallest plan and the dearest single query that Shopify permits, until the first answer tells better.
        self.per_second = 100.0
        self._bucket = 1000.0

    def take(self, points: float) -> None:
        """Wait until a query of this cost may be asked."""
        whole = max(1, math.ceil(min(points, DEAREST)))
        start = self._store.reserve(self._name, whole, self.per_second, self._now())
        sleep_until(start - self._bucket / 2 / self.per_second, now=self._now, sleep=self._sleep)

    def settle(self, taken: float, cost: Cost) -> None:
        """Learn the plan's rate from an answer, and book what the query cost beyond what was taken for it."""
        self.per_second, self._bucket = cost.restore_rate, cost.maximum
        beyond = math.floor((cost.actual or 0.0) - math.ceil(taken))
        if beyond > 0:
            self._store.reserve(self._name, beyond, self.per_second, self._now())
