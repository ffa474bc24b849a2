"""A far side's own rate limit: so many calls within any window of so many seconds."""

import threading
from collections import deque


class RollingLimit:
    """At most `limit` calls within `seconds`; `None` means no limit. Safe to use from any thread."""

    def __init__(self, limit: int | None, seconds: float) -> None:
        self.limit = limit
        self.seconds = seconds
        self._lock = threading.Lock()
        self._taken: deque[float] = deque()

    def take(self, at: float) -> bool:
        """Whether a call at this time (seconds of any clock) is allowed; a refused one does not count."""
        if self.limit is None:
            return True
        with self._lock:
            self._forget(at)
            if len(self._taken) >= self.limit:
                return False
            self._taken.append(at)
            return True

    def remaining(self, at: float) -> int:
        """How many calls are left in the window that ends at this time; 0 when there is no limit."""
        with self._lock:
            self._forget(at)
            return max(0, (self.limit or 0) - len(self._taken))

    def _forget(self, at: float) -> None:
        while self._taken and self._taken[0] <= at - self.seconds:
            self._taken.popleft()
