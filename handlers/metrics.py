"""``GET /metrics`` for Prometheus: what the ledger holds, told alike by every process, and what the doors answered.

A scrape cannot hurt: the ledger is asked once in some seconds, however many ask. No name, no id of a customer is in it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from flask import Blueprint, Response, request
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from customer import Freshness
from handlers.answers import Answers
from handlers.bearer import ASK, bears
from ledger.counts import Counts, Latency
from ledger.database import StoreBusy
from ledger.histogram import BOUNDS_MS, Histogram
from ledger.report import LaneReport

#: What was found in the ledger is told for so long.
KEPT_S: Final = 5.0
_BREAKERS: Final = ("closed", "open", "probing")


class OpenAlert(Protocol):
    """As much of an alert as is counted."""

    @property
    def kind(self) -> str:
        """What it speaks of."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the numbers come from; each may raise ``StoreBusy``. ``ahead``: by rate, in seconds."""

    lanes: Callable[[], Sequence[LaneReport]]
    freshness: Callable[[], Freshness]
    last_delivery: Callable[[], datetime | None]
    ahead: Callable[[float], Mapping[str, float]]
    counts: Callable[[], Counts]
    latency: Callable[[], Latency]
    alerts: Callable[[], Sequence[OpenAlert]]
    unreadable: Callable[[], int]
    lanes_off: Mapping[str, str]
    now: Callable[[], datetime]


class LedgerNumbers(Collector):
    """The numbers of the ledger, for a registry."""

    def __init__(
        self, sources: Sources, *, kept_s: float = KEPT_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._sources = sources
        self._kept_s = kept_s
        self._clock = clock
        self._lock = threading.Lock()
        self._found: list[Metric] = []
        self._until = float("-inf")

    def describe(self) -> Iterable[Metric]:
        """Nothing: a registry would look into the ledger only to learn the names."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """What was found, some seconds ago at most; that the ledger cannot be asked is a number too."""
        with self._lock:
            if self._clock() >= self._until:
                try:
                    self._found = [_up(1), *numbers(self._sources)]
                except StoreBusy:
                    self._found = [_up(0)]
                self._until = self._clock() + self._kept_s
            return self._found


def metrics_door(answers: Answers, ledger: Collector, token: str | None) -> Blueprint:
    """``GET /metrics``; with a token only for who bears it."""
    door = Blueprint("metrics", __name__)

    @door.get("/metrics")
    def metrics() -> Response:
        if token is not None and not bears(request.environ, token):
            return Response("this needs METRICS_TOKEN as a bearer token\n", 401, [ASK], content_type="text/plain")
        registry = answers.registry()
        registry.register(ledger)
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return Response(encode(registry), content_type=content_type, headers={"Cache-Control": "no-store"})

    return door


def numbers(sources: Sources) -> Iterator[Metric]:
    """Every number of the ledger. Raises ``StoreBusy``."""
    now = sources.now()
    yield from _of_lanes(sources.lanes(), sources.lanes_off, now)
    yield from _of_counts(sources.counts())
    yield _of_latency(sources.latency())
    ahead = GaugeMetricFamily(
        "customer_sync_pace_ahead_seconds",
        "How far ahead the next free slot of a vendor's rate lies: 0 where the rate is not used up.",
        labels=["rate"],
    )
    for rate, seconds in sources.ahead(now.timestamp()).items():
        ahead.add_metric([rate], seconds)
    yield ahead
    if fresh_at := sources.freshness().fresh_at:
        age = (now - fresh_at).total_seconds()
        yield GaugeMetricFamily("customer_sync_member_index_age_seconds", "Age of the member index.", max(age, 0.0))
    if last := sources.last_delivery():
        yield GaugeMetricFamily(
            "customer_sync_last_delivery_timestamp_seconds", "When the last delivery came.", last.timestamp()
        )
    yield GaugeMetricFamily(
        "customer_sync_unreadable_deliveries",
        "Signed deliveries that cannot be read and wait for a person.",
        sources.unreadable(),
    )
    alerts = GaugeMetricFamily("customer_sync_alerts_open", "Open alerts by kind.", labels=["kind"])
    kinds = [alert.kind for alert in sources.alerts()]
    for kind in sorted(set(kinds)):
        alerts.add_metric([kind], kinds.count(kind))
    yield alerts


def _up(value: float) -> Metric:
    return GaugeMetricFamily("customer_sync_ledger_up", "Whether the ledger could be asked.", value)


def _of_lanes(reports: Sequence[LaneReport], off: Mapping[str, str], now: datetime) -> Iterator[Metric]:
    tasks = GaugeMetricFamily("customer_sync_tasks", "Tasks by lane and state.", labels=["lane", "state"])
    debt = GaugeMetricFamily(
        "customer_sync_oldest_debt_seconds",
        "How long the oldest pending or running task of a lane has waited; 0 without one.",
        labels=["lane"],
    )
    failed = GaugeMetricFamily(
        "customer_sync_oldest_failed_seconds",
        "How long the oldest failed task of a lane has been owed; 0 without one.",
        labels=["lane"],
    )
    breaker = GaugeMetricFamily(
        "customer_sync_lane_breaker", "1 for the state that a lane's breaker is in.", labels=["lane", "state"]
    )
    on = GaugeMetricFamily("customer_sync_lane_on", "Whether a lane is switched on.", labels=["lane"])
    for report in reports:
        lane = report.lane
        for state in ("pending", "running", "done", "failed", "excluded"):
            tasks.add_metric([lane, state], getattr(report, state))
        debt.add_metric([lane], _age(report.oldest_debt, now))
        failed.add_metric([lane], _age(report.oldest_failed, now))
        for state in _BREAKERS:
            breaker.add_metric([lane, state], float(report.health.breaker == state))
        on.add_metric([lane], float(lane not in off))
    yield from (tasks, debt, failed, breaker, on)


def _age(since: datetime | None, now: datetime) -> float:
    return max((now - since).total_seconds(), 0.0) if since else 0.0


def _of_counts(counts: Counts) -> Iterator[Metric]:
    deliveries = CounterMetricFamily(
        "customer_sync_deliveries", "Deliveries kept, by what became of them.", labels=["verdict"]
    )
    for verdict, count in sorted(counts.deliveries.items()):
        deliveries.add_metric([verdict], count)
    attempts = CounterMetricFamily(
        "customer_sync_attempts", "Attempts by lane and outcome.", labels=["lane", "outcome"]
    )
    for (lane, outcome), count in sorted(counts.attempts.items()):
        attempts.add_metric([lane, outcome], count)
    took = HistogramMetricFamily("customer_sync_attempt_seconds", "How long attempts took, by lane.", labels=["lane"])
    for lane, histogram in sorted(counts.took.items()):
        took.add_metric([lane], _buckets(histogram), histogram.sum_ms / 1000)
    total = HistogramMetricFamily(
        "customer_sync_delivery_to_sync_seconds", "From the delivery until the customer was in sync everywhere."
    )
    total.add_metric([], _buckets(counts.total), counts.total.sum_ms / 1000)
    yield from (deliveries, attempts, took, total)


def _of_latency(latency: Latency) -> Metric:
    newest = GaugeMetricFamily(
        "customer_sync_latency_seconds",
        "From the delivery until in sync everywhere, of the newest customers: as the console and flask status tell it.",
        labels=["quantile"],
    )
    for name, ms in (("0.5", latency.p50_ms), ("0.95", latency.p95_ms)):
        if ms is not None:
            newest.add_metric([name], ms / 1000)
    return newest


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    told, below = [], 0
    for bound_ms, count in zip(BOUNDS_MS, histogram.counts, strict=True):
        below += count
        told.append(("+Inf" if bound_ms == float("inf") else f"{bound_ms / 1000:g}", float(below)))
    return told
