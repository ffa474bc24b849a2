"""Answering: durable answers per second, side by side with the same gunicorn that only checks the signature."""

from __future__ import annotations

import contextlib
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

import psutil

from bench.ceiling import rote_server
from bench.figures import Spread, ratios
from bench.knocks import MIX
from bench.lab import Lab
from bench.load import Address, Gun, Volley
from bench.report import Goal, Section, Table
from bench.stores import new_database
from sandbox.system import DidNotStart, Running, System, free_port

CONNECTIONS: Final = (16, 64)
#: The run whose worst latencies the design speaks of.
MOST: Final = 64
_FIRST_ID: Final = 7_000_000_000_000


@dataclass(slots=True)
class Door:
    """One server under load, and what came of each run by the number of connections."""

    name: str
    address: Address
    running: Running
    volleys: dict[int, list[Volley]] = field(default_factory=dict)
    work_us: dict[int, list[float]] = field(default_factory=dict)

    def take(self, gun: Gun, *, connections: int, seconds: float, first_id: int) -> None:
        """One run, kept; also how much processor time the server spent on each answer."""
        before = self._processor_s()
        volley = gun.fire(self.address, connections=connections, seconds=seconds, first_id=first_id)
        spent = self._processor_s() - before
        self.volleys.setdefault(connections, []).append(volley)
        self.work_us.setdefault(connections, []).append(spent / max(1, len(volley.latencies_ms)) * 1e6)

    def _processor_s(self) -> float:
        times = [child.cpu_times() for child in psutil.Process(self.running.process.pid).children()]
        return sum(t.user + t.system for t in times)

    def rates(self, connections: int) -> list[float]:
        """Answers per second, run by run."""
        return [volley.per_second for volley in self.volleys[connections]]

    def latency(self, connections: int, share: float) -> Spread:
        """That percentile over the runs, in milliseconds."""
        return Spread.of([volley.at(share) for volley in self.volleys[connections]])

    def errors(self, connections: int) -> int:
        """How many were not answered with 200."""
        return sum(sum(volley.errors.values()) for volley in self.volleys[connections])


@dataclass(frozen=True, slots=True)
class Pair:
    """One way to keep the ledger, beside its limit."""

    store: str
    ours: Door
    limit: Door


def measure(lab: Lab) -> Section:
    """Answers per second and latencies, ours and the limit's, in turns."""
    seconds, repeats = lab.choose(4, 1.5), int(lab.choose(3, 2))
    lab.tell("answering: starting four servers")
    with contextlib.ExitStack() as stack:
        pairs = [stack.enter_context(_pair(lab, store)) for store in ("SQLite FULL", "PostgreSQL")]
        doors = [door for pair in pairs for door in (pair.ours, pair.limit)]
        for door in doors:
            lab.gun.fire(door.address, connections=MOST, seconds=1, first_id=_FIRST_ID)
        weighed = lab.scale.on(f"answering on {pairs[0].store}", pairs[0].ours.running)
        also = lab.scale.on(f"answering on {pairs[1].store}", pairs[1].ours.running)
        with weighed, also:
            for turn in range(repeats):
                for connections in CONNECTIONS:
                    first_id = _FIRST_ID + 10_000_000 * (1 + turn * len(CONNECTIONS) + CONNECTIONS.index(connections))
                    # The order changes with each turn, so that nobody always follows the same neighbour.
                    for door in doors if turn % 2 == 0 else doors[::-1]:
                        lab.tell(f"answering: turn {turn + 1} of {repeats}, {connections} connections, {door.name}")
                        door.take(lab.gun, connections=connections, seconds=seconds, first_id=first_id)
        processes = [len(psutil.Process(pair.ours.running.process.pid).children()) for pair in pairs]
    return _section(pairs, processes, _ceiling(lab), seconds, repeats)


@contextlib.contextmanager
def _pair(lab: Lab, store: str) -> Iterator[Pair]:
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(new_database(lab.postgresql)) if store == "PostgreSQL" else None
        system = stack.enter_context(System(lab.room(f"answering-{store[:6].lower()}"), database_url=url))
        system.run("db", "upgrade")
        ours = system.start_web()
        limit, address = stack.enter_context(_limit(system))
        yield Pair(
            store,
            Door(f"kept on {store}", ("127.0.0.1", system.web_port), ours),
            Door(f"limit of {store}", address, limit),
        )


@contextlib.contextmanager
def _limit(system: System) -> Iterator[tuple[Running, Address]]:
    """The same gunicorn with the same settings, answering after the signature alone."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.py", "--bind", f"127.0.0.1:{port}"]
    running = Running("limit", [*command, "bench.limit:app"], system.env, system.folder / "limit.log", None)
    try:
        _wait_for(running, ("127.0.0.1", port))
        yield running, ("127.0.0.1", port)
    finally:
        running.stop()


def _wait_for(running: Running, address: Address, timeout_s: float = 20.0) -> None:
    end = time.monotonic() + timeout_s
    while running.alive and time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(address, timeout=1):
            return
        time.sleep(0.05)
    raise DidNotStart(f"the {running.name} process does not answer; its log is {running.log}")


def _ceiling(lab: Lab) -> float:
    lab.tell("answering: the load's own ceiling")
    with rote_server() as address:
        return lab.gun.fire(address, connections=MOST, seconds=1, first_id=_FIRST_ID).per_second


def _section(pairs: Sequence[Pair], processes: Sequence[int], ceiling: float, seconds: float, repeats: int) -> Section:
    runs = [(f"{pair.store}, {n} connections", pair, n) for pair in pairs for n in CONNECTIONS]
    rates = Table(
        ("", "kept/s", "limit/s", "kept / limit", "work µs", "limit's work µs"),
        [(name, *_rates(pair, n)) for name, pair, n in runs],
        "Answers per second",
    )
    latencies = Table(
        ("", "p50 ms", "p99 ms", "max ms", "errors", "limit's p99 ms"),
        [(name, *_latencies(pair, n)) for name, pair, n in runs],
        "Latency",
    )
    workers = ", ".join(f"{n} on {pair.store}" for n, pair in zip(processes, pairs, strict=True))
    words = (
        "Durable answers (200 after the commit) per second, against the same gunicorn (`config/gunicorn.py`: gthread, "
        f"web processes: {workers}) in plain WSGI that checks the HMAC and stores nothing. {seconds:g} s each, "
        f"{repeats} times, in turns; medians, with the lowest and highest run in brackets. Kept-alive connections, "
        "each asking again as soon as it is answered: the server is always saturated, so a mean latency is the "
        f"connections over the rate. The mix: {MIX}; bodies of 1.2 KB on average. The load shares the "
        "machine with the server; against a server that answers by rote it reaches "
        f"{ceiling:,.0f} answers/s with {MOST} connections. Work is the processor time that the web processes spent on "
        "each answer (the database's own processes not counted): it suffers less than the rates from whatever else "
        "the machine does."
    )
    return Section("Answering", words, [rates, latencies], [goal for pair in pairs for goal in _goals(pair)])


def _rates(pair: Pair, connections: int) -> tuple[str, ...]:
    ours, limit = pair.ours, pair.limit
    return (
        Spread.of(ours.rates(connections)).shown(),
        Spread.of(limit.rates(connections)).shown(),
        ratios(ours.rates(connections), limit.rates(connections)).shown(2),
        f"{median(ours.work_us[connections]):,.0f}",
        f"{median(limit.work_us[connections]):,.0f}",
    )


def _latencies(pair: Pair, connections: int) -> tuple[str, ...]:
    return (
        pair.ours.latency(connections, 0.5).shown(1),
        pair.ours.latency(connections, 0.99).shown(1),
        f"{pair.ours.latency(connections, 1).highest:,.0f}",
        str(pair.ours.errors(connections)),
        pair.limit.latency(connections, 0.99).shown(1),
    )


def _goals(pair: Pair) -> list[Goal]:
    ratio = min(ratios(pair.ours.rates(n), pair.limit.rates(n)).median for n in CONNECTIONS)
    p99 = pair.ours.latency(MOST, 0.99).median
    longest = pair.ours.latency(MOST, 1).highest
    errors = sum(pair.ours.errors(n) for n in CONNECTIONS)
    return [
        Goal(f"durable answers against the limit, {pair.store}", "≥ 0.5", f"{ratio:.2f}", ratio >= 0.5),
        Goal(
            f"latency with {MOST} connections, {pair.store}",
            "p99 ≤ 50 ms, max < 1 s, no error",
            f"p99 {p99:.0f} ms, max {longest:,.0f} ms, {errors} errors",
            p99 <= 50 and longest < 1000 and not errors,
        ),
    ]
