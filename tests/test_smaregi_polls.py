"""Polls overlap while new customers are on their way, so that a word of at most a second stands ready for each create.

The processes, Smaregi's answers and those who wait run in one simulated time: nothing here sleeps.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clients.errors import Busy, CarryError, StopLane, TryLater
from clients.smaregi import polls
from clients.smaregi.alone import AloneIndex, AtOnce
from clients.smaregi.api import LIMIT
from clients.smaregi.index import Freshness
from clients.smaregi.polls import EVERY, FRESH, Polls
from clients.smaregi.rows import Row, as_time
from customer import Member, Poll

NOON = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ON_DEV = timedelta(milliseconds=300)


def s(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


@dataclass(frozen=True)
class Asked:
    """A question as it left: when, by which process, and how far it looked back."""

    sent_at: datetime
    process: int
    looked_back: timedelta


@dataclass
class Index(AloneIndex):
    """Shared by all processes; what a poll brought stands in it when the poll is answered, not when it is sent."""

    world: World

    def __post_init__(self) -> None:
        super().__init__(Freshness(scanned_at=NOON, fresh_at=NOON))

    def heard(self, members: Iterable[Member], poll: Poll) -> None:
        rows = list(members)
        self.world.later(self.world.answers_after(), lambda: AloneIndex.heard(self, rows, poll))


@dataclass
class World:
    """Simulated time, several processes with one index, and a Smaregi that answers after ``delays`` in turn."""

    delays: list[float] = field(default_factory=lambda: [0.8])
    processes: int = 1
    every: timedelta = EVERY
    clocks: list[timedelta] = field(default_factory=list)
    now: datetime = NOON
    asked: list[Asked] = field(default_factory=list)
    error: CarryError | None = None
    rows: list[Row] = field(default_factory=list)
    page: int = LIMIT

    def __post_init__(self) -> None:
        self._due: list[tuple[datetime, int, Callable[[], object]]] = []
        self._order = count()
        self._wakings = 0
        self._delays = iter(self.delays * 10_000)
        self.index = Index(self)
        self.polls = [self._process(n) for n in range(self.processes)]

    def _process(self, number: int) -> Polls:
        off = self.clocks[number] if self.clocks else timedelta(0)
        return Polls(
            Smaregi(self, number),
            self.index,
            every=self.every,
            beside=AtOnce(),
            now=lambda: self.now + off,
            sleep=lambda seconds: self.run(s(seconds)),
        )

    def answers_after(self) -> timedelta:
        return s(next(self._delays))

    def later(self, wait: timedelta, go: Callable[[], object]) -> None:
        heapq.heappush(self._due, (self.now + wait, next(self._order), go))

    def run(self, wait: timedelta) -> None:
        """Let so much time pass, with all that happens in it."""
        until = self.now + wait
        while self._due and self._due[0][0] <= until:
            at, _, go = heapq.heappop(self._due)
            self.now = max(self.now, at)
            go()
        self.now = max(self.now, until)

    def start(self) -> None:
        """Every process attends, as its worker has it do."""
        self._wakings += 1
        for process in self.polls:
            self._attend(process, self._wakings)

    def _attend(self, process: Polls, waking: int) -> None:
        if waking != self._wakings:
            return  # a commit woke it meanwhile
        try:
            wait = process.attend()
        except CarryError:
            wait = s(0.1)
        self.later(SECOND if wait is None else wait, lambda: self._attend(process, waking))

    def deliver(self) -> None:
        """A new customer is on the way from now on; the commit wakes every process."""
        self.index.newcomers_wait = True
        self.start()


@dataclass
class Smaregi:
    """What one process asks; the rows are those that stand there when it is sent."""

    world: World
    process: int

    @property
    def heard_at(self) -> datetime | None:
        return None

    def members(
        self,
        *,
        page: int,
        since: datetime | None = None,
        until: datetime | None = None,
        before_send: Callable[[], None] = lambda: None,
    ) -> list[Row]:
        before_send()
        assert since is not None
        self.world.asked.append(Asked(self.world.now, self.process, self.world.now - since))
        if self.world.error is not None:
            raise self.world.error
        return self.world.rows[(page - 1) * self.world.page :][: self.world.page]


def most_within_a_second(asked: Iterable[Asked]) -> int:
    at = [one.sent_at for one in asked]
    return max((sum(first <= other < first + SECOND for other in at) for first in at), default=0)


@pytest.mark.parametrize("processes", [1, 2, 5])
@pytest.mark.parametrize(("every", "most"), [(EVERY, 8), (ON_DEV, 4)])
def test_polls_begin_with_the_delivery_and_overlap_while_one_is_on_the_way(
    processes: int, every: timedelta, most: int
) -> None:
    world = World(processes=processes, every=every)
    world.start()
    world.run(s(7.4))
    assert world.asked == []  # nobody is on the way
    world.deliver()
    assert [one.sent_at - NOON for one in world.asked] == [s(7.4)]
    world.run(s(30))
    gaps = [after.sent_at - before.sent_at for before, after in pairwise(world.asked)]
    assert min(gaps) >= every
    assert max(gaps) <= every * 5 / 4
    assert most_within_a_second(world.asked) <= most
    world.index.newcomers_wait = False
    world.run(SECOND)
    world.asked.clear()
    world.run(s(60))
    assert world.asked == []


@pytest.mark.parametrize("processes", [1, 3])
def test_most_polls_look_back_ten_seconds_and_one_in_ten_seconds_two_minutes(processes: int) -> None:
    world = World(processes=processes)
    world.start()
    world.run(s(3))
    world.deliver()
    world.run(s(59))
    far = [one.sent_at for one in world.asked if one.looked_back > s(13)]
    assert len(far) == 6
    assert all(s(10) <= after - before <= s(10.3) for before, after in pairwise(far))
    assert all(s(120) <= one.looked_back <= s(125) for one in world.asked if one.sent_at in far)
    assert all(s(10) <= one.looked_back <= s(12) for one in world.asked if one.sent_at not in far)


delays = st.lists(st.floats(0.02, 0.9), min_size=1, max_size=7)


@settings(max_examples=150, deadline=None)
@given(
    delays=delays,
    processes=st.integers(1, 4),
    every=st.sampled_from([EVERY, ON_DEV]),
    idle=st.floats(0, 12),
    creates=st.lists(st.floats(0, 4), min_size=1, max_size=6),
)
def test_before_a_create_stands_a_word_of_at_most_a_second_and_nobody_waits_long_for_it(
    delays: list[float], processes: int, every: timedelta, idle: float, creates: list[float]
) -> None:
    """The longest answer and one gap between polls, less what has passed since the delivery: no more is waited."""
    world = World(delays, processes, every)
    world.start()
    world.run(s(idle))
    world.deliver()
    for n, gap in enumerate(creates):
        began = world.now
        word = world.polls[n % processes].ensure_fresh()
        assert world.now - word <= FRESH < SECOND
        assert world.now - began <= s(max(delays)) + every * 5 / 4 + s(0.05)
        world.run(s(gap))
    assert most_within_a_second(world.asked) <= (8 if every == EVERY else 4)


def test_at_800_ms_the_word_is_there_before_the_customer_is_read_and_a_create_waits_no_50_ms() -> None:
    """The read takes half a second, so a customer alone waits 300 ms and one in a stream next to nothing."""
    world = World([0.8])
    world.start()
    world.run(s(5))
    world.deliver()
    world.run(s(0.5))
    began = world.now
    world.polls[0].ensure_fresh()
    assert world.now - began <= s(0.33)
    for _ in range(100):
        world.run(s(0.1))
        began = world.now
        world.polls[0].ensure_fresh()
        assert world.now - began <= s(0.05)


def test_while_no_answer_comes_within_a_second_nobody_is_created() -> None:
    world = World([1.3], processes=2)
    world.start()
    world.deliver()
    world.run(s(5))
    with pytest.raises(Busy) as later:
        world.polls[0].ensure_fresh()
    assert later.value.kind == "smaregi.index_stale"
    assert most_within_a_second(world.asked) <= 8


def test_an_index_that_was_never_filled_pauses_the_lane_and_asks_nothing() -> None:
    world = World()
    world.index.polled(lambda _: Freshness())
    with pytest.raises(Busy) as later:
        world.polls[0].ensure_fresh()
    assert later.value.kind == "smaregi.index_building"
    world.deliver()
    assert world.asked == []


def test_a_clock_that_went_back_does_not_make_an_old_index_fresh() -> None:
    world = World([0.5])
    world.index.polled(lambda _: Freshness(scanned_at=NOON, fresh_at=NOON + s(3600)))
    assert abs(world.polls[0].ensure_fresh() - NOON) < s(1)
    assert world.asked


def test_hosts_whose_clocks_differ_by_more_than_a_turn_do_not_drive_each_other() -> None:
    world = World([2.5], processes=2, clocks=[timedelta(0), s(0.7)])
    world.start()
    world.deliver()
    world.run(s(2))
    for _ in range(5):
        with pytest.raises(Busy):
            world.polls[0].ensure_fresh()  # looks for a turn each 25 ms, while the other one attends
    each = [[one for one in world.asked if one.process == n] for n in range(2)]
    assert all(most_within_a_second(asked) <= 5 for asked in each)


@pytest.mark.parametrize(
    ("error", "longest", "most"),
    [
        (TryLater("down", kind="smaregi.unavailable"), s(60), 14),
        (Busy("wait", kind="smaregi.busy", wait=s(20)), s(59), 3),
        (StopLane("no", kind="smaregi.credential"), s(60), 14),
    ],
)
def test_what_smaregi_refuses_is_not_asked_again_every_200_ms(error: CarryError, longest: timedelta, most: int) -> None:
    world = World(error=error)
    world.start()
    world.deliver()
    world.run(longest)
    assert 1 <= len(world.asked) <= most
    with pytest.raises(type(error)):
        world.polls[0].ensure_fresh()


def test_of_an_answer_of_several_pages_what_did_not_change_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polls, "LIMIT", 2)
    world = World([0.1], page=2)
    stands = [{"customerId": str(n), "customerCode": f"C{n}", "status": "0"} for n in range(5)]
    world.rows = [{**row, "updDateTime": as_time(NOON - SECOND)} for row in stands]
    written: Counter[str] = Counter()
    put = world.index.put

    def count_them(members: Iterable[Member], seen_at: datetime, *, touch: bool = False) -> None:
        kept = list(members)
        written.update(m.id for m in kept if touch)
        put(kept, seen_at, touch=touch)

    monkeypatch.setattr(world.index, "put", count_them)
    world.run(s(2))
    world.deliver()
    world.run(s(0.3))
    assert len(world.asked) >= 3
    assert all(after.sent_at - before.sent_at >= EVERY for before, after in pairwise(world.asked))
    assert world.index.by_code("C4")
    assert not written
