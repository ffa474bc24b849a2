"""What the overview says at first sight: is anything left, of whom, and what has to be done. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from handlers.causes import Cause, cause_of
from ledger.report import LaneReport, Left

Tone = Literal["good", "busy", "warn", "bad"]
#: What is on its way for longer is late: nothing that is well takes so long.
LATE: Final = timedelta(minutes=15)


#: A lane that was asked to wait for longer is said on top: nothing goes there meanwhile.
SHORT_PAUSE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class LaneCard:
    """One lane. ``state``: off, open, probing, paused or closed; ``cause``: why it is not well, in words, with ``why``
    as the far side said it. ``since``: from when on it has not been well; ``until``: how long it was asked to wait.
    """

    report: LaneReport
    state: str
    off: str | None = None
    cause: Cause | None = None
    why: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def waiting(self) -> int:
        """Tasks that wait, or are being carried at this moment."""
        return self.report.pending + self.report.running


def card_of(report: LaneReport, off: str | None, now: datetime) -> LaneCard:
    """The lane's card; ``off`` is why it is switched off, None when it is on."""
    health = report.health
    if off is not None:
        return LaneCard(report, "off", off)
    cause = cause_of(report.lane, health.kind) if health.kind else None
    if health.paused_until and health.paused_until > now:
        return LaneCard(report, "paused", cause=cause, why=health.why, until=health.paused_until)
    if health.breaker != "closed":
        return LaneCard(report, health.breaker, cause=cause, why=health.why, since=health.opened_at)
    return LaneCard(report, "closed")


def counted(cards: Sequence[LaneCard], apart: str) -> list[LaneReport]:
    """The lanes whose customers are in question: those that are on, without ``apart``."""
    return [card.report for card in cards if card.off is None and card.report.lane != apart]


def in_sync(lanes: Sequence[LaneReport]) -> int:
    """How many customers these lanes have in sync: those of the lane that has most of them."""
    return max((lane.done for lane in lanes), default=0)


def not_carrying(cards: Sequence[LaneCard], now: datetime) -> list[LaneCard]:
    """The lanes that are on and carry nothing now: stopped, or asked to wait for more than a short time."""
    return [
        card
        for card in cards
        if card.state in ("open", "probing")
        or (card.state == "paused" and card.until is not None and card.until - now > SHORT_PAUSE)
    ]


def tone_of(
    left: Left, cards: Sequence[LaneCard], now: datetime, *, unreadable: int = 0, alerts: int = 0, missing: bool = False
) -> Tone:
    """How the sentence on top is meant: good only where nothing is wrong anywhere.

    ``unreadable``: deliveries that wait for a person; ``alerts``: open ones; ``missing``: there is work and no worker.
    """
    if left.need_a_person or unreadable or missing:
        return "bad"
    if alerts or not_carrying(cards, now) or (left.oldest and now - left.oldest > LATE):
        return "warn"
    return "busy" if left.on_their_way or left.checked else "good"


def waits_for_a_switch(cards: Sequence[LaneCard]) -> list[LaneCard]:
    """The lanes that are off and have something waiting for them."""
    return [card for card in cards if card.off is not None and (card.waiting or card.report.failed)]


@dataclass(frozen=True, slots=True)
class Signs:
    """Signs of life: when something last came or was looked at, and what was refused today, by name."""

    delivery: datetime | None
    test_delivery: datetime | None
    members: int
    members_scanned: datetime | None
    members_fresh: datetime | None
    unreadable: int
    refused: Mapping[str, int]
    worker_missing_since: datetime | None = None
    worker_missing: bool = False


def worker_missing(seen: datetime | None, gone_after: timedelta, left: Left, now: datetime) -> bool:
    """Whether there is work and nobody at it: nothing was heard of a worker for ``gone_after``."""
    if not left.on_their_way:
        return False
    return left.oldest is not None and now - max(left.oldest, seen or left.oldest) > gone_after
