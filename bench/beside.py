"""Beside another build: the same load on both checkouts in turns, and how their costs compare, turn by turn.

The load, the far sides and the reading of the ledgers are this checkout's for both; only the service's own processes
(web door, worker, migrations) are the other's. Two builds on one machine in one run meet the same disturbances, so the
ratio of each pair of turns tells what neither figure tells by itself.
"""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from bench.doors import Door
from bench.far_side import Call, wait_until
from bench.figures import Spread, percentile, ratios
from bench.flow import DELAYS_S, RATE, register
from bench.lab import Lab
from bench.report import Goal, Section, Table
from bench.stores import new_database
from bench.trips import trips
from bench.whole import DESTINATIONS, Whole, whole_system
from bench.work import spent_s
from sandbox.people import Person, people
from sandbox.system import Checkout, DidNotStart, Running, System

#: What lies within this share of 1 is taken for the machine's own noise.
COUNTS_ABOVE: Final = 0.05
TURNS: Final = 10
QUICK_TURNS: Final = 3
STORES: Final = ("SQLite FULL", "PostgreSQL")
CONNECTIONS: Final = (16, 64)
#: Customers who come one by one: a second each.
ALONE: Final = 1
#: How much later customers may arrive than with a build that creates on an older word of Smaregi's: the wait for it.
LATER_MS: Final = {RATE: 50, ALONE: 300}
_FIRST_ID: Final = 7_000_000_000_000
_PATIENCE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Pairs:
    """One figure of both builds, turn by turn: the n-th value of each was measured right after the other's."""

    what: str
    unit: str
    ours: Sequence[float]
    theirs: Sequence[float]
    digits: int = 0

    @property
    def ratio(self) -> Spread:
        """Ours divided by theirs, turn by turn."""
        return ratios(self.ours, self.theirs)

    @property
    def verdict(self) -> str:
        """``more``, ``less`` or ``the same``: the median ratio against ``COUNTS_ABOVE``."""
        middle = self.ratio.median
        if 1 - COUNTS_ABOVE <= middle <= 1 + COUNTS_ABOVE:
            return "the same"
        return "more" if middle > 1 else "less"

    def row(self) -> tuple[str, ...]:
        """The figure as a row of the table: medians, the ratio with its range, the verdict."""
        middles = (f"{median(values):,.{self.digits}f} {self.unit}" for values in (self.theirs, self.ours))
        return (self.what, *middles, self.ratio.shown(2), self.verdict)


HEAD: Final = ("figure", "the other build", "this build", "ratio (lowest–highest)", "counts as")


def measure_answering(lab: Lab, other: Checkout) -> Section:
    """Answers per second, processor time per answer and latency of the two receivers, on both stores."""
    seconds, turns = lab.choose(2, 1), int(lab.choose(TURNS, QUICK_TURNS))
    pairs: list[Pairs] = []
    for store in STORES:
        with contextlib.ExitStack() as stack:
            doors = [stack.enter_context(_door(lab, store, name, home)) for name, home in _builds(other)]
            for door in doors:
                lab.tell(f"answering beside the other build: warming up, {store}")
                door.warm(lab.gun, connections=CONNECTIONS[-1], seconds=1, first_id=_FIRST_ID)
            for turn, number in itertools.product(range(turns), CONNECTIONS):
                first_id = _FIRST_ID + 10_000_000 * (1 + turn * len(CONNECTIONS) + CONNECTIONS.index(number))
                for door in doors if turn % 2 == 0 else doors[::-1]:
                    lab.tell(f"answering beside the other build: {store}, turn {turn + 1} of {turns}, {number}")
                    door.take(lab.gun, connections=number, seconds=seconds, first_id=first_id)
            pairs += [pair for number in CONNECTIONS for pair in _of_doors(store, number, *doors)]
    words = (
        f"The receiver of this checkout and of another one, {turns} turns of {seconds:g} s each at "
        f"{' and '.join(map(str, CONNECTIONS))} connections. Processor time is that of the web processes. "
        f"A change counts above {COUNTS_ABOVE:.0%}."
    )
    goals = [_no_worse(pair) for pair in pairs if pair.unit == "µs"]
    return Section("Beside the other build: answering", words, [_table(pairs)], goals)


def measure_flow(lab: Lab, other: Checkout) -> Section:
    """Streams of new customers through both whole systems: processor time per customer, and the time to arrive."""
    turns = int(lab.choose(TURNS, QUICK_TURNS))
    counts = {RATE: int(RATE * lab.choose(4, 2)), ALONE: int(lab.choose(6, 3))}
    with contextlib.ExitStack() as stack:
        sides = [
            stack.enter_context(_side(lab, name, home, seed)) for seed, (name, home) in enumerate(_builds(other), 31)
        ]
        for turn, (rate, count) in itertools.product(range(turns), counts.items()):
            for side in sides if turn % 2 == 0 else sides[::-1]:
                lab.tell(f"flow beside the other build: turn {turn + 1} of {turns}, {rate} a second, {side.name}")
                side.take(count, rate)
        ours, theirs = sides
        ages = index_ages_s(ours.whole.far_side.calls("smaregi"))
    pairs = [pair for rate in counts for pair in _of_flow(rate, ours, theirs)]
    words = (
        f"New customers through this checkout and another one, {turns} turns of "
        f"{' and '.join(f'{count} at {rate} a second' for rate, count in counts.items())}, "
        f"on SQLite with one worker; the far sides answer after {_delays()}. "
        f"A change counts above {COUNTS_ABOVE:.0%}."
    )
    missing = ours.missing + theirs.missing
    goals = [
        Goal("all arrived at both destinations, both builds", "0 missing", f"{missing} missing", not missing),
        *(_later_by(rate, ours, theirs) for rate in counts),
        _index_is_fresh(ages),
    ]
    return Section("Beside the other build: flow", words, [_table(pairs)], goals)


def _of_flow(rate: int, ours: _Side, theirs: _Side) -> list[Pairs]:
    mine, other = ours.of(rate), theirs.of(rate)
    return [
        Pairs(f"processor of web and worker per customer, {rate} a second", "ms", mine.cost_ms, other.cost_ms, 1),
        Pairs(f"of this the worker, {rate} a second", "ms", mine.worker_ms, other.worker_ms, 1),
        Pairs(f"to both destinations, p50, {rate} a second", "ms", mine.p50_ms, other.p50_ms),
        Pairs(f"to both destinations, p95, {rate} a second", "ms", mine.p95_ms, other.p95_ms),
    ]


def _later_by(rate: int, ours: _Side, theirs: _Side) -> Goal:
    """How much later customers arrive, at the 95th percentile: the median of all turns."""
    later = median(ours.of(rate).p95_ms) - median(theirs.of(rate).p95_ms)
    most = LATER_MS[rate]
    what = f"to both destinations, p95 at {rate} a second, beside the other build"
    return Goal(what, f"≤ +{most} ms", f"{later:+,.0f} ms", later <= most)


def _index_is_fresh(ages: Sequence[float]) -> Goal:
    what = "age of the member index at a create, as Smaregi saw it"
    oldest = max(ages, default=0.0)
    told = f"{oldest * 1000:,.0f} ms at most, {median(ages) * 1000:,.0f} in the middle" if ages else "no create"
    return Goal(what, "≤ 1,000 ms", told, bool(ages) and oldest <= 1)


def index_ages_s(calls: Sequence[Call]) -> list[float]:
    """For each create that Smaregi took: how long before it the newest list was asked for that was answered by then.

    Infinite where there was none.
    """
    lists = [call for call in calls if call.method == "GET" and call.path.endswith("/customers")]
    made = [call for call in calls if call.method == "POST" and call.path.endswith("/customers") and call.status < 300]
    known = ((create.at, [one.at for one in lists if (one.answered_at or math.inf) <= create.at]) for create in made)
    return [at - max(asked, default=-math.inf) for at, asked in known]


def _builds(other: Checkout) -> list[tuple[str, Checkout]]:
    return [("this build", Checkout()), ("the other build", other)]


def _table(pairs: Sequence[Pairs]) -> Table:
    return Table(HEAD, [pair.row() for pair in pairs])


def _no_worse(pair: Pairs) -> Goal:
    limit = 1 + COUNTS_ABOVE
    middle = pair.ratio.median
    return Goal(f"{pair.what}, beside the other build", f"≤ {limit:.2f} ×", f"{middle:.2f} ×", middle <= limit)


def _delays() -> str:
    return ", ".join(f"{seconds * 1000:.0f} ms ({system})" for system, seconds in DELAYS_S.items())


# Answering


@contextlib.contextmanager
def _door(lab: Lab, store: str, name: str, home: Checkout) -> Iterator[Door]:
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(new_database(lab.postgresql)) if store == "PostgreSQL" else None
        room = lab.room(f"beside-{store[:6]}-{name}".lower().replace(" ", "-"))
        system = stack.enter_context(System(room, database_url=url, service=home))
        system.run("db", "upgrade")
        yield Door(name, ("127.0.0.1", system.web_port), system.start_web(), durable=True)


def _of_doors(store: str, number: int, ours: Door, theirs: Door) -> Iterator[Pairs]:
    where = f"{store}, {number} connections"
    for door in (ours, theirs):
        if errors := door.errors(number):
            raise DidNotStart(f"{door.name} did not answer {errors} requests with 200; its log is {door.running.log}")
    yield Pairs(f"processor per answer, {where}", "µs", ours.work_us[number], theirs.work_us[number])
    yield Pairs(f"answers per second, {where}", "/s", ours.rates(number), theirs.rates(number))
    late, other_late = ([volley.at(0.99) for volley in door.volleys[number]] for door in (ours, theirs))
    yield Pairs(f"p99 of an answer, {where}", "ms", late, other_late, 1)


# Flow


@dataclass(slots=True)
class _Rate:
    """What each stream of one rate cost, turn by turn."""

    cost_ms: list[float] = field(default_factory=list)
    worker_ms: list[float] = field(default_factory=list)
    p50_ms: list[float] = field(default_factory=list)
    p95_ms: list[float] = field(default_factory=list)


@dataclass(slots=True)
class _Side:
    """One build as a whole system, and what each of its turns cost."""

    name: str
    whole: Whole
    worker: Running
    crowd: Iterator[Person]
    rates: dict[int, _Rate] = field(default_factory=dict)
    missing: int = 0

    def of(self, rate: int) -> _Rate:
        """What the streams of this rate cost so far."""
        return self.rates.setdefault(rate, _Rate())

    def take(self, count: int, rate: int) -> None:
        """One stream of ``count`` new customers, ``rate`` a second, until nothing waits any more."""
        before, known = self._spent(), self.whole.known()
        ids = register(self.whole, itertools.islice(self.crowd, count), itertools.repeat(1 / rate))
        wait_until(lambda: self.whole.known() >= known + len(ids) and not self.whole.waiting(), _PATIENCE_S)
        web, worker = (after - was for after, was in zip(self._spent(), before, strict=True))
        found = trips(self.whole.database, DESTINATIONS)
        took = [found[i].total_ms for i in ids if i in found]
        self.missing += len(ids) - len(took)
        told = self.of(rate)
        told.cost_ms.append((web + worker) / count * 1000)
        told.worker_ms.append(worker / count * 1000)
        told.p50_ms.append(percentile(took, 0.5))
        told.p95_ms.append(percentile(took, 0.95))

    def _spent(self) -> tuple[float, float]:
        return spent_s(self.whole.web), spent_s(self.worker)


@contextlib.contextmanager
def _side(lab: Lab, name: str, home: Checkout, seed: int) -> Iterator[_Side]:
    lab.tell(f"flow beside the other build: starting {name}")
    with whole_system(lab.room(f"beside-flow-{seed}"), service=home) as whole:
        crowd = people(seed, oddities=0)
        # Started by hand: the other build's ledger need not hold what this one's member index asks of it.
        worker = whole.system.start_worker()
        for person in itertools.islice(crowd, 3):  # connections are opened, what is loaded late is loaded
            whole.far_side.create(person)
        if not wait_until(lambda: whole.known() == 3 and not whole.waiting(), 30):
            raise DidNotStart(f"{name} does not carry; its log is {worker.log}")
        whole.far_side.slow(DELAYS_S)
        yield _Side(name, whole, worker, crowd)
