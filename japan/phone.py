"""Telephone numbers: the domestic form for Japan, E.164 for everywhere else."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from japan.fixed import NOTHING, Fixed, dropped, fix

_DASHES: Final = re.compile("[ー−‐‑‒–—―─~〜・.]")
_EXTENSION: Final = re.compile(r"[(\s]*(?:内線|ext\.?|extension|#|x)\s*:?\s*\d+\)?\s*$", re.IGNORECASE)
_BETWEEN_NUMBERS: Final = re.compile(r"[/,、;|\n]|または|又は|\bor\b")
_NOT_DIGITS: Final = re.compile(r"[^0-9]")
_TRUNK_ZERO: Final = re.compile(r"\(0\)")
_PLUS_IN_FRONT: Final = re.compile(r"[^0-9]*\+")

_FEWEST_DIGITS: Final = 9
_FEWEST_FOREIGN_DIGITS: Final = (
    7  # with the country code; some plans allow extensions of three digits, people have none
)
# Ten digits for a line, eleven for a mobile, IP or 0800 number. Not stricter: a new range must not lose customers.
_LINE: Final = re.compile(r"0(?![05-9]0(?!20))[1-9][0-9]{8}|0(?:570|990|180|204)[0-9]{6}", re.ASCII)
_MOBILE: Final = re.compile(r"0[25-9]0[0-9]{8}", re.ASCII)
_SHAPE: Final = re.compile(r"0[0-9]{1,4}-[0-9]{1,4}-[0-9]{4}|0[0-9]{3}-[0-9]{3}-[0-9]{3}", re.ASCII)
_COUNTRY_CODE: Final = "81"


def phone(text: str, region: str = "JP") -> Fixed:
    """``090-0000-0000`` for a number of Japan however it was written, ``+14165550100`` for a foreign one.

    At most 16 printable ASCII characters. ``region`` (ISO 3166) is where a number without a country code lies. Only the
    first of several numbers is kept, and no extension. None when the text is empty; None, ``dropped``, when it is not
    a telephone number.
    """
    if not text.strip():
        return NOTHING
    plain = _DASHES.sub("-", unicodedata.normalize("NFKC", text)).strip()
    fixes: list[tuple[str, str]] = []
    first = _first_number(plain)
    if first != plain:
        fixes.append(fix("cut", "the first of several numbers"))
    without_extension = _EXTENSION.sub("", first)
    if without_extension != first:
        fixes.append(fix("cut", "extension"))
    value = _write(without_extension, region.upper())
    if value is None:
        return dropped("not a telephone number")
    if value != text and not fixes:
        fixes.append(fix("reformatted", "telephone number"))
    return Fixed(value, tuple(fixes))


def _first_number(text: str) -> str:
    """The first of several numbers; 03/3581/0101 is one."""
    parts = [part.strip() for part in _BETWEEN_NUMBERS.split(text)]
    numbers = [part for part in parts if len(_NOT_DIGITS.sub("", part)) >= _FEWEST_DIGITS]
    return numbers[0] if numbers and len(parts) > 1 else text


def _write(text: str, region: str) -> str | None:
    digits = _NOT_DIGITS.sub("", _TRUNK_ZERO.sub("", text))
    international = _without_prefix(digits, has_plus=_PLUS_IN_FRONT.match(text) is not None)
    if international is None and region != "JP":
        return _write_foreign(text, region)
    if international is None:
        return _write_domestic(_with_trunk_zero(digits), text)
    if international.startswith(_COUNTRY_CODE):
        return _write_domestic("0" + international.removeprefix(_COUNTRY_CODE).lstrip("0"), "")
    return _write_foreign(f"+{international}", None)


def _without_prefix(digits: str, *, has_plus: bool) -> str | None:
    """The digits from the country code on, or None when there is no sign of one."""
    if has_plus:
        return digits
    if digits.startswith("00"):
        return digits[2:]
    if digits.startswith("010") and len(digits) > 11:  # what one dials in Japan before a country code
        return digits[3:]
    if digits.startswith(_COUNTRY_CODE) and 11 <= len(digits) <= 13:
        return digits
    return None


def _with_trunk_zero(digits: str) -> str:
    """The number with the leading zero that a spreadsheet has eaten, where that is plain to see."""
    if re.fullmatch(r"[5789]0[0-9]{8}", digits) or (len(digits) == 9 and _is_valid(f"+{_COUNTRY_CODE}{digits}")):
        return f"0{digits}"
    return digits


def _write_domestic(digits: str, typed: str) -> str | None:
    if _MOBILE.fullmatch(digits):
        return f"{digits[:4]}-{digits[4:7]}-{digits[7:]}" if digits.startswith("0800") else _in_groups(digits)
    if not _LINE.fullmatch(digits):
        return None
    shape = typed.replace(" ", "").replace("(", "-").replace(")", "-").strip("-").replace("--", "-")
    if _SHAPE.fullmatch(shape) and shape.replace("-", "") == digits:
        return shape  # people know where their own area code ends
    return _hyphenated(digits)


def _in_groups(digits: str) -> str:
    return f"{digits[:3]}-{digits[3:7]}-{digits[7:]}"


def _hyphenated(digits: str) -> str:
    import phonenumbers  # noqa: PLC0415 - 3 MiB that only numbers need

    number = phonenumbers.PhoneNumber(country_code=81, national_number=int(digits))
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    return written if written.isascii() and written.replace("-", "") == digits else digits


def _is_valid(e164: str) -> bool:
    import phonenumbers  # noqa: PLC0415 - as above

    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(e164, None))
    except phonenumbers.NumberParseException:
        return False


def _write_foreign(text: str, region: str | None) -> str | None:
    import phonenumbers  # noqa: PLC0415 - as above

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return written if phonenumbers.is_possible_number(number) and len(written) > _FEWEST_FOREIGN_DIGITS else None
