"""Faults that can be set on the far side.

A fault sits in front of a stand-in, as bad networks and tired servers do: the stand-in itself never knows of it.
"""

import json
import random
import re
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal, get_args

System = Literal["smaregi", "hubspot", "shopify", "mail"]
Kind = Literal["delay", "late", "status", "lost", "refused", "hang", "half"]


class FaultRefused(ValueError):
    """The fault asked for makes no sense; the text says what to change."""


@dataclass(frozen=True)
class Fault:
    """What shall go wrong, where, and how often.

    - `delay`: done at once, answered after `seconds`
    - `late`: nothing for `seconds`, then done and answered: behind the back of a caller who gave up meanwhile
    - `status`: not done; answers `status` with `body` and `headers`
    - `lost`: done, but the connection drops before the answer
    - `half`: done, but the connection drops in the middle of the answer
    - `refused`: not done, the connection drops
    - `hang`: not done, the connection drops after `seconds`

    `path` is a pattern sought in the path after the mount, `sent` one sought in the body, as a firewall does; `times`
    None stands until removed; `share` is the part of the calls that meet it.
    """

    system: System
    kind: Kind
    method: str | None = None
    path: str | None = None
    sent: str | None = None
    seconds: float = 0.0
    status: int = 503
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    times: int | None = None
    share: float = 1.0

    def __post_init__(self) -> None:
        if self.system not in get_args(System):
            raise FaultRefused(f"system must be one of {', '.join(get_args(System))}")
        if self.kind not in get_args(Kind):
            raise FaultRefused(f"kind must be one of {', '.join(get_args(Kind))}")
        if not 0 <= self.share <= 1:
            raise FaultRefused("share must lie between 0 and 1")
        if self.seconds < 0 or (self.times is not None and self.times < 1):
            raise FaultRefused("seconds must not be negative, and times must be at least 1 or null")
        if not 200 <= self.status <= 599:
            raise FaultRefused("status must lie between 200 and 599")
        for name, pattern in (("path", self.path), ("sent", self.sent)):
            try:
                re.compile(pattern or "")
            except re.error as error:
                raise FaultRefused(f"{name} is no regular expression: {error}") from None

    def covers(self, system: str, method: str, path: str, body: bytes = b"") -> bool:
        """Whether this call is meant (without rolling the dice for `share`)."""
        return (
            system == self.system
            and (self.method is None or self.method.upper() == method)
            and (self.path is None or re.search(self.path, path) is not None)
            and (self.sent is None or re.search(self.sent, _as_text(body)) is not None)
        )


def _as_text(body: bytes) -> str:
    """What was sent, with JSON's escapes read: a firewall reads them, too."""
    try:
        return json.dumps(json.loads(body), ensure_ascii=False)
    except ValueError:
        return body.decode("utf-8", "replace")


@dataclass
class _Standing:
    fault: Fault
    left: int | None
    hits: int = 0


class Faults:
    """The faults that stand at this moment. Safe to use from any thread."""

    def __init__(self, seed: int = 7) -> None:
        self._lock = threading.Lock()
        self._dice = random.Random(seed)
        self._standing: dict[int, _Standing] = {}
        self._next_id = 1

    def add(self, system: System, kind: Kind, **rest: object) -> int:
        """Set a fault (the fields of `Fault`) and give back its id.

        Raises `FaultRefused` if the fault makes no sense.
        """
        try:
            fault = Fault(system=system, kind=kind, **rest)  # type: ignore[arg-type]
        except TypeError as error:
            raise FaultRefused(str(error).partition(" ")[2]) from None
        with self._lock:
            fault_id, self._next_id = self._next_id, self._next_id + 1
            self._standing[fault_id] = _Standing(fault, fault.times)
        return fault_id

    def remove(self, fault_id: int) -> bool:
        """Take one away; says whether it was there."""
        with self._lock:
            return self._standing.pop(fault_id, None) is not None

    def clear(self) -> None:
        """Take all away."""
        with self._lock:
            self._standing.clear()

    def listed(self) -> list[dict[str, object]]:
        """Every fault with its id, how often it may still strike (`left`) and how often it has (`hits`)."""
        with self._lock:
            return [
                {"id": fault_id, **asdict(one.fault), "left": one.left, "hits": one.hits}
                for fault_id, one in self._standing.items()
            ]

    def strike(self, system: str, method: str, path: str, body: bytes = b"") -> list[Fault]:
        """The faults this call meets, counted down: every delay, and the first of the others."""
        met: list[Fault] = []
        settled = False
        with self._lock:
            for one in self._standing.values():
                slows = one.fault.kind in {"delay", "late"}
                if one.left == 0 or (settled and not slows) or not one.fault.covers(system, method, path, body):
                    continue
                if one.fault.share < 1 and self._dice.random() >= one.fault.share:
                    continue
                one.left = None if one.left is None else one.left - 1
                one.hits += 1
                settled = settled or not slows
                met.append(one.fault)
        return met
