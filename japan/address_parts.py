"""The parts of an address in Japan, each once: what line 1 says again of the city, and line 2 of line 1, is taken off.

People fill the fields of a form from a map, from a browser's memory, from another form that had other fields. What two
fields say alike is taken from the second; what they say differently stays, for nobody can tell which is right.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from customer import Address
from japan.address_noise import Noise, latin_names
from japan.fixed import fix
from japan.places import Head, Places, places_of
from japan.postcode import postcode, prefecture_of
from japan.prefectures import PREFECTURES, names_prefecture, prefecture, short_name
from japan.written import SEPARATORS, Written, plain_of

_Fixes = list[tuple[str, str]]

_ENDS_A_PLACE: Final = "都道府県市区町村郡"
_KINDS: Final = "市区町村郡"
# The one town of the dictionary that begins like its prefecture.
_LIKE_THEIR_PREFECTURE: Final = "山口県流通センター"
_OFFICES: Final = "立庁役営民"  # 東京都港区立図書館, 東京都港区役所
_NO_END_OF_A_CITY: Final = _OFFICES + _KINDS  # 大阪 is no part of 大阪市 that may be taken off
_BUILDING_BEFORE: Final = re.compile("[\u30a1-\u30fea-z]")
_FIGURES: Final = "0123456789〇一二三四五六七八九十"


@dataclass(frozen=True, slots=True)
class Parts:
    """``prefecture`` is its name in kanji or ""; nothing that stands in one part stands in the next again.

    ``postcode`` is one that stood in the text while its own field is empty.
    """

    prefecture: str
    city: str
    street: str
    building: str
    postcode: str | None
    fixes: tuple[tuple[str, str], ...]


def parts_of(address: Address, show: Callable[[str | None, _Fixes], str]) -> Parts:
    """The parts of an address in Japan; ``show`` brings a field's text into the form it goes out in."""
    fixes: _Fixes = []
    city, street, building = (show(text, fixes) for text in (address.city, address.address1, address.address2))
    own = postcode(address.zip or "").value
    told = prefecture(address.province_code or "")
    noise = Noise((own or "").replace("-", ""))
    city = noise.without(city)
    known = latin_names(told, city)
    street, building = noise.without(street, known), noise.without(building, known)
    fixes += [fix("dropped", what) for what in noise.fixes]
    shown = (city, street, building)
    city, street, building = (text.strip(SEPARATORS) for text in shown)
    if (city, street, building) != shown:
        fixes.append(fix("dropped", "commas around a line"))
    found = noise.found[0] if noise.found and not (address.zip or "").strip() else None
    code = f"{found[:3]}-{found[3:]}" if found else own
    if street in ("", *PREFECTURES.values()):  # the street stands in the field that was meant for the building
        street, building = street + building, ""
    if told is None and (city or street) and code and (told := prefecture_of(code, city or street)):
        fixes.append(fix("filled", "prefecture by the postcode"))
    name, city, street = _with_prefecture(told, city, street, fixes)
    places = places_of(name or None)
    before = (city, street)
    city, street = _Place(places, name, known=bool(name)).settle(city, street)
    street = _once(street)
    if plain_of("".join(before)) != plain_of(city + street):
        fixes.append(fix("dropped", "city given twice"))
    if told and (_named(city) or _named(street)):
        fixes.append(fix("filled", "prefecture by its code, though the text names another"))
    left = _Building(places, name, city, street).settle(building)
    if left != building:
        fixes.append(fix("dropped", "a part of the address given twice"))
    return Parts(name, city, street, left, code if found else None, tuple(fixes))


def _with_prefecture(told: str | None, city: str, street: str, fixes: _Fixes) -> tuple[str, str, str]:
    # Without either, a prefecture in the text is not believed any more than the rest of it; it only stands in front.
    name = told or _named(city) or _named(street) or ""
    own_city, own_street = _without(city, name), _without(street, name)
    if own_city and own_street != street and told is None:
        fixes.append(fix("reformatted", "prefecture to the front"))
    if name and [told is not None, own_city != city, own_street != street].count(True) > 1:
        fixes.append(fix("dropped", "prefecture given twice"))
    return name, own_city, own_street


def _named(text: str) -> str | None:
    return next((name for name in PREFECTURES.values() if text.startswith(name)), None)


def _without(text: str, name: str) -> str:
    while name and text.startswith(name) and not text.startswith(_LIKE_THEIR_PREFECTURE):
        text = text.removeprefix(name).strip(SEPARATORS)
    return text


class _Place:
    """City and street, with the municipality in the first alone."""

    def __init__(self, places: Places, prefecture: str, *, known: bool) -> None:
        self._places = places
        self._prefecture = prefecture
        self._known = known

    def settle(self, city: str, street: str) -> tuple[str, str]:
        mine, line = Written.of(city), Written.of(street)
        if not mine.plain:
            return self._from_street(line)
        if head := self._places.at_head(mine.plain):
            place, tail, rest = self._compared(mine, head, line)
            tail, rest = _tails(tail, rest)
            return _beside(place, tail), rest
        if mine.plain and line.plain and (shorter := self._says_less(mine, line)):
            return shorter
        return self._by_letters(mine, line)

    def _from_street(self, line: Written) -> tuple[str, str]:
        head = self._places.at_head(line.plain) if self._known else None
        if head is None or not head.whole:
            return "", line.raw
        return line.before(head.length), self._without_again(line.after(head.length), head.names)

    def _compared(self, mine: Written, head: Head, line: Written) -> tuple[str, str, str]:
        """The municipality in the fuller of its two forms, what follows it in the city's field, and the street."""
        place, form = mine.before(head.length), mine.plain[: head.length]
        tail = self._without_again(mine.after(head.length), head.names)
        names = head.names
        while again := self._places.at_head(line.plain, names):
            theirs = line.plain[: again.length]
            if theirs in form:
                pass
            elif form in theirs:
                place, form = line.before(again.length), theirs
            elif tail:
                break
            elif any(form + theirs == name[: len(form) + len(theirs)] for name in again.names):
                place, form = place + line.before(again.length), form + theirs
            elif any(theirs + form == name[: len(form) + len(theirs)] for name in again.names):
                place, form = line.before(again.length) + place, theirs + form
            else:
                break
            names = again.names
            line = Written.of(line.after(again.length))
        return place, tail, line.raw

    def _without_again(self, text: str, names: frozenset[str]) -> str:
        rest = Written.of(text)
        while again := self._places.at_head(rest.plain, names):
            rest = Written.of(rest.after(again.length))
        return rest.raw

    def _says_less(self, mine: Written, line: Written) -> tuple[str, str] | None:
        """Where the city's field says 横浜, Yokohama or Tokyo, and the street begins with the whole name."""
        head = self._places.at_head(line.plain)
        form = line.plain[: head.length] if head else ""
        if head and head.whole and (mine.raw.isascii() or _is_shorter(mine.plain, form)):
            return line.before(head.length), self._without_again(line.after(head.length), head.names)
        if not self._prefecture or not names_prefecture(mine.raw, self._prefecture):
            return None
        capital = f"{short_name(self._prefecture)}市"
        if not self._places.has(capital):
            return self._from_street(line)  # no city has this name: the prefecture is meant
        if head and self._places.at_head(plain_of(capital) + form, head.names):
            return self.settle(capital, line.raw)  # Osaka, 北区
        return None

    def _by_letters(self, mine: Written, line: Written) -> tuple[str, str]:
        """For a place that is not in the list: an old name, a slip of the pen, a city in another prefecture."""
        city, street = mine.plain, line.plain
        if city == street and _is_address_line(city):
            return "", line.raw
        if (head := self._places.at_head(street)) and head.whole and street.find(city, head.length) == head.length:
            return line.before(head.length), self._without_again(line.after(head.length), head.names)
        if (at := street.find(city)) > 0 and street[at - 1] in "市郡" and len(city) > 1:
            return line.before(at + len(city)), line.after(at + len(city))
        for start in range(len(city) - 1):
            end = city[start:]
            if start and city[start - 1] not in _ENDS_A_PLACE:
                continue
            if street.startswith(end) and (end[-1] in _ENDS_A_PLACE or start) and line.may_part(len(end)):
                return mine.raw, line.after(len(end))
        return mine.raw, line.raw


def _is_shorter(city: str, form: str) -> bool:
    """Whether 箱根 is what stands in 足柄下郡箱根町 before the kind of the place."""
    at = form.find(city)
    return at >= 0 and form[at + len(city) : at + len(city) + 1] in tuple(_KINDS)


def _beside(place: str, tail: str) -> str:
    # A loose sound mark would change the kana before it, as in the line of the whole address.
    parted = bool(place and tail) and (place.isascii() or tail[0] in "゛゜")
    return f"{place} {tail}" if parted else place + tail


def _tails(tail: str, street: str) -> tuple[str, str]:
    """What follows the municipality in the city's field and in the street: 六本木 and 六本木1-2-3."""
    first, second = Written.of(tail), Written.of(street)
    if not first.plain or not second.plain:
        return tail, street
    if second.plain.startswith(first.plain) and second.may_part(len(first.plain)):
        return "", street
    if len(second.plain) > 1 and first.plain.startswith(second.plain) and first.may_part(len(second.plain)):
        return "", tail
    for length in range(min(len(first.plain), len(second.plain)), 2, -1):
        common = second.plain[:length]
        parts = first.may_part(len(first.plain) - length) and second.may_part(length)
        if first.plain.endswith(common) and parts and any(map(str.isalpha, common)):
            return tail, second.after(length)
    return tail, street


def _overlap(first: str, other: Written) -> int:
    """How many characters at the end of the first text the second begins with; a whole word of two letters at least.

    It begins with no figure: 1-2 and 2階 have nothing in common, and 3丁目ビル stands in 銀座3丁目.
    """
    second = other.plain
    for length in range(min(len(first), len(second)), 1, -1):
        start = len(first) - length
        if not first.endswith(second[:length]) or second[0].isdecimal() or not second[0].isalnum():
            continue
        if (start == 0 or _may_begin(first, start)) and other.may_part(length):
            return length
    return 0


def _may_begin(text: str, at: int) -> bool:
    """Whether a word begins here: behind a figure, a sign, or 号, 番地 and their like."""
    before = text[at - 1]
    return not before.isalpha() or before in "号番地目棟館室階町"


def _once(text: str) -> str:
    """One of the two halves of a line that was filled in twice; 霞が関霞が関ビル is none and stays."""
    plain = Written.of(text)
    half, odd = divmod(len(plain.plain), 2)
    if odd or plain.plain[:half] != plain.plain[half:] or not _is_address_line(plain.plain[:half]):
        return text
    return plain.before(half) if text[plain.at[half] - 1].isspace() else text


def _is_address_line(plain: str) -> bool:
    return len(plain) > 3 and any(map(str.isalpha, plain)) and any(map(str.isdecimal, plain))


class _Building:
    """Line 2 without what the rest of the address says already."""

    def __init__(self, places: Places, prefecture: str, city: str, street: str) -> None:
        self._places = places
        self._prefecture = plain_of(prefecture)
        self._city = plain_of(city)
        self._line = Written.of(street)
        self._street = self._line.plain

    def settle(self, building: str) -> str:
        text = Written.of(_once(building))
        if not text.plain:
            return building
        if (rest := self._without_street(text)) is not None:
            return rest
        if text.plain in (self._prefecture, self._city, self._prefecture + self._city):
            return ""
        whole = self._prefecture + self._city
        if self._city and text.plain.startswith(whole) and text.plain[len(whole)] not in _NO_END_OF_A_CITY:
            text = Written.of(text.after(len(whole)))
        if self._stands_in_street(text.plain):
            return ""
        if length := _overlap(self._street, text):
            return text.after(length)
        return text.raw

    def _without_street(self, text: Written) -> str | None:
        """The rest of a line 2 that has all of line 1 in it, with or without the city before it."""
        street = self._street
        if len(street) < 2:
            return None
        has_figures = any(character.isdecimal() for character in street)
        at = text.plain.find(street)
        while at >= 0:
            end = at + len(street)
            start = self._start_of_place(text.plain, at)
            following = text.plain[end : end + 1]
            if (
                text.may_part(end)
                and (has_figures or following == "" or following in _FIGURES)
                and (start == 0 or (has_figures and _may_begin(text.plain, start) and text.may_part(start)))
            ):
                return _space_between(text.before(start) if start else "", text.after(end))
            at = text.plain.find(street, at + 1)
        return None

    def _start_of_place(self, plain: str, at: int) -> int:
        """Where prefecture and city begin that end here."""
        for start in range(at):
            place = plain[start:at].removeprefix(self._prefecture)
            head = self._places.at_head(place) if place else None
            if place in ("", self._city) or (head and head.length == len(place) and self._city.endswith(place)):
                return start
        return at

    def _stands_in_street(self, plain: str) -> bool:
        """Whether a line 2 of three characters or more, whole words or numbers, stands in line 1 already."""
        at = self._street.find(plain) if len(plain) > 2 else -1
        if at < 0:
            return False
        end = at + len(plain)
        if end < len(self._street) and (self._street[end].isalpha() or not self._line.may_part(end)):
            return False
        if not plain[0].isdecimal():
            return at == 0 or _may_begin(self._street, at)
        before = self._street[at - 1 : at]
        # 見本101 has the number 101 and may have a room 101; サンプルハイツ101 says the room.
        return before.isalpha() if not plain.isdecimal() else bool(_BUILDING_BEFORE.match(before))


def _space_between(before: str, after: str) -> str:
    return f"{before} {after}" if before and after else before + after
