"""How much of the time that a customer took to arrive was an outage's, and not the way's. Pure.

What is subtracted, each moment once: the time between a lane's first failing attempt and its next good one (the lane
was stopped, paused or failing, whoever waited); the customer's own back-off after such an attempt; the wait for a
person after a failure; and the wait between an arrival and the same task's later attempt (it was sent once more).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple, TypeAlias

Span: TypeAlias = tuple[datetime, datetime]


class Try(NamedTuple):
    """One attempt, as far as it tells of outages."""

    lane: str
    customer_id: int
    began: datetime
    ended: datetime
    outcome: str
    kind: str | None


IsOutage: TypeAlias = Callable[[Try], bool]


def of_lanes(tries: Iterable[Try], is_outage: IsOutage) -> list[Span]:
    """When any of the lanes was away: ``tries`` in the order in which they were written down.

    A lane is back with the first attempt that began after the last failure was known and ended in another way: an
    attempt that ran beside a failing one says nothing of what came then. What is still going on has no end.
    """
    spans: list[Span] = []
    away: dict[str, Span] = {}  # from when on, and when the last failure was known
    for one in tries:
        since = away.get(one.lane)
        if is_outage(one):
            away[one.lane] = (since[0] if since else one.began, max(one.ended, since[1] if since else one.ended))
        elif since and one.outcome != "retry" and one.began >= since[1]:
            spans.append((since[0], one.began))
            del away[one.lane]
    return spans + [(began, datetime.max.replace(tzinfo=began.tzinfo)) for began, _known in away.values()]


def of_customer(tries: Iterable[Try], is_outage: IsOutage) -> list[Span]:
    """When one customer's own tasks waited in back-off, for a person, or to be sent once more."""
    by_lane: dict[str, list[Try]] = {}
    for one in tries:
        by_lane.setdefault(one.lane, []).append(one)
    return [
        (one.began if one.outcome == "retry" else one.ended, then.began)
        for mine in by_lane.values()
        for one, then in pairwise(mine)
        if one.outcome != "retry" or is_outage(one)
    ]


def overlap(came: datetime, at: datetime, spans: Iterable[Span]) -> timedelta:
    """How much of the time from ``came`` until ``at`` lies in these spans, each moment counted once."""
    inside = sorted((max(began, came), min(ended, at)) for began, ended in spans)
    return sum((end - begin for begin, end in _together(inside)), timedelta())


def _together(spans: Sequence[Span]) -> Iterator[Span]:
    """Sorted spans, those that touch as one; empty ones left out."""
    last: Span | None = None
    for began, ended in spans:
        if began >= ended:
            continue
        if last and began <= last[1]:
            last = (last[0], max(last[1], ended))
            continue
        if last:
            yield last
        last = (began, ended)
    if last:
        yield last
