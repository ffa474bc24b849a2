"""Pace: all processes together stay under the vendor's published rate, so that a 429 is the exception.

Slots are handed out by a shared store in small runs; a process that took a run spends it in order, one slot each
``1/per_second``. Nothing is saved up: a slot whose time has passed unused is simply gone. A slot that lies further
ahead than ``FARTHEST_S`` was handed out before the clock was set back, and counts for nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

#: No slot lies further ahead, also with fifty processes waiting for the same rate. `ledger.keeps` has the same rule.
FARTHEST_S: Final = 60.0
#: Nobody sleeps longer without a look at the clock, which may have been set back meanwhile.
LONGEST_SLEEP_S: Final = 1.0


class PaceStore(Protocol):
    """Where the next free slot of each rate stands, for all processes."""

    def reserve(self, name: str, slots: int, per_second: float, now: float) -> float:
        """Take ``slots`` slots in a row of the rate ``name``: when (epoch seconds) the first one begins."""


def sleep_until(at: float, *, now: Callable[[], float], sleep: Callable[[float], None]) -> None:
    """Sleep in short pieces until ``at`` (epoch seconds), and never for longer than it was ahead at first.

    What has been slept counts, whatever the clock says: one that is set back meanwhile does not make the wait longer.
    """
    left = min(at - now(), FARTHEST_S)
    while left > 0:
        piece = min(left, LONGEST_SLEEP_S)
        sleep(piece)
        left = min(left - piece, at - now())


class AlonePace:
    """A pace store for one process: for commands run by hand and for tests of a client by itself."""

    def __init__(self) -> None:
        self._next: dict[str, float] = {}
        self._lock = threading.Lock()

    def reserve(self, name: str, slots: int, per_second: float, now: float) -> float:
        with self._lock:
            kept = self._next.get(name, 0.0)
            start = kept if now < kept < now + FARTHEST_S else now
            self._next[name] = start + slots / per_second
            return start


class Pace:
    """One rate of one vendor; ``take`` blocks until the caller may go.

    ``slots_at_once`` is how many slots are asked of the store in one go: a quarter of a second's worth when busy, one
    when idle, so that a lone customer costs one look at the store and a backlog costs four a second.
    """

    def __init__(
        self,
        store: PaceStore,
        name: str,
        per_second: float,
        *,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self.name = name
        self.per_second = per_second
        self._now = now
        self._sleep = sleep
        self._lock = threading.Lock()
        self._run: list[float] = []
        self._busy = False

    def take(self, slots: int = 1) -> None:
        """Wait for ``slots`` slots of this rate."""
        for _ in range(slots):
            sleep_until(self._slot(), now=self._now, sleep=self._sleep)

    def _slot(self) -> float:
        with self._lock:
            now = self._now()
            gap = 1 / self.per_second
            # A slot that lies more than one gap back would let us burst over the vendor's rate.
            self._run = [at for at in self._run if now - gap < at <= now + FARTHEST_S]
            if not self._run:
                slots = max(1, int(self.per_second / 4)) if self._busy else 1
                start = self._store.reserve(self.name, slots, self.per_second, now)
                self._busy = start > now
                self._run = [start + i * gap for i in range(slots)]
            return self._run.pop(0)
