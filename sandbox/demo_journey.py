"""What the service's own log lines say of each customer. Pure.

The lines of two processes come through two pipes, so a later one may be heard earlier: nothing here depends on the
order in which they are heard, only on the times and revisions they name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

DESTINATIONS: Final = ("smaregi", "hubspot")

LaneState = Literal["starting", "ready", "off", "stopped"]


@dataclass(frozen=True, slots=True)
class Try:
    """How one attempt in one lane ended. ``corrections`` as the log tells them: ``lastKana:widened``."""

    outcome: Literal["done", "retry", "failed"]
    did: str
    ms: float
    revision: int
    why: str
    corrections: tuple[str, ...]


@dataclass(slots=True)
class Journey:
    """One customer on the way from the shop to the destinations."""

    customer_id: int
    answered_ms: list[float] = field(default_factory=list)
    tries: dict[str, list[Try]] = field(default_factory=dict)
    newest_revision: int = 0
    is_new: bool = False
    _changes: list[str] = field(default_factory=list)
    _completions: list[tuple[str, float]] = field(default_factory=list)

    @property
    def totals_ms(self) -> tuple[float, ...]:
        """From delivery to all done: the registration's first, then that of each change that was carried by itself."""
        of_round: dict[int, float] = {}
        for at, total in sorted(self._completions):
            of_round[sum(change <= at for change in self._changes)] = total
        return tuple(of_round.values())

    def writes(self, lane: str) -> list[Try]:
        """The tries that wrote something at the far side, oldest first."""
        return [one for one in self.tries.get(lane, ()) if one.did in {"created", "linked", "updated"}]

    def last(self, lane: str) -> Try | None:
        """How the last attempt in this lane ended, or None when there was none."""
        return self.tries[lane][-1] if self.tries.get(lane) else None

    def is_at_rest(self, lanes: Mapping[str, Lane]) -> bool:
        """Whether the newest of what the shop has told stands in every destination that is on."""
        if not self.answered_ms:
            return False
        last = [self.last(name) for name in DESTINATIONS if lanes[name].state != "off"]
        carried = all(one and one.outcome == "done" and one.revision >= self.newest_revision for one in last)
        mailed = self.last("mail")
        is_mailed = "off" not in (lanes["mail"].state, lanes["smaregi"].state)  # without the till it waits for minutes
        if is_mailed and self.is_new and (mailed is None or mailed.outcome != "done"):
            return False  # who registered is sent one mail, and a change is none
        latest_change = max(self._changes, default="")
        return carried and any(at >= latest_change for at, _ in self._completions)

    def hear(self, line: Mapping[str, Any]) -> None:
        """Take in one line about this customer; lines of other events are passed over."""
        match line.get("event"):
            case "received":
                self.answered_ms.append(float(line["duration_ms"]))
                self.is_new |= line.get("topic") == "customers/create" and line.get("revision") == 1
                if line.get("verdict") == "changed":
                    self._changes.append(str(line["timestamp"]))
                    self.newest_revision = max(self.newest_revision, int(line["revision"]))
            case "carried":
                done = Try(
                    line["outcome"],
                    line.get("did") or "",
                    float(line["duration_ms"]),
                    int(line["revision"]),
                    line.get("why") or "",
                    tuple(line.get("corrections") or ()),
                )
                self.tries.setdefault(line["lane"], []).append(done)
            case "completed" if line.get("outcome") == "done":
                self._completions.append((str(line["timestamp"]), float(line["total_ms"])))


@dataclass(slots=True)
class Lane:
    """Whether a lane can carry, and why not."""

    state: LaneState = "starting"
    why: str = ""


class Journeys:
    """Everybody's journey and every lane's state, from the lines heard so far."""

    def __init__(self) -> None:
        self.lanes = {name: Lane() for name in ("shopify", *DESTINATIONS, "mail")}
        self.of: dict[int, Journey] = {}

    def journey(self, customer_id: int) -> Journey:
        """This customer's; a new one when nothing was heard of them yet."""
        return self.of.setdefault(customer_id, Journey(customer_id))

    @property
    def are_lanes_settled(self) -> bool:
        """Whether every lane is ready, or off on purpose."""
        return all(lane.state in {"ready", "off"} for lane in self.lanes.values())

    def hear(self, line: Mapping[str, Any]) -> None:
        """Take in one log line of any process."""
        match line.get("event"):
            case "started" if line.get("worker") == "worker":
                for name in self.lanes.keys() - set(line.get("lanes") or ()):
                    self.lanes[name] = Lane("off", "no credential is set")
            case "lane ready":
                self.lanes[line["lane"]] = Lane("ready")
            case "lane off":
                self.lanes[line["lane"]] = Lane("off", line.get("why") or "")
            case "lane stopped":
                self.lanes[line["lane"]] = Lane("stopped", line.get("why") or "")
            case "lane not ready":
                self.lanes[line["lane"]] = Lane("starting", line.get("why") or "")
            case "received" | "carried" | "completed" if (number := line.get("customer_id")) is not None:
                self.journey(number).hear(line)
