"""Answering: durable answers per second, side by side with the same gunicorn that only checks the signature.

In a full run also beside the usual ways that a user would pick instead.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from typing import Final

from bench.answers import Pair, section
from bench.ceiling import rote_server
from bench.doors import Door, prove_refusing, wait_for
from bench.lab import Lab
from bench.load import Address
from bench.others.ways import start_ways
from bench.report import Section
from bench.stores import new_database
from ledger.database import Database
from sandbox.system import Running, System, free_port

CONNECTIONS: Final = (16, 64)
FULL_CONNECTIONS: Final = (16, 64, 256)
#: How many knock while the doors warm up.
_WARM: Final = 64
_FIRST_ID: Final = 7_000_000_000_000


def measure(lab: Lab) -> Section:
    """Answers per second and latencies: ours, the limit's and in a full run the usual ways', in turns."""
    seconds, repeats = lab.choose(2 if lab.full else 4, 1 if lab.full else 1.5), int(lab.choose(3, 2))
    connections = FULL_CONNECTIONS if lab.full else CONNECTIONS
    lab.tell("answering: starting ours and their limits")
    with contextlib.ExitStack() as stack:
        pairs = [stack.enter_context(_pair(lab, store)) for store in ("SQLite FULL", "PostgreSQL")]
        others, missing = start_ways(lab, stack) if lab.full else ([], [])
        doors = [*(door for pair in pairs for door in (pair.ours, pair.limit)), *others]
        prove_refusing(doors, _FIRST_ID)
        for door in doors:
            lab.tell(f"answering: warming up {door.name}")
            door.warm(lab.gun, connections=_WARM, seconds=1, first_id=_FIRST_ID)
        weighed = lab.scale.on(f"answering on {pairs[0].store}", pairs[0].ours.running)
        also = lab.scale.on(f"answering on {pairs[1].store}", pairs[1].ours.running)
        with weighed, also:
            _take_turns(lab, doors, connections, seconds, repeats)
        return section(
            pairs,
            others,
            missing,
            connections,
            how=f"{seconds:g} s each, {repeats} times, in turns",
            ceilings=_ceilings(lab, connections),
        )


def _take_turns(lab: Lab, doors: Sequence[Door], connections: Sequence[int], seconds: float, repeats: int) -> None:
    for turn in range(repeats):
        for place, number in enumerate(connections):
            first_id = _FIRST_ID + 10_000_000 * (1 + turn * len(connections) + place)
            # The order changes with each turn, so that nobody always follows the same neighbour.
            for door in doors if turn % 2 == 0 else doors[::-1]:
                lab.tell(f"answering: turn {turn + 1} of {repeats}, {number} connections, {door.name}")
                door.take(lab.gun, connections=number, seconds=seconds, first_id=first_id)


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
            Door(
                f"ours, {store}",
                ("127.0.0.1", system.web_port),
                ours,
                durable=True,
                why="committed before",
                count=lambda: _deliveries(system.database_url),
            ),
            Door(f"limit of {store}", address, limit, why="stores nothing"),
        )


def _deliveries(url: str) -> int:
    database = Database(url)
    try:
        with database.reading() as c:
            return int(c.exec_driver_sql("SELECT count(*) FROM deliveries").scalar() or 0)
    finally:
        database.close()


@contextlib.contextmanager
def _limit(system: System) -> Iterator[tuple[Running, Address]]:
    """The same gunicorn with the same settings, answering after the signature alone."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.py", "--bind", f"127.0.0.1:{port}"]
    running = Running("limit", [*command, "bench.limit:app"], system.env, system.folder / "limit.log", None)
    try:
        wait_for(running, ("127.0.0.1", port))
        yield running, ("127.0.0.1", port)
    finally:
        running.stop()


def _ceilings(lab: Lab, connections: Sequence[int]) -> dict[int, float]:
    """What the load itself can do, by the number of connections: answers per second against a server by rote."""
    found: dict[int, float] = {}
    with rote_server() as address:
        for number in connections:
            lab.tell(f"answering: the load's own ceiling with {number} connections")
            found[number] = lab.gun.fire(address, connections=number, seconds=1, first_id=_FIRST_ID).per_second
    return found
