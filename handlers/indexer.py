"""What keeps the search index up to date: a loop in each worker, every other second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog

from ledger.database import StoreBusy
from ledger.search_index import SearchIndex

log = structlog.get_logger()

EVERY_S: Final = 2.0
_REPORT_S: Final = 30.0


class Indexer:
    """Every worker has one; of those that come at the same time one indexes, and the others go again."""

    def __init__(self, index: SearchIndex, now: Callable[[], datetime]) -> None:
        self._index = index
        self._now = now

    def loop(self, stop: threading.Event) -> None:
        """Index what is new, until ``stop``; the first fill goes on without a pause."""
        wait_s = EVERY_S
        count, told = 0, time.monotonic()
        while not stop.wait(wait_s):
            wait_s = EVERY_S
            try:
                run = self._index.run(now=self._now, rest=stop.wait)
            except StoreBusy as e:
                log.warning("store busy", why=str(e))
                continue
            except Exception as e:
                log.exception("indexing failed", exception=type(e).__name__)
                continue
            count += run.customers
            if run.more:
                wait_s = 0.0
                if time.monotonic() - told >= _REPORT_S:
                    told = time.monotonic()
                    share = self._index.progress().share
                    log.info("progress", done=count, why=f"the search index has {share:.0%} of all customers")
            else:
                count = 0
