"""The member index is filled by one scan, by one process at a time, and looked back over every ten seconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from clients.errors import StopLane, TryLater
from clients.smaregi import polls, upkeep
from clients.smaregi.alone import AloneIndex, AtOnce
from clients.smaregi.index import Freshness
from clients.smaregi.polls import Polls
from clients.smaregi.rows import JST, Row
from clients.smaregi.upkeep import Upkeep

PAGE = 2
NOON = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@dataclass
class Asked:
    page: int
    since: datetime | None
    until: datetime | None


@dataclass
class Store:
    """Smaregi's list of members, in memory; ``deaf`` to its filters when told so."""

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    deaf: bool = False
    down_on_page: int | None = None

    def add(self, member_id: str, mail: str, changed: datetime) -> None:
        self.rows[member_id] = {
            "customerId": int(member_id),
            "customerCode": f"C{member_id}",
            "customerNo": None,
            "mailAddress": mail,
            "mailAddress2": "",
            "mailAddress3": None,
            "status": "0",
            "updDateTime": changed.astimezone(JST).isoformat(timespec="seconds"),
        }

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
        self.asked.append(Asked(page, since, until))
        if page == self.down_on_page:
            raise TryLater("down", kind="smaregi.unavailable")
        rows = [self.rows[member_id] for member_id in sorted(self.rows, key=int)]
        if since is not None and until is not None and not self.deaf:
            rows = [row for row in rows if since <= datetime.fromisoformat(row["updDateTime"]) <= until]
        return list(rows[(page - 1) * PAGE : page * PAGE])


class Clock:
    def __init__(self) -> None:
        self.now = NOON
        self.slept: list[float] = []

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)

    def later(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(upkeep, "LIMIT", PAGE)
    monkeypatch.setattr(polls, "LIMIT", PAGE)
    store = Store()
    for n in range(1, 6):
        store.add(str(n), f"Person{n}@Example.com ", NOON - timedelta(days=100))
    return store


@pytest.fixture
def index() -> AloneIndex:
    return AloneIndex()


@pytest.fixture
def keeper(store: Store, index: AloneIndex, clock: Clock) -> Upkeep:
    asking = Polls(store, index, beside=AtOnce(), now=clock, sleep=clock.sleep)
    return Upkeep(store, index, asking, now=clock)


def ids(index: AloneIndex, mail: str) -> list[str]:
    return [member.id for member in index.by_mail(mail)]


def test_the_first_scan_reads_every_page_and_makes_the_index_fresh(
    keeper: Upkeep, store: Store, index: AloneIndex
) -> None:
    assert keeper.tend() == timedelta(seconds=10)
    assert [(a.page, a.since) for a in store.asked] == [(1, None), (2, None), (3, None)]
    assert index.freshness() == Freshness(scanned_at=NOON, fresh_at=NOON)
    assert ids(index, "person5@example.com") == ["5"]


def test_a_scan_goes_on_where_a_crash_left_it(keeper: Upkeep, store: Store, index: AloneIndex, clock: Clock) -> None:
    store.down_on_page = 2
    with pytest.raises(TryLater):
        keeper.tend()
    assert index.freshness().scan_page == 2
    store.down_on_page = None
    clock.later(minutes=5)
    store.asked.clear()
    keeper.tend()
    assert [a.page for a in store.asked if a.since is None] == [2, 3]
    assert index.freshness().scanned_at == NOON


def test_a_scan_that_lay_for_a_day_begins_again(keeper: Upkeep, store: Store, index: AloneIndex, clock: Clock) -> None:
    index.polled(lambda _: Freshness(scan_page=2, scan_began_at=NOON - timedelta(days=1)))
    keeper.tend()
    assert store.asked[0].page == 1


def test_what_changed_during_a_long_scan_is_polled_right_after_it(
    keeper: Upkeep, store: Store, index: AloneIndex, clock: Clock
) -> None:
    began = NOON - timedelta(minutes=30)
    index.polled(lambda _: Freshness(scan_page=3, scan_began_at=began))
    store.add("1", "moved@example.com", NOON - timedelta(minutes=10))
    keeper.tend()
    assert store.asked[-1].since == began - timedelta(minutes=2, seconds=1)
    assert ids(index, "moved@example.com") == ["1"]
    assert index.freshness().fresh_at == NOON


def test_a_poll_reads_only_what_changed_with_an_overlap(
    keeper: Upkeep, store: Store, index: AloneIndex, clock: Clock
) -> None:
    keeper.tend()
    store.asked.clear()
    store.add("2", "moved@example.com", NOON + timedelta(seconds=5))
    clock.later(seconds=10)
    assert keeper.tend() == timedelta(seconds=10)
    (asked,) = store.asked
    assert asked.since == NOON - timedelta(minutes=2, seconds=1)  # their seconds are whole ones
    assert asked.until == clock.now + timedelta(minutes=2)  # their clock may go before ours
    assert ids(index, "moved@example.com") == ["2"]
    assert ids(index, "person2@example.com") == []


def test_nothing_is_asked_before_ten_seconds_are_over(keeper: Upkeep, store: Store, clock: Clock) -> None:
    keeper.tend()
    store.asked.clear()
    clock.later(seconds=4)
    assert keeper.tend() == timedelta(seconds=6)
    assert store.asked == []


def test_a_long_gap_is_read_in_windows_the_vendor_allows(
    keeper: Upkeep, store: Store, index: AloneIndex, clock: Clock
) -> None:
    index.polled(lambda _: Freshness(scanned_at=NOON, fresh_at=NOON - timedelta(days=70)))
    store.add("3", "old@example.com", NOON - timedelta(days=50))
    keeper.tend()
    windows = [(a.since, a.until) for a in store.asked if a.since and a.until]
    assert len(windows) == 3
    assert all(until - since < timedelta(days=31) for since, until in windows)
    assert all(windows[n + 1][0] < windows[n][1] for n in range(2))
    assert windows[-1][1] >= NOON
    assert index.freshness().fresh_at == NOON
    assert ids(index, "old@example.com") == ["3"]


def test_members_outside_the_window_stop_the_lane(
    keeper: Upkeep, store: Store, index: AloneIndex, clock: Clock
) -> None:
    keeper.tend()
    store.deaf = True
    clock.later(seconds=10)
    with pytest.raises(StopLane) as stopped:
        keeper.tend()
    assert stopped.value.kind == "smaregi.filter_ignored"
    assert index.freshness().fresh_at == NOON
    assert index.may_poll(clock.now, clock.now)


def test_a_daily_scan_drops_who_was_unseen_by_two(
    keeper: Upkeep, store: Store, index: AloneIndex, clock: Clock
) -> None:
    keeper.tend()
    del store.rows["4"]
    seen: list[bool] = []
    for _ in range(2):
        clock.later(days=1)
        keeper.tend()
        seen.append(bool(ids(index, "person4@example.com")))
    assert seen == [True, False]
    assert ids(index, "person5@example.com") == ["5"]


def test_the_index_stays_fresh_while_the_daily_scan_is_under_way(
    keeper: Upkeep, store: Store, index: AloneIndex, clock: Clock
) -> None:
    keeper.tend()
    clock.later(days=1)
    store.asked.clear()
    keeper.tend()
    assert store.asked[0].since is not None
    assert [a.page for a in store.asked if a.since is None] == [1, 2, 3]
    assert index.freshness().fresh_at == clock.now


def test_while_one_process_polls_the_others_leave_it_alone(
    keeper: Upkeep, store: Store, index: AloneIndex, clock: Clock
) -> None:
    assert index.may_poll(NOON, NOON + timedelta(seconds=30))
    assert keeper.tend() == timedelta(seconds=2)
    assert store.asked == []


def test_a_failed_poll_gives_the_right_back_and_moves_nothing(
    keeper: Upkeep, store: Store, index: AloneIndex, clock: Clock
) -> None:
    keeper.tend()
    clock.later(seconds=20)
    store.down_on_page = 1
    with pytest.raises(TryLater):
        keeper.tend()
    assert index.freshness().fresh_at == NOON
    assert index.may_poll(clock.now, clock.now)


def test_a_poller_that_was_killed_does_not_make_the_index_stale(
    keeper: Upkeep, index: AloneIndex, clock: Clock
) -> None:
    keeper.tend()
    clock.later(seconds=10)
    assert index.may_poll(clock.now, clock.now + upkeep.HOLD)  # and never heard of again
    while (age := clock.now - (index.freshness().fresh_at or NOON)) < timedelta(seconds=60):
        clock.now += keeper.tend()
        if index.freshness().fresh_at != NOON:
            break
    assert age < timedelta(seconds=60)
