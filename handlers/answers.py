"""What the web process counts of its own answers, for `/metrics`: all that the ledger keeps nothing of.

Several processes add theirs up in a folder of small files, mapped into memory, that `config/gunicorn.py` makes and
takes away. To count one answer costs two microseconds, half a percent of what the answer costs.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.multiprocess import MultiProcessCollector

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, which nobody asks for

WEBHOOKS: Final = "webhooks"
STATUS: Final = "status"

#: Shopify wants its answer within five seconds; most take milliseconds.
_SECONDS: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
_GROUPS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Answers:
    """Counts answers. ``folder``: where the processes of one web door add them up; None in a process of its own."""

    def __init__(self, folder: str | None = None) -> None:
        self._folder = folder
        self._registry = CollectorRegistry()
        mine = None if folder else self._registry
        self._answers = Counter(
            "customer_sync_answers", "Answers by door and HTTP status.", ["door", "status"], registry=mine
        )
        self._took = Histogram(
            "customer_sync_webhook_answer_seconds",
            "From a webhook's headers until its answer, the commit included.",
            buckets=_SECONDS,
            registry=mine,
        )
        self._groups = Histogram(
            "customer_sync_commit_group_deliveries",
            "Deliveries that shared one commit.",
            buckets=_GROUPS,
            registry=mine,
        )
        self._waiters = Gauge(
            "customer_sync_status_waiters",
            "Callers of the status API who wait for news.",
            multiprocess_mode="livesum",
            registry=mine,
        )
        # To look a label up costs as much as to count.
        self._by_status: dict[tuple[str, int], Counter] = {}
        for status in (200, 401, 403, 413, 503):
            self._counter(WEBHOOKS, status)

    def webhook(self, status: int, seconds: float) -> None:
        """One delivery, or whatever came instead, was answered."""
        self._counter(WEBHOOKS, status).inc()
        self._took.observe(seconds)

    def status(self, status: int) -> None:
        """One who asked for a customer's standing was answered."""
        self._counter(STATUS, status).inc()

    def group(self, size: int) -> None:
        """So many deliveries were kept in one commit."""
        self._groups.observe(size)

    def waiters(self, count: int) -> None:
        """So many wait for news now."""
        self._waiters.set(count)

    def registry(self) -> CollectorRegistry:
        """A registry of what all processes have counted, to which others may be added."""
        if self._folder is None:
            together = CollectorRegistry()
            together.register(self._registry)
            return together
        together = CollectorRegistry()
        MultiProcessCollector(together, path=self._folder)  # type: ignore[no-untyped-call]  # it ships half a type
        return together

    def _counter(self, door: str, status: int) -> Counter:
        counter = self._by_status.get((door, status))
        if counter is None:
            counter = self._by_status[door, status] = self._answers.labels(door, str(status))
        return counter
