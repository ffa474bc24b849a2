"""Birth dates as moments, as scripts write them, and in two calendars at once."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from japan import birth_date

TODAY: Final = date(2026, 11, 22)
ROOT: Final = Path(__file__).resolve().parent.parent
JAPAN: Final = zoneinfo.ZoneInfo("Asia/Tokyo")


def days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def midnight(day: date) -> datetime:
    """The first moment of the day in Japan, as a browser makes it; on four days the clocks sprang from 0 to 1 then."""
    return datetime(day.year, day.month, day.day, tzinfo=JAPAN).astimezone(UTC).astimezone(JAPAN)


def iso_in_utc(moment: datetime) -> str:
    """As JavaScript's ``toISOString`` writes it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def as_javascript_prints(moment: datetime) -> str:
    """As JavaScript's ``toString`` writes it in Japan."""
    name = "日本夏時間" if moment.dst() else "日本標準時"
    return f"{moment:%a %b %d %Y %H:%M:%S GMT%z} ({name})"


def test_every_day_since_1900_goes_to_a_moment_and_back() -> None:
    wrong = [
        day
        for day in days(date(1900, 1, 1), TODAY)
        if birth_date(iso_in_utc(midnight(day)), TODAY).value != day.isoformat()
    ]
    assert wrong == []


def test_every_day_of_the_years_with_summer_time_is_read_in_every_writing() -> None:
    for day in days(date(1948, 1, 1), date(1952, 1, 1)):
        begin = midnight(day)
        for written in (
            begin.isoformat(),
            str(begin),
            as_javascript_prints(begin),
            f"{begin.astimezone(UTC):%Y-%m-%d %H:%M:%S UTC}",
            f"{begin.astimezone(UTC):%a, %d %b %Y %H:%M:%S GMT}",
            f"{day.isoformat()}T00:00:00.000Z",
            iso_in_utc(begin + timedelta(hours=12)),
        ):
            assert birth_date(written, TODAY).value == day.isoformat(), written


def test_the_zone_is_known_where_the_system_has_none() -> None:
    known = zoneinfo.TZPATH
    zoneinfo.reset_tzpath(to=())
    try:
        shipped = zoneinfo.ZoneInfo.no_cache("Asia/Tokyo")
    finally:
        zoneinfo.reset_tzpath(to=known)
    assert datetime(1950, 6, 15, tzinfo=shipped).utcoffset() == timedelta(hours=10)
    for name in ("requirements.lock", "requirements-dev.lock"):
        line = re.search(r"^tzdata==.*$", (ROOT / name).read_text(), re.MULTILINE)
        assert line is not None
        assert ";" not in line[0], f"{name} ships time zones to some systems only"


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("1950-06-14T14:00:00.000Z", "1950-06-15"),
        ("1950-06-14T13:59:59.999Z", "1950-06-14"),
        ("1952-06-14T15:00:00.000Z", "1952-06-15"),
        ("1952-06-14T14:00:00.000Z", "1952-06-14"),
        ("Wed Jan 31 1990 00:00:00 GMT+0900 (日本標準時)", "1990-01-31"),
        ("Wed Jan 31 1990 00:00:00 GMT+0900 (Japan Standard Time)", "1990-01-31"),
        ("Wed Jan 31 1990 00:00:00 GMT+0900", "1990-01-31"),
        ("Thu Jun 15 1950 00:00:00 GMT+1000 (日本夏時間)", "1950-06-15"),
        ("Tue Jan 30 1990 10:00:00 GMT-0500 (Eastern Standard Time)", "1990-01-31"),
        ("Wed, 31 Jan 1990 00:00:00 GMT", "1990-01-31"),
        ("Tue, 30 Jan 1990 15:00:00 GMT", "1990-01-31"),
        ("Wed Jan 31 1990", "1990-01-31"),
        ("Wed Jan 31 00:00:00 JST 1990", "1990-01-31"),
        ("Wed Jan 31 00:00:00 UTC+0900 1990", "1990-01-31"),
        ("1990-01-30 15:00:00 UTC", "1990-01-31"),
        ("1990-01-31 00:00:00 +0900", "1990-01-31"),
        ("1/31/1990, 12:00:00 AM", "1990-01-31"),
        ("1990年1月31日 0時0分", "1990-01-31"),
        ("1990年1月31日 午前0:00:00", "1990-01-31"),
        ("\u200e1990\u200e/\u200e1\u200e/\u200e31", "1990-01-31"),
        ("1990年（平成2年）1月31日", "1990-01-31"),
        ("１９９０年（平成２年）１月３１日", "1990-01-31"),
        ("1990（平成2）年1月31日", "1990-01-31"),
        ("1990年(H2)1月31日", "1990-01-31"),
        ("1989年（平成元年）2月1日", "1989-02-01"),
        ("1989年（昭和64年）1月7日", "1989-01-07"),
        ("平成2年（1990年）1月31日", "1990-01-31"),
        ("昭和60年（西暦1985年）4月1日", "1985-04-01"),
        ("1990年1月31日（平成2年）", "1990-01-31"),
        ("一九九〇年（平成二年）一月三十一日", "1990-01-31"),
        ("1990年（平成3年）1月31日", None),
        ("1990年（平成2年）1月31日（1991年）", None),
        ("1990年1月31日（たぶん）", None),
        ("西暦1990年1月31日", "1990-01-31"),
        ("西暦 1990/1/31", "1990-01-31"),
        ("西暦１９９０年１月３１日生まれ", "1990-01-31"),
        ("1990. 1. 31.", "1990-01-31"),
        ("1990.1.31.", "1990-01-31"),
        ("1990年 1月 31日 (水)", "1990-01-31"),
        ("1990年1月31日水曜日", "1990-01-31"),
        ("1990年1月31日（満36歳）", "1990-01-31"),
        ("1990년 1월 31일", "1990-01-31"),
        ("1990ㅡ1ㅡ31", "1990-01-31"),
        ("Feb 31 1990 00:00:00 GMT+0900", None),
        ("Wed Foo 31 1990 00:00:00 GMT+0900 (日本標準時)", None),
        ("9999-12-31T23:59:59-23:59", None),
        ("Fri Dec 31 9999 23:59:59 GMT-2359", None),
        ("00:00:00 GMT+0900", None),
    ],
)
def test_what_scripts_and_careful_people_write_is_read(typed: str, day: str | None) -> None:
    assert birth_date(typed, TODAY).value == day
