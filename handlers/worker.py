"""Out: all lanes of one process, with what they share: leases kept, new work heard of, progress told.

Any number of workers may run side by side; the ledger alone coordinates them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import structlog

from clients.lane import Lane
from handlers import lane_runner
from handlers.lane_runner import Crew, LaneRunner
from ledger.book import Book, Settled, Settlement
from ledger.clerk import Clerk
from ledger.database import StoreBusy
from ledger.watch import watch

log = structlog.get_logger()

#: After SIGTERM, what is in hand may take so long to finish.
FINISH_S = 25.0
_REPORT_S = 30.0


class Worker:
    """All lanes of one process, with the threads that keep its leases, hear of new work, and tell the progress.

    ``upkeep``: loops that run beside them, each on a thread of its own, until the event they are handed is set.
    """

    def __init__(
        self,
        book: Book,
        lanes: Sequence[Lane],
        *,
        now: Callable[[], datetime],
        lanes_off: Mapping[str, str],
        updates_too: bool,
        upkeep: Sequence[Callable[[threading.Event], None]] = (),
    ) -> None:
        self._stop = threading.Event()
        self._book = book
        self._now = now
        clerk: Clerk[Settlement, list[Settled]] = Clerk("settle", lambda group: book.settle(group, now=now()))
        crew = Crew(book, clerk, now, lanes_off, updates_too, self._stop)
        self.runners = [LaneRunner(lane, crew) for lane in lanes]
        self._shared = [
            threading.Thread(target=watch, args=(book.database, self._wake, self._stop), name="watch", daemon=True),
            threading.Thread(target=self._keep_leases, name="leases", daemon=True),
            threading.Thread(target=self._report, name="report", daemon=True),
            *(threading.Thread(target=loop, args=(self._stop,), name="upkeep", daemon=True) for loop in upkeep),
        ]

    def start(self) -> None:
        """Begin; returns at once."""
        log.info("started", worker="worker", lanes=[r.lane.name for r in self.runners])
        for runner in self.runners:
            runner.start()
        for thread in self._shared:
            thread.start()

    def stop(self) -> None:
        """Claim nothing more; safe to call from a signal handler."""
        self._stop.set()

    def run(self) -> None:
        """Work until ``stop``, then finish what is in hand."""
        self.start()
        while not self._stop.wait(1):
            pass
        self.finish()

    def finish(self) -> None:
        """Stop, and wait for what is in hand; what takes too long comes back when its lease ends."""
        self._stop.set()
        self._wake()
        deadline = time.monotonic() + FINISH_S
        for runner in self.runners:
            runner.finish(deadline)
        for thread in self._shared:
            if thread.is_alive():
                thread.join(max(0.0, deadline - time.monotonic()))
        held = sum(len(r.tokens) for r in self.runners)
        log.info("stopped", worker="worker", running=held)

    def _wake(self) -> None:
        for runner in self.runners:
            runner.hear()

    def _keep_leases(self) -> None:
        while not self._stop.wait(lane_runner.LEASE.total_seconds() / 3 if self._look_after_leases() else 1.0):
            pass
        # While the last loads finish, their leases are still kept.
        while any(r.tokens for r in self.runners):
            self._look_after_leases()
            time.sleep(0.5)

    def _look_after_leases(self) -> bool:
        try:
            now = self._now()
            self._book.renew([token for r in self.runners for token in r.tokens], until=now + lane_runner.LEASE)
            rescued = self._book.rescue(now=now, lease=lane_runner.LEASE)
        except StoreBusy as e:
            log.warning("store busy", why=str(e))
            return False
        except Exception as e:
            log.exception("leases not kept", exception=type(e).__name__)
            return False
        if rescued:
            log.warning("rescued", tasks=rescued, why="their worker was gone: the lease ended without a result")
        return True

    def _report(self) -> None:
        began = time.monotonic()
        while not self._stop.wait(_REPORT_S):
            seconds, began = time.monotonic() - began, time.monotonic()
            for runner in self.runners:
                done = runner.take_done()
                if done:
                    log.info("progress", lane=runner.lane.name, done=done, rate_per_s=round(done / seconds, 2))
