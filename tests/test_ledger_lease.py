"""One rule for all that is held: it ends in its own time, also when its holder died and the clock was set back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, literal, select, update

from clients.token import Token
from ledger import tables as t
from ledger.alert import Changes, Sighting
from ledger.alerts import Alerts
from ledger.columns import Instant
from ledger.database import Database
from ledger.keeps import TokenVault
from ledger.lease import ended, free, held, is_held
from ledger.members import Members
from ledger.rollups import Rollups
from ledger.soundness import life
from ledger.turn import take_turn
from tests.conftest import NOON, Clock
from tests.ledger_cases import LEASE, Ledger, delivery_of, person

MINUTE: Final = timedelta(minutes=1)

#: Takes what it is about, for somebody who dies with it. What comes back asks for it as another one would.
Take: TypeAlias = Callable[[Database, Clock], Callable[[], bool]]


def _task(database: Database, clock: Clock) -> Callable[[], bool]:
    ledger = Ledger(database)
    ledger.hear(delivery_of(person()), now=clock())
    assert ledger.claim(now=clock.forward(seconds=3))
    return lambda: ledger.book.rescue(now=clock(), lease=LEASE) == 1


def _turn(database: Database, clock: Clock) -> Callable[[], bool]:
    assert take_turn(database, "x", clock(), MINUTE)
    return lambda: take_turn(database, "x", clock(), MINUTE) is not None


def _index_poll(database: Database, clock: Clock) -> Callable[[], bool]:
    members = Members(database)
    assert members.may_poll(clock(), clock() + MINUTE)
    return lambda: members.may_poll(clock(), clock() + MINUTE)


def _token(database: Database, clock: Clock) -> Callable[[], bool]:
    vault = TokenVault(database, Token)
    assert vault.may_renew("smaregi", clock(), MINUTE)
    return lambda: vault.may_renew("smaregi", clock(), MINUTE)


def _mail(database: Database, clock: Clock) -> Callable[[], bool]:
    members, hold = Members(database), timedelta(minutes=5)
    assert members.hold_mail("a@example.jp", 1, clock(), clock() + hold)
    return lambda: members.hold_mail("a@example.jp", 2, clock(), clock() + hold)


def _probe(database: Database, clock: Clock) -> Callable[[], bool]:
    """Of the two tasks one is probed with; the other one waits for the probe's end."""
    ledger = Ledger(database)
    ledger.hear(delivery_of(person(1)), delivery_of(person(2)), now=clock())
    clock.forward(seconds=3)
    with database.writing() as c:
        c.execute(insert(t.lanes).values(name="smaregi", breaker="open", opened_at=clock(), retry_at=clock()))
    assert len(ledger.claim(now=clock())) == 1

    def ask() -> bool:
        due = ledger.book.next_due("smaregi", now=clock())
        return due is not None and due <= clock() and len(ledger.claim(now=clock())) == 1

    # As if both had been due at any time, for this is about the lane.
    with database.writing() as c:
        c.execute(update(t.tasks).values(due_at=NOON - timedelta(days=1000)))
    return ask


def _raised(database: Database, clock: Clock) -> Alerts:
    alerts = Alerts(database)
    turn = alerts.take_turn(clock(), timedelta(seconds=9))
    assert turn
    rise = Changes(rise=(Sighting("open", "open:smaregi", clock(), "smaregi"),))
    assert alerts.write(rise, now=clock(), tell=True, turn=turn[0], memory=None)[0]
    return alerts


def _notice(database: Database, clock: Clock) -> Callable[[], bool]:
    alerts = _raised(database, clock)
    assert alerts.claim(1, now=clock(), lease=MINUTE)
    return lambda: bool(alerts.claim(1, now=clock(), lease=MINUTE))


def _notice_on_its_way(database: Database, clock: Clock) -> Callable[[], bool]:
    alerts = _raised(database, clock)
    [alert] = alerts.claim(1, now=clock(), lease=MINUTE)
    assert alerts.begin(alert, now=clock(), lease=MINUTE)
    return lambda: bool(alerts.end_unknown(now=clock(), lease=MINUTE))


def _adding_up(database: Database, clock: Clock) -> Callable[[], bool]:
    Ledger(database).hear(delivery_of(person()), now=clock())
    assert take_turn(database, "rollups", clock(), MINUTE)

    def ask() -> bool:
        Rollups(database).roll_up(clock())
        with database.reading() as c:
            return c.execute(select(t.cursors.c.value).where(t.cursors.c.name == "rollups")).scalar() is not None

    return ask


#: Everything that is held for a while, and for how long.
USERS: Final[dict[str, tuple[Take, timedelta]]] = {
    "task": (_task, LEASE),
    "turn": (_turn, MINUTE),
    "index poll": (_index_poll, MINUTE),
    "token renewal": (_token, MINUTE),
    "e-mail": (_mail, timedelta(minutes=5)),
    "probe": (_probe, LEASE),
    "notice": (_notice, MINUTE),
    "notice on its way": (_notice_on_its_way, MINUTE),
    "adding up": (_adding_up, MINUTE),
}


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("back", [timedelta(hours=1), timedelta(days=400)], ids=["an hour back", "a year back"])
def test_what_a_dead_holder_took_comes_back_in_its_own_time(
    database: Database, clock: Clock, user: str, back: timedelta
) -> None:
    take, length = USERS[user]
    ask = take(database, clock)
    clock.forward(seconds=(length - back).total_seconds())
    assert ask(), f"locked until the clock is where it was: {back}"


@pytest.mark.parametrize("user", USERS)
def test_a_host_whose_clock_is_a_little_behind_takes_nothing_away(database: Database, clock: Clock, user: str) -> None:
    take, length = USERS[user]
    ask = take(database, clock)
    clock.forward(seconds=-5)
    assert not ask()
    clock.forward(seconds=5 + length.total_seconds())
    assert ask()


SECONDS = st.integers(-10_000, 10_000).map(lambda s: timedelta(seconds=s))


def test_the_rule_is_the_same_in_python_and_in_sql_and_locks_nothing_for_longer_than_twice_its_length(
    database: Database,
) -> None:
    with database.reading() as c:

        @given(until=st.none() | SECONDS, length=st.integers(1, 600).map(lambda s: timedelta(seconds=s)))
        def check(until: timedelta | None, length: timedelta) -> None:
            end = None if until is None else NOON + until
            column = literal(end, Instant())
            there = is_held(end, NOON, length)
            told = c.execute(
                select(held(column, NOON, length), ended(column, NOON, length), free(column, NOON, length))
            )
            in_sql = [bool(one) for one in told.one()]
            assert in_sql == [there, end is not None and not there, not there]
            if until is not None and until <= timedelta(0):
                assert not there, "over is over"
            if there and end is not None:
                assert not is_held(end, NOON + 2 * length, length)

        check()


def test_doctor_counts_what_a_clock_set_back_left_as_abandoned(database: Database, clock: Clock) -> None:
    _task(database, clock)
    assert (life(database, clock()).held, life(database, clock()).abandoned) == (1, 0)
    clock.forward(hours=-1)
    assert (life(database, clock()).held, life(database, clock()).abandoned) == (0, 1)
