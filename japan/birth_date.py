"""Birth dates: ISO, however they were written, the Japanese calendar included."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from japan.dashes import DASHES
from japan.fixed import NOTHING, Fixed, dropped, fix

# Not a fixed +09:00: Japan had summer time from 1948 to 1951. A browser there writes the midnight of 15 June 1950 as
# 1950-06-14T14:00:00.000Z. https://data.iana.org/time-zones/tzdb/asia : rule Japan
_JAPAN: Final = ZoneInfo("Asia/Tokyo")
_EARLIEST: Final = date(1900, 1, 1)
# First and last year of each era.
_ERAS: Final = {
    "明治": (1868, 1912),
    "大正": (1912, 1926),
    "昭和": (1926, 1989),
    "平成": (1989, 2019),
    "令和": (2019, 9999),
}
_ERA_SIGNS: Final = {"明": "明治", "大": "大正", "昭": "昭和", "平": "平成", "令": "令和"} | {
    "m": "明治",
    "t": "大正",
    "s": "昭和",
    "h": "平成",
    "r": "令和",
}
_MONTHS: Final = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_KANJI_DIGITS: Final = {digit: value for value, digit in enumerate("〇一二三四五六七八九")} | {"零": 0}
_KANJI_NUMBER: Final = re.compile("[〇零一二三四五六七八九十]+(?=[年月日]|$)")

_DASH: Final = re.compile(f"[{DASHES}]")
_NEIGHBOURS: Final = str.maketrans("년월일号號", "年月日日日")
_WEEKDAY: Final = re.compile(r"[月火水木金土日]曜日?")
_ENGLISH_WEEKDAY: Final = re.compile(r"^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*[.,]*\s+")
_TAIL: Final = re.compile(r"(?:生まれ|生れ|うまれ|生)$")
_WESTERN: Final = re.compile(r"^西[暦歴]\s*")
_BRACKETS: Final = re.compile(r"\s*[(\[【〔]([^()\[\]【】〔〕]*)[)\]】〕]\s*")
_REMARK: Final = re.compile(r"[月火水木金土日](?:曜日?)?|満?\d{1,3}[歳才]", re.ASCII)
_BARE_ERA_YEAR: Final = re.compile(r"(明治|大正|昭和|平成|令和|[明大昭平令mtshr])\.?\s*(\d{1,2}|元)年?", re.ASCII)
_BARE_YEAR: Final = re.compile(r"(?:西[暦歴])?\s*(\d{4})年?", re.ASCII)
# The time of day, and where it is that time: 00:00:00 GMT+0900 (日本標準時), 15:00:00.000 Z, 午前0時0分, 12:00:00 AM.
_CLOCK: Final = re.compile(
    r"(?:(?<=\d)t|[\s,]+|(?<=日))(?:午前|午後)?\s*(\d{1,2})(?::|時)(\d{2}|\d(?=分))(?:[:分](?:(\d{1,2})(?:\.\d+)?)?秒?)?"
    r"\s*(am|pm)?\s*(?:(z|gmt|utc|jst|jdt)(?![a-z]))?\s*(?:([+-])(\d{2}):?(\d{2}))?(?:\s*\([^)]*\))?(?![\d:])",
    re.ASCII,
)
_SEPARATOR: Final = r"\s*[-/.,年月 ]\s*"
_YEAR_FIRST: Final = re.compile(rf"(\d{{4}}){_SEPARATOR}(\d{{1,2}}){_SEPARATOR}(\d{{1,2}})\s*日?", re.ASCII)
_EIGHT_DIGITS: Final = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
_YEAR_LAST: Final = re.compile(r"(\d{1,2})\s*[-/.]\s*(\d{1,2})\s*[-/.]\s*(\d{4})", re.ASCII)
_ERA: Final = re.compile(
    rf"(明治|大正|昭和|平成|令和|[明大昭平令mtshr])\.?\s*(\d{{1,2}}|元)"
    rf"(?:{_SEPARATOR}(\d{{1,2}}){_SEPARATOR}(\d{{1,2}})\s*日?)",
    re.ASCII,
)
_ERA_SIX_DIGITS: Final = re.compile(r"([mtshr])(\d{2})(\d{2})(\d{2})", re.ASCII)
_NAMED_MONTH_FIRST: Final = re.compile(r"([a-z]{3})[a-z]*\.?\s+(\d{1,2})(?:st|nd|rd|th)?\s*,?\s+(\d{4})", re.ASCII)
_NAMED_DAY_FIRST: Final = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[\s-]+([a-z]{3})[a-z]*\.?,?[\s-]+(\d{4})", re.ASCII)


def birth_date(text: str, today: date) -> Fixed:
    """``YYYY-MM-DD`` for what people type: 1990/1/31, 1990年（平成2年）1月31日, 19900131, Jan 31, 1990, S60.4.1.

    A moment with an offset from UTC, in ISO or as JavaScript writes it, is read as the day it was in Japan. None when
    the text is empty; None, ``dropped``, for what is no date, no day of the calendar, after ``today`` (the day in
    Japan), before 1900, or has two readings (1/2/1990, 85/4/1, a year that the Japanese calendar contradicts).
    """
    if not text.strip():
        return NOTHING
    numbers = _read(text)
    if numbers is None:
        return dropped("not a date")
    try:
        day = date(*numbers)
    except ValueError:
        return dropped("no such day")
    if day > today:
        return dropped("in the future")
    if day < _EARLIEST:
        return dropped("before 1900")
    value = day.isoformat()
    return Fixed(value) if value == text else Fixed(value, (fix("reformatted", "date"),))


_Numbers = tuple[int, int, int]


def _read(text: str) -> _Numbers | None:
    """Year, month and day, in the Gregorian calendar; there need be no such day."""
    folded = unicodedata.normalize("NFKC", "".join(c for c in text if unicodedata.category(c) != "Cf"))
    plain = _DASH.sub("-", folded).strip().lower().translate(_NEIGHBOURS)
    if moment := _read_moment(plain):
        return moment
    found = _CLOCK.search(plain)
    if found is None:
        return _read_day(plain)
    day = _read_day(f"{plain[: found.start()]} {plain[found.end() :]}")
    zone = _zone(found)
    return _day_in_japan(day, found, zone) if day and zone else day


def _read_moment(text: str) -> _Numbers | None:
    """The day in Japan, for an ISO moment with an offset (JavaScript's toISOString gives a birthday like that)."""
    try:
        moment = datetime.fromisoformat(text.upper())
        if moment.tzinfo is None:
            return None
        there = moment.astimezone(_JAPAN)
    except (ValueError, OverflowError):
        return None
    return there.year, there.month, there.day


def _zone(clock: re.Match[str]) -> tzinfo | None:
    """Where the time that stands beside a date was the time; None when it does not say, or says Japan."""
    name, sign, hours, minutes = clock[5], clock[6], clock[7], clock[8]
    if name in ("jst", "jdt"):
        return None
    if sign is None:
        return UTC if name else None
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(offset if sign == "+" else -offset) if offset < timedelta(hours=24) else None


def _day_in_japan(day: _Numbers, clock: re.Match[str], zone: tzinfo) -> _Numbers:
    hour = int(clock[1])
    if clock[4]:
        hour = hour % 12 + (12 if clock[4] == "pm" else 0)
    try:
        there = datetime(*day, hour, int(clock[2]), int(clock[3] or 0), tzinfo=zone).astimezone(_JAPAN)
    except (ValueError, OverflowError):
        return day
    return there.year, there.month, there.day


def _read_day(text: str) -> _Numbers | None:
    """A day without a time, as it was written."""
    plain = _ENGLISH_WEEKDAY.sub("", text.strip(" .,")).strip(" .,")
    plain = _KANJI_NUMBER.sub(lambda found: _kanji_number(found[0]), plain)
    remarks = [found[1].strip() for found in _BRACKETS.finditer(plain)]
    years = [_read_year(remark) for remark in remarks if not _REMARK.fullmatch(remark)]
    plain = _WEEKDAY.sub("", _BRACKETS.sub("", plain)).strip(" .,")
    plain = _WESTERN.sub("", _TAIL.sub("", plain).strip(" .,"))
    day = _read_plain(plain)
    # A year that is given in both calendars must be one year.
    return day if day and all(year == day[0] for year in years) else None


def _read_plain(plain: str) -> _Numbers | None:
    if found := _YEAR_FIRST.fullmatch(plain) or _EIGHT_DIGITS.fullmatch(plain):
        return int(found[1]), int(found[2]), int(found[3])
    if found := _ERA.fullmatch(plain) or _ERA_SIX_DIGITS.fullmatch(plain):
        return _read_era(found[1], _era_year(found[2]), int(found[3]), int(found[4]))
    if found := _YEAR_LAST.fullmatch(plain):
        return _read_year_last(int(found[1]), int(found[2]), int(found[3]))
    return _read_english(plain)


def _read_year(text: str) -> int | None:
    """The year for 平成2年, H2, 1990年 and 1990, as it stands in brackets."""
    if found := _BARE_YEAR.fullmatch(text):
        return int(found[1])
    if found := _BARE_ERA_YEAR.fullmatch(text):
        day = _read_era(found[1], _era_year(found[2]), 1, 1)
        return day[0] if day else None
    return None


def _era_year(text: str) -> int:
    return 1 if text == "元" else int(text)


def _read_english(text: str) -> _Numbers | None:
    """January 31, 1990 and 31 Jan 1990."""
    if found := _NAMED_MONTH_FIRST.fullmatch(text):
        month, day, year = found[1], found[2], found[3]
    elif found := _NAMED_DAY_FIRST.fullmatch(text):
        day, month, year = found[1], found[2], found[3]
    else:
        return None
    return (int(year), _MONTHS.index(month) + 1, int(day)) if month in _MONTHS else None


def _read_era(era: str, year: int, month: int, day: int) -> _Numbers | None:
    first, last = _ERAS[_ERA_SIGNS.get(era, era)]
    western = first + year - 1
    return (western, month, day) if year >= 1 and western <= last else None


def _read_year_last(first: int, second: int, year: int) -> _Numbers | None:
    """31/1/1990 and 1/31/1990 have one reading, 1/2/1990 has two."""
    if first == second or second > 12:
        return year, first, second
    return (year, second, first) if first > 12 else None


def _kanji_number(digits: str) -> str:
    if "十" not in digits:
        return "".join(str(_KANJI_DIGITS[digit]) for digit in digits)
    tens, _, ones = digits.partition("十")
    if len(tens) > 1 or len(ones) > 1 or ones == "十":
        return digits
    return str((_KANJI_DIGITS[tens] if tens else 1) * 10 + (_KANJI_DIGITS[ones] if ones else 0))
