"""Telephone numbers: the domestic form for Japan, E.164 for everywhere else."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from japan.dashes import ANY_DASH
from japan.fixed import NOTHING, Fixed, dropped, fix

_MOST_TYPED: Final = 200  # ten numbers; beyond that it is no telephone field
_MOST_PARTS: Final = 6  # of one number: +81 (0)90 1234 0001 has five
_NUMBERING: Final = re.compile("[\u2460-\u24ff\u2776-\u2793]")  # ① and its like count the numbers and belong to none
_NOT_DIGITS: Final = re.compile(r"[^0-9]")
_TRUNK_ZERO: Final = re.compile(r"\(0\)")
_PLUS_IN_FRONT: Final = re.compile(r"[^0-9]*\+")

_EXTENSION: Final = re.compile(
    r"[\s(;,-]*(?:内線(?:番号)?|内|(?<![a-z])(?:extension|extn?|ext|x)|#)[\s):.=-]*[0-9].*$", re.IGNORECASE | re.DOTALL
)
_FEWEST_BEFORE_EXTENSION: Final = 7
# 184 hides the caller's number and 186 shows it; both are dialled before the number of who is called.
_CALLER_ID: Final = re.compile(r"[^0-9+]*18[46][^0-9+]*(?=0)")

# Groups of digits that belong together, and what may stand before them.
_PART: Final = re.compile(r"(?:\+\s?)?\(?[0-9]+\)?(?:[-.]+\(?[0-9]+\)?)*")
_BEGINS: Final = ("0", "+", "(0", "(+")

# Ten digits for a line, eleven for a mobile, IP or 0800 number. Not stricter: a new range must not lose customers.
# https://www.soumu.go.jp/main_sosiki/joho_tsusin/top/tel_number/
_LINE: Final = re.compile(r"0(?![125-9]0)[1-9][0-9]{8}|0(?:570|990|180|204)[0-9]{6}", re.ASCII)
_MOBILE: Final = re.compile(r"0[25-9]0[0-9]{8}", re.ASCII)
_SHAPE: Final = re.compile(r"0[0-9]{1,4}-[0-9]{1,4}-[0-9]{4}|0[0-9]{3}-[0-9]{3}-[0-9]{3}", re.ASCII)
_COUNTRY_CODE: Final = "81"


def phone(text: str, region: str = "JP") -> Fixed:
    """``090-0000-0000`` for a number of Japan however it was written, ``+14165550100`` for a foreign one.

    At most 16 printable ASCII characters. ``region`` (ISO 3166) is asked only for a number without + or 00: what is
    valid there is a number of that country, else what has a shape of Japan's numbering plan is Japanese. A foreign
    number must be valid in the country of its own code. Only the first of several numbers is kept, and no extension.
    None when the text is empty; None, ``dropped``, when no telephone number stands in it.
    """
    if not text.strip():
        return NOTHING
    plain = _plain(text)
    region = region.upper()
    for candidate, cuts in _candidates(plain, region):
        value = _write(candidate, region)
        if value is not None:
            fixes = [fix("cut", cut) for cut in cuts]
            if value != text and not fixes:
                fixes.append(fix("reformatted", "telephone number"))
            return Fixed(value, tuple(fixes))
    if region == "JP" or _has_country_code(plain):
        return dropped("not a telephone number")
    return dropped("not a telephone number, neither where the address lies nor in Japan")


def phone_e164(text: str, region: str = "JP") -> Fixed:
    """The number of ``phone`` in E.164, those of Japan as well: ``+819000000000``."""
    fixed = phone(text, region)
    if fixed.value is None:
        return fixed
    value = e164(fixed.value)
    changes = tuple(one for one in fixed.fixes if one[0] != "reformatted")
    if value != text and not changes:
        changes = (fix("reformatted", "telephone number"),)
    return Fixed(value, changes)


def e164(number: str) -> str:
    """What ``phone`` made, in E.164."""
    return number if number.startswith("+") else f"+{_COUNTRY_CODE}{_digits_of(number)[1:]}"


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", _NUMBERING.sub(" ", text[:_MOST_TYPED]))
    digits = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in folded)
    return ANY_DASH.sub("-", digits).strip()


def _digits_of(text: str) -> str:
    return _NOT_DIGITS.sub("", text)


def _candidates(text: str, region: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What may be the number, best first, and what was cut for it."""
    if (found := _CALLER_ID.match(text)) and _is_domestic(_digits_of(text[found.end() :])):
        yield text[found.end() :], ("prefix for the caller's number",)
    whole = text
    cuts: tuple[str, ...] = ()
    found = _EXTENSION.search(text)
    if found and len(_digits_of(text[: found.start()])) >= _FEWEST_BEFORE_EXTENSION:
        whole, cuts = text[: found.start()], ("extension",)
    yield whole, cuts
    for candidate in _parts_of(whole, region):
        yield candidate, (*cuts, "the first of several numbers")


def _parts_of(text: str, region: str) -> Iterator[str]:
    """Parts of the text that may be one number of several, first ones first."""
    parts = list(_PART.finditer(text))
    for start, first in enumerate(parts):
        if start and not first[0].startswith(_BEGINS):
            continue
        begin = found.end() if (found := _CALLER_ID.match(text, first.start())) else first.start()
        for end in range(start, min(start + _MOST_PARTS, len(parts))):
            candidate = text[begin : parts[end].end()]
            # The length of a Japanese number is fixed, so that it cannot end too early. A foreign one may be valid
            # with a group less: it ends where another number begins, or something else than a space follows.
            if _is_japanese(candidate, region) or _may_end(text, parts, start, end, region):
                yield candidate
        if (shortened := _without_tail(first[0])) is not None:
            yield shortened


def _may_end(text: str, parts: list[re.Match[str]], start: int, end: int, region: str) -> bool:
    if start == end or end + 1 == len(parts):
        return True
    following = parts[end + 1]
    if following[0].startswith(_BEGINS) or text[parts[end].end() : following.start()].strip():
        return True
    return _write(text[following.start() :], region) is not None


def _without_tail(part: str) -> str | None:
    """The first three groups of 03-1234-0001-12 and of 03-1234-0001-090-1234-0001, when they are a Japanese number."""
    groups = part.split("-")
    head = "-".join(groups[:3])
    return head if len(groups) > 3 and _SHAPE.fullmatch(head) and _is_domestic(_digits_of(head)) else None


def _is_japanese(text: str, region: str) -> bool:
    value = _write(text, region)
    return value is not None and not value.startswith("+")


def _is_domestic(digits: str) -> bool:
    return bool(_MOBILE.fullmatch(digits) or _LINE.fullmatch(digits))


def _has_country_code(text: str) -> bool:
    return _PLUS_IN_FRONT.match(text) is not None or _digits_of(text).startswith("00")


def _write(text: str, region: str) -> str | None:
    digits = _digits_of(_TRUNK_ZERO.sub("", text))
    if _has_country_code(text):
        return _write_international(digits if _PLUS_IN_FRONT.match(text) else digits[2:])
    if region != "JP":
        value = _write_foreign(text, region)
        if value is not None:
            return value
    if digits.startswith("010") and len(digits) > 11:  # what one dials in Japan before a country code
        return _write_international(digits[3:])
    if digits.startswith(_COUNTRY_CODE) and 11 <= len(digits) <= 13:
        return _write_international(digits)
    # Abroad a number without its zero is no more likely Japanese than anything else.
    return _write_domestic(_with_trunk_zero(digits) if region == "JP" else digits, text)


def _write_international(digits: str) -> str | None:
    """The number for its digits from the country code on."""
    if digits.startswith(_COUNTRY_CODE):
        return _write_domestic("0" + digits.removeprefix(_COUNTRY_CODE).lstrip("0"), "")
    return _write_foreign(f"+{digits}", None)


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


def _is_valid(e164_number: str) -> bool:
    import phonenumbers  # noqa: PLC0415 - as above

    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(e164_number, None))
    except phonenumbers.NumberParseException:
        return False


def _write_foreign(text: str, region: str | None) -> str | None:
    """The number in E.164 where it is valid; the domestic form where the text dials Japan from ``region``."""
    import phonenumbers  # noqa: PLC0415 - as above

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if number.country_code == int(_COUNTRY_CODE):
        return _write_domestic(f"0{number.national_number}", "")
    # Asked again of what goes out: an extension or a leading zero that got lost must not make another number valid.
    # +1 1 201 … loses one trunk prefix with each reading: what still changes is no number in E.164.
    return written if _is_valid(written) and _read_again(written) == written else None


def _read_again(e164_number: str) -> str:
    import phonenumbers  # noqa: PLC0415 - as above

    return phonenumbers.format_number(phonenumbers.parse(e164_number, None), phonenumbers.PhoneNumberFormat.E164)
