"""What one lane in one worker decides by itself: whose turn it is, and how long our own trouble waits."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from handlers.lane_runner import BEHIND, STORE_WAIT, LaneRunner
from ledger.database import StoreBusy
from ledger.outcome import Held, settle
from tests.conftest import NOON


def runner() -> LaneRunner:
    lane: Any = SimpleNamespace(name="smaregi", threads=1)
    crew: Any = SimpleNamespace(book=SimpleNamespace(health_book=None), now=None, stop=None)
    return LaneRunner(lane, crew)


def test_while_a_lane_is_behind_every_second_claim_takes_the_newest() -> None:
    r = runner()
    assert [r._newest_in_turn(BEHIND * 2) for _ in range(4)] == [True, False, True, False]


def test_a_lane_that_keeps_up_takes_the_oldest() -> None:
    r = runner()
    assert [r._newest_in_turn(timedelta(seconds=1)) for _ in range(3)] == [False, False, False]


def test_a_carry_that_our_database_cut_short_comes_back_soon_however_often_it_was_tried() -> None:
    r = runner()

    def busy(_: object) -> None:
        raise StoreBusy("gone")

    r.lane.carry = busy  # type: ignore[method-assign,assignment]
    claimed: Any = SimpleNamespace(task=None)
    ((_, outcome),) = r._carry([claimed])
    was = Held(wanted=1, carrying=1, attempt=20, doubt=False, lane_is_well=True)
    assert settle(was, outcome, NOON)["due_at"] == NOON + STORE_WAIT
    assert settle(was, outcome, NOON)["doubt"]
