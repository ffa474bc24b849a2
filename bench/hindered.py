"""End to end with something in the way: more than a vendor permits, a backlog, or a lane that is down.

What matters here is that only the lane concerned is late: the others keep their time.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select

from bench.far_side import wait_until
from bench.figures import percentile
from bench.flow import DELAYS_S, GOAL_MS, register
from bench.lab import Lab
from bench.report import Goal, Section, Table
from bench.trips import Trip, trips
from bench.whole import DESTINATIONS, Whole, whole_system
from ledger import tables as t
from sandbox.people import Person, people
from sandbox.system import DidNotStart

NAMES: Final = {"smaregi": "Smaregi", "hubspot": "HubSpot"}
#: More than Smaregi's 16 writes and Shopify's ten reads a second.
TOO_MANY: Final = 50
_RATE: Final = 10
_FIRST_ID: Final = 7_000_000_000_000


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Who came while something was in the way. ``unhindered``: the lanes that nothing stands in the way of.

    ``in_front``: how many tasks of each lane were due before the last of those who had not arrived when we stopped
    waiting; 0 when all had.
    """

    name: str
    sent: int
    trips: Sequence[Trip]
    unhindered: Sequence[str]
    in_front: dict[str, int]
    goal_ms: float = GOAL_MS

    def first_ms(self, lane: str) -> list[float]:
        """How long it took until this far side knew each of them."""
        return [trip.first_ms(lane) for trip in self.trips if lane in trip.first]

    def last_ms(self, lane: str) -> list[float]:
        """How long it took until this far side had the whole of each of them."""
        return [trip.arrived_ms(lane) for trip in self.trips if lane in trip.there]


def measure(lab: Lab) -> Section:
    """Each hindrance by itself, on SQLite with one worker."""
    return section(take(lab))


def take(lab: Lab) -> list[Arrivals]:
    """The raw figures."""
    seconds = int(lab.choose(8, 3))
    return [
        *(_one_lane_down(lab, lane, seconds * _RATE) for lane in DESTINATIONS),
        _too_many(lab, seconds * TOO_MANY),
        _behind_a_backlog(lab, 10_000 if lab.full else int(lab.choose(500, 100)), seconds * 2),
    ]


def _one_lane_down(lab: Lab, down: str, count: int) -> Arrivals:
    name = f"{NAMES[down]} answers 503"
    lab.tell(f"hindered: {name}")
    with whole_system(lab.room(f"hindered-{down}")) as whole:
        crowd = _warm_up(whole)
        whole.far_side.slow(DELAYS_S)
        whole.far_side.refuse(down, 503)
        ids = register(whole, itertools.islice(crowd, count), itertools.repeat(1 / _RATE))
        other = [lane for lane in DESTINATIONS if lane != down]
        wait_until(lambda: all(_arrived(whole, lane) >= count for lane in other), 30)
        # What the lane owed meanwhile is not lost: it is carried when the far side is back.
        whole.far_side.mend()
        wait_until(whole.at_rest, 120)
        return _arrivals(whole, name, ids, other)


def _too_many(lab: Lab, count: int) -> Arrivals:
    name = f"{TOO_MANY} a second"
    lab.tell(f"hindered: {name}")
    with whole_system(lab.room("hindered-too-many")) as whole:
        crowd = _warm_up(whole)
        whole.far_side.slow(DELAYS_S)
        ids = register(whole, itertools.islice(crowd, count), itertools.repeat(1 / TOO_MANY))
        wait_until(whole.at_rest, 300, every_s=0.5)
        # Reads are over their rate too: HubSpot has each customer when the two seconds are over that it waits for them.
        return _arrivals(whole, name, ids, ["hubspot"], goal_ms=2000 + 2 * 400 + 400)


def _behind_a_backlog(lab: Lab, backlog: int, count: int) -> Arrivals:
    name = f"behind a backlog of {backlog:,}"
    lab.tell(f"hindered: {name}, filling")
    with whole_system(lab.room("hindered-backlog")) as whole:
        crowd = _warm_up(whole, stop=True)
        deliveries = backlog * 2  # half of the knocks are new customers
        lab.gun.fire(
            ("127.0.0.1", whole.system.web_port), connections=64, seconds=600, first_id=_FIRST_ID, most=deliveries
        )
        whole.far_side.slow(DELAYS_S)
        lab.tell(f"hindered: {name}")
        whole.start_workers(1)
        ids = register(whole, itertools.islice(crowd, count), itertools.repeat(0.5))
        wait_until(lambda: not _waiting(whole, ids), lab.choose(120, 60), every_s=0.5)
        return _arrivals(whole, name, ids, [])


def _warm_up(whole: Whole, *, stop: bool = False) -> Iterator[Person]:
    """A worker whose connections are open and whose far sides are set up; ended again where a backlog is to come.

    Gives those who may register next.
    """
    crowd = people(5, oddities=0)
    worker = whole.start_workers(1)[0]
    for person in itertools.islice(crowd, 3):
        whole.far_side.create(person)
    if not wait_until(lambda: whole.known() == 3 and whole.at_rest(), 30):
        raise DidNotStart("the first customers did not arrive")
    if stop:
        worker.stop()
    return crowd


def _arrived(whole: Whole, lane: str) -> int:
    """How many customers this lane has carried, those of the warm-up not counted."""
    done = select(func.count()).where(t.tasks.c.lane == lane, t.tasks.c.ref.is_not(None))
    with whole.database.reading() as c:
        return int(c.execute(done).scalar() or 0) - 3


def _waiting(whole: Whole, ids: Sequence[int]) -> bool:
    open_ones = select(t.tasks.c.lane).where(
        t.tasks.c.customer_id.in_(ids), t.tasks.c.state.in_(("pending", "running"))
    )
    with whole.database.reading() as c:
        return c.execute(open_ones.limit(1)).first() is not None


def _arrivals(
    whole: Whole, name: str, ids: Sequence[int], unhindered: Sequence[str], *, goal_ms: float = GOAL_MS
) -> Arrivals:
    found = trips(whole.database, DESTINATIONS, whole=False)
    came = [found[i] for i in ids if i in found]
    return Arrivals(
        name, len(ids), came, unhindered, {lane: _in_front(whole, lane, ids) for lane in DESTINATIONS}, goal_ms
    )


def _in_front(whole: Whole, lane: str, ids: Sequence[int]) -> int:
    """How many tasks of this lane are claimed before the last one of these customers; 0 when none of them waits."""
    waiting = select(t.tasks.c.due_at).where(t.tasks.c.lane == lane, t.tasks.c.state == "pending")
    with whole.database.reading() as c:
        last: datetime | None = c.execute(
            waiting.with_only_columns(func.max(t.tasks.c.due_at)).where(t.tasks.c.customer_id.in_(ids))
        ).scalar()
        if last is None:
            return 0
        front = waiting.with_only_columns(func.count()).where(t.tasks.c.due_at < last)
        return int(c.execute(front).scalar() or 0)


def section(found: Sequence[Arrivals]) -> Section:
    """First and last arrival at each far side, hindrance by hindrance."""
    words = (
        f"As above (one worker on SQLite; Shopify, Smaregi and HubSpot answer after {DELAYS_S['shopify'] * 1000:.0f}, "
        f"{DELAYS_S['smaregi'] * 1000:.0f} and {DELAYS_S['hubspot'] * 1000:.0f} ms), with something in the way. "
        "*Known* is when the far side has the customer at all, *whole* when it has all that Shopify knows: they differ "
        "where a destination did not wait for the read for longer than its two seconds. A lane that answers 503 is "
        f"down for the whole of a stream of {_RATE} customers a second, and mended afterwards. {TOO_MANY} a second are "
        "more than Smaregi's 16 writes and more than the ten customers that Shopify's smallest plan lets us read: "
        "these two lanes queue at their pace, the third must not feel it. Behind a backlog, two customers a second "
        "register while it drains; while a lane is behind, every second claim takes the newest. After an outage "
        "*whole* includes that a customer is carried once more a minute later, where a write was in doubt."
    )
    head = ("", "sent", "arrived", "known p50 ms", "known p95 ms", "known max ms", "whole p95 ms", "still in front")
    rows = [_row(one, lane) for one in found for lane in DESTINATIONS]
    return Section("End to end, hindered", words, [Table(head, rows)], [g for one in found for g in _goals(one)])


def _row(one: Arrivals, lane: str) -> tuple[str, ...]:
    known, whole = one.first_ms(lane), one.last_ms(lane)
    return (
        f"{one.name}: {NAMES[lane]}",
        f"{one.sent:,}",
        f"{len(known):,}",
        *(f"{percentile(known, share):,.0f}" if known else "–" for share in (0.5, 0.95, 1)),
        f"{percentile(whole, 0.95):,.0f}" if whole else "–",
        f"{one.in_front[lane]:,}",
    )


def _goals(one: Arrivals) -> list[Goal]:
    goals = []
    for lane in one.unhindered:
        known = one.first_ms(lane)
        p95, lost = percentile(known, 0.95), one.sent - len(known)
        measured = f"p95 {p95:,.0f} ms" + (f", {lost} not arrived" if lost else "")
        met = p95 <= one.goal_ms and not lost
        goals.append(Goal(f"{NAMES[lane]} while {one.name}", f"p95 ≤ {one.goal_ms:,.0f} ms", measured, met, _BUSY))
    return goals


_BUSY: Final = (
    "all three lanes of one worker share an interpreter, and at this rate everyone waits out the two seconds for "
    "a read that Shopify's smallest plan does not permit so often; what is over the goal is our own work and "
    "HubSpot's batches. Next: a second worker in that run."
)
