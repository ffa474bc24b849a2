"""What a lane does between its tasks (the member index), and what that says of the lane.

While nobody registers, upkeep is all that is heard of the far side: what it meets is told as a carry's would be.
"""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Final

import structlog

from clients import spans
from clients.errors import CarryError, StopLane
from clients.lane import Attends, Lane
from handlers.faults import LaneFaults
from handlers.judge import judge
from ledger.database import StoreBusy
from ledger.outcome import Retry

log = structlog.get_logger()

#: Upkeep that was refused, or that a fault of ours ended, is tried again after so long.
AGAIN: Final = timedelta(seconds=10)
#: The same for what follows the customers on their way.
ATTEND_AGAIN: Final = timedelta(milliseconds=100)
_LEAST_S: Final = 0.05
_IDLE_S: Final = 1.0


class LaneUpkeep:
    """The upkeep of one lane in one worker.

    ``refused``: the far side does not let us in; nothing is claimed meanwhile, for the next upkeep is the probe.
    """

    def __init__(self, lane: Lane, faults: LaneFaults, stop: threading.Event, wake: threading.Event) -> None:
        self.refused = False
        self._lane = lane
        self._health_book = faults.health_book
        self._faults = faults
        self._now = faults.now
        self._stop = stop
        self._wake = wake
        # Nobody knows what stands in the ledger from before: the first good upkeep says that the lane is well.
        self._ill = True

    def loop(self) -> None:
        """Do what is due, until ``stop``; at once over for a lane without upkeep."""
        while not self._stop.is_set():
            wait = self.once()
            if wait is None:
                return
            self._wake.set()  # what waited for the upkeep may be due now
            self._stop.wait(max(wait.total_seconds(), _LEAST_S))

    def once(self) -> timedelta | None:
        """Do what is due now; how long until the next time, None for never."""
        try:
            with spans.span(f"upkeep {self._lane.name}"):
                return self._tend()
        except CarryError as e:
            self._failed(e)
        except StoreBusy as e:
            log.warning("store busy", lane=self._lane.name, why=str(e))
        except Exception as e:
            log.exception("upkeep failed", lane=self._lane.name, exception=type(e).__name__)
            self._ill = True
            self._faults.met("upkeep", e)
        return AGAIN

    def attend_loop(self, lane: Attends, news: threading.Event) -> None:
        """Do what the customers on their way need, until ``stop``; ``news``: something was committed."""
        while not self._stop.is_set():
            wait = self._attend(lane)
            if wait is None:
                news.wait(_IDLE_S)
                news.clear()
            else:
                self._stop.wait(wait.total_seconds())

    def _attend(self, lane: Attends) -> timedelta | None:
        try:
            return lane.attend()
        except StopLane as e:
            self._failed(e)
        except CarryError as e:
            # Whoever is carried meets it as well, and counts it.
            log.warning("upkeep failed", lane=self._lane.name, why=e.why, kind=e.kind)
        except StoreBusy as e:
            log.warning("store busy", lane=self._lane.name, why=str(e))
        except Exception as e:
            log.exception("upkeep failed", lane=self._lane.name, exception=type(e).__name__)
            self._ill = True
            self._faults.met("upkeep", e)
            return timedelta(seconds=_IDLE_S)
        return ATTEND_AGAIN

    def _tend(self) -> timedelta | None:
        name = self._lane.name
        if left := self._health_book.pause_left(name, now=self._now()):
            return min(left, AGAIN)
        next_in = self._lane.tend()
        self._faults.well("upkeep")
        # While it is another process's turn nothing was heard, and nothing is proven.
        if self._ill and next_in is not None and (not isinstance(self._lane, Attends) or self._lane.is_kept_up):
            self._health_book.well_again(name, now=self._now())
            self._ill = self.refused = False
        return next_in

    def _failed(self, e: CarryError) -> None:
        log.warning("upkeep failed", lane=self._lane.name, why=e.why, kind=e.kind)
        self.refused = isinstance(e, StopLane)
        if isinstance(outcome := judge(e), Retry) and outcome.lane_wide:
            self._ill = True
            self._faults.note(outcome)
