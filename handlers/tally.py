"""Counting what is refused at the door, where nothing else may be kept: in memory, written down every few seconds."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime

import structlog

from ledger.database import StoreBusy
from ledger.keeps import Tallies

log = structlog.get_logger()


class Tally:
    """Counts by name; a flood of refusals costs the store one small write every ``every_s``, not one each."""

    def __init__(self, tallies: Tallies, *, now: Callable[[], datetime], every_s: float = 5.0) -> None:
        self._tallies = tallies
        self._now = now
        self._every_s = every_s
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._timer: threading.Timer | None = None

    def count(self, name: str) -> None:
        """One more of this."""
        with self._lock:
            self._counts[name] += 1
            if self._timer is None:
                self._timer = threading.Timer(self._every_s, self.write_down)
                self._timer.daemon = True
                self._timer.start()

    def close(self) -> None:
        """Write down what was counted, and count no more by the clock."""
        with self._lock:
            timer = self._timer
        if timer is not None:
            timer.cancel()
            self.write_down()

    def write_down(self) -> None:
        """Add what was counted to the ledger now; what cannot be written is counted on."""
        with self._lock:
            counts, self._counts, self._timer = self._counts, Counter(), None
        try:
            self._tallies.add(self._now().date().isoformat(), counts)
        except StoreBusy:
            with self._lock:
                self._counts.update(counts)
            log.warning("counts not written", why="the store is busy; they are kept in memory")
