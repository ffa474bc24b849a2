"""What the ledger's own statements cost: each one alone, by the wall, on a ledger at rest with no worker beside it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Final

from bench.whole import DESTINATIONS, LANES
from ledger.book import Book, Settlement
from ledger.database import Database
from ledger.members import Members
from ledger.outcome import Done
from ledger.report import Report
from ledger.resync import Resync

#: As many as the Smaregi lane claims when all its threads are free.
CLAIM: Final = 16
_TIMES: Final = 9
_LEASE: Final = timedelta(seconds=30)


def time_statements(database: Database, ids: Sequence[int]) -> dict[str, float]:
    """Milliseconds (medians) by name; ``ids`` are customers at rest, and are at rest again afterwards."""
    book = Book(database, destinations=DESTINATIONS)
    report, members, resync = Report(database), Members(database), Resync(database)
    dice = random.Random(len(ids))
    claims: list[float] = []
    settles: list[float] = []
    for _ in range(_TIMES):
        some = dice.sample(ids, CLAIM)
        resync.page(now=_now(), lanes=["smaregi"], customer_ids=some)
        began = time.perf_counter()
        claimed = book.claim("smaregi", CLAIM, now=_now(), lease=_LEASE)
        between = time.perf_counter()
        outcomes = [(one, Done(one.task.ref or "", "unchanged", one.task.sent)) for one in claimed]
        middle = time.perf_counter()
        book.settle([Settlement("smaregi", outcomes, _now(), 1.0)], now=_now())
        claims.append((between - began) * 1000)
        settles.append((time.perf_counter() - middle) * 1000)
    return {
        "next_due, nothing waits": _ms(lambda: book.next_due("smaregi", now=_now())),
        "claim, nothing waits": _ms(lambda: book.claim("smaregi", CLAIM, now=_now(), lease=_LEASE)),
        f"claim {CLAIM}": median(claims),
        f"settle {CLAIM}": median(settles),
        "rescue, nothing to rescue": _ms(lambda: book.rescue(now=_now())),
        "find a member by e-mail": _ms(lambda: members.by_mail("nobody@example.jp")),
        "find who is linked to a member": _ms(lambda: members.linked_to("0")),
        "one customer's story": _ms(lambda: report.story(dice.choice(ids))),
        "the lanes at a glance": _ms(lambda: report.lanes(LANES)),
        "what waits for a person": _ms(lambda: report.failures(LANES)),
        "count the members": _ms(members.count),
    }


def _ms(go: Callable[[], object]) -> float:
    times = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        go()
        times.append((time.perf_counter() - began) * 1000)
    return median(times)


def _now() -> datetime:
    return datetime.now(UTC)
