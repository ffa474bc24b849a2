"""One server under load: what came of each run, and whether it kept what it said it had."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

import psutil

from bench.figures import Spread
from bench.knocks import badly_signed
from bench.load import Address, Gun, Volley, status_of
from sandbox.system import DidNotStart, Running

_REFUSED: Final = "401"


@dataclass(slots=True)
class Door:
    """One server under load, and what came of each run by the number of connections.

    ``durable``: whether what was answered with 200 survives a power cut; ``why`` in a word. ``count`` tells how many
    deliveries it has kept so far; None: it keeps none. ``least_s``: shorter runs would tell nothing of one this slow.
    """

    name: str
    address: Address
    running: Running
    durable: bool = False
    why: str = ""
    count: Callable[[], int] | None = None
    least_s: float = 0.0
    volleys: dict[int, list[Volley]] = field(default_factory=dict)
    work_us: dict[int, list[float]] = field(default_factory=dict)
    _fired: list[Volley] = field(default_factory=list)

    def warm(self, gun: Gun, *, connections: int, seconds: float, first_id: int) -> None:
        """One run that does not count, but for what it leaves behind."""
        self._fired.append(gun.fire(self.address, connections=connections, seconds=seconds, first_id=first_id))

    def take(self, gun: Gun, *, connections: int, seconds: float, first_id: int) -> None:
        """One run, kept; also how much processor time the server spent on each answer."""
        seconds = max(seconds, self.least_s)
        before = self._processor_s()
        volley = gun.fire(self.address, connections=connections, seconds=seconds, first_id=first_id)
        spent = self._processor_s() - before
        self._fired.append(volley)
        self.volleys.setdefault(connections, []).append(volley)
        self.work_us.setdefault(connections, []).append(spent / max(1, len(volley.latencies_ms)) * 1e6)

    def _processor_s(self) -> float:
        times = [child.cpu_times() for child in psutil.Process(self.running.process.pid).children()]
        return sum(t.user + t.system for t in times)

    @property
    def processes(self) -> int:
        """How many processes answer."""
        return len(psutil.Process(self.running.process.pid).children())

    def rates(self, connections: int) -> list[float]:
        """Answers per second, run by run."""
        return [volley.per_second for volley in self.volleys[connections]]

    def work(self, connections: int) -> float:
        """Processor time of the server for one answer, in microseconds: the median over the runs."""
        return median(self.work_us[connections])

    def latency(self, connections: int, share: float) -> Spread:
        """That percentile over the runs, in milliseconds."""
        return Spread.of([volley.at(share) for volley in self.volleys[connections]])

    def errors(self, connections: int) -> int:
        """How many were not answered with 200."""
        return sum(sum(volley.errors.values()) for volley in self.volleys[connections])

    def kept(self) -> Kept | None:
        """What it has kept beside what it said it had; None where it keeps nothing."""
        if self.count is None:
            return None
        answered = sum(len(volley.latencies_ms) for volley in self._fired)
        return Kept(self.count(), answered, sum(sum(volley.errors.values()) for volley in self._fired))


@dataclass(frozen=True, slots=True)
class Kept:
    """How many deliveries were kept, beside how many were answered with 200 and how many were not."""

    kept: int
    answered: int
    unanswered: int

    @property
    def is_true(self) -> bool:
        """Whether every answer stands for one that was kept; one without an answer may have been kept or not."""
        return self.answered <= self.kept <= self.answered + self.unanswered

    def shown(self) -> str:
        """``1,234 of 1,234``."""
        return f"{self.kept:,} of {self.answered:,}"


def wait_for(running: Running, address: Address, timeout_s: float = 30.0) -> None:
    """Returns when this process can be connected to. Raises ``DidNotStart``."""
    end = time.monotonic() + timeout_s
    while running.alive and time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(address, timeout=1):
            return
        time.sleep(0.05)
    raise DidNotStart(f"the {running.name} process does not answer; its log is {running.log}")


def prove_refusing(doors: Sequence[Door], first_id: int) -> None:
    """Knock at each with signatures that are wrong or missing. Raises ``DidNotStart`` for one that takes that in."""
    for door in doors:
        for request in badly_signed(first_id):
            said = _ask(door.address, request)
            if said != _REFUSED:
                raise DidNotStart(f"{door.name} answers {said} without a good signature; its log is {door.running.log}")
        if door.count is not None and door.count():
            raise DidNotStart(f"{door.name} keeps what has no good signature; its log is {door.running.log}")


def _ask(address: Address, request: bytes, timeout_s: float = 30.0) -> str:
    """The status of the answer to one request, over a connection of its own."""
    heard = b""
    with socket.create_connection(address, timeout=timeout_s) as line:
        line.sendall(request)
        while (said := status_of(heard)) is None:
            part = line.recv(65536)
            if not part:
                return "nothing"
            heard += part
    return said
