"""Whose turn it is while a lane is behind."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from handlers.lane_runner import BEHIND, LaneRunner


def runner() -> LaneRunner:
    lane: Any = SimpleNamespace(name="smaregi", threads=1)
    crew: Any = SimpleNamespace(book=None)
    return LaneRunner(lane, crew)


def test_while_a_lane_is_behind_every_second_claim_takes_the_newest() -> None:
    r = runner()
    assert [r._newest_in_turn(BEHIND * 2) for _ in range(4)] == [True, False, True, False]


def test_a_lane_that_keeps_up_takes_the_oldest() -> None:
    r = runner()
    assert [r._newest_in_turn(timedelta(seconds=1)) for _ in range(3)] == [False, False, False]
