"""Keeping our copy of the members true: one full scan, then what changed, every ten seconds, by one process at a time.

A list cannot be asked for an e-mail, so this copy is what stands between a customer and a second membership; it says
how fresh it is, and nothing is created on an older word than a minute.
https://developers.smaregi.dev/platform-api-reference/common
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final, Protocol

from clients.errors import Busy, TryLater
from clients.smaregi.api import LIMIT, filter_ignored
from clients.smaregi.index import Freshness, MemberIndex
from clients.smaregi.rows import Row, as_member, changed_at

POLL_EVERY: Final = timedelta(seconds=10)
FRESH: Final = timedelta(seconds=60)  # no member is created or linked on an older word
OVERLAP: Final = timedelta(minutes=2)  # clocks differ, and a list shifts while its pages are read
WINDOW: Final = timedelta(days=30)  # the vendor allows 31
SCAN_EVERY: Final = timedelta(days=1)
# A process killed while it polls leaves the right held. It must end early enough that the index is polled again before
# it is a minute old; a poll that takes longer is merely done twice.
HOLD: Final = timedelta(seconds=30)
AT_ONCE: Final = timedelta(seconds=5)  # how long one call of ``tend`` works before it looks up
ELSEWHERE: Final = timedelta(seconds=2)
BUILDING: Final = timedelta(seconds=1)
LOOK_AGAIN_S: Final = 0.2
LOOKS: Final = 15
SECOND: Final = timedelta(seconds=1)  # their times and ours are whole seconds


class Pages(Protocol):
    """What the upkeep asks of Smaregi."""

    def members(self, *, page: int, since: datetime | None = None, until: datetime | None = None) -> list[Row]:
        """One page of all members, or of those changed in a window."""


class Upkeep:
    """The scans and polls of one member index."""

    def __init__(
        self,
        pages: Pages,
        index: MemberIndex,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._pages = pages
        self._index = index
        self._now = now
        self._sleep = sleep

    def tend(self) -> timedelta:
        """Do what is due, for a few seconds; how long until there is more to do.

        Raises ``TryLater``, and ``StopLane`` when Smaregi's lists cannot be believed.
        """
        look_up_at = self._now() + AT_ONCE
        while (now := self._now()) < look_up_at:
            step = self._due(self._index.freshness(), now)
            if step is None:
                return self._until_next_poll(now)
            if not step():
                return ELSEWHERE
        return timedelta(0)

    def ensure_fresh(self) -> None:
        """Come back when the index is fresh enough to create on, polling if need be.

        Raises ``Busy`` while it was never filled, ``TryLater`` for this customer alone when another process is long
        about it.
        """
        for _ in range(LOOKS):
            freshness = self._index.freshness()
            if freshness.scanned_at is None:
                # Nobody can go before it is there, so the lane pauses rather than trying each customer in turn.
                raise Busy(
                    "the member index is being built: the first full scan of Smaregi's members is not finished",
                    kind="smaregi.index_building",
                    wait=BUILDING,
                )
            if _age(freshness, self._now()) < FRESH:
                return
            if not self._poll():
                self._sleep(LOOK_AGAIN_S)
        raise TryLater(
            "another process is bringing the member index up to date",
            kind="smaregi.index_stale",
            wait=ELSEWHERE,
            lane_wide=False,
        )

    def _due(self, freshness: Freshness, now: datetime) -> Callable[[], bool] | None:
        """The next thing to do, if any; it says False when another process is at it."""
        if freshness.scanned_at is None:
            return self._scan_page
        if _age(freshness, now) >= POLL_EVERY:
            return self._poll
        if freshness.scan_page is not None or now - freshness.scanned_at >= SCAN_EVERY:
            return self._scan_page
        return None

    def _until_next_poll(self, now: datetime) -> timedelta:
        return max(timedelta(0), POLL_EVERY - _age(self._index.freshness(), now))

    def _scan_page(self) -> bool:
        """Read the next page of the full scan and write down how far we came, so that a crash costs one page."""
        now = self._now()
        if not self._index.may_poll(now, now + HOLD):
            return False
        try:
            freshness = self._index.freshness()
            page, began = freshness.scan_page, freshness.scan_began_at
            if page is None or began is None or now - began >= SCAN_EVERY:
                page, began = 1, now
            rows = self._pages.members(page=page)
            self._index.put(map(as_member, rows), seen_at=began)
            done = len(rows) < LIMIT
            if done and freshness.scanned_at is not None:
                # Gone is who was unseen by two scans: a deletion shifts the pages under a scan, and hides one member
                # from it. A member deleted meanwhile does no harm, since every hit is looked at before it is linked.
                self._index.forget_unseen(freshness.scanned_at)
        except BaseException:
            self._index.polled(self._index.freshness())
            raise
        # Written over what stands there now: if our right ended meanwhile, another process may have polled.
        latest = self._index.freshness()
        if done:
            fresh_at = began if latest.fresh_at is None else max(latest.fresh_at, began)
            latest = Freshness(scanned_at=began, fresh_at=fresh_at)
        else:
            latest = replace(latest, scan_page=page + 1, scan_began_at=began)
        self._index.polled(latest)
        return True

    def _poll(self) -> bool:
        """Read what changed since the last poll, or the oldest window of it."""
        now = self._now()
        if not self._index.may_poll(now, now + HOLD):
            return False
        try:
            freshness = self._index.freshness()
            known_to = min(freshness.fresh_at or freshness.scanned_at or now, now)
            since = (known_to - OVERLAP).replace(microsecond=0)
            until = min(since + WINDOW, now.replace(microsecond=0))
            for page in count(1):
                rows = self._pages.members(page=page, since=since, until=until)
                if any(not _within(row, since, until) for row in rows):
                    raise filter_ignored("upd_date_time")
                self._index.put(map(as_member, rows), seen_at=now)
                if len(rows) < LIMIT:
                    break
        except BaseException:
            self._index.polled(self._index.freshness())
            raise
        self._index.polled(replace(self._index.freshness(), fresh_at=until))
        return True


def _age(freshness: Freshness, now: datetime) -> timedelta:
    """How old the index's word is; a word from the future (a clock that went back) is as old as it is wrong."""
    return timedelta.max if freshness.fresh_at is None else abs(now - freshness.fresh_at)


def _within(row: Row, since: datetime, until: datetime) -> bool:
    at = changed_at(row)
    return at is not None and since - SECOND <= at <= until + SECOND
