"""What a map, a browser or an envelope writes around an address and its fields hold already: country and postcode."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from japan.dashes import DASHES
from japan.prefectures import LATIN, PREFECTURES

_COUNTRY: Final = r"(?:日本国?|Japan|JPN?)"
_CODE: Final = rf"[0-9]{{3}}\s?[{DASHES}]?\s?[0-9]{{4}}(?![0-9]|[{DASHES}][0-9])"
_MARKED: Final = rf"(?:[〒〶]|郵便番号\s*:?)\s*[0-9]{{3}}\s?[{DASHES}]?\s?[0-9]{{4}}"
_PREFECTURE: Final = "|".join(PREFECTURES.values())

_COUNTRY_IN_FRONT: Final = re.compile(
    rf"{_COUNTRY}(?:\s*[,、，]\s*|\s*(?=[〒〶]|{_CODE}|{_PREFECTURE})|\s*\Z)", re.IGNORECASE
)
_MARKED_CODE: Final = re.compile(rf"[\s,、，]*{_MARKED}[\s,、，]*")
_CODE_IN_FRONT: Final = re.compile(rf"({_CODE})[\s,、，]*(?P<prefecture>{_PREFECTURE})?")
_LAST_CODE: Final = re.compile(rf"[\s,、，]+({_CODE})(?:[\s,、，]+{_COUNTRY})?\Z", re.IGNORECASE)
_COUNTRY_LAST: Final = re.compile(rf"\s*[,、，]\s*{_COUNTRY}\Z", re.IGNORECASE)
_LATIN_LAST: Final = re.compile(r"\s*[,、，]\s*([A-Za-z -]+)\Z")


class Noise:
    """Takes off what stands around an address; ``postcode`` is the field's own, seven digits, or "" for none."""

    def __init__(self, postcode: str) -> None:
        self.postcode = postcode
        self.found: list[str] = []
        self.fixes: list[str] = []

    def without(self, text: str, known: tuple[str, ...] = ()) -> str:
        """The text without country and postcode, and at its end without the Latin names that are ``known``."""
        while found := self._next(_half_width(text), known):
            text = f"{text[: found[0]].rstrip()} {text[found[1] :].lstrip()}".strip()
        return text

    def _next(self, plain: str, known: tuple[str, ...]) -> tuple[int, int] | None:
        """Where the next thing to take off begins and ends."""
        if found := _COUNTRY_IN_FRONT.match(plain):
            return self._told("country in front", found.span())
        return self._postcode(plain) or self._at_the_end(plain, known)

    def _postcode(self, plain: str) -> tuple[int, int] | None:
        if found := _MARKED_CODE.search(plain):
            self.found.append(_digits(found[0]))
            return self._told("postcode in the address" if found.start() else "postcode in front", found.span())
        if (found := _CODE_IN_FRONT.match(plain)) and (self._is_ours(found[1]) or found["prefecture"]):
            self.found.append(_digits(found[1]))
            end = found.start("prefecture") if found["prefecture"] else found.end()
            return self._told("postcode in front", (0, end))
        if (found := _LAST_CODE.search(plain)) and self._is_ours(found[1]):
            return self._told("postcode at the end", found.span())
        return None

    def _at_the_end(self, plain: str, known: tuple[str, ...]) -> tuple[int, int] | None:
        if found := _COUNTRY_LAST.search(plain):
            return self._told("country at the end", found.span())
        if (found := _LATIN_LAST.search(plain)) and found[1].strip().lower() in known:
            return self._told("city or prefecture in Latin letters", found.span())
        return None

    def _is_ours(self, code: str) -> bool:
        return bool(self.postcode) and _digits(code) == self.postcode

    def _told(self, what: str, span: tuple[int, int]) -> tuple[int, int]:
        if what not in self.fixes:
            self.fixes.append(what)
        return span


def latin_names(prefecture: str | None, city: str) -> tuple[str, ...]:
    """What may stand in Latin letters at the end of an address that has its city and prefecture already."""
    names = [city.strip().lower()] if city.isascii() else []
    if prefecture:
        latin = LATIN[prefecture]
        names += [latin, f"{latin}-to", f"{latin}-fu", f"{latin}-ken", f"{latin} prefecture"]
    return tuple(name for name in names if name)


def _digits(text: str) -> str:
    return re.sub("[^0-9]", "", text)


def _half_width(text: str) -> str:
    """The text in half-width letters and figures, each in its place."""
    return "".join(plain if len(plain := unicodedata.normalize("NFKC", c)) == 1 else c for c in text)
