"""What growth measures, as values: the cost of an event, and one size of one ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from bench.figures import Spread, ratios


@dataclass(frozen=True, slots=True)
class Cost:
    """What one event cost on average in one run, in milliseconds; ``database`` None where it is part of the others."""

    wall: float
    web: float
    worker: float
    database: float | None

    @property
    def work(self) -> float:
        """All processor time together."""
        return self.web + self.worker + (self.database or 0.0)


@dataclass(frozen=True, slots=True)
class Point:
    """One size of one ledger: the costs run by run, memory in MiB, the database in MiB, starts and statements.

    ``beside``: the costs on a small ledger, run by run in turns with the others: what disturbs the machine hits both.
    """

    store: str
    customers: int
    costs: Sequence[Cost]
    web_mib: float
    worker_mib: float
    database_mib: float
    starts_ms: dict[str, float]
    statements_ms: dict[str, float]
    failed: int
    beside: Sequence[Cost]

    @property
    def work(self) -> float:
        """Processor milliseconds per event, the median of the runs."""
        return median(cost.work for cost in self.costs)

    @property
    def growth(self) -> Spread:
        """The work compared with the small ledger's, run by run."""
        return ratios([cost.work for cost in self.costs], [cost.work for cost in self.beside])


@dataclass(frozen=True, slots=True)
class Growth:
    """Everything that was measured, store by store, each from the smallest size on."""

    points: list[Point] = field(default_factory=list)

    def of(self, store: str) -> list[Point]:
        """The points of one store."""
        return [point for point in self.points if point.store == store]

    @property
    def stores(self) -> list[str]:
        """The stores in the order in which they were measured."""
        return list(dict.fromkeys(point.store for point in self.points))
