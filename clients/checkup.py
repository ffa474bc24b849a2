"""What a check of a far side found, line by line: the shape that is the same for all.

A line says what was looked at and how it is; one that is wrong names the mend. Nothing here changes anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol, TypeAlias, runtime_checkable

State: TypeAlias = Literal["ok", "wrong", "skipped"]

#: Vendors refuse tokens, and we lose changes, by clocks that are further apart.
MOST_DRIFT: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: ``what`` was looked at, how it is in words, and what to do about it."""

    what: str
    state: State
    said: str
    mend: str | None = None


@runtime_checkable
class Examines(Protocol):
    """A lane that can look through its far side: credential, scopes, plan, setup."""

    @property
    def name(self) -> str:
        """The lane's word."""

    def examine(self) -> Iterator[Finding]:
        """Look, line by line, and change nothing. May raise ``CarryError``: then nothing further could be asked."""


def ok(what: str, said: str) -> Finding:
    """It is as it must be."""
    return Finding(what, "ok", said)


def wrong(what: str, said: str, mend: str | None = None) -> Finding:
    """It is not as it must be."""
    return Finding(what, "wrong", said, mend)


def skipped(what: str, why: str) -> Finding:
    """It could not be looked at, or need not be."""
    return Finding(what, "skipped", why)


def clock(theirs: datetime | None, ours: datetime) -> Finding:
    """Our clock beside the far side's, from the ``Date`` of its last answer."""
    if theirs is None:
        return skipped("clock", "its answers tell no time")
    apart = ours - theirs
    if abs(apart) <= MOST_DRIFT:
        return ok("clock", "ours and theirs agree")
    way = "ahead of" if apart > timedelta(0) else "behind"
    return wrong(
        "clock",
        f"ours is {abs(apart.total_seconds()):.0f} s {way} theirs",
        "set this machine's clock by NTP: tokens, retries and polls go by it",
    )
