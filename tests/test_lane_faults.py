"""Faults of ours in a row, and upkeep that is refused: the lane stops for all to see, and goes again by itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from clients.errors import Busy, CarryError, StopLane, TryLater
from clients.lane import Carried
from customer import Task
from handlers.faults import MANY
from handlers.judge import judge
from handlers.lane_runner import LEASE, Crew, LaneRunner
from ledger import tables as t
from ledger.book import Settled, Settlement
from ledger.breaker import Health
from ledger.clerk import Clerk
from ledger.database import Database
from ledger.health import HealthBook
from ledger.outcome import OPENS_AFTER
from tests.conftest import Clock
from tests.ledger_cases import Ledger, delivery_of, person

REVOKED = StopLane("Smaregi refused our key (HTTP 401)", kind="smaregi.credentials", status=401)
GONE = TryLater("no connection", kind="smaregi.unreachable")


class Fault(Exception):
    """A programming error of ours."""


class ScriptedLane:
    """A lane that carries whoever is handed in, except the odd ones, and whose upkeep does as it is told."""

    name, batch, threads, gap = "smaregi", 100, 2, timedelta(0)

    def __init__(self) -> None:
        self.odd: set[int] = set()
        self.carried: list[list[int]] = []
        self.doubted: set[int] = set()
        self.upkeep: CarryError | Exception | None = None
        self.is_kept_up = True
        self.unready: CarryError | None = None

    def prepare(self) -> None:
        if self.unready:
            raise self.unready

    def tend(self) -> timedelta | None:
        if self.upkeep:
            raise self.upkeep
        return timedelta(seconds=10)

    def attend(self) -> timedelta | None:
        if self.upkeep:
            raise self.upkeep
        return None

    def carry(self, tasks: Sequence[Task]) -> Mapping[int, Any]:
        self.carried.append([task.customer.id for task in tasks])
        self.doubted |= {task.customer.id for task in tasks if task.doubt}
        if self.odd & {task.customer.id for task in tasks}:
            raise Fault("見本 花子")
        return {task.customer.id: Carried(ref=f"m-{task.customer.id}", did="created") for task in tasks}


class World:
    """A ledger, a scripted lane and its runner, whose loops are turned by hand."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.ledger = Ledger(database)
        self.clock = clock
        self.lane = ScriptedLane()
        self.unwritable: Callable[[Settlement], bool] = lambda _: False
        crew = Crew(
            self.ledger.book, Clerk("settle", self._settle), clock, {}, updates_too=True, stop=threading.Event()
        )
        self.runner = LaneRunner(self.lane, crew)

    def _settle(self, settlements: Sequence[Settlement]) -> list[list[Settled]]:
        if any(map(self.unwritable, settlements)):
            raise Fault("見本 花子")
        return self.ledger.book.settle(settlements, now=self.clock())

    def register(self, *customers: int) -> None:
        self.ledger.hear(*(delivery_of(person(i)) for i in customers), now=self.clock())

    def carry(self) -> int:
        """One claim, carried to its end; how many were claimed."""
        claimed = self.ledger.book.claim("smaregi", self.lane.batch, now=self.clock(), lease=LEASE)
        if claimed:
            self.runner._live[claimed[0].token] = 1
            self.runner._free.acquire()
            self.runner._carry_load(claimed)
        return len(claimed)

    def after_a_lease(self) -> None:
        self.clock.forward(seconds=2 * LEASE.total_seconds() + 1)
        self.ledger.book.rescue(now=self.clock())

    def tend(self, times: int = 1) -> None:
        for _ in range(times):
            self.runner._upkeep.once()
            self.clock.forward(seconds=10)

    @property
    def health(self) -> Health:
        with self.ledger.database.reading() as c:
            return HealthBook.look(c, "smaregi")

    def states(self) -> dict[int, str]:
        tasks = t.tasks.c
        with self.ledger.database.reading() as c:
            rows = c.execute(select(tasks.customer_id, tasks.state).where(tasks.lane == "smaregi"))
            return {row.customer_id: row.state for row in rows}


@pytest.fixture
def world(database: Database, clock: Clock) -> Iterator[World]:
    with capture_logs():  # tracebacks as a terminal shows them take seconds each
        yield World(database, clock)


# --- writing down


def test_a_lane_that_sends_and_cannot_write_it_down_is_stopped_and_goes_again_when_it_can(world: World) -> None:
    world.unwritable = lambda _: True
    world.register(1)
    for _ in range(MANY):
        assert world.health.breaker == "closed"
        assert world.carry() == 1
        world.after_a_lease()
    assert (world.health.breaker, world.health.kind) == ("open", "fault.settling")
    assert "見本" not in (world.health.why or "")

    world.register(*range(2, 12))
    assert world.carry() == 1, "one probe, and no more"
    world.after_a_lease()
    world.unwritable = lambda _: False
    while world.carry():
        world.clock.forward(minutes=1)
    assert world.health == Health()
    assert set(world.states().values()) == {"done"}


def test_a_load_of_which_nobody_can_be_written_down_stops_the_lane_at_once(world: World) -> None:
    world.unwritable = lambda _: True
    world.register(*range(1, 21))
    world.carry()
    assert (world.health.breaker, world.health.kind) == ("open", "fault.settling")


def test_one_customer_who_cannot_be_written_down_keeps_nobody_else_back(world: World) -> None:
    def is_odd(settlement: Settlement) -> bool:
        return any(claimed.customer_id == 7 for claimed, _ in settlement.outcomes)

    world.unwritable = is_odd
    world.register(*range(1, 21))
    world.carry()
    assert world.states() == {i: "running" if i == 7 else "done" for i in range(1, 21)}
    assert world.health.breaker == "closed"


# --- carrying


def test_one_customer_with_a_fault_keeps_nobody_else_back(world: World) -> None:
    world.lane.odd = {7}
    world.register(*range(1, 101))
    world.carry()
    assert world.states() == {i: "pending" if i == 7 else "done" for i in range(1, 101)}
    assert len(world.lane.carried) <= 16, "told apart by halves"
    assert world.lane.doubted >= set(range(1, 101)), "whoever went in a broken carry may stand there already"
    assert world.health.breaker == "closed"


def test_a_fault_with_every_customer_stops_the_lane_after_a_few(world: World) -> None:
    world.lane.odd = set(range(1, 101))
    world.register(*range(1, 101))
    world.carry()
    assert (world.health.breaker, world.health.kind) == ("open", "fault.carrying")
    assert sum(len(carry) == 1 for carry in world.lane.carried) == MANY
    assert set(world.states().values()) == {"pending"}

    world.clock.forward(minutes=2)
    assert world.carry() == 1
    assert world.health.breaker != "closed", "a fault of ours is no answer of the far side's"

    world.lane.odd = set()
    while world.carry() or (world.health.breaker != "closed"):
        world.clock.forward(minutes=2)
    assert set(world.states().values()) == {"done"}


def test_one_customer_who_meets_a_fault_again_and_again_stops_nobody(world: World) -> None:
    world.lane.odd = {1}
    world.register(1)
    for _ in range(3 * MANY):
        world.carry()
        world.clock.forward(hours=2)
    assert world.health == Health()


# --- claiming


def test_a_lane_whose_claiming_fails_again_and_again_is_stopped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        world.runner._crew.stop.set() if len(waits) >= MANY else None
        raise Fault("見本 花子")

    waits: list[float] = []
    monkeypatch.setattr(world.runner.wake, "wait", waits.append)
    monkeypatch.setattr(world.runner, "_claim_once", broken)
    world.runner._claim_loop()
    assert (world.health.breaker, world.health.kind) == ("open", "fault.claiming")
    assert waits[0] < waits[-1], "and it is not hurried"


# --- preparation


def test_a_lane_that_could_not_be_prepared_while_nobody_waits_is_well_when_it_can(world: World) -> None:
    world.lane.unready = REVOKED
    assert world.runner._prepare() > 0
    assert world.health.breaker == "open"
    world.lane.unready = None
    assert world.runner._prepare() == 0
    assert world.health == Health()


def test_a_good_preparation_does_not_hurry_the_probe_of_who_waits(world: World) -> None:
    world.register(1)
    world.lane.unready = REVOKED
    world.runner._prepare()
    world.lane.unready = None
    before = world.health
    world.runner._prepare()
    assert world.health == before


# --- upkeep


def test_a_key_revoked_while_nobody_registers_stops_the_lane_and_a_good_one_lets_it_go(world: World) -> None:
    world.tend()
    assert world.health == Health()
    world.lane.upkeep = REVOKED
    world.tend()
    assert (world.health.breaker, world.health.kind) == ("open", "smaregi.credentials")
    assert world.runner._claim_once() > 0

    world.lane.upkeep = None
    world.tend()
    assert world.health == Health()
    assert not world.runner._upkeep.refused


def test_upkeep_that_was_another_process_s_turn_proves_nothing(world: World) -> None:
    world.lane.upkeep = REVOKED
    world.tend()
    world.lane.upkeep, world.lane.is_kept_up = None, False
    world.tend(3)
    assert world.health.breaker == "open"
    assert world.runner._upkeep.refused
    world.lane.is_kept_up = True
    world.tend()
    assert world.health == Health()


def test_a_key_revoked_while_somebody_is_on_the_way_stops_the_lane_at_once(world: World) -> None:
    world.lane.upkeep = REVOKED
    world.runner._upkeep._attend(world.lane)
    assert (world.health.breaker, world.health.kind) == ("open", "smaregi.credentials")


def test_what_passes_is_told_by_who_is_carried_and_not_by_what_runs_beside(world: World) -> None:
    world.lane.upkeep = GONE
    for _ in range(2 * OPENS_AFTER):
        world.runner._upkeep._attend(world.lane)
    assert world.health == Health()


def test_nobody_is_claimed_while_upkeep_is_refused_and_the_first_is_the_probe_then(world: World) -> None:
    world.lane.upkeep = REVOKED
    world.tend()
    world.register(1, 2)
    world.clock.forward(minutes=5)
    assert world.runner._claim_once() > 0
    assert world.lane.carried == []

    world.lane.upkeep = None
    world.tend()
    assert world.health.breaker == "open", "the customers who wait tell more than upkeep does"
    assert world.carry() == 1
    assert world.health == Health()


def test_a_far_side_that_is_gone_while_nobody_registers_is_told_and_is_well_when_it_is_back(world: World) -> None:
    world.lane.upkeep = GONE
    world.tend(OPENS_AFTER - 1)
    assert world.health.breaker == "closed"
    world.tend()
    assert (world.health.breaker, world.health.kind) == ("open", "smaregi.unreachable")
    world.lane.upkeep = None
    world.tend()
    assert world.health == Health()


def test_upkeep_that_failed_now_and_then_stops_nothing(world: World) -> None:
    for _ in range(OPENS_AFTER):
        world.lane.upkeep = GONE
        world.tend(OPENS_AFTER - 1)
        world.lane.upkeep = None
        world.tend()
    assert world.health == Health()


def test_upkeep_obeys_a_pause_whoever_was_asked(world: World) -> None:
    asked: Any = Busy("too many calls", kind="smaregi.busy", wait=timedelta(seconds=35))
    world.lane.upkeep = asked
    world.tend()
    world.lane.upkeep = Fault("it was asked before the pause was over")
    world.tend(2)
    assert world.health.breaker == "closed"
    assert not world.runner._faults._in_a_row["upkeep"]


def test_a_fault_in_upkeep_again_and_again_stops_the_lane(world: World) -> None:
    world.lane.upkeep = Fault("見本 花子")
    world.tend(MANY)
    assert (world.health.breaker, world.health.kind) == ("open", "fault.upkeep")
    world.lane.upkeep = None
    world.tend()
    assert world.health == Health()


def test_a_fault_beside_the_carries_stops_the_lane_and_a_good_upkeep_lets_it_go(world: World) -> None:
    world.tend()
    world.lane.upkeep = Fault("見本 花子")
    for _ in range(MANY):
        world.runner._upkeep._attend(world.lane)
    assert (world.health.breaker, world.health.kind) == ("open", "fault.upkeep")
    world.lane.upkeep = None
    world.tend()
    assert world.health == Health()


def test_a_lane_that_stood_open_before_the_start_and_waits_for_nobody_is_well_after_a_good_upkeep(world: World) -> None:
    world.ledger.book.health_book.note("smaregi", judge(REVOKED), now=world.clock())
    world.tend()
    assert world.health == Health()
