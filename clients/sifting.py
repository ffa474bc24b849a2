"""A batch that is refused as a whole for the sake of one row: which rows to send next, until that row stands alone.

Each call either takes rows or narrows down where the bad one is. A half that is taken tells that the bad one is in the
other, which needs no call of its own: one bad row of a hundred is found in eight calls, and the other 99 have arrived.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Generic, TypeVar

from clients.alike import Alike
from clients.blocked import Blocked
from clients.errors import CarryError, TryLater

T = TypeVar("T")
V = TypeVar("V")

MOST_CALLS: Final = 15
"""For a batch of 100 and all its rounds, one less than the 16 it may cost: what is mended goes out once more."""


class Sieve(Generic[T]):
    """Gives out parts of a batch. Pure: each ``next`` is followed by ``taken`` or ``refused``."""

    def __init__(self, items: Sequence[T]) -> None:
        self._open = list(items)  # nobody knows
        self._tainted: list[T] = []  # one of these is bad
        self._rest: list[T] = []  # the other half of what is under way
        self._part: list[T] = []
        self._wary = False
        self._good = 0
        self._bad = 0

    @property
    def left(self) -> list[T]:
        """What was neither taken nor refused alone."""
        return [*self._part, *self._rest, *self._tainted, *self._open]

    def next(self) -> list[T]:
        """The next part to send; empty when all is settled."""
        if self._tainted:
            half = max(1, len(self._tainted) // 2)
            self._part, self._rest, self._tainted = self._tainted[:half], self._tainted[half:], []
            return self._part
        if self._wary and self._bad and not self._good:
            # None was taken yet: the last one, which has least to do with the first, tells whether all are refused.
            self._part = [self._open.pop()] if self._open else []
            return self._part
        # Where many are bad, a large part would be refused again and again.
        most = len(self._open) if self._bad < 2 else max(1, self._good // self._bad)
        self._part, self._open = self._open[:most], self._open[most:]
        return self._part

    def taken(self) -> None:
        """The part was answered; in the other half, if it was one, is a bad row."""
        self._good += len(self._part)
        self._part, self._tainted, self._rest = [], self._rest, []

    def refused(self, blamed: Collection[T] = (), answered: Collection[T] = (), *, perhaps_all: bool = False) -> None:
        """The part was refused, but for what was answered; perhaps with some of it blamed, perhaps as all will be."""
        self._wary = perhaps_all
        part, rest = [each for each in self._part if each not in answered], self._rest
        self._part, self._rest = [], []
        self._good += len(answered)
        self._open = [*rest, *self._open]
        if len(part) == 1:
            self._bad += 1
            return
        named = [each for each in part if each in blamed]
        if 0 < len(named) < len(part):
            self._tainted, self._open = named, [*(each for each in part if each not in blamed), *self._open]
        else:
            self._tainted = part


@dataclass(frozen=True)
class Refusal(Generic[T, V]):
    """A part that was not answered row by row. ``about_rows``: some of it may be why.

    ``blamed`` is what the answer names, ``answered`` what it did answer for.
    """

    verdict: V
    about_rows: bool
    blamed: Collection[T] = ()
    answered: Collection[T] = ()


@dataclass(slots=True)
class Sifted(Generic[T, V]):
    """What was not answered row by row: what was refused while it stood ``alone``, and what a verdict ended unsent."""

    alone: list[tuple[T, V]] = field(default_factory=list)
    unsent: list[tuple[T, V | CarryError]] = field(default_factory=list)
    any_taken: bool = False


class Sifting(Generic[V]):
    """The calls of one batch: how many are left, and what its refusals add up to.

    ``alike`` knows the refusals of other batches. ``account`` asks the vendor for what no row can have a part in, and
    gives the verdict on the lane where that is refused, too.
    """

    def __init__(self, lane: str, alike: Alike, account: Callable[[Blocked], CarryError | None]) -> None:
        self._lane = lane
        self._alike = alike
        self._ask_account = account
        self._lock = threading.Lock()
        self._calls = 0
        self._asked = False
        self._stop: CarryError | None = None

    def run(
        self,
        door: str,
        items: Sequence[T],
        send: Callable[[Sequence[T]], Refusal[T, V] | None],
        *,
        whose: Callable[[T], int],
    ) -> Sifted[T, V]:
        """Send all, in parts where need be.

        ``send`` gives None for a part that was answered; ``whose`` gives an item's customer; refusals at one ``door``
        are held against each other.
        """
        sieve = Sieve(items)
        out: Sifted[T, V] = Sifted()
        while part := sieve.next():
            if not self._may_call(first=len(part) == len(items)):
                out.unsent = [(each, _unsifted(self._lane)) for each in sieve.left]
                break
            begun = self._alike.begin()
            refusal = send(part)
            if refusal is None:
                out.any_taken = True
                sieve.taken()
                self._alike.taken(door)
                continue
            alone = whose(part[0]) if len(part) == 1 and not out.any_taken else None
            if stop := self._everybody(door, alone, refusal.verdict, begun):
                blocked = [each for each, verdict in out.alone if isinstance(verdict, Blocked)]
                out.alone = [(each, verdict) for each, verdict in out.alone if not isinstance(verdict, Blocked)]
                out.unsent = [(each, stop) for each in [*blocked, *sieve.left]]
                return out
            if not refusal.about_rows:
                out.unsent = [(each, refusal.verdict) for each in sieve.left]
                return out
            if len(part) == 1:
                out.alone.append((part[0], refusal.verdict))
            if refusal.answered:
                out.any_taken = True
                self._alike.taken(door)
            sieve.refused(refusal.blamed, refusal.answered, perhaps_all=isinstance(refusal.verdict, Blocked))
        if out.any_taken and self._asked:
            self._alike.are_reasons(door, (whose(each) for each, _ in (*out.alone, *out.unsent)))
        return out

    def _may_call(self, *, first: bool) -> bool:
        with self._lock:
            self._calls += 1
            return first or self._calls <= MOST_CALLS

    def _everybody(self, door: str, alone: int | None, verdict: V, begun: int) -> CarryError | None:
        """Why nobody can go, where a refusal that is not the vendor's own is no matter of the rows that were sent.

        ``alone`` is the customer who was refused alone while nobody of the batch was taken.
        """
        if not isinstance(verdict, Blocked):
            return None
        if stop := self._account_too(verdict):
            return stop
        if alone is not None and self._alike.refused(door, alone, verdict.how, begun=begun):
            return verdict
        return None

    def _account_too(self, blocked: Blocked) -> CarryError | None:
        """Whether even the call that holds no customer is refused; asked once for a batch."""
        with self._lock:
            if not self._asked:
                self._asked = True
                self._calls += 1
                self._stop = self._what_account_says(blocked)
            return self._stop

    def _what_account_says(self, blocked: Blocked) -> CarryError | None:
        try:
            return self._ask_account(blocked)
        except CarryError:
            return None  # no word of it is no word against us


def _unsifted(lane: str) -> TryLater:
    return TryLater(
        f"{lane}: a batch is refused for the sake of some of its rows, which are told apart a few at a time",
        kind=f"{lane}.sifting",
        wait=timedelta(seconds=1),
        lane_wide=False,
    )
