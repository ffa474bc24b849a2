"""A ledger under measurement that grows: many customers put in, and the same mix of events run through it each time."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from sqlalchemy import text

from bench.costs import Cost, Point
from bench.far_side import wait_until
from bench.lab import Lab
from bench.many import FIRST_REF, MOST, Mould, moulds, multiply
from bench.statements import time_statements
from bench.whole import Whole
from bench.work import database_spent_s, resident_mib, spent_s
from clients.hubspot.properties import CUSTOMER_ID
from sandbox.system import DidNotStart, Running

#: How many deliveries are on their way at once.
CONNECTIONS: Final = 16
_FIRST_ID: Final = 7_000_000_000_000
_FEW: Final = 100
_PATIENCE_S: Final = 120


class Grown:
    """One ledger that grows; ``there`` is how many customers it has, whose ids follow each other."""

    def __init__(self, lab: Lab, whole: Whole, store: str) -> None:
        self._lab = lab
        self._whole = whole
        self._store = store
        self._events = 100 if lab.quick else 300
        self._turns = 2 if lab.quick else 5 if lab.full else 3
        self._there = 0
        self._dice = random.Random(7)
        self._untouched: list[int] = []
        self._worker: Running | None = None
        whole.far_side.lift_limits()
        # What the sandbox makes by itself from now on is numbered above all those that are multiplied.
        top = {lane: str(first + MOST) for lane, first in FIRST_REF.items()}
        whole.far_side.seed([{"customerId": top["smaregi"], "customerCode": "top"}], [{"id": top["hubspot"]}])
        self._moulds = self._make_moulds()

    def at(self, size: int, small: Grown) -> Point:
        """Grow to this size and measure, in turns with the small one; web and worker are started anew, and end."""
        whole = self._whole
        self._tell(f"growing to {size:,}")
        self._grow_to(size)
        self._tell(f"{size:,} customers, statements")
        statements = time_statements(whole.database, range(_FIRST_ID, _FIRST_ID + size))
        starts = {"start of web": whole.restart_web()}
        worker, starts["start of worker"] = self._start_worker()
        small.restart()
        costs: list[Cost] = []
        beside: list[Cost] = []
        for turn in range(self._turns + 1):
            self._tell(f"{size:,} customers, run {turn} of {self._turns}")
            pair = small.run(), self._run(worker)
            if turn:  # the first run only warms up: what is loaded late is loaded, connections are opened
                beside.append(pair[0])
                costs.append(pair[1])
        small.stop()
        memory = resident_mib(self._whole.web), resident_mib(worker)
        starts["flask status"] = _timed(lambda: whole.system.run("status"))
        starts["flask show"] = _timed(lambda: whole.system.run("show", str(_FIRST_ID + size // 2)))
        worker.stop()
        failed = whole.failed()
        return Point(self._store, size, costs, *memory, _size_mib(whole), starts, statements, failed, beside)

    def restart(self) -> None:
        """As the small one: with as many who may be touched as the runs need, and a worker."""
        missing = self._events // 2 * (self._turns + 1) - len(self._untouched)
        self._grow_to(self._there + max(0, missing))
        self._worker = self._start_worker()[0]

    def run(self) -> Cost:
        """One run, between ``restart`` and ``stop``."""
        assert self._worker is not None
        return self._run(self._worker)

    def stop(self) -> None:
        """End the worker."""
        if self._worker is not None:
            self._worker.stop()

    def _grow_to(self, size: int) -> None:
        places = range(self._there, size)
        multiply(self._whole.database, self._moulds, _FIRST_ID, places)
        self._there = size
        self._untouched += places

    def _choose(self) -> list[int]:
        """Whom a run changes: each customer once at most, so that no two events of a small ledger come to one."""
        self._dice.shuffle(self._untouched)
        count = self._events // 2
        chosen, self._untouched = self._untouched[:count], self._untouched[count:]
        return chosen

    def _make_moulds(self) -> list[Mould]:
        """A few customers through the real door and a real worker: everybody else is made after them."""
        whole = self._whole
        worker = whole.start_workers(1)[0]
        volley = self._lab.gun.fire(
            ("127.0.0.1", whole.system.web_port), connections=4, seconds=30, first_id=_FIRST_ID, most=_FEW
        )
        _wait_for_rest(whole)
        worker.stop()
        if volley.errors or whole.failed() or whole.known() != _FEW:
            raise DidNotStart(f"the first customers did not arrive: {volley.errors}, {whole.failed()} failed")
        self._there = _FEW
        return moulds(whole.database, range(_FIRST_ID, _FIRST_ID + _FEW))

    def _run(self, worker: Running) -> Cost:
        """So many deliveries at once, until everybody has been carried."""
        whole, places = self._whole, self._choose()
        self._seed(places)
        _wait_for_rest(whole)
        began, before = time.monotonic(), self._spent(worker)
        volley = self._lab.gun.fire(
            ("127.0.0.1", whole.system.web_port),
            connections=CONNECTIONS,
            seconds=_PATIENCE_S,
            first_id=_FIRST_ID,
            most=self._events,
            there=self._there,
            places=places,
        )
        _wait_for_rest(whole)
        wall, after = time.monotonic() - began, self._spent(worker)
        if volley.errors:
            raise DidNotStart(f"not every delivery was kept: {volley.errors}")
        self._there += self._events // 2
        web, carried, database = (
            None if b is None or a is None else (a - b) * 1000 / self._events
            for b, a in zip(before, after, strict=True)
        )
        return Cost(wall * 1000 / self._events, web or 0.0, carried or 0.0, database)

    def _seed(self, places: Sequence[int]) -> None:
        """The far sides know those who will change."""
        members = [
            {
                "customerId": str(FIRST_REF["smaregi"] + place),
                "customerCode": str(_FIRST_ID + place),
                "customerNo": str(_FIRST_ID + place),
                "updDateTime": "2020-01-01T00:00:00+09:00",
            }
            for place in places
        ]
        contacts = [{"id": str(FIRST_REF["hubspot"] + place), CUSTOMER_ID: str(_FIRST_ID + place)} for place in places]
        self._whole.far_side.seed(members, contacts)

    def _spent(self, worker: Running) -> tuple[float, float, float | None]:
        return spent_s(self._whole.web), spent_s(worker), database_spent_s(self._whole.database)

    def _start_worker(self) -> tuple[Running, float]:
        """A worker, and the milliseconds until all its lanes were ready to carry."""
        log = self._whole.system.folder / "worker.log"
        so_far = _ready(log)
        began = time.monotonic()
        worker = self._whole.system.start_worker()
        if not wait_until(lambda: _ready(log) >= so_far + 3, 30, every_s=0.01):
            raise DidNotStart(f"the worker was not ready within 30 s; its log is {log}")
        return worker, (time.monotonic() - began) * 1000

    def _tell(self, what: str) -> None:
        self._lab.tell(f"growth on {self._store}: {what}")


def _wait_for_rest(whole: Whole) -> None:
    if not wait_until(whole.at_rest, _PATIENCE_S, every_s=0.05):
        raise DidNotStart(f"the worker did not come to rest within {_PATIENCE_S} s")


def _timed(go: Callable[[], object]) -> float:
    began = time.monotonic()
    go()
    return (time.monotonic() - began) * 1000


def _ready(log: Path) -> int:
    return log.read_text(encoding="utf-8").count('"lane ready"') if log.exists() else 0


def _size_mib(whole: Whole) -> float:
    """The database as it lies on the disk, SQLite's WAL included."""
    if whole.database.on_postgresql:
        with whole.database.reading() as c:
            return float(c.execute(text("SELECT pg_database_size(current_database())")).scalar() or 0) / 2**20
    file = Path(str(whole.database.url.database))
    return sum(one.stat().st_size for one in file.parent.glob(f"{file.name}*")) / 2**20
