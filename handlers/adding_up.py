"""What the clock asks for every few seconds: add up what happened, so that pages and metrics need not count."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime

import structlog

from ledger.census import Census
from ledger.database import StoreBusy
from ledger.rollups import EVERY, Rollups
from ledger.steps import rest_s

log = structlog.get_logger()


class AddingUp:
    """Every worker has one; of those that come at the same time one adds up, and the others find it done."""

    def __init__(self, rollups: Rollups, census: Census, now: Callable[[], datetime]) -> None:
        self._rollups = rollups
        self._census = census
        self._now = now

    def loop(self, stop: threading.Event) -> None:
        """Every few seconds, until ``stop``; at once again while there is a backlog, after an upgrade for example."""
        wait_s = 1.0
        while not stop.wait(wait_s):
            wait_s = EVERY.total_seconds()
            try:
                began = time.monotonic()
                if self._rollups.roll_up(self._now()):
                    wait_s = rest_s(time.monotonic() - began)
                self._census.count(self._now())
            except StoreBusy as e:
                log.warning("store busy", why=str(e))
            except Exception as e:
                log.exception("adding up failed", exception=type(e).__name__)
