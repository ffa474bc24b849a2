"""Group commit: those who wait at the same moment share one durable write, so its cost is paid once for all.

A request thread hands its job in and waits; one clerk thread takes everybody who waits into one transaction. Nobody is
told "kept" before the commit.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

from ledger.database import StoreBusy

#: Those who were just answered come again at nearly the same moment; without a pause the first of them would go alone,
#: and the others wait for its write. So, where several came last time, the next group may gather for a part of the time
#: that the last write took. One who comes alone never waits.
GATHER = 0.3
GATHER_MOST_S = 0.005

Job = TypeVar("Job")
Result = TypeVar("Result")


class Clerk(Generic[Job, Result]):
    """Runs ``write(jobs) -> results`` for many callers at once; ``write`` is one transaction, whole or not at all.

    When a group fails for another reason than a busy store, each job is tried by itself, so that one bad job cannot
    take the others with it.
    """

    def __init__(self, name: str, write: Callable[[Sequence[Job]], Sequence[Result]], *, most: int = 256) -> None:
        self._name = name
        self._write = write
        self._most = most
        self._waiting: queue.SimpleQueue[tuple[Job, Future[Result]]] = queue.SimpleQueue()
        self._start_lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def do(self, job: Job, *, timeout_s: float) -> Result:
        """The job's result, after the commit. Raises ``StoreBusy`` when that takes longer than ``timeout_s``.

        A job that timed out before the clerk took it up is dropped; one that was being written may still be kept.
        """
        self._run()
        done: Future[Result] = Future()
        self._waiting.put((job, done))
        try:
            return done.result(timeout_s)
        except TimeoutError:
            done.cancel()
            raise StoreBusy(f"the database did not answer within {timeout_s:g} s") from None

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
            self._settle([(job, done) for job, done in group if done.set_running_or_notify_cancel()])
            took_s = time.monotonic() - began
            wait_s = min(GATHER * took_s, GATHER_MOST_S) if len(group) > 1 else 0.0

    def _settle(self, group: list[tuple[Job, Future[Result]]]) -> None:
        if not group:
            return
        try:
            results = self._write_once_more([job for job, _ in group])
        except StoreBusy as e:
            for _, done in group:
                done.set_exception(e)
        except Exception as e:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            if len(group) == 1:
                group[0][1].set_exception(e)
            else:
                for one in group:
                    self._settle([one])
        else:
            for (_, done), result in zip(group, results, strict=True):
                done.set_result(result)

    def _write_once_more(self, jobs: Sequence[Job]) -> Sequence[Result]:
        """A connection that died while it lay idle fails once, at once: the second try gets a new one."""
        began = time.monotonic()
        try:
            return self._write(jobs)
        except StoreBusy:
            if time.monotonic() - began > 0.5:
                raise
            return self._write(jobs)
