"""What the clients ask to be kept: tokens that one renews for all, a pace for all, and counts."""

from __future__ import annotations

import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients import pace
from clients.pace import AlonePace, Pace, PaceStore
from clients.shopify.points import Points
from clients.token import SharedToken, Token, Vault
from ledger import keeps
from ledger.database import Database
from ledger.keeps import Paces, Tallies, TokenVault
from tests.conftest import NOON, Clock

HOLD = timedelta(seconds=20)


def vault_on(database: Database) -> TokenVault[Token]:
    return TokenVault(database, Token)


@pytest.fixture
def vault(database: Database) -> TokenVault[Token]:
    return vault_on(database)


def token(value: str = "t-1", at: datetime = NOON) -> Token:
    return Token.lasting(value, 3600, at)


# --- tokens


def test_the_vault_is_one_that_the_clients_can_use(vault: TokenVault[Token]) -> None:
    fits: Vault = vault
    assert fits.read("smaregi") is None


def test_a_token_is_kept_as_it_was_for_everybody(vault: TokenVault[Token], database: Database) -> None:
    vault.write("smaregi", token())
    assert vault_on(database).read("smaregi") == token()
    assert vault.read("hubspot") is None
    vault.write("smaregi", token("t-2"))
    assert vault_on(database).read("smaregi") == token("t-2")


def test_one_at_a_time_may_renew(vault: TokenVault[Token], database: Database, clock: Clock) -> None:
    assert vault.may_renew("smaregi", clock(), HOLD)
    assert vault.read("smaregi") is None
    assert not vault_on(database).may_renew("smaregi", clock(), HOLD)
    assert vault_on(database).may_renew("shopify", clock(), HOLD)


def test_the_right_to_renew_comes_back_with_the_token_or_without_it_or_by_itself(
    vault: TokenVault[Token], clock: Clock
) -> None:
    assert vault.may_renew("smaregi", clock(), HOLD)
    vault.write("smaregi", token())
    assert vault.may_renew("smaregi", clock(), HOLD)
    vault.give_up("smaregi")
    assert vault.may_renew("smaregi", clock(), HOLD)
    assert not vault.may_renew("smaregi", clock.forward(seconds=19), HOLD)
    assert vault.may_renew("smaregi", clock.forward(seconds=1), HOLD)
    assert vault.read("smaregi") == token()


def test_only_the_refused_token_is_dropped(vault: TokenVault[Token]) -> None:
    vault.write("smaregi", token("t-2"))
    vault.drop("smaregi", "t-1")
    assert vault.read("smaregi") == token("t-2")
    vault.drop("smaregi", "t-2")
    assert vault.read("smaregi") is None


def test_a_token_that_is_due_is_fetched_once_by_all_together(database: Database) -> None:
    fetched: list[str] = []
    gate = threading.Barrier(8)

    def fetch() -> Token:
        fetched.append("one")
        return token("fresh", datetime.now(UTC))

    def get(_: int) -> str:
        shared = SharedToken("smaregi", fetch, vault_on(database), sleep=lambda _s: None)
        gate.wait(10)
        return shared.get()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(get, range(8))) == {"fresh"}
    assert fetched == ["one"]


# --- pace


def test_the_paces_are_a_store_that_the_clients_can_use(database: Database) -> None:
    fits: PaceStore = Paces(database)
    assert fits.reserve("smaregi.reads", 1, 8.0, 1000.0) == pytest.approx(1000.0)


def test_slots_are_handed_out_one_after_the_other_to_all(database: Database) -> None:
    mine, theirs = Paces(database), Paces(database)
    starts = [mine.reserve("r", 4, 8.0, 1000.0), theirs.reserve("r", 4, 8.0, 1000.1), mine.reserve("r", 1, 8.0, 1000.2)]
    assert starts == pytest.approx([1000.0, 1000.5, 1001.0])
    assert theirs.reserve("other", 1, 8.0, 1000.2) == pytest.approx(1000.2)


def test_nothing_is_saved_up(database: Database) -> None:
    paces = Paces(database)
    paces.reserve("r", 1, 8.0, 1000.0)
    assert paces.reserve("r", 1, 8.0, 2000.0) == pytest.approx(2000.0)
    assert paces.reserve("r", 1, 8.0, 2000.0) == pytest.approx(2000.125)


class _OwnTime:
    """The time of one thread: it passes only while that thread waits for its slot."""

    def __init__(self, at: float) -> None:
        self.at = at

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds


def test_a_clock_that_was_far_ahead_and_is_set_back_does_not_stop_the_pace(database: Database) -> None:
    paces = Paces(database)
    paces.reserve("far.reads", 1, 10, NOON.timestamp() + 86_400)
    assert paces.reserve("far.reads", 1, 10, NOON.timestamp()) == pytest.approx(NOON.timestamp())


def test_store_and_clients_agree_how_far_ahead_a_slot_may_lie() -> None:
    assert keeps.FARTHEST_S == pace.FARTHEST_S


def _stores(database: Database) -> dict[str, PaceStore]:
    return {"shared": Paces(database), "alone": AlonePace()}


class _SetBack(_OwnTime):
    """A clock that is set back once, in the ``turn``-th sleep; ``real`` is the time that has really passed."""

    def __init__(self, at: float, back: float, turn: int) -> None:
        super().__init__(at)
        self.back, self.turn, self.real = back, turn, 0.0
        self.longest = 0.0

    def sleep(self, seconds: float) -> None:
        self.longest, self.real = max(self.longest, seconds), self.real + seconds
        super().sleep(seconds)
        self.turn -= 1
        if self.turn == 0:
            self.at -= self.back


@given(
    back=st.floats(1, 10_000_000),
    turn=st.integers(1, 30),
    rate=st.sampled_from([0.5, 2.0, 8.0, 100.0]),
    kind=st.sampled_from(["shared", "alone"]),
    points=st.booleans(),
)
def test_nobody_sleeps_for_as_long_as_the_clock_was_set_back(
    database: Database, back: float, turn: int, rate: float, kind: str, *, points: bool
) -> None:
    """In a loop as busy as can be: what is waited in all is bounded, and so is each single sleep."""
    store, time = _stores(database)[kind], _SetBack(1_000_000.0, back, turn)
    name = f"far.{secrets.token_hex(8)}"
    calls = 40
    if points:
        rate = max(rate, 10.0)
        bucket = Points(store, name, now=time.now, sleep=time.sleep)
        bucket.per_second = rate
        for _ in range(calls):
            bucket.take(10)
        fair = calls * 10 / rate
    else:
        for _ in range(calls):
            pace_of_one = Pace(store, name, rate, now=time.now, sleep=time.sleep)
            for _ in range(2):
                pace_of_one.take()
        fair = calls * 2 * 1.25 / rate
    assert time.longest <= pace.LONGEST_SLEEP_S
    assert time.real <= fair + pace.FARTHEST_S + 2


def test_a_slot_in_hand_from_before_the_clock_was_set_back_counts_for_nothing() -> None:
    time = _OwnTime(1_000_000.0)
    busy = Pace(AlonePace(), "far.reads", 8, now=time.now, sleep=time.sleep)
    for _ in range(20):
        busy.take()
    time.at -= 3600
    before = time.at
    busy.take()
    assert time.at - before <= 1


def test_all_together_never_go_faster_than_the_rate(database: Database) -> None:
    """Four processes' worth of paces, each as busy as it can be: no second holds more than the rate."""
    rate, begin = 16.0, 1_000_000.0

    def one_process(_: int) -> list[float]:
        time = _OwnTime(begin)
        pace = Pace(Paces(database), "smaregi.writes", rate, now=time.now, sleep=time.sleep)
        taken = []
        for _turn in range(40):
            pace.take()
            taken.append(time.now())
        return taken

    with ThreadPoolExecutor(4) as pool:
        taken = sorted(at for one in pool.map(one_process, range(4)) for at in one)

    assert len(taken) == 160
    gaps = [later - earlier for earlier, later in pairwise(taken)]
    assert min(gaps) >= 1 / rate - 0.001
    # ... and hardly slower: what the vendor permits is used.
    assert taken[-1] - taken[0] <= 160 / rate * 1.1


# --- counts


def test_counts_add_up_by_day_and_name(database: Database) -> None:
    mine, theirs = Tallies(database), Tallies(database)
    mine.add("2026-11-22", {"refused": 2, "foreign": 1})
    theirs.add("2026-11-22", {"refused": 3, "none": 0})
    mine.add("2026-11-23", {"refused": 1})
    mine.add("2026-11-23", {})
    assert mine.of("2026-11-22") == {"refused": 5, "foreign": 1}
    assert mine.of("2026-11-23") == {"refused": 1}
    assert mine.of("2026-11-24") == {}


def test_counts_from_many_at_once_are_all_counted(database: Database) -> None:
    def add(_: int) -> None:
        Tallies(database).add("2026-11-22", {"b": 1, "a": 1})

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(add, range(60)))
    assert Tallies(database).of("2026-11-22") == {"a": 60, "b": 60}
