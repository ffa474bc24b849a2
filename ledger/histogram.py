"""Durations counted into fixed buckets: small to keep, right to add up, and good enough for p50 and p95. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, Final

#: The upper bound of each bucket, in milliseconds, itself included; the last one takes whatever is longer.
BOUNDS_MS: Final = (50, 100, 200, 300, 500, 800, 1200, 2000, 3000, 5000, 10_000, 30_000, 60_000, 300_000, inf)


@dataclass(frozen=True, slots=True)
class Histogram:
    """``counts``: how many in each bucket of ``BOUNDS_MS``; ``sum_ms``: all of them together."""

    counts: tuple[int, ...] = (0,) * len(BOUNDS_MS)
    sum_ms: float = 0.0

    @classmethod
    def of(cls, times_ms: Iterable[float]) -> Histogram:
        """These times, counted."""
        counts, sum_ms = [0] * len(BOUNDS_MS), 0.0
        for ms in times_ms:
            counts[bisect_left(BOUNDS_MS, ms)] += 1
            sum_ms += ms
        return cls(tuple(counts), sum_ms)

    @classmethod
    def one_bucket(cls, place: int, count: int, sum_ms: float) -> Histogram:
        """So many times that all fall into the bucket at this place."""
        return cls(tuple(count if i == place else 0 for i in range(len(BOUNDS_MS))), sum_ms)

    @property
    def count(self) -> int:
        """How many there are in all."""
        return sum(self.counts)

    def __add__(self, other: Histogram) -> Histogram:
        return Histogram(
            tuple(a + b for a, b in zip(self.counts, other.counts, strict=True)), self.sum_ms + other.sum_ms
        )

    def quantile(self, q: float) -> float | None:
        """The time (ms) that the share ``q`` stays under, as if each bucket were filled evenly; None when empty.

        In the last bucket nothing is known but its lower bound, so that is what comes back.
        """
        wanted, below, floor = q * self.count, 0, 0.0
        if not self.count:
            return None
        for bound, count in zip(BOUNDS_MS, self.counts, strict=True):
            if count and below + count >= wanted:
                return floor if bound == inf else floor + (bound - floor) * max(wanted - below, 0) / count
            below, floor = below + count, bound
        return floor

    def to_json(self) -> dict[str, Any]:
        """As it is kept: ``from_json`` reads it back."""
        return {"counts": list(self.counts), "ms": round(self.sum_ms, 3)}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Histogram:
        """What ``to_json`` wrote."""
        return cls(tuple(kept["counts"]), float(kept["ms"]))


def quantile(times_ms: Sequence[float], q: float) -> float | None:
    """The same of times that are still known one by one, between the two nearest; None when there are none."""
    if not times_ms:
        return None
    ordered = sorted(times_ms)
    place = q * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
