"""A lane's health, shared by all processes: when it is opened, who probes, and what closes it again. Pure.

A lane that fails again and again is opened: one probe at a time until it answers, everything kept. Any answer about a
customer, good or bad, closes it: the far side is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from ledger.lease import is_held
from ledger.outcome import OPENS_AFTER, Outcome, Retry, probe_after

#: An open lane waits so long at most for its next probe, and a probe holds the lane no longer without a result.
LONGEST_WAIT: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Health:
    """``breaker``: closed, open or probing. ``retry_at``: when the next probe may go. ``paused_until``: as asked."""

    breaker: str = "closed"
    failures: int = 0
    openings: int = 0
    opened_at: datetime | None = None
    retry_at: datetime | None = None
    paused_until: datetime | None = None
    kind: str | None = None
    why: str | None = None


def may_claim(health: Health, limit: int, now: datetime) -> tuple[int, bool]:
    """How many tasks may be claimed now, and whether that would be a probe."""
    if health.paused_until and health.paused_until > now:
        return 0, False
    if health.breaker == "closed":
        return limit, False
    if is_held(health.retry_at, now, LONGEST_WAIT):
        return 0, False
    return 1, True


def free_from(health: Health, otherwise: datetime, now: datetime) -> datetime:
    """From when on ``may_claim`` may say yes."""
    waits = health.breaker != "closed" and is_held(health.retry_at, now, LONGEST_WAIT)
    bars = [health.paused_until, health.retry_at if waits else None]
    return max((at for at in bars if at), default=otherwise)


def after_outcomes(health: Health, outcomes: Sequence[Outcome], now: datetime) -> Health:
    """The lane's health after one carry; a carry of a hundred that fails as one is one failure."""
    asked = [o for o in outcomes if isinstance(o, Retry) and o.pause and o.after is not None]
    if asked:
        longest = max(asked, key=lambda o: o.after)  # type: ignore[arg-type,return-value]
        assert longest.after is not None
        until = max(now + longest.after, health.paused_until or now)
        paused = replace(health, paused_until=until, kind=longest.kind, why=longest.why)
        # A far side that asks us to wait is there: a probe that hears so closes the lane.
        return replace(paused, breaker="closed", failures=0, openings=0, opened_at=None, retry_at=None)
    stops = [o for o in outcomes if isinstance(o, Retry) and o.stop]
    troubles = [o for o in outcomes if isinstance(o, Retry) and o.lane_wide]
    if stops or (troubles and len(troubles) == len(outcomes)):
        worst = (stops or troubles)[0]
        failures = health.failures + 1
        patient = not stops and health.breaker == "closed" and failures < OPENS_AFTER
        # What was under way when the lane opened is no probe: the next one is not pushed out by it.
        if patient or health.breaker == "open":
            return replace(health, failures=failures, kind=worst.kind, why=worst.why)
        return replace(
            health,
            breaker="open",
            failures=failures,
            openings=health.openings + 1,
            opened_at=health.opened_at or now,
            retry_at=now + probe_after(health.openings),
            kind=worst.kind,
            why=worst.why,
        )
    if not outcomes:
        return health
    passed = health.paused_until is not None and health.paused_until <= now
    if health.breaker == "closed" and not health.failures and not passed:
        return health
    return Health(paused_until=None if passed else health.paused_until)
