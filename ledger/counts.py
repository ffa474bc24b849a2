"""What happened, counted: deliveries by verdict, attempts by lane and outcome, and how long both took. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ledger.histogram import Histogram, quantile


@dataclass(frozen=True, slots=True)
class Counts:
    """``deliveries`` by verdict; ``attempts`` by (lane, outcome); ``took``: how long attempts took, by lane.

    ``total``: from the delivery until the customer was in sync everywhere.
    """

    deliveries: Mapping[str, int] = field(default_factory=dict)
    attempts: Mapping[tuple[str, str], int] = field(default_factory=dict)
    took: Mapping[str, Histogram] = field(default_factory=dict)
    total: Histogram = Histogram()  # noqa: RUF009 - frozen

    def __add__(self, other: Counts) -> Counts:
        lanes = self.took.keys() | other.took.keys()
        return Counts(
            dict(Counter(self.deliveries) + Counter(other.deliveries)),
            dict(Counter(self.attempts) + Counter(other.attempts)),
            {lane: self.took.get(lane, Histogram()) + other.took.get(lane, Histogram()) for lane in sorted(lanes)},
            self.total + other.total,
        )

    def to_json(self) -> dict[str, Any]:
        """As it is kept: ``from_json`` reads it back."""
        attempts: dict[str, dict[str, int]] = {}
        for (lane, outcome), count in sorted(self.attempts.items()):
            attempts.setdefault(lane, {})[outcome] = count
        return {
            "deliveries": dict(sorted(self.deliveries.items())),
            "attempts": attempts,
            "took": {lane: took.to_json() for lane, took in sorted(self.took.items())},
            **({"total": self.total.to_json()} if self.total.count else {}),
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any] | None) -> Counts:
        """What ``to_json`` wrote; nothing kept is nothing counted."""
        if not kept:
            return cls()
        return cls(
            dict(kept["deliveries"]),
            {(lane, outcome): n for lane, by in kept["attempts"].items() for outcome, n in by.items()},
            {lane: Histogram.from_json(took) for lane, took in kept["took"].items()},
            Histogram.from_json(kept["total"]) if "total" in kept else Histogram(),
        )


@dataclass(frozen=True, slots=True)
class Latency:
    """How long the newest customers took from the delivery until they were in sync everywhere: how many they are, and
    within how long half and 95 of 100 of them were; None where there are none.
    """

    count: int = 0
    p50_ms: float | None = None
    p95_ms: float | None = None

    @classmethod
    def of(cls, totals_ms: Sequence[float]) -> Latency:
        """Of these times."""
        return cls(len(totals_ms), quantile(totals_ms, 0.5), quantile(totals_ms, 0.95))


@dataclass(frozen=True, slots=True)
class Hour:
    """What happened in the hour that began at ``hour``."""

    hour: datetime
    counts: Counts = field(default_factory=Counts)

    @property
    def deliveries(self) -> int:
        """All deliveries, whatever became of them."""
        return sum(self.counts.deliveries.values())

    @property
    def p50_ms(self) -> float | None:
        """Half of the customers were in sync everywhere within so long; None when there were none."""
        return self.counts.total.quantile(0.5)

    @property
    def p95_ms(self) -> float | None:
        """Nineteen in twenty customers were in sync everywhere within so long; None when there were none."""
        return self.counts.total.quantile(0.95)


def hour_of(moment: datetime) -> datetime:
    """When the hour of this moment began."""
    return moment - timedelta(minutes=moment.minute, seconds=moment.second, microseconds=moment.microsecond)
