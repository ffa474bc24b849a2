"""Addresses: prefecture, city, street and building in one line, nothing twice, cut where it hurts least."""

from __future__ import annotations

import re
from typing import Final

from customer import Address
from japan.address_parts import parts_of
from japan.address_text import DASHED, hyphens, tidy
from japan.characters import clean
from japan.cutting import cut
from japan.fixed import NOTHING, Fixed, fix
from japan.postcode import postcode
from japan.prefectures import PREFECTURES
from japan.written import SEPARATORS

_NO_LIMIT: Final = 1_000_000
_COUNTRY: Final = re.compile(r"[A-Z]{2}")  # ISO 3166-1
_REGION: Final = re.compile(r"\A[0-9A-Z]{1,3}\Z")  # ISO 3166-2 after the hyphen: ON, CA, 11
_LOOSE_MARKS: Final = ("゛", "゜")

_Fixes = list[tuple[str, str]]


def address_line(address: Address, most: int = 85) -> Fixed:
    """Prefecture + city + address1 + address2 in one line of at most ``most`` code points; None for an empty address.

    The prefecture comes from ``province_code`` and never from the text; without a usable code it comes from the
    postcode. What one field repeats of another stands once (``address_parts``). A line that is too long loses its
    building (whole words of it) before anything of the block number, and no number is cut in two. Addresses outside
    Japan are written the other way round, ``1 Sample Street, Toronto, ON, CA``.
    """
    fixes: _Fixes = []
    if lies_abroad(address):
        base, building = _abroad(address, fixes)
        glue = ", "
    else:
        parts = parts_of(address, _cleaned)
        base, building, glue = _join(_join(parts.prefecture, parts.city), parts.street), parts.building, ""
        fixes += parts.fixes
    if not base and not building:
        return Fixed(None, tuple(fixes)) if fixes else NOTHING
    return _fit(base, building, glue, most, fixes)


def postcode_of(address: Address) -> Fixed:
    """The postcode of an address in Japan; where its own field is empty, the one that stands in the text."""
    if (address.zip or "").strip() or not (found := parts_of(address, _cleaned).postcode):
        return postcode(address.zip or "")
    return Fixed(found, (fix("filled", "postcode in the address"),))


def lies_abroad(address: Address) -> bool:
    """Whether the address names another country than Japan; what is no code of a country names none."""
    country = (address.country_code or "").upper()
    return _COUNTRY.fullmatch(country) is not None and country != "JP"


def _cleaned(text: str | None, fixes: _Fixes) -> str:
    tidied = tidy(text or "")
    cleaned = clean(tidied.value or "", _NO_LIMIT, parted=True)
    value = hyphens(cleaned.value or "")
    found = [*cleaned.fixes, *tidied.fixes]
    if value != (cleaned.value or ""):
        found.append(DASHED)
    fixes.extend(one for one in found if one not in fixes)
    return value


def _join(left: str, right: str) -> str:
    """Without a space, as addresses are written in Japan, unless a number or a Latin word would grow into the next."""
    needs_space = left[-1:].isascii() and left[-1:].isalnum() and right[:1].isascii() and right[:1].isalnum()
    needs_space |= bool(left) and right[:1] in _LOOSE_MARKS  # else the mark would change the kana before it
    return f"{left} {right}" if needs_space else left + right


def _abroad(address: Address, fixes: _Fixes) -> tuple[str, str]:
    """The line without its building, smallest part first, each part once; and the building."""
    city, street, building = (_cleaned(text, fixes) for text in (address.city, address.address1, address.address2))
    if street in ("", *PREFECTURES.values()):
        street, building = street + building, ""
    country = (address.country_code or "").upper()
    region = (address.province_code or "").upper().removeprefix(f"{country}-")
    parts = _parts(street)
    for part in (*_parts(city), *_REGION.findall(region)):
        if part not in parts:
            parts.append(part)
    own_building = ", ".join(part for part in _parts(building) if part not in parts)
    if (parts or own_building) and country not in parts:
        parts.append(country)
    return ", ".join(parts), own_building


def _parts(text: str) -> list[str]:
    return [part for piece in text.split(",") if (part := piece.strip())]


def _fit(base: str, building: str, glue: str, most: int, fixes: _Fixes) -> Fixed:
    """Base and building in one line; the building leaves word by word, and only then is the base cut."""
    words = building.split(" ") if building else []
    whole = _with_building(base, words, glue)
    line = whole
    while len(line) > most and words:
        words.pop()
        line = _with_building(base, words, glue)
    if len(line) > most:
        line = cut(base, most)
    if not line:  # nothing but a building, and one that is too long
        line = cut(whole, most)
    if line != whole:
        line = line.rstrip(SEPARATORS)
        fixes.append(fix("cut", f"cut at {len(line)} of {len(whole)} characters"))
    if (plain := hyphens(line)) != line:
        line = plain
        fixes.append(DASHED)
    return Fixed(line, tuple(fixes))


def _with_building(base: str, words: list[str], glue: str) -> str:
    building = " ".join(words)
    if glue:
        return glue.join(part for part in (building, base) if part)
    return _join(base, building)
