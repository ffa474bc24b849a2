"""What the clock asks for: prune what is old, and tidy up after those who were erased; once an hour."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog

from ledger.database import StoreBusy
from ledger.erase import Erasing
from ledger.prune import PrunesAlready, Pruning

log = structlog.get_logger()

#: A worker that starts has more urgent things to do.
FIRST_S: Final = 60.0
EVERY_S: Final = 3600.0
_REPORT_S: Final = 30.0


class Janitor:
    """Every worker has one; of those that come at the same time one prunes, and the others go again."""

    def __init__(self, pruning: Pruning, erasing: Erasing, now: Callable[[], datetime]) -> None:
        self._pruning = pruning
        self._erasing = erasing
        self._now = now

    def loop(self, stop: threading.Event) -> None:
        """Once an hour, until ``stop``."""
        wait_s = FIRST_S
        while not stop.wait(wait_s):
            wait_s = EVERY_S
            try:
                self.tidy(stop.wait)
            except StoreBusy as e:
                log.warning("store busy", why=str(e))
            except Exception as e:
                log.exception("pruning failed", exception=type(e).__name__)

    def tidy(self, rest: Callable[[float], object]) -> None:
        """Once; ``rest`` as in ``Pruning.run``. Raises ``StoreBusy``."""
        if bodies := self._erasing.tidy(self._now()):
            log.info("pruned", bodies=bodies, why="Shopify sent them of customers who were erased")
        bodies = attempts = 0
        began = told = time.monotonic()
        try:
            for step in self._pruning.run(now=self._now, rest=rest):
                bodies, attempts = bodies + step.bodies, attempts + step.attempts
                if time.monotonic() - told >= _REPORT_S:
                    told = time.monotonic()
                    log.info("progress", bodies=bodies, attempts=attempts)
        except PrunesAlready:
            log.info("not pruned", why="another process is at it")
        if bodies or attempts:
            ms = (time.monotonic() - began) * 1000
            log.info("pruned", bodies=bodies, attempts=attempts, duration_ms=round(ms, 1))
