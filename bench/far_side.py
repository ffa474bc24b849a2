"""Steering the sandbox over HTTP, as another process must: customers in, faults set, calls counted."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import requests

from sandbox.people import Person


@dataclass(frozen=True, slots=True)
class Call:
    """One call that the far side received; ``at`` in seconds since 1970, ``answered_at``, too (None: not yet)."""

    at: float
    method: str
    path: str
    status: int
    answered_at: float | None = None


class FarSide:
    """The sandbox at ``url``; use it in a ``with`` block."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/sandbox"
        self._session = requests.Session()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def create(self, person: Person) -> int:
        """A new customer in the shop; its Shopify id. The webhook is on its way when this returns."""
        return int(self._say("POST", "/shop/customers", person.shop_fields())["id"])

    def slow(self, delays_s: Mapping[str, float]) -> None:
        """From now on each of these systems thinks so long before it does anything."""
        for system, seconds in delays_s.items():
            self._say("POST", "/faults", {"system": system, "kind": "late", "seconds": seconds})

    def refuse(self, system: str, status: int) -> None:
        """From now on this system answers nothing but this status."""
        self._say("POST", "/faults", {"system": system, "kind": "status", "status": status})

    def mend(self) -> None:
        """Take every fault away, slowness too."""
        self._say("DELETE", "/faults")

    def lift_limits(self) -> None:
        """From now on nobody counts calls."""
        self._say("DELETE", "/limits")

    def seed(self, members: Sequence[Mapping[str, str]], contacts: Sequence[Mapping[str, str]]) -> None:
        """Put members and contacts there, as if they had been there before."""
        self._say("POST", "/seed", {"members": members, "contacts": contacts})

    def forget_calls(self) -> None:
        """Count calls from here on."""
        self._say("DELETE", "/calls")

    def calls(self, system: str) -> list[Call]:
        """Every call to this system, oldest first."""
        told = self._say("GET", f"/calls?system={system}&last=100000")["calls"]
        return [_call(one) for one in told]

    def _say(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._session.request(method, self._url + path, json=body, timeout=60)
        answer.raise_for_status()
        return answer.json() if answer.content else None


def _call(told: Mapping[str, Any]) -> Call:
    at, took_ms = datetime.fromisoformat(told["at"]).timestamp(), told["duration_ms"]
    answered_at = None if took_ms is None else at + took_ms / 1000
    return Call(at, told["method"], told["path"], told["status"] or 0, answered_at)


def wait_until(what: Any, timeout_s: float, *, every_s: float = 0.1) -> bool:
    """Whether this came true in time."""
    end = time.monotonic() + timeout_s
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(every_s)
    return True
