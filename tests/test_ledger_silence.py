"""How long without a delivery is unusual depends on what is usual at that time of the day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from ledger.silence import HISTORY, LONGEST, expected_gap
from tests.conftest import NOON

HOUR = timedelta(hours=1)
FIRST = NOON - 100 * 24 * HOUR


def weeks_of(rate: Callable[[datetime], int], now: datetime = NOON) -> dict[datetime, int]:
    """The last four weeks, hour by hour."""
    hours = [now.replace(minute=0) - i * HOUR for i in range(1, HISTORY // HOUR + 25)]
    return {hour: count for hour in hours if (count := rate(hour))}


def test_eight_that_should_have_come_are_a_silence() -> None:
    assert expected_gap(weeks_of(lambda _: 4), FIRST, NOON) == 2 * HOUR
    assert expected_gap(weeks_of(lambda _: 4), FIRST, NOON + HOUR / 3) == 2 * HOUR


def test_a_quiet_night_is_no_silence() -> None:
    day = weeks_of(lambda hour: 16 if hour.hour >= 9 else 0, NOON.replace(hour=9))
    assert expected_gap(day, FIRST, NOON.replace(hour=9, minute=15)) == timedelta(hours=9, minutes=30)
    assert expected_gap(day, FIRST, NOON.replace(hour=9, minute=30)) == HOUR / 2


def test_in_a_busy_shop_a_quarter_of_an_hour_is_still_no_silence() -> None:
    assert expected_gap(weeks_of(lambda _: 10_000), FIRST, NOON) == HOUR / 4


def test_the_busiest_quarter_of_the_days_is_not_usual() -> None:
    sale = weeks_of(lambda hour: 4000 if hour.toordinal() % 4 == 0 else 4)
    assert expected_gap(sale, FIRST, NOON) == 2 * HOUR


def test_a_shop_in_which_little_happens_is_never_silent() -> None:
    assert expected_gap({}, FIRST, NOON) is None
    assert expected_gap(weeks_of(lambda hour: 1 if hour.hour == 3 else 0), FIRST, NOON) is None
    gap = expected_gap(weeks_of(lambda hour: 3 if hour.hour == 3 else 0), FIRST, NOON)
    assert gap is not None
    assert gap < LONGEST


def test_in_its_first_week_nothing_is_usual() -> None:
    busy = weeks_of(lambda _: 4)
    assert expected_gap(busy, NOON - 6 * 24 * HOUR, NOON) is None
    assert expected_gap(busy, NOON - 7 * 24 * HOUR, NOON) == 2 * HOUR
