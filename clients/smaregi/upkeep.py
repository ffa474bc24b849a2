"""Keeping our copy of the members whole: one full scan, again each day, by one process at a time.

What changed since is asked for by ``clients.smaregi.polls``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from clients.smaregi.api import LIMIT
from clients.smaregi.index import Freshness, MemberIndex
from clients.smaregi.polls import LOOK_BACK_EVERY, Pages, Polls, age
from clients.smaregi.rows import as_member

SCAN_EVERY: Final = timedelta(days=1)
# A process killed while it scans leaves the right held; a page that takes longer is merely read twice.
HOLD: Final = timedelta(seconds=30)
AT_ONCE: Final = timedelta(seconds=5)  # how long one call of ``tend`` works before it looks up
ELSEWHERE: Final = timedelta(seconds=2)


class Upkeep:
    """The scans of one member index, and a poll each ten seconds while nobody else asks for one."""

    def __init__(
        self,
        pages: Pages,
        index: MemberIndex,
        polls: Polls,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._pages = pages
        self._index = index
        self._polls = polls
        self._now = now

    def tend(self) -> timedelta:
        """Do what is due, for a few seconds; how long until there is more to do.

        Raises ``TryLater``, and ``StopLane`` when Smaregi's lists cannot be believed.
        """
        look_up_at = self._now() + AT_ONCE
        while (now := self._now()) < look_up_at:
            freshness = self._index.freshness()
            old = age(freshness, now) >= LOOK_BACK_EVERY
            if freshness.scanned_at is not None and old and self._polls.look_back():
                continue
            if self._scan_is_due(freshness, now):
                if not self._scan_page():
                    return ELSEWHERE
            else:
                return ELSEWHERE if old else LOOK_BACK_EVERY - age(freshness, now)
        return timedelta(0)

    @staticmethod
    def _scan_is_due(freshness: Freshness, now: datetime) -> bool:
        scanned_at = freshness.scanned_at
        return scanned_at is None or freshness.scan_page is not None or now - scanned_at >= SCAN_EVERY

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
            self._index.put(map(as_member, rows), seen_at=now, touch=True)
            done = len(rows) < LIMIT
            if done and freshness.scanned_at is not None:
                # Gone is who was unseen by two scans: a deletion shifts the pages under a scan, and hides one member
                # from it. A member deleted meanwhile does no harm, since every hit is looked at before it is linked.
                self._index.forget_unseen(freshness.scanned_at)
        except BaseException:
            self._index.polled(lambda latest: latest)
            raise
        # Over what stands there now: polls go on beside the scan.
        if done:
            self._index.polled(lambda latest: Freshness(scanned_at=began, fresh_at=latest.fresh_at or began))
        else:
            self._index.polled(lambda latest: replace(latest, scan_page=page + 1, scan_began_at=began))
        return True
