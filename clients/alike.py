"""Is a refusal about one customer, or about everybody after all? Kept in memory, for all threads of a process.

A firewall before a vendor refuses what looks like an attack to it: one customer's address, or all that we send. The
answer is the same, and only what becomes of the others tells the two apart.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

MOST_KNOWN: Final = 1_000
"""Customers refused for their own sake that are remembered."""


@dataclass(slots=True)
class _Suspicion:
    how: str
    who: int
    place: int
    everybody: bool = False


class Alike:
    """Refusals of one customer alone, by ``door`` (a kind of call), as long as nothing is taken at that door.

    A customer who was refused while others were taken is known to be the reason, and tells nothing of the rest.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at: dict[str, _Suspicion] = {}
        self._suspicions = 0
        self._reasons: dict[tuple[str, int], None] = {}  # the oldest first

    def begin(self) -> int:
        """Where a call begins, for ``refused``: how many suspicions there were by then."""
        with self._lock:
            return self._suspicions

    def refused(self, door: str, who: int, how: str, *, begun: int | None = None) -> bool:
        """Note that customer ``who`` was refused alone, in this way; whether everybody is, by all that is known.

        Two customers refused alike, and none taken between them, are everybody; so is each one after them, until one
        is taken. A call that was ``begun`` before the first of them was refused tells nothing: what is under way beside
        it may still be taken.
        """
        with self._lock:
            known = self._at.get(door)
            if known is not None and known.how == how:
                tells = known.who != who and (door, who) not in self._reasons
                known.everybody = known.everybody or (tells and (begun is None or begun >= known.place))
                return known.everybody
            if (door, who) not in self._reasons:
                self._suspicions += 1
                self._at[door] = _Suspicion(how, who, self._suspicions)
            return False

    def is_reason(self, door: str, who: int) -> bool:
        """Whether this customer was refused while others were taken."""
        with self._lock:
            return (door, who) in self._reasons

    def taken(self, door: str) -> None:
        """Note that a customer came through at this door: who was refused alone before is the reason for it."""
        with self._lock:
            known = self._at.pop(door, None)
            if known is not None and not known.everybody:
                self._note_reasons(door, [known.who])

    def are_reasons(self, door: str, who: Iterable[int]) -> None:
        """Note that these were refused, alone or together, while others were taken."""
        with self._lock:
            self._note_reasons(door, who)

    def _note_reasons(self, door: str, who: Iterable[int]) -> None:
        for each in who:
            self._reasons.pop((door, each), None)
            self._reasons[door, each] = None
        while len(self._reasons) > MOST_KNOWN:
            del self._reasons[next(iter(self._reasons))]
