"""The right to recurring work: one at a time, over by itself, and no clock that was set back locks everybody out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from ledger.database import Database
from ledger.turn import take_turn
from tests.conftest import NOON

HOLD = timedelta(minutes=1)


def test_of_many_who_ask_at_once_one_has_it(database: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: take_turn(database, "x", NOON, HOLD), range(16)))
    assert [turn.until for turn in taken if turn] == [NOON + HOLD]


def test_it_is_over_when_its_time_is_over(database: Database) -> None:
    assert take_turn(database, "x", NOON, HOLD)
    assert take_turn(database, "x", NOON + HOLD - timedelta(seconds=1), HOLD) is None
    assert take_turn(database, "x", NOON + HOLD, HOLD)


def test_another_work_is_another_right(database: Database) -> None:
    assert take_turn(database, "x", NOON, HOLD)
    assert take_turn(database, "y", NOON, HOLD)


def test_a_clock_that_was_set_back_binds_nobody(database: Database) -> None:
    assert take_turn(database, "x", NOON + timedelta(days=1), HOLD)
    assert take_turn(database, "x", NOON, HOLD)
