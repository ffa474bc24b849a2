"""Group commit: those who wait at the same moment share one durable write, so its cost is paid once for all.

A request thread hands its job in and waits; one clerk thread takes everybody who waits into one transaction. Nobody is
told "kept" before the commit.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from ledger.database import StoreBusy

#: Those who were just answered come again at nearly the same moment; without a pause the first of them would go alone,
#: and the others wait for its write. So, where several came last time, the next group may gather for a part of the time
#: that the last write took. One who comes alone never waits.
GATHER = 0.3
GATHER_MOST_S = 0.005

Job = TypeVar("Job")
Result = TypeVar("Result")


class _Slip(Generic[Job, Result]):
    """One job and its end. Two bare locks, for a ``Future`` costs more than the job's own share of the commit."""

    __slots__ = ("_done", "_turn", "error", "job", "result")

    def __init__(self, job: Job) -> None:
        self.job = job
        self.result: Result
        self.error: BaseException | None = None
        self._turn = threading.Lock()
        self._done = threading.Lock()
        self._done.acquire()

    def take(self) -> bool:
        """Whether this slip is the caller's from now on: the clerk's, or his who will wait no longer."""
        return self._turn.acquire(blocking=False)

    def settle(self) -> None:
        """Wake the one who waits."""
        self._done.release()

    def wait(self, timeout_s: float) -> bool:
        """Whether the end came in time."""
        return self._done.acquire(timeout=timeout_s)


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

    def do(self, job: Job, *, timeout_s: float) -> Result:
        """The job's result, after the commit. Raises ``StoreBusy`` when that takes longer than ``timeout_s``.

        A job that timed out before the clerk took it up is dropped; one that was being written may still be kept.
        """
        self._run()
        slip: _Slip[Job, Result] = _Slip(job)
        self._waiting.put(slip)
        if not slip.wait(timeout_s):
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
            slip.settle()

    def _write_once_more(self, jobs: Sequence[Job]) -> Sequence[Result]:
        """A connection that died while it lay idle fails once, at once: the second try gets a new one."""
        began = time.monotonic()
        try:
            return self._write(jobs)
        except StoreBusy:
            if time.monotonic() - began > 0.5:
                raise
            return self._write(jobs)
