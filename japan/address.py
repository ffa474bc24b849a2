"""Addresses: prefecture, city, street and building in one line, nothing twice, cut where it hurts least."""

from __future__ import annotations

import re
from typing import Final

from customer import Address
from japan.address_text import DASHED, hyphens, tidy
from japan.characters import clean
from japan.cutting import cut
from japan.fixed import NOTHING, Fixed, fix
from japan.postcode import postcode, prefecture_of
from japan.prefectures import PREFECTURES, prefecture

_NO_LIMIT: Final = 1_000_000
_POSTCODE_IN_FRONT: Final = re.compile(r"〒\s*[0-9]{3}-?[0-9]{4}\s*")
_COUNTRY: Final = re.compile(r"[A-Z]{2}")  # ISO 3166-1
_REGION: Final = re.compile(r"\A[0-9A-Z]{1,3}\Z")  # ISO 3166-2 after the hyphen: ON, CA, 11
_ENDS_A_PLACE: Final = "都道府県市区町村郡"
_LOOSE_MARKS: Final = ("゛", "゜")
_SAME_KA: Final = str.maketrans("ヶヵ", "ケカ")  # 龍ヶ崎市 and 龍ケ崎市 are one city

_Fixes = list[tuple[str, str]]


def address_line(address: Address, most: int = 85) -> Fixed:
    """Prefecture + city + address1 + address2 in one line of at most ``most`` code points; None for an empty address.

    The prefecture comes from ``province_code`` and never from the text; without a usable code it comes from the
    postcode. A prefecture or city that the next field repeats stands once. A line that is too long loses its building
    (whole words of it) before anything of the block number, and no number is cut in two. Addresses outside Japan are
    written the other way round, ``1 Sample Street, Toronto, ON, CA``.
    """
    fixes: _Fixes = []
    city = _cleaned(address.city, fixes)
    street = _cleaned(address.address1, fixes)
    building = _cleaned(address.address2, fixes)
    if not lies_abroad(address) and any(_POSTCODE_IN_FRONT.match(text) for text in (city, street, building)):
        city, street, building = (_without_postcode(text) for text in (city, street, building))
        fixes.append(fix("dropped", "postcode in front"))
    if street in ("", *PREFECTURES.values()):  # the street stands in the field that was meant for the building
        street, building = street + building, ""
    if lies_abroad(address):
        base, building = _abroad(address, city, street, building)
        glue = ", "
    else:
        base, glue = _in_japan(address, city, street, fixes), ""
    if not base and not building:
        return Fixed(None, tuple(fixes)) if fixes else NOTHING
    return _fit(base, building, glue, most, fixes)


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


def _in_japan(address: Address, city: str, street: str, fixes: _Fixes) -> str:
    """Prefecture, city and street, each once."""
    told = prefecture(address.province_code or "")
    if told is None and (city or street) and (told := _by_postcode(address, city or street)):
        fixes.append(fix("filled", "prefecture by the postcode"))
    # Without either, a prefecture in the text is not believed any more than the rest of it; it only stands in front.
    name = told or _named(city) or _named(street) or ""
    own_city, own_street = _without(city, name), _without(street, name)
    if own_city and own_street != street and told is None:
        fixes.append(fix("reformatted", "prefecture to the front"))
    if name and [told is not None, own_city != city, own_street != street].count(True) > 1:
        fixes.append(fix("dropped", "prefecture given twice"))
    own = _without_city(own_street, own_city)
    if own != own_street:
        fixes.append(fix("dropped", "city given twice"))
    if told and (_named(own_city) or _named(own)):
        fixes.append(fix("filled", "prefecture by its code, though the text names another"))
    return _join(_join(name, own_city), own)


def _without_postcode(text: str) -> str:
    while found := _POSTCODE_IN_FRONT.match(text):
        text = text[found.end() :]
    return text


def _by_postcode(address: Address, place_name: str) -> str | None:
    code = postcode(address.zip or "").value
    return prefecture_of(code, place_name) if code else None


def _named(text: str) -> str | None:
    return next((name for name in PREFECTURES.values() if text.startswith(name)), None)


def _without(text: str, name: str) -> str:
    while name and text.startswith(name):
        text = text.removeprefix(name).strip()
    return text


def _without_city(street: str, city: str) -> str:
    """The street without the end of the city it begins with: 横浜市西区 + 西区高島, 千代田区 + 千代田区永田町."""
    plain_city, plain_street = city.replace(" ", "").translate(_SAME_KA), street.translate(_SAME_KA)
    for start in range(len(plain_city) - 1):
        end = plain_city[start:]
        cut_between_places = start == 0 or plain_city[start - 1] in _ENDS_A_PLACE
        if end[-1] in _ENDS_A_PLACE and cut_between_places and plain_street.startswith(end):
            return street[len(end) :].strip()
    return street


def _join(left: str, right: str) -> str:
    """Without a space, as addresses are written in Japan, unless a number or a Latin word would grow into the next."""
    needs_space = left[-1:].isascii() and left[-1:].isalnum() and right[:1].isascii() and right[:1].isalnum()
    needs_space |= bool(left) and right[:1] in _LOOSE_MARKS  # else the mark would change the kana before it
    return f"{left} {right}" if needs_space else left + right


def _abroad(address: Address, city: str, street: str, building: str) -> tuple[str, str]:
    """The line without its building, smallest part first, each part once; and the building."""
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
