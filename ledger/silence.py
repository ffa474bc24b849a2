"""How long without a delivery is unusual. Pure.

For each hour of the day there is a slow rate: the mean of the last four weeks' same hours, without the busiest quarter
of them, so that a sale or an import does not count as usual. Going back from now, hour by hour through the night if
need be, the gap is unusual once ``EXPECTED`` deliveries should have come in it at those slow rates: by chance alone
that happens about once in 3,000 times. Where three days are not enough for so many, nothing can be told.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from ledger.counts import hour_of

HISTORY: Final = timedelta(weeks=4)
EXPECTED: Final = 8.0
#: With less than a week of history nothing is usual yet.
ENOUGH: Final = timedelta(weeks=1)
#: Never shorter: what the way from Shopify may take on a bad day is no silence.
SHORTEST: Final = timedelta(minutes=15)
LONGEST: Final = timedelta(days=3)
_HOUR: Final = timedelta(hours=1)


def expected_gap(deliveries: Mapping[datetime, int], first: datetime, now: datetime) -> timedelta | None:
    """How long without a delivery would be unusual now; None with too little history, or where too few come to tell.

    ``deliveries``: how many came in each hour of ``HISTORY``, by its beginning; an hour that is not there had none.
    ``first``: the first hour of all that is known.
    """
    if now - first < ENOUGH:
        return None
    slow = slow_rates(deliveries, first, now)
    expected, at = 0.0, now
    while expected < EXPECTED:
        begun = hour_of(at) if at != hour_of(at) else at - _HOUR
        rate = slow.get(begun.hour, 0.0)
        share = (at - begun) / _HOUR
        if expected + rate * share >= EXPECTED:
            at -= (EXPECTED - expected) / rate * _HOUR
            break
        expected, at = expected + rate * share, begun
        if now - at > LONGEST:
            return None
    return max(now - at, SHORTEST)


def slow_rates(deliveries: Mapping[datetime, int], first: datetime, now: datetime) -> dict[int, float]:
    """Deliveries an hour on a slow day, by the hour of the day (UTC)."""
    current = hour_of(now)
    rates = {}
    for back in range(1, 25):
        hours = [current - back * _HOUR - timedelta(days=day) for day in range(HISTORY.days)]
        counts = sorted(deliveries.get(hour, 0) for hour in hours if hour >= hour_of(first))
        usual = counts[: max(1, len(counts) * 3 // 4)]
        rates[hours[0].hour] = sum(usual) / len(usual) if usual else 0.0
    return rates
