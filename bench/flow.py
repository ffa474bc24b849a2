"""End to end: from a delivery's receipt to both destinations, with far sides that answer as slowly as real ones."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bench.far_side import wait_until
from bench.figures import percentile
from bench.lab import Lab
from bench.report import Goal, Section, Table
from bench.trips import Trip, trips
from bench.whole import DESTINATIONS, Whole, whole_system
from sandbox.people import Person, people

DELAYS_S: Final = {"shopify": 0.5, "smaregi": 0.8, "hubspot": 0.4}
#: Design, section 6: the read, the slower destination, and 0.4 s for everything of our own.
GOAL_MS: Final = 500 + 800 + 400
RATE: Final = 10


@dataclass(frozen=True, slots=True)
class Run:
    """One steady stream: what was asked for, and the trips of those who arrived."""

    name: str
    sent: int
    trips: Sequence[Trip]


def measure(lab: Lab) -> Section:
    """Streams of new customers, one after the other through the same system."""
    seconds = lab.choose(20, 6)
    evenly = [("1 a second, evenly", 1, False), (f"{RATE} a second, evenly", RATE, False)]
    streams = [*(evenly[1:] if lab.quick else evenly), (f"{RATE} a second, at random moments", RATE, True)]
    lab.tell("flow: starting the system")
    crowd = people(3, oddities=0)
    runs = []
    with whole_system(lab.room("flow")) as whole:
        workers = whole.start_workers(1)
        for person in itertools.islice(crowd, 3):  # connections are opened, what is loaded late is loaded
            whole.far_side.create(person)
        wait_until(lambda: whole.known() == 3 and not whole.waiting(), 20)
        whole.far_side.slow(DELAYS_S)
        with lab.scale.on("flow", whole.web, *workers):
            for name, rate, at_random in streams:
                lab.tell(f"flow: {name}")
                gaps = random_gaps(rate) if at_random else itertools.repeat(1 / rate)
                runs.append(_stream(whole, name, itertools.islice(crowd, int(seconds * rate)), gaps))
    return _section(runs, seconds)


def random_gaps(rate: float) -> Iterator[float]:
    """The gaps between events that know nothing of each other; the same ones in each run."""
    dice = random.Random(rate)
    while True:
        yield dice.expovariate(rate)


def register(whole: Whole, crowd: Iterable[Person], gaps: Iterable[float]) -> list[int]:
    """Register these people in the shop, so many seconds apart; their Shopify ids."""
    ids = []
    at = time.monotonic()
    for person, gap in zip(crowd, gaps, strict=False):
        time.sleep(max(0.0, at - time.monotonic()))
        ids.append(whole.far_side.create(person))
        at += gap
    return ids


def _stream(whole: Whole, name: str, crowd: Iterable[Person], gaps: Iterable[float]) -> Run:
    ids = register(whole, crowd, gaps)
    wait_until(lambda: not whole.waiting(), 30)
    time.sleep(0.5)  # what was read may have made its destinations wait once more
    wait_until(lambda: not whole.waiting(), 30)
    found = trips(whole.database, DESTINATIONS)
    return Run(name, len(ids), [found[i] for i in ids if i in found])


def _section(runs: Sequence[Run], seconds: float) -> Section:
    words = (
        "New customers registered in the sandbox shop, in steady streams of "
        f"{seconds:g} s on SQLite with one worker; each call is answered after {DELAYS_S['shopify'] * 1000:.0f} ms by "
        f"Shopify, {DELAYS_S['smaregi'] * 1000:.0f} ms by Smaregi and {DELAYS_S['hubspot'] * 1000:.0f} ms by HubSpot. "
        "The time runs from the receipt of the delivery (as the ledger has it) to the answer of the last destination. "
        "A new customer is one read, one call to Smaregi, and two round trips to HubSpot (look, then write). The "
        "worker keeps the pace of its settings: 16 writes/s to Smaregi."
    )
    totals = Table(
        ("stream", "sent", "arrived", "to Smaregi p50 ms", "to HubSpot p50 ms", "both p50 ms", "both p95 ms", "max ms"),
        [_totals(run) for run in runs],
        "From receipt to both destinations",
    )
    legs = [
        Table(("leg", "far side ms", "p50 ms", "p95 ms", "max ms"), _legs(run.trips), f"Where it goes: {run.name}")
        for run in runs
        if run.trips
    ]
    return Section("End to end", words, [totals, *legs], _goals(runs))


def _totals(run: Run) -> tuple[str, ...]:
    both = [trip.total_ms for trip in run.trips]
    middles = [percentile([trip.arrived_ms(lane) for trip in run.trips], 0.5) for lane in DESTINATIONS]
    return (
        run.name,
        str(run.sent),
        str(len(run.trips)),
        *(f"{middle:,.0f}" for middle in middles),
        *(f"{percentile(both, share):,.0f}" for share in (0.5, 0.95, 1)),
    )


def _legs(found: Sequence[Trip]) -> list[tuple[str, ...]]:
    legs: list[tuple[str, str, list[float]]] = [
        ("receipt → the read begins", "", [trip.before_read_ms for trip in found]),
        ("the read", "500", [trip.read.ms for trip in found if trip.read]),
        ("read ends → Smaregi begins", "", [trip.before_ms("smaregi") for trip in found]),
        ("Smaregi (pace and call)", "800", [trip.there["smaregi"].ms for trip in found]),
        ("read ends → HubSpot begins", "", [trip.before_ms("hubspot") for trip in found]),
        ("HubSpot (pace and calls)", "2 × 400", [trip.there["hubspot"].ms for trip in found]),
    ]
    return [
        (name, far, *(f"{percentile(values, share):,.0f}" for share in (0.5, 0.95, 1))) for name, far, values in legs
    ]


def _goals(runs: Sequence[Run]) -> list[Goal]:
    goals = []
    for run in runs:
        p95 = percentile([trip.total_ms for trip in run.trips], 0.95)
        lost = run.sent - len(run.trips)
        twice = sum(trip.writes - len(DESTINATIONS) for trip in run.trips)
        measured = f"p95 {p95:,.0f} ms"
        measured += f", {lost} not arrived" if lost else ""
        measured += f", {twice} sent twice" if twice else ""
        met = p95 <= GOAL_MS and not lost
        goals.append(Goal(f"delivery to both destinations, {run.name}", f"p95 ≤ {GOAL_MS:,} ms", measured, met))
    return goals
