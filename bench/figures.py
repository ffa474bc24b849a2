"""What is made of raw measurements: percentiles, medians with their spread, ratios and slopes. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` (0..1) of ``values`` do not exceed; NaN when there are none."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


@dataclass(frozen=True, slots=True)
class Spread:
    """Several measurements of one thing: their median, and how far they lie apart."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of at least one value."""
        return cls(median(values), min(values), max(values))

    def shown(self, digits: int = 0) -> str:
        """``1,234 (1,200–1,300)``; the median alone where nothing was repeated."""
        if self.lowest == self.highest:
            return f"{self.median:,.{digits}f}"
        return f"{self.median:,.{digits}f} ({self.lowest:,.{digits}f}–{self.highest:,.{digits}f})"


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """How ours compare with theirs, repeat by repeat: what disturbs the machine disturbs both of a pair alike.

    Infinite against one that did nothing at all.
    """
    return Spread.of([mine / other if other else math.inf for mine, other in zip(ours, theirs, strict=True)])


def slope(points: Sequence[tuple[float, float]]) -> float:
    """By how much the second number grows with each one of the first: least squares; 0 where that makes no sense."""
    if len(points) < 2:
        return 0.0
    mean_x, mean_y = fmean(x for x, _ in points), fmean(y for _, y in points)
    across = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / across if across else 0.0


def busiest_share(times: Sequence[float], per_second: float) -> float:
    """Which share of a permitted rate was used, from the first of these moments (seconds) to the last."""
    if len(times) < 2 or max(times) == min(times):
        return 0.0
    return (len(times) - 1) / (max(times) - min(times)) / per_second
