"""The calculated cost of GraphQL queries, and the leaky bucket it is taken from.

https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits
"""

import threading
from collections.abc import Callable


class Bucket:
    """Points of one app at one store: up to `maximum`, coming back at `per_second` (None: there is no limit)."""

    def __init__(self, maximum: float, per_second: float | None, seconds: Callable[[], float]) -> None:
        self.maximum = maximum
        self.per_second = per_second
        self._seconds = seconds
        self._lock = threading.Lock()
        self._left = maximum
        self._at = seconds()

    def take(self, points: float) -> bool:
        """Take these points if they are there; a query that is throttled costs nothing."""
        with self._lock:
            self._leak()
            if self.per_second is None:
                return True
            if points > self._left:
                return False
            self._left -= points
            return True

    def give_back(self, points: float) -> None:
        """What was asked for and not used."""
        with self._lock:
            self._left = min(self.maximum, self._left + points)

    def drain(self, left: float = 0.0) -> None:
        """Leave only so many points, as a greedy neighbour would."""
        with self._lock:
            self._leak()
            self._left = left

    def fill(self) -> None:
        """As after a long rest."""
        with self._lock:
            self._left, self._at = self.maximum, self._seconds()

    def status(self) -> dict[str, float | int]:
        """`throttleStatus` at this moment."""
        with self._lock:
            self._leak()
            return {
                "maximumAvailable": float(self.maximum),
                "currentlyAvailable": int(self._left if self.per_second is not None else self.maximum),
                "restoreRate": float(self.per_second if self.per_second is not None else self.maximum),
            }

    def _leak(self) -> None:
        now = self._seconds()
        if self.per_second is not None:
            come_back = round(max(0.0, now - self._at) * self.per_second, 3)
            self._left = min(self.maximum, self._left + come_back)
        self._at = now
