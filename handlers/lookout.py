"""Waiting until a customer stands at the far sides, for hundreds at once: one thread looks for all of them.

A caller waits as its server wishes (`front.py`): in the loop that costs kilobytes and no thread. Who asks is looked up
at once, together with all who ask at that moment; who waits, four times a second.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Final

import structlog

from ledger.clerk import Waiting
from ledger.database import StoreBusy
from ledger.standing import Standing

log = structlog.get_logger()

LOOK_S: Final = 0.25
#: So many may wait in one process; whoever comes then is answered at once.
MOST: Final = 500
#: A look may take so long beyond what the caller wished to wait.
PATIENCE_S: Final = 2.0


class _Slip:
    """One who asks: ``enough`` says whether a standing is what it waits for."""

    __slots__ = ("customer_id", "enough", "error", "gone", "standing", "until", "waiting")

    def __init__(self, customer_id: int, enough: Callable[[Standing], bool], until: float, waiting: Waiting) -> None:
        self.customer_id = customer_id
        self.enough = enough
        self.until = until
        self.waiting = waiting
        self.standing: Standing | None = None
        self.error: Exception | None = None
        self.gone = False


class Lookout:
    """Looks for all who wait; ``look`` gives the standing of each id it is asked for, or raises ``StoreBusy``.

    ``tell`` is told how many wait, each time that changes.
    """

    def __init__(
        self,
        look: Callable[[Collection[int]], Mapping[int, Standing]],
        *,
        every_s: float = LOOK_S,
        most: int = MOST,
        tell: Callable[[int], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look = look
        self._every_s = every_s
        self._most = most
        self._tell = tell
        self._clock = clock
        self._new_ones = threading.Condition()
        self._new: list[_Slip] = []
        self._waiters = 0
        self._thread: threading.Thread | None = None

    @property
    def waiters(self) -> int:
        """How many wait at this moment."""
        return self._waiters

    def wait_for(
        self, customer_id: int, enough: Callable[[Standing], bool], *, wait_s: float, waiting: Waiting
    ) -> Standing:
        """The customer's standing, as soon as it is ``enough``, or as it is after ``wait_s``. Raises ``StoreBusy``.

        Where too many wait already, as it is now.
        """
        with self._new_ones:
            if self._waiters >= self._most:
                wait_s = 0.0
            slip = _Slip(customer_id, enough, self._clock() + wait_s, waiting)
            self._new.append(slip)
            self._waiters += 1
            self._tell(self._waiters)
            self._run()
            self._new_ones.notify()
        try:
            told = waiting.wait(wait_s + PATIENCE_S)
        finally:
            slip.gone = True
            with self._new_ones:
                self._waiters -= 1
                self._tell(self._waiters)
        if not told:
            raise StoreBusy("the database did not answer in time")
        if slip.standing is None:
            raise slip.error or StoreBusy("the database did not answer")
        return slip.standing

    def _run(self) -> None:
        # Started with the first caller, for a thread does not survive gunicorn's fork.
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._loop, name="lookout", daemon=True)
            self._thread.start()

    def _loop(self) -> None:
        slips: list[_Slip] = []
        look_at = 0.0
        while True:
            with self._new_ones:
                wait_s = min((look_at, *(slip.until for slip in slips))) - self._clock() if slips else None
                if not self._new and (wait_s is None or wait_s > 0):
                    self._new_ones.wait(wait_s)
                slips += self._new
                self._new = []
            now = self._clock()
            slips = [slip for slip in slips if not slip.gone]
            due = [slip for slip in slips if now >= min(look_at, slip.until) or slip.standing is None]
            if now >= look_at:
                look_at = now + self._every_s
            self._look_for(due)
            answered = {id(slip) for slip in due if self._is_over(slip)}
            slips = [slip for slip in slips if id(slip) not in answered]

    def _look_for(self, slips: list[_Slip]) -> None:
        try:
            found = self._look({slip.customer_id for slip in slips}) if slips else {}
        except Exception as e:
            if not isinstance(e, StoreBusy):
                log.exception("looking failed", exception=type(e).__name__)
            for slip in slips:
                slip.error = e
        else:
            for slip in slips:
                slip.standing = found[slip.customer_id]

    def _is_over(self, slip: _Slip) -> bool:
        """Whether this one was answered now."""
        over = self._clock() >= slip.until or (slip.standing is not None and slip.enough(slip.standing))
        if over:
            slip.waiting.set()
        return over
