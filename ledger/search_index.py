"""The search index: which words each customer is found by, written behind the back of the receiving path.

It walks what changed since it last looked: deliveries and reads, by their ids, and the whole ledger once at the
beginning. One customer's words are written anew each time, so doing it twice does no harm. One process at a time holds
the right to it (``cursors``).

Nothing is passed over. On SQLite, which has one writer, ids are committed in their order. On PostgreSQL they are not,
so it walks only up to an id that was the highest a while ago, when every transaction of that time is over.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Table, func, select, text, update

from ledger import tables as t
from ledger.database import Database
from ledger.search_words import SearchWords
from ledger.steps import FIRST_SIZE, STEP_S, rest_s
from ledger.turn import take_turn
from ledger.words import FORM

CURSOR: Final = "search"
#: The right to index ends by itself, should its holder be gone.
_HOLD: Final = timedelta(minutes=2)
#: So long an id must have been the highest, on PostgreSQL: between numbering a row and beginning to write it down a
#: transaction has no number of its own yet by which it could be waited for.
SETTLES: Final = timedelta(seconds=3)
_LOOKS: Final = timedelta(seconds=1)
#: One run takes no longer, so that what changed is looked at again while the first fill goes on.
_RUN_S: Final = 2.0
_SMALLEST: Final = 5
_LARGEST: Final = 200
_WALK: Final = 500


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the first fill is, in 0..1; ``full``: every customer is in the index."""

    share: float
    full: bool


@dataclass(frozen=True, slots=True)
class Run:
    """What one run did: how many customers it looked at; ``more``: there is more to do at once."""

    customers: int = 0
    more: bool = False


@dataclass(frozen=True, slots=True)
class _Mark:
    """How far the index is: up to which ids it has walked, and up to which customer it is filled."""

    deliveries: int
    attempts: int
    filled: int = 0
    full: bool = False
    form: int = FORM
    key: str = ""

    def walked(self, table: str, after: int) -> _Mark:
        """The same, having walked this table up to this id."""
        return replace(self, deliveries=after) if table == "deliveries" else replace(self, attempts=after)


@dataclass(frozen=True, slots=True)
class _Seen:
    """The highest ids at one moment; on PostgreSQL with the first transaction that began after it."""

    at: datetime
    deliveries: int
    attempts: int
    transaction: int


class SearchIndex:
    """Fills the index and keeps it; ``reads`` is the lane whose attempts change customers."""

    def __init__(self, database: Database, *, reads: str = "shopify") -> None:
        self._database = database
        self.words = SearchWords(database)
        self._reads = reads
        self._key = database.seal.key_ids[0] if database.seal else ""
        self._seen: deque[_Seen] = deque(maxlen=8)

    def progress(self) -> Progress:
        """How much of the ledger can be found. Shopify's ids grow with time, so the share is a good guess."""
        ids = t.customers.c.id
        with self._database.reading() as c:
            mark = self._mark(c)
            if mark and mark.full:
                return Progress(1.0, full=True)
            first, last = (c.execute(select(which(ids))).scalar() for which in (func.min, func.max))
        if first is None or last is None:
            return Progress(1.0, full=True)
        done = max(0, mark.filled - first) if mark else 0
        return Progress(min(done / (last - first + 1), 1.0), full=False)

    def run(self, *, now: Callable[[], datetime], rest: Callable[[float], object]) -> Run:
        """Index what changed, and a part of what was there before; nothing when another process is at it.

        Between two steps it calls ``rest(seconds)``, and ends early when that returns something true. Raises
        ``StoreBusy``.
        """
        with self._database.reading() as c:
            mark, upto = self._mark(c), self._safe(c, now())
        if upto is None or (mark and not self._anything(mark, upto)):
            return Run()
        until = self._take(now())
        if until is None:
            return Run()
        with self._database.reading() as c:
            mark = self._mark(c)  # the last holder may have gone on meanwhile
        if mark is None or not self._is_ours(mark):
            mark = _Mark(upto.deliveries, upto.attempts, key=self._key)
        work = _Work(self, mark, rest)
        try:
            going = work.catch_up(upto) and work.fill()
        finally:
            self._give_up(until, work.mark)
        return Run(work.count, more=going and self._anything(work.mark, upto))

    # -- what changed -------------------------------------------------------------------------------------------------

    def walk(self, table: Table, after: int, end: int) -> tuple[set[int], int]:
        """The customers that the rows after this one speak of, and the last of those rows."""
        says = table.c.verdict == "changed" if table is t.deliveries else table.c.lane == self._reads
        page = select(table.c.id, table.c.customer_id, says.label("says")).where(table.c.id > after, table.c.id <= end)
        with self._database.reading() as c:
            rows = c.execute(page.order_by(table.c.id).limit(_WALK)).all()
        ids = {row.customer_id for row in rows if row.says and row.customer_id is not None}
        return ids, rows[-1].id if len(rows) == _WALK else end

    def next_customers(self, after: int, size: int) -> list[int]:
        page = select(t.customers.c.id).where(t.customers.c.id > after).order_by(t.customers.c.id).limit(size)
        with self._database.reading() as c:
            return list(c.execute(page).scalars())

    def _safe(self, c: Connection, now: datetime) -> _Seen | None:
        """The highest ids behind which nothing can be committed any more."""
        ids = [c.execute(select(func.max(table.c.id))).scalar() or 0 for table in (t.deliveries, t.attempts)]
        if not self._database.on_postgresql:
            return _Seen(now, ids[0], ids[1], 0)
        begun = text(
            "SELECT pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint FROM pg_current_snapshot() s"
        )
        oldest_open, next_one = c.execute(begun).one()
        over = [seen for seen in self._seen if seen.transaction <= oldest_open and seen.at + SETTLES <= now]
        while over and self._seen[0] is not over[-1]:
            self._seen.popleft()
        if not self._seen or self._seen[-1].at + _LOOKS <= now:
            self._seen.append(_Seen(now, ids[0], ids[1], next_one))
        return over[-1] if over else None

    def _anything(self, mark: _Mark, upto: _Seen) -> bool:
        up_to_date = (mark.deliveries, mark.attempts) == (upto.deliveries, upto.attempts)
        return not (mark.full and up_to_date and self._is_ours(mark))

    def _is_ours(self, mark: _Mark) -> bool:
        """Whether the words there are such as we would write; else all are written anew."""
        return (mark.form, mark.key) == (FORM, self._key)

    # -- one at a time ------------------------------------------------------------------------------------------------

    @staticmethod
    def _mark(c: Connection) -> _Mark | None:
        value: dict[str, Any] | None = c.execute(select(t.cursors.c.value).where(t.cursors.c.name == CURSOR)).scalar()
        return _Mark(**value) if value else None

    def _take(self, now: datetime) -> datetime | None:
        turn = take_turn(self._database, CURSOR, now, _HOLD)
        return turn.until if turn else None

    def _give_up(self, until: datetime, mark: _Mark) -> None:
        value = {name: getattr(mark, name) for name in _Mark.__slots__}
        mine = (t.cursors.c.name == CURSOR, t.cursors.c.held_until == until)
        with self._database.writing(loose=True) as c:
            c.execute(update(t.cursors).where(*mine).values(value=value, held_until=None))


class _Work:
    """One run by the holder of the right; ``mark`` says how far it came, whatever ends it."""

    def __init__(self, index: SearchIndex, mark: _Mark, rest: Callable[[float], object]) -> None:
        self.mark = mark
        self.count = 0
        self._index = index
        self._rest = rest

    def catch_up(self, upto: _Seen) -> bool:
        """Look at who changed, for as long as a run may take; False when it was cut short."""
        began = time.monotonic()
        for table in (t.deliveries, t.attempts):
            end: int = getattr(upto, table.name)
            # In an empty table SQLite begins to number anew.
            after: int = min(getattr(self.mark, table.name), end)
            while True:
                self.mark = self.mark.walked(table.name, after)
                if after >= end or time.monotonic() - began > _RUN_S:
                    break
                ids, after = self._index.walk(table, after, end)
                if not self._rewrite(sorted(ids)):
                    return False
        return True

    def fill(self) -> bool:
        """Go on with the first fill, for as long as a run may take; False when it was cut short."""
        began, size = time.monotonic(), FIRST_SIZE
        while not self.mark.full and time.monotonic() - began < _RUN_S:
            ids = self._index.next_customers(self.mark.filled, size)
            began_page = time.perf_counter()
            held_s = self._index.words.rewrite(ids)
            took_s = time.perf_counter() - began_page
            self.count += len(ids)
            full = len(ids) < size
            self.mark = replace(self.mark, full=True) if full else replace(self.mark, filled=ids[-1])
            size = _next_size(size, held_s)
            if self._rest(max(rest_s(held_s), took_s)):
                return False
        return True

    def _rewrite(self, ids: Sequence[int]) -> bool:
        size = FIRST_SIZE
        while ids:
            held_s = self._index.words.rewrite(ids[:size])
            self.count += len(ids[:size])
            ids, size = ids[size:], _next_size(size, held_s)
            if held_s and self._rest(rest_s(held_s)):
                return False
        return True


def _next_size(size: int, held_s: float) -> int:
    """How many the next step takes on: as many as fit into one step, at most twice as many as before."""
    return max(_SMALLEST, min(int(size * STEP_S / max(held_s, 1e-6)), 2 * size, _LARGEST))
