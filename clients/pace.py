"""Pace: all processes together stay under the vendor's published rate, so that a 429 is the exception.

Slots are handed out by a shared store in small runs; a process that took a run spends it in order, one slot each
``1/per_second``. Nothing is saved up: a slot whose time has passed unused is simply gone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol


class PaceStore(Protocol):
    """Where the next free slot of each rate stands, for all processes."""

    def reserve(self, name: str, slots: int, per_second: float, now: float) -> float:
        """Take ``slots`` slots in a row of the rate ``name``: when (epoch seconds) the first one begins."""


class AlonePace:
    """A pace store for one process: for commands run by hand and for tests of a client by itself."""

    def __init__(self) -> None:
        self._next: dict[str, float] = {}
        self._lock = threading.Lock()

    def reserve(self, name: str, slots: int, per_second: float, now: float) -> float:
        with self._lock:
            start = max(self._next.get(name, 0.0), now)
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
            at = self._slot()
            wait = at - self._now()
            if wait > 0:
                self._sleep(wait)

    def _slot(self) -> float:
        with self._lock:
            now = self._now()
            gap = 1 / self.per_second
            # A slot that lies more than one gap back would let us burst over the vendor's rate.
            self._run = [at for at in self._run if at > now - gap]
            if not self._run:
                slots = max(1, int(self.per_second / 4)) if self._busy else 1
                start = self._store.reserve(self.name, slots, self.per_second, now)
                self._busy = start > now
                self._run = [start + i * gap for i in range(slots)]
            return self._run.pop(0)
