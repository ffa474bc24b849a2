"""The book of calls the far side has received."""

import re
import threading
from collections import Counter, deque
from dataclasses import asdict, dataclass
from datetime import datetime


@dataclass
class Call:
    """One call received, without query, headers or body: they hold personal data. `status` 0: no answer was given."""

    at: datetime
    system: str
    method: str
    path: str
    status: int | None = None
    duration_ms: float | None = None

    def shown(self) -> dict[str, object]:
        return {**asdict(self), "at": self.at.isoformat()}


class Calls:
    """The calls received, oldest first; written down on arrival, completed when answered."""

    KEPT = 100_000

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: deque[Call] = deque(maxlen=self.KEPT)

    def begin(self, call: Call) -> None:
        with self._lock:
            self._calls.append(call)

    def clear(self) -> None:
        with self._lock:
            self._calls.clear()

    def matching(self, system: str | None = None, method: str | None = None, path: str | None = None) -> list[Call]:
        """The calls to this system, by this method, whose path (after the mount) is found by this pattern."""
        with self._lock:
            calls = list(self._calls)
        pattern = re.compile(path) if path else None
        return [
            call
            for call in calls
            if (system is None or call.system == system)
            and (method is None or call.method == method.upper())
            and (pattern is None or pattern.search(call.path))
        ]

    def count(self, system: str | None = None, method: str | None = None, path: str | None = None) -> int:
        """How many such calls arrived, faults included."""
        return len(self.matching(system, method, path))

    def summary(self, last: int = 100, **which: str | None) -> dict[str, object]:
        """The count, the count by status, and the last calls."""
        calls = self.matching(**which)
        by_status = Counter(str(call.status) for call in calls)
        shown = calls[-last:] if last > 0 else []
        return {"count": len(calls), "by_status": by_status, "calls": [call.shown() for call in shown]}
