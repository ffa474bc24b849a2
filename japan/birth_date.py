"""Birth dates: ISO, however they were written, the Japanese calendar included."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, timedelta, timezone
from typing import Final

from japan.fixed import NOTHING, Fixed, dropped, fix

_JAPAN: Final = timezone(timedelta(hours=9))
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

_WEEKDAY: Final = re.compile(r"[(\[]?[月火水木金土日](?:曜日?)?[)\]]|[月火水木金土日]曜日?")
_TAIL: Final = re.compile(r"(?:生まれ|生れ|うまれ|生)$")
_DASHES: Final = re.compile("[ー−‐‑‒–—―]")
_CLOCK: Final = re.compile(r"(?<=\d)[t ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?$")
_SEPARATOR: Final = r"\s*[-/.,年月 ]\s*"
_YEAR_FIRST: Final = re.compile(rf"(\d{{4}}){_SEPARATOR}(\d{{1,2}}){_SEPARATOR}(\d{{1,2}})日?", re.ASCII)
_EIGHT_DIGITS: Final = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
_YEAR_LAST: Final = re.compile(r"(\d{1,2})\s*[-/.]\s*(\d{1,2})\s*[-/.]\s*(\d{4})", re.ASCII)
_ERA: Final = re.compile(
    rf"(明治|大正|昭和|平成|令和|[明大昭平令mtshr])\.?\s*(\d{{1,2}}|元)"
    rf"(?:{_SEPARATOR}(\d{{1,2}}){_SEPARATOR}(\d{{1,2}})日?)",
    re.ASCII,
)
_ERA_SIX_DIGITS: Final = re.compile(r"([mtshr])(\d{2})(\d{2})(\d{2})", re.ASCII)
_NAMED_MONTH_FIRST: Final = re.compile(r"([a-z]{3})[a-z]*\.?\s+(\d{1,2})(?:st|nd|rd|th)?\s*,?\s+(\d{4})", re.ASCII)
_NAMED_DAY_FIRST: Final = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[\s-]+([a-z]{3})[a-z]*\.?,?[\s-]+(\d{4})", re.ASCII)


def birth_date(text: str, today: date) -> Fixed:
    """``YYYY-MM-DD`` for what people type: 1990/1/31, 1990年1月31日, 19900131, Jan 31, 1990, 昭和60年4月1日, S60.4.1.

    A moment with an offset from UTC is read as the day it was in Japan. None when the text is empty; None, ``dropped``,
    for what is no date, no day of the calendar, after ``today`` (the day in Japan), before 1900, or has two readings
    (1/2/1990, 85/4/1).
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


def _read(text: str) -> tuple[int, int, int] | None:
    """Year, month and day as they were written, in the Gregorian calendar."""
    plain = _DASHES.sub("-", unicodedata.normalize("NFKC", text)).strip().lower()
    if moment := _read_moment(plain):
        return moment
    plain = _TAIL.sub("", _WEEKDAY.sub("", _CLOCK.sub("", plain))).strip()
    plain = _KANJI_NUMBER.sub(lambda found: _kanji_number(found[0]), plain)
    if found := _YEAR_FIRST.fullmatch(plain) or _EIGHT_DIGITS.fullmatch(plain):
        return int(found[1]), int(found[2]), int(found[3])
    if found := _ERA.fullmatch(plain) or _ERA_SIX_DIGITS.fullmatch(plain):
        return _read_era(found[1], 1 if found[2] == "元" else int(found[2]), int(found[3]), int(found[4]))
    if found := _YEAR_LAST.fullmatch(plain):
        return _read_year_last(int(found[1]), int(found[2]), int(found[3]))
    return _read_english(plain)


def _read_english(text: str) -> tuple[int, int, int] | None:
    """January 31, 1990 and 31 Jan 1990."""
    if found := _NAMED_MONTH_FIRST.fullmatch(text):
        month, day, year = found[1], found[2], found[3]
    elif found := _NAMED_DAY_FIRST.fullmatch(text):
        day, month, year = found[1], found[2], found[3]
    else:
        return None
    return (int(year), _MONTHS.index(month) + 1, int(day)) if month in _MONTHS else None


def _read_moment(text: str) -> tuple[int, int, int] | None:
    """The day in Japan, for an ISO moment with an offset (JavaScript's toISOString gives a birthday like that)."""
    try:
        moment = datetime.fromisoformat(text.upper())
        if moment.tzinfo is None:
            return None
        there = moment.astimezone(_JAPAN)
    except (ValueError, OverflowError):
        return None
    return there.year, there.month, there.day


def _read_era(era: str, year: int, month: int, day: int) -> tuple[int, int, int] | None:
    first, last = _ERAS[_ERA_SIGNS.get(era, era)]
    western = first + year - 1
    return (western, month, day) if year >= 1 and western <= last else None


def _read_year_last(first: int, second: int, year: int) -> tuple[int, int, int] | None:
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
