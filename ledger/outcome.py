"""How an attempt ended is ONE value, and what follows from it is one pure function.

::

                 a new revision, a resync, the lane is on again
        ┌───────────────────────────────────────────────────────┐
        ▼                                                       │
    ┌─────────┐  claim   ┌─────────┐   Done    ┌──────┐         │
    │ pending │ ───────▶ │ running │ ────────▶ │ done │ ────────┤
    └─────────┘          └─────────┘           └──────┘         │
        ▲                  │  │  │                              │
        └── Retry, or a ───┘  │  │   Failed  ┌────────┐         │
            change came       │  └─────────▶ │ failed │ ────────┘
            meanwhile, or an  │              └────────┘  a person, or any sign of life
            older write may   │
            still come        │
        ▲                     │
        └──── lease ended ────┘   (killed at any line: comes back, in doubt)

The README shows the same picture: a change here must be made there too.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from customer import Customer

#: After so many tries in a lane that is otherwise well, a person must look.
PATIENCE = 32
#: So many carries failed in a row open a lane.
OPENS_AFTER = 5


@dataclass(frozen=True, slots=True)
class Done:
    """It stands at the far side as ``ref``. ``found``: what a reading lane learnt, to be merged into the customer."""

    ref: str
    did: str
    sent: Mapping[str, str] = field(default_factory=dict)
    memo: Mapping[str, str] = field(default_factory=dict)
    corrections: Sequence[Mapping[str, str]] = ()
    found: Customer | None = None
    status: int | None = None
    vendor_request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """Comes back by itself: ``after`` so long, or after our own back-off when None.

    ``lane_wide``: it speaks of the lane, and counts towards opening it. ``pause``: the far side asked the whole lane to
    wait ``after``, which is obeyed and is no failure. ``stop``: nobody can go; the lane opens at once. ``ours``: it is
    our own fault or trouble, and says nothing of the far side.
    """

    after: timedelta | None
    why: str
    kind: str
    lane_wide: bool = True
    pause: bool = False
    stop: bool = False
    ours: bool = False
    doubt: bool = False
    status: int | None = None
    vendor_request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """Waits for a person; ``choices`` spells out what they may choose from."""

    why: str
    kind: str
    choices: Sequence[Mapping[str, str]] = ()
    status: int | None = None
    vendor_request_id: str | None = None


Outcome: TypeAlias = Done | Retry | Failed


@dataclass(frozen=True, slots=True)
class Held:
    """What the ledger knows of a running task at the moment it settles.

    ``send_again``: the fields that somebody asked for while it ran (a resync, or a late result of another worker), so
    what it just sent is to be sent once more with them; None when nobody did.
    ``unsure_until``: an earlier try may still reach the far side until then, behind the back of this one.
    """

    wanted: int
    carrying: int
    attempt: int
    doubt: bool
    lane_is_well: bool
    send_again: Collection[str] | None = None
    unsure_until: datetime | None = None


#: So long a write whose answer nobody waits for any more may still be on its way: longer than any call's timeout, and
#: than a lease. It may lay an older state over a newer one.
LATE = timedelta(seconds=60)
#: What a task says that arrived, and is to be carried once more when nothing older can come any more.
ONCE_MORE = "late.once_more"

#: What a task says that was held, again and again, by workers that ended without a word.
DEADLY = "fault.worker_ended"


def back_off(attempt: int, *, jitter: float) -> timedelta:
    """How long a task waits after its ``attempt``-th try: 5 s, doubled each time, an hour at most.

    ``jitter`` in 0..1 spreads it from four fifths to six fifths, so that a thousand do not come back at once.
    """
    seconds = min(5 * 2 ** min(attempt - 1, 20), 3600)
    return timedelta(seconds=seconds * (0.8 + 0.4 * jitter))


def probe_after(openings: int) -> timedelta:
    """How long an opened lane waits for its next probe: 5 s, doubled each time, a minute at most."""
    return timedelta(seconds=min(5 * 2 ** min(openings, 10), 60))


def _marks(held: Held, outcome: Done, *, unsure: bool) -> dict[str, str]:
    """What is remembered of what was sent; blank, with what else is to go out, where it goes out once more."""
    if held.send_again is None and not unsure:
        return dict(outcome.sent)
    # A field that this carry had no value for may stand there by another worker's late one: its mark is kept.
    return dict.fromkeys([*(held.send_again or ()), *outcome.sent], "")


def settle(held: Held, outcome: Outcome, now: datetime, *, jitter: float | None = None) -> dict[str, Any]:
    """The columns that change when a running task settles with ``outcome``; the one place where states are left.

    A change that came while the task ran (``wanted`` has moved on) makes it pending at once, for the customer is now
    another one; only a lane that is in trouble is still waited for.
    """
    moved_on = held.wanted != held.carrying
    free: dict[str, Any] = {"token": None, "lease_until": None, "carrying": None, "held": False, "settled_at": now}
    match outcome:
        case Done():
            unsure_until = held.unsure_until if held.unsure_until and held.unsure_until > now else None
            arrived = {
                "ref": outcome.ref,
                "sent": _marks(held, outcome, unsure=unsure_until is not None),
                "memo": dict(outcome.memo),
                "corrections": [dict(c) for c in outcome.corrections],
                "kind": None,
                "why": None,
                "choices": None,
                "doubt": unsure_until is not None,
                "unsure_until": unsure_until,
                "attempt": 0,
            }
            if unsure_until and not moved_on:
                arrived |= {"kind": ONCE_MORE, "why": "arrived; sent once more when no older write can come after it"}
                return free | arrived | {"state": "pending", "due_at": unsure_until}
            return free | arrived | {"state": "pending" if moved_on else "done", "due_at": now}
        case Failed():
            said: dict[str, Any] = {"kind": outcome.kind, "why": outcome.why}
            said["choices"] = [dict(c) for c in outcome.choices]
            return free | said | {"state": "pending" if moved_on else "failed", "due_at": now}
        case Retry():
            said = {"kind": outcome.kind, "why": outcome.why, "choices": None}
            doubt = held.doubt or outcome.doubt
            if outcome.doubt:
                free["unsure_until"] = now + LATE
            if held.attempt >= PATIENCE and held.lane_is_well and not (outcome.pause or outcome.stop):
                gave_up = f"{outcome.why} (gave up after {held.attempt} tries)"
                return (
                    free
                    | {"kind": outcome.kind, "why": gave_up, "choices": None}
                    | {
                        "doubt": doubt,
                        "state": "pending" if moved_on else "failed",
                        "due_at": now,
                        "attempt": 0,
                    }
                )
            wait = outcome.after
            if wait is None:
                wait = back_off(held.attempt, jitter=random.random() if jitter is None else jitter)  # noqa: S311
            if moved_on and not outcome.lane_wide:
                wait = timedelta(0)
            attempt = held.attempt - 1 if outcome.pause else held.attempt
            return free | said | {"doubt": doubt, "state": "pending", "due_at": now + wait, "attempt": attempt}
