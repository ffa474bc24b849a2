"""Group commit: those who wait at the same moment share one durable write, so its cost is paid once for all.

Each caller hands its job in and waits; one clerk thread takes everybody who waits into one transaction. Nobody is
told "kept" before the commit.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from ledger.database import StoreBusy

#: Those who were just answered come again at nearly the same moment; without a pause the first of them would go alone,
#: and the others wait for its write. So, where several came last time, the next group may gather for a part of the time
#: that the last write took. One who comes alone never waits.
GATHER = 0.3
GATHER_MOST_S = 0.005

Job = TypeVar("Job")
Result = TypeVar("Result")


class Waiting(Protocol):
    """One who waits for the clerk; ``threading.Event`` is one, an event loop has its own."""

    def wait(self, timeout: float) -> bool:
        """Whether it was woken within so many seconds."""

    def set(self) -> None:
        """Wake it, from the clerk's thread; before it waits is early enough."""


class _Slip(Generic[Job, Result]):
    """One job and its end."""

    __slots__ = ("_turn", "error", "job", "result", "waiting")

    def __init__(self, job: Job, waiting: Waiting) -> None:
        self.job = job
        self.waiting = waiting
        self.result: Result
        self.error: BaseException | None = None
        self._turn = threading.Lock()

    def take(self) -> bool:
        """Whether this slip is the caller's from now on: the clerk's, or his who will wait no longer."""
        return self._turn.acquire(blocking=False)


class Clerk(Generic[Job, Result]):
    """Runs ``write(jobs) -> results`` for many callers at once; ``write`` is one transaction, whole or not at all.

    When a group fails for another reason than a busy store, each job is tried by itself, so that one bad job cannot
    take the others with it.
    """

    def __init__(self, name: str, write: Callable[[Sequence[Job]], Sequence[Result]], *, most: int = 256) -> None:
        self._name = name
        self._write = write
        self._most = most
        self._waiting: queue.SimpleQueue[_Slip[Job, Result]] = queue.SimpleQueue()
        self._start_lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def do(self, job: Job, *, timeout_s: float, waiting: Waiting | None = None) -> Result:
        """The job's result, after the commit. Raises ``StoreBusy`` when that takes longer than ``timeout_s``.

        ``waiting``: how the caller waits, where a thread of its own is not the way.
        A job that timed out before the clerk took it up is dropped; one that was being written may still be kept.
        """
        self._run()
        slip: _Slip[Job, Result] = _Slip(job, waiting or threading.Event())
        self._waiting.put(slip)
        if not slip.waiting.wait(timeout_s):
            slip.take()
            raise StoreBusy(f"the database did not answer within {timeout_s:g} s")
        if slip.error is not None:
            raise slip.error
        return slip.result

    def _run(self) -> None:
        # Started with the first job: gunicorn forks after the app is built, and a thread does not survive a fork.
        if self._thread is None or not self._thread.is_alive():
            with self._start_lock:
                if self._thread is None or not self._thread.is_alive():
                    self._thread = threading.Thread(target=self._loop, name=f"clerk-{self._name}", daemon=True)
                    self._thread.start()

    def _loop(self) -> None:
        wait_s = 0.0
        while True:
            group = [self._waiting.get()]
            if wait_s:
                time.sleep(wait_s)
            while len(group) < self._most:
                try:
                    group.append(self._waiting.get_nowait())
                except queue.Empty:
                    break
            began = time.monotonic()
            self._settle([slip for slip in group if slip.take()])
            took_s = time.monotonic() - began
            wait_s = min(GATHER * took_s, GATHER_MOST_S) if len(group) > 1 else 0.0

    def _settle(self, group: list[_Slip[Job, Result]]) -> None:
        if not group:
            return
        try:
            results = self._write_once_more([slip.job for slip in group])
        except StoreBusy as e:
            for slip in group:
                slip.error = e
        except Exception as e:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            if len(group) > 1:
                for slip in group:
                    self._settle([slip])
                return
            group[0].error = e
        else:
            for slip, result in zip(group, results, strict=True):
                slip.result = result
        for slip in group:
            slip.waiting.set()

    def _write_once_more(self, jobs: Sequence[Job]) -> Sequence[Result]:
        """A connection that died while it lay idle fails once, at once: the second try gets a new one."""
        began = time.monotonic()
        try:
            return self._write(jobs)
        except StoreBusy:
            if time.monotonic() - began > 0.5:
                raise
            return self._write(jobs)
