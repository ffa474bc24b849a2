"""Asking Smaregi what changed: polls that overlap while customers are on their way, so that one has always just ended.

A list cannot be asked for an e-mail, so the member index stands between a customer and a second membership. Nothing is
created on a word of it that is older than a second, and an answer takes most of a second itself. So the next poll is
sent before the last one was answered, by whichever process comes first.
https://developers.smaregi.dev/platform-api-reference/common
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Lock
from typing import Final, Protocol

from clients.errors import Busy, CarryError, TryLater
from clients.hurry import one_try
from clients.smaregi.api import LIMIT, filter_ignored
from clients.smaregi.index import Freshness, MemberIndex, Poll
from clients.smaregi.rows import Row, as_member, changed_at
from customer import LIST_LAG, Member

#: No member is created on an older word, from poll sent to POST sent. The last 20 ms are for the POST to leave.
FRESH: Final = timedelta(milliseconds=980)
EVERY: Final = timedelta(milliseconds=200)
LOOK_BACK: Final = timedelta(seconds=10)  # of most polls: there are few rows, and a lag of some seconds does no harm
LOOK_BACK_EVERY: Final = timedelta(seconds=10)
OVERLAP: Final = timedelta(minutes=2)  # of one poll in ten seconds: for what shows in the list only much later
BEHIND: Final = timedelta(minutes=15)  # an older index is brought up to date by one process, page by page
WINDOW: Final = timedelta(days=30)  # the vendor allows 31
CLOCKS: Final = timedelta(hours=12)  # a clock that differs from Smaregi's by more is not believed to be Smaregi's
AHEAD: Final = timedelta(minutes=2)  # Smaregi's clock may go before ours
SECOND: Final = timedelta(seconds=1)  # their times are whole seconds, and a bound may be exclusive
SOON: Final = timedelta(seconds=3)  # a customer who is due by then is on the way
ANSWER_S: Final = 3.0  # an answer after that would be of no use to a create
IN_FLIGHT: Final = 8
LOOK_AGAIN: Final = timedelta(milliseconds=25)
PATIENCE: Final = timedelta(seconds=3)  # how long a create waits for a word that is fresh enough
BUILDING: Final = timedelta(seconds=1)
LONGEST_REST: Final = timedelta(minutes=1)


class Pages(Protocol):
    """What is asked of Smaregi."""

    @property
    def heard_at(self) -> datetime | None:
        """What time it was at Smaregi when it last answered, if it told."""

    def members(
        self,
        *,
        page: int,
        since: datetime | None = None,
        until: datetime | None = None,
        before_send: Callable[[], None] = lambda: None,
    ) -> list[Row]:
        """One page of all members, or of those changed in a window; ``before_send`` runs when the question leaves."""


class Polls:
    """The polls of one member index. ``beside`` runs those that nobody waits for."""

    def __init__(
        self,
        pages: Pages,
        index: MemberIndex,
        *,
        every: timedelta = EVERY,
        beside: Executor | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._pages = pages
        self._index = index
        self._every = every
        self._beside = beside or ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="smaregi-poll")
        self._now = now
        self._sleep = sleep
        self._lock = Lock()
        self._looking = Lock()
        self._seen: tuple[Freshness, datetime] | None = None
        self._in_flight = 0
        self._begun_at: datetime | None = None
        self._waiting = 0
        self._failures = 0
        self._error: Exception | None = None
        self._untold: Exception | None = None
        self._rests_until: datetime | None = None
        #: How far Smaregi's clock is behind ours.
        self._clock_behind = timedelta(0)

    # Beside the carries

    def attend(self) -> timedelta | None:
        """Begin a poll if customers are on their way and one is due; how long until the next, None: until a commit.

        Raises what a poll ended with that was begun earlier.
        """
        with self._lock:
            untold, self._untold = self._untold, None
        if untold is not None:
            raise untold
        now = self._now()
        if (rest := self._rest(now)) > timedelta(0):
            return rest
        freshness = self._index.freshness()
        if freshness.scanned_at is None:
            return BUILDING
        if not self._waiting and not self._index.newcomers(now, now + SOON):
            return None
        return self._every if self._begin(freshness, now) else self._every / 4

    def look_back(self) -> bool:
        """Poll with a long overlap, here and now, if nobody has within ten seconds; whether it was done."""
        now = self._now()
        if self._rest(now) > timedelta(0) or not self._index.my_turn("look_back", now, LOOK_BACK_EVERY):
            return False
        self._run(far_back=True)
        return True

    @property
    def is_kept_up(self) -> bool:
        """Whether some process heard of the changes within the last ten seconds."""
        return age(self._index.freshness(), self._now()) < LOOK_BACK_EVERY

    # Before a create

    def ensure_fresh(self, within: timedelta = FRESH, patience: timedelta = PATIENCE) -> datetime:
        """When the newest word was asked for, once it is at most ``within`` old, polling if need be.

        Raises ``Busy`` while the index was never filled, or when no word comes in time, and what the last poll ended
        with if that was no answer.
        """
        give_up_at = self._now() + patience
        with self._waiting_for_it():
            while True:
                freshness, now, mine = self._look()
                if freshness.scanned_at is None:
                    # Nobody can go before it is there, so the lane pauses rather than trying each customer in turn.
                    raise Busy(
                        "the member index is being built: the first full scan of Smaregi's members is not finished",
                        kind="smaregi.index_building",
                        wait=BUILDING,
                    )
                if freshness.fresh_at is not None and age(freshness, now) <= within:
                    return freshness.fresh_at
                rest, error = self._rest(now), self._error
                for_long = now + rest >= give_up_at or not isinstance(error, TryLater)
                if error is not None and rest > timedelta(0) and for_long:
                    raise _once_more(error, rest)
                if now >= give_up_at:
                    # Busy: a customer is not at fault, and must not come to wait for a person because of it.
                    raise Busy(
                        "Smaregi takes too long to tell which members changed: nobody is created on a word older than "
                        "a second, since a member made at the till meanwhile would be doubled",
                        kind="smaregi.index_stale",
                        wait=BUILDING,
                    )
                if rest > timedelta(0) or not mine or not self._begin(freshness, now) or self._in_flight:
                    self._sleep(LOOK_AGAIN.total_seconds())

    def _look(self) -> tuple[Freshness, datetime, bool]:
        """How much the index holds, the time, and whether this was a look of the caller's own.

        Whoever waits looks again and again, and many wait at once: one look serves all who come soon after it.
        """
        with self._looking:
            now = self._now()
            if self._seen is not None and timedelta(0) <= now - self._seen[1] < LOOK_AGAIN / 2:
                return self._seen[0], now, False
            self._seen = self._index.freshness(), now
            return *self._seen, True

    def newer(self, patience: timedelta) -> datetime | None:
        """``ensure_fresh`` where there is no time: None when no word comes within ``patience``."""
        try:
            return self.ensure_fresh(patience=patience)
        except CarryError:
            return None

    def is_fresh(self, word: datetime) -> bool:
        """Whether something may still be created on a word that was asked for then."""
        return abs(self._now() - word) <= FRESH

    @contextmanager
    def _waiting_for_it(self) -> Iterator[None]:
        with self._lock:
            self._waiting += 1
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1

    # One poll

    def _begin(self, freshness: Freshness, now: datetime) -> bool:
        """Whether a poll was begun: one is due, and the turn is ours."""
        # The turn is everybody's, but hosts whose clocks differ by more than a turn would each take the other's for one
        # that was written before a clock was set back: so no process goes faster than all of them may.
        early = self._begun_at is not None and abs(now - self._begun_at) < self._every
        if early or self._in_flight >= IN_FLIGHT:
            return False
        if age(freshness, now) > BEHIND:
            far_back = self._index.my_turn("look_back", now, LOOK_BACK_EVERY)
            if not far_back:
                return False
        elif self._index.my_turn("poll", now, self._every):
            far_back = self._index.my_turn("look_back", now, LOOK_BACK_EVERY)
        else:
            return False
        with self._lock:
            self._in_flight += 1
            self._begun_at = now
        self._beside.submit(self._run_beside, far_back=far_back)
        return True

    def _run_beside(self, *, far_back: bool) -> None:
        try:
            self._run(far_back=far_back)
        except Exception as e:  # noqa: BLE001 - on a thread of its own; ``attend`` raises it, and so does who waits
            with self._lock:
                self._untold = e
        finally:
            with self._lock:
                self._in_flight -= 1

    def _run(self, *, far_back: bool) -> None:
        try:
            while not self._ask(far_back=far_back):
                pass
        except Exception as e:
            self._rest_after(e)
            raise
        with self._lock:
            self._failures, self._error, self._rests_until = 0, None, None

    def _ask(self, *, far_back: bool) -> bool:
        """Read what changed, or the oldest window of it, into the index; whether that was all up to now."""
        freshness, now = self._index.freshness(), self._now()
        known_to = min(freshness.fresh_at or freshness.scanned_at or now, now)
        far_back = far_back or now - known_to > LOOK_BACK - LIST_LAG
        since = known_to - OVERLAP if far_back else now - LOOK_BACK
        until = since + WINDOW
        # By whichever clock is the earlier one, and to whichever is the later one.
        asked_from = (min(since, since - self._clock_behind) - SECOND).replace(microsecond=0)
        asked_to = min(until, max(now, now - self._clock_behind) + AHEAD).replace(microsecond=0)
        sent_at = now

        def leaves() -> None:
            nonlocal sent_at
            sent_at = self._now()

        exclusive = age(freshness, now) > BEHIND
        read: list[Member] = []
        for page in count(1):
            with one_try(ANSWER_S):
                rows = self._pages.members(
                    page=page, since=asked_from, until=asked_to, before_send=leaves if page == 1 else _on
                )
            self._compare_clocks()
            if any(not _within(row, asked_from, asked_to) for row in rows):
                raise filter_ignored("upd_date_time")
            read += map(as_member, rows)
            if len(rows) < LIMIT:
                break
            if exclusive:
                # Marked as seen, so that no older answer is laid over it before this poll has been heard to its end.
                self._index.put(read, seen_at=sent_at, touch=True)
                read.clear()
            else:
                self._wait_for_a_turn()
        self._index.heard(read, Poll(since, min(sent_at, until)))
        return until >= now

    def _wait_for_a_turn(self) -> None:
        """A further page is a poll, too, for the rate of polls; one that is far behind is the only one of its kind."""
        while not self._index.my_turn("poll", self._now(), self._every):
            self._sleep(LOOK_AGAIN.total_seconds())

    def _compare_clocks(self) -> None:
        heard_at = self._pages.heard_at
        behind = timedelta(0) if heard_at is None else self._now() - heard_at
        self._clock_behind = behind if abs(behind) <= CLOCKS else timedelta(0)

    # After a poll that failed

    def _rest_after(self, error: Exception) -> None:
        """Ask nothing for a while: as long as Smaregi says, else half a second, doubled each time, ten at most."""
        with self._lock:
            self._failures += 1
            rest = timedelta(seconds=min(0.25 * 2 ** min(self._failures, 10), 10))
            if isinstance(error, TryLater) and error.wait is not None:
                rest = min(error.wait, LONGEST_REST)
            self._error = error
            self._rests_until = self._now() + rest

    def _rest(self, now: datetime) -> timedelta:
        """How long nothing may be asked; a moment too far off was written before the clock was set back."""
        rest = timedelta(0) if self._rests_until is None else self._rests_until - now
        return rest if timedelta(0) < rest <= LONGEST_REST else timedelta(0)


def _on() -> None:
    """A later page of an answer proves nothing about its own time."""


def age(freshness: Freshness, now: datetime) -> timedelta:
    """How old the index's word is; a word from the future (a clock that went back) is as old as it is wrong."""
    return timedelta.max if freshness.fresh_at is None else abs(now - freshness.fresh_at)


def _within(row: Row, since: datetime, until: datetime) -> bool:
    at = changed_at(row)
    return at is not None and since - SECOND <= at <= until + SECOND


def _once_more(error: Exception, rest: timedelta) -> Exception:
    """The same error for another customer: what a lane notes on one of them must not stand on all."""
    if not isinstance(error, TryLater):
        return error
    again = type(error).__new__(type(error), *error.args)
    vars(again).update(vars(error))
    if isinstance(again, Busy):
        again.wait = rest
    return again
