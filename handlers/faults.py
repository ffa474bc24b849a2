"""Faults of this service in a row: when a lane cannot do its work, however well its far side is.

Whoever is carried with a fault is tried again, which is right for one customer and wrong for all of them: a lane that
sends and cannot write down what it sent sends everything again and again.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Final, Literal

import structlog

from ledger.health import HealthBook
from ledger.outcome import Outcome, Retry

log = structlog.get_logger()

Doing = Literal["claiming", "carrying", "settling", "upkeep"]

#: So many in a row, with nothing between them that went well, are no matter of one customer any more.
MANY: Final = 3
_WORDS: Final = {
    "claiming": "taking up what is due",
    "carrying": "carrying customers",
    "settling": "writing down what was carried",
    "upkeep": "keeping this lane up",
}


class LaneFaults:
    """Counts the faults of one lane in one process, each kind of work by itself, and stops the lane for many."""

    def __init__(self, lane: str, health_book: HealthBook, now: Callable[[], datetime]) -> None:
        self._lane = lane
        self.health_book = health_book
        self.now = now
        self._lock = threading.Lock()
        self._in_a_row: Counter[Doing] = Counter()
        self._odd: set[int] = set()

    def met(self, doing: Doing, e: Exception) -> bool:
        """Count a fault; many in a row stop the lane, for all to see. Whether this was one of many."""
        with self._lock:
            self._in_a_row[doing] += 1
            many = self._in_a_row[doing] >= MANY
        if many:
            self.note(stopped_for(doing, e))
        return many

    def carrying_met(self, customer_id: int) -> bool:
        """The same for a carry of one, whose outcome is written down with its task: one customer alone may be odd."""
        with self._lock:
            self._odd.add(customer_id)
            return len(self._odd) >= MANY

    def well(self, doing: Doing) -> None:
        """This work went well: the row is over."""
        with self._lock:
            self._in_a_row[doing] = 0
            if doing == "carrying":
                self._odd.clear()

    @property
    def nobody_is_carried(self) -> bool:
        """Whether the row of customers stands that ``carrying_met`` told of."""
        with self._lock:
            return len(self._odd) >= MANY

    def note(self, outcome: Outcome) -> None:
        """Write down what this says of the lane, where the ledger lets us."""
        try:
            self.health_book.note(self._lane, outcome, now=self.now())
        except Exception as e:
            log.exception("not noted", lane=self._lane, exception=type(e).__name__)


def stopped_for(doing: Doing, e: Exception) -> Retry:
    """What such a row says of the lane: nobody can go. Only the error's type is told, its words may hold anything."""
    why = f"a fault in this service while {_WORDS[doing]}, again and again ({type(e).__name__})"
    return Retry(None, why, f"fault.{doing}", stop=True, doubt=True, ours=True)
