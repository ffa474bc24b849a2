"""A lane's health, shared by all processes: when it is opened, who probes, and what closes it again. Pure.

A lane that fails again and again is opened: one probe at a time until it answers, everything kept. Any answer about a
customer, good or bad, closes it: the far side is there. A fault of our own is no answer.
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
#: A longer pause counts as a stopped lane: it is told, and ends with one probe.
SHORT_PAUSE: Final = timedelta(minutes=5)
#: No pause is longer: a daily limit ends with the day, and nobody else is waited for as long.
LONGEST_PAUSE: Final = timedelta(hours=25)


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
    if pause_left(health, now):
        return 0, False
    if health.breaker == "closed":
        return limit, False
    if is_held(health.retry_at, now, LONGEST_WAIT):
        return 0, False
    return 1, True


def pause_left(health: Health, now: datetime) -> timedelta:
    """How long the lane still waits as the far side asked; zero when it does not.

    A longer one than any pause may be was written before the clock was set back, or by an older version.
    """
    left = (health.paused_until or now) - now
    return left if timedelta(0) < left <= LONGEST_PAUSE else timedelta(0)


def lift(health: Health, now: datetime) -> Health:
    """The health of a lane that is to be tried at once, for somebody may have mended something.

    A probe on its way is waited for, and a short pause is kept.
    """
    long = pause_left(health, now) > SHORT_PAUSE
    if health.breaker == "open" or (health.breaker == "closed" and long):
        return replace(health, breaker="open", opened_at=health.opened_at or now, retry_at=now, paused_until=None)
    return health


def free_from(health: Health, otherwise: datetime, now: datetime) -> datetime:
    """From when on ``may_claim`` may say yes."""
    waits = health.breaker != "closed" and is_held(health.retry_at, now, LONGEST_WAIT)
    bars = [now + left if (left := pause_left(health, now)) else None, health.retry_at if waits else None]
    return max((at for at in bars if at), default=otherwise)


def after_outcomes(health: Health, outcomes: Sequence[Outcome], now: datetime) -> Health:
    """The lane's health after one carry; a carry of a hundred that fails as one is one failure."""
    asked = [o for o in outcomes if isinstance(o, Retry) and o.pause and o.after is not None]
    if asked:
        longest = max(asked, key=lambda o: o.after)  # type: ignore[arg-type,return-value]
        assert longest.after is not None
        return _paused(health, longest, min(longest.after, LONGEST_PAUSE), now)
    stops = [o for o in outcomes if isinstance(o, Retry) and o.stop]
    troubles = [o for o in outcomes if isinstance(o, Retry) and o.lane_wide]
    if stops or (troubles and len(troubles) == len(outcomes)):
        return _troubled(health, (stops or troubles)[0], now)
    if all(isinstance(o, Retry) and o.ours for o in outcomes):
        return health
    if pause_left(health, now):
        # It was asked before the pause was, and says nothing of its end.
        return replace(health, failures=0)
    return health if health == Health() else Health()


def _paused(health: Health, asked: Retry, wait: timedelta, now: datetime) -> Health:
    """The far side asks us to wait: obeyed by the whole lane, and no failure."""
    left = pause_left(health, now)
    if wait >= left:
        health = replace(health, paused_until=now + wait, kind=asked.kind, why=asked.why)
    if max(wait, left) > SHORT_PAUSE:
        opened_at = health.opened_at or now
        return replace(
            health, breaker="open", failures=0, openings=0, opened_at=opened_at, retry_at=health.paused_until
        )
    # A far side that asks us to wait is there: a probe that hears so closes the lane.
    return replace(health, breaker="closed", failures=0, openings=0, opened_at=None, retry_at=None)


def _troubled(health: Health, worst: Retry, now: datetime) -> Health:
    """One more carry has failed for the lane's sake."""
    failures = health.failures + 1
    patient = not worst.stop and health.breaker == "closed" and failures < OPENS_AFTER
    # What was under way when the lane opened is no probe: the next one is not pushed out by it.
    if patient or health.breaker == "open":
        if pause_left(health, now) and not worst.stop:
            return replace(health, failures=failures)
        return replace(health, failures=failures, kind=worst.kind, why=worst.why)
    return replace(
        health,
        paused_until=health.paused_until if pause_left(health, now) else None,
        breaker="open",
        failures=failures,
        openings=health.openings + 1,
        opened_at=health.opened_at or now,
        retry_at=now + probe_after(health.openings),
        kind=worst.kind,
        why=worst.why,
    )
