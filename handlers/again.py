"""Try again what failed: page by page, for no longer than somebody may be kept waiting.

What failed once more meanwhile is left out, so whoever goes on comes to the end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from handlers.house import House

#: A request may take so long; then it says how many are left.
PATIENCE_S = 4.0
PAGE = 250


@dataclass(frozen=True, slots=True)
class Tried:
    """``tasks`` are pending again; ``left`` is how many still wait that had failed before."""

    tasks: int
    left: int


def try_again(
    house: House,
    causes: Sequence[tuple[str, str | None]],
    *,
    failed_until: datetime,
    patience_s: float = PATIENCE_S,
    clock: Callable[[], float] = time.monotonic,
) -> Tried:
    """Make pending what failed by these causes, (lane, kind) pairs, up to that moment; the oldest debts first."""
    end = clock() + patience_s
    done = 0
    for place, (lane, kind) in enumerate(causes):
        while stuck := house.waiting.page(lane, kind, failed_until=failed_until, limit=PAGE):
            if clock() >= end:
                return Tried(done, sum(house.waiting.count(*cause) for cause in causes[place:]))
            ids = [task.customer_id for task in stuck]
            made, _ = house.resync.page(
                now=house.now(), lanes=[lane], customer_ids=ids, only="failed", kinds=[kind], limit=PAGE
            )
            done += made
            if not made:
                break  # somebody else was quicker
    return Tried(done, 0)
