"""How far the walk of ``rollups.py`` is, what it has added up so far, and how far it may go next. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from ledger.counts import Counts

#: A number that was seen so long ago is believed when the transactions of that time have ended ...
_SEEN: Final = timedelta(seconds=5)
#: ... or could not have lived on: longer than the database lets any of ours live.
_LONG_SEEN: Final = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Seen:
    """How far the tables went at a moment, and the first transaction (PostgreSQL's) that had not begun then."""

    at: datetime
    deliveries: int
    attempts: int
    next_transaction: int = 0
    oldest_transaction: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """What the cursor holds: how far the walk is, what it has added up, and what it saw that it may walk to next."""

    deliveries: int = 0
    attempts: int = 0
    counts: Counts = field(default_factory=Counts)
    recent: tuple[float, ...] = ()
    seen: Seen | None = None

    def to_json(self) -> dict[str, Any]:
        kept: dict[str, Any] = {
            "deliveries": self.deliveries,
            "attempts": self.attempts,
            "counts": self.counts.to_json(),
            "recent": self.recent,
        }
        if s := self.seen:
            kept["seen"] = [s.at.isoformat(), s.deliveries, s.attempts, s.next_transaction]
        return kept

    @classmethod
    def from_json(cls, kept: Mapping[str, Any] | None) -> State:
        if not kept:
            return cls()
        seen = kept.get("seen")
        return cls(
            kept["deliveries"],
            kept["attempts"],
            Counts.from_json(kept["counts"]),
            tuple(kept["recent"]),
            Seen(datetime.fromisoformat(seen[0]), *seen[1:]) if seen else None,
        )


def may_go_to(seen: Seen | None, there: Seen) -> tuple[Seen | None, Seen]:
    """How far the walk may go now, None for nowhere; and what to remember for the next time."""
    if seen is None or seen.at > there.at:
        return None, there
    ago = there.at - seen.at
    ended = ago >= _SEEN and there.oldest_transaction >= seen.next_transaction
    # A database that was restored elsewhere counts its transactions anew.
    return (seen, there) if ended or ago >= _LONG_SEEN else (None, seen)
