"""From what is wrong now to what changes: what rises, what has grown, what is over. Pure; the clock comes in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from handlers.alerting import REFUSED_WITHIN
from ledger.alert import Alert, Changes, Sighting

#: An alert is over when what it tells of has not been seen for so long: what comes and goes is told once.
CALM: Final[Mapping[str, timedelta]] = {
    "failing": timedelta(minutes=1),
    "open": timedelta(minutes=1),
    "credential": timedelta(minutes=1),
    "debt": timedelta(minutes=1),
    "index": timedelta(minutes=1),
    # Who is tried again by hand does not fail while they are on their way.
    "same_person": timedelta(minutes=3),
    "failed": timedelta(minutes=3),
}
_MEMORY_EVERY: Final = timedelta(minutes=1)


def changes(seen: Sequence[Sighting], open_ones: Sequence[Alert], at: datetime, *, somebody: bool = True) -> Changes:
    """What becomes of the open alerts, and what rises; ``somebody``: there is somebody to tell."""
    by_key = {sighting.key: sighting for sighting in seen}
    opened = {alert.key: alert for alert in open_ones}
    both = [(alert, by_key[key]) for key, alert in opened.items() if key in by_key]
    missed = [alert for key, alert in opened.items() if key not in by_key]
    grown = {alert.id: now for alert, now in both if _level(now) > _level(alert)}
    return Changes(
        rise=tuple(sighting for key, sighting in by_key.items() if key not in opened),
        seen={
            alert.id: replace(now, facts=alert.facts)
            for alert, now in both
            if alert.id not in grown and _told_of(alert) != _told_of(now)
        },
        grown=grown,
        tell=tuple(a.id for a, _ in both if somebody and a.id not in grown and a.news is None and a.told_at is None),
        back=tuple(alert.id for alert, _ in both if alert.gone_since is not None),
        gone=tuple(a.id for a in missed if a.gone_since is None and _calm(a)),
        over=tuple(a.id for a in missed if at - (a.gone_since or at) >= _calm(a)),
    )


def _calm(alert: Alert) -> timedelta:
    return CALM.get(alert.kind, timedelta(0))


def _told_of(seen: Sighting) -> tuple[object, ...]:
    return seen.count, seen.customers, seen.cause, seen.why


def _level(seen: Sighting) -> float:
    return seen.facts.get("level", 0)


# -- what one look remembers for the next ------------------------------------------------------------------------------


def all_on_since(
    memory: Mapping[str, Any], lanes: Sequence[str], at: datetime, *, updates_too: bool
) -> tuple[datetime, Mapping[str, Any] | None]:
    """Since when everything that is on now has been on, and what to remember of it; None where nothing has changed.

    Who came before then may have waited for a switch. What was never looked at was switched on now.
    """
    told = memory.get("on", {})
    now_on = [*sorted(lanes), *(["updates"] if updates_too else [])]
    since = told.get("since")
    if since is not None and set(now_on) <= set(told.get("what", ())):
        kept = None if now_on == told["what"] else {"on": {"what": now_on, "since": since}}
        return min(datetime.fromisoformat(since), at), kept
    return at, {"on": {"what": now_on, "since": at.isoformat()}}


def count_refused(
    memory: Mapping[str, Any], by_day: Mapping[str, int], at: datetime
) -> tuple[int, Mapping[str, Any] | None]:
    """How many were refused within the last ten minutes, and what to remember; None where nothing has changed.

    The ledger counts by day only. What came while nobody looked cannot be dated, and is not counted.
    """
    told, epoch = memory.get("refused", {}), at.timestamp()
    last_at, last, steps = told.get("at"), told.get("days", {}), told.get("steps", [])
    steps = [(when, n) for when, n in steps if when > epoch - REFUSED_WITHIN.total_seconds()]
    came = sum(max(0, n - last.get(day, 0)) for day, n in by_day.items())
    if came and last_at is not None and 0 <= epoch - last_at <= REFUSED_WITHIN.total_seconds():
        steps = _stepped(steps, epoch, came)
    count = sum(n for _, n in steps)
    if not came and last_at is not None and 0 <= epoch - last_at < _MEMORY_EVERY.total_seconds():
        return count, None
    kept = {"at": epoch, "days": dict(by_day), "steps": [list(step) for step in steps]}
    return count, {**memory, "refused": kept}


def _stepped(steps: Sequence[tuple[float, int]], epoch: float, came: int) -> list[tuple[float, int]]:
    if steps and epoch - steps[-1][0] < _MEMORY_EVERY.total_seconds():
        when, n = steps[-1]
        return [*steps[:-1], (when, n + came)]
    return [*steps, (epoch, came)]
