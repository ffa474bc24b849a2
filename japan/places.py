"""Where the municipality ends that an address begins with, however much of its name is written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from japan.municipalities import NAMES
from japan.written import plain_of

# 郡上市 and 大和郡山市 lie in no county: towns and villages alone do.
_IN_A_COUNTY: Final = re.compile(r"(.+?郡)(.+[町村])")
_WARD: Final = re.compile(r"(.+?市)(.+区)")
_LONGEST: Final = 12

# The one town of Japan that begins like its city: 養父市養父市場.
TOWNS_LIKE_THEIR_CITY: Final = ("養父市場",)
_LIKE_THEIR_CITY: Final = tuple(plain_of(town) for town in TOWNS_LIKE_THEIR_CITY)


@dataclass(frozen=True, slots=True)
class Head:
    """The municipality a text begins with.

    ``length``: so many of its plain characters. ``names``: the full names that may be meant, as 北区 may be 大阪市北区
    and 堺市北区. ``whole``: whether no more of it is to come, as after 大阪市 or 足柄下郡.
    """

    length: int
    names: frozenset[str]
    whole: bool


class Places:
    """The municipalities of one prefecture, or of all Japan where none is known."""

    def __init__(self, prefecture: str | None) -> None:
        self._forms: dict[str, tuple[set[str], bool]] = {}
        for listed in NAMES.values() if prefecture is None else [NAMES[prefecture]]:
            for name in map(plain_of, listed.split()):
                self._add(name)

    def _add(self, name: str) -> None:
        self._put(name, name, whole=True)
        if found := _IN_A_COUNTY.fullmatch(name):
            self._put(found[1], name, whole=False)
            self._put(found[2], name, whole=True)
        elif found := _WARD.fullmatch(name):
            self._put(found[1], name, whole=False)
            self._put(found[2], name, whole=False)

    def _put(self, form: str, name: str, *, whole: bool) -> None:
        names, _ = self._forms.get(form, (set(), whole))
        self._forms[form] = (names | {name}, whole)

    def at_head(self, plain: str, among: frozenset[str] | None = None) -> Head | None:
        """The longest form of a municipality at the head of a plain text, of those ``among`` where they are known."""
        if plain.startswith(_LIKE_THEIR_CITY):
            return None
        for length in range(min(_LONGEST, len(plain)), 1, -1):
            if found := self._forms.get(plain[:length]):
                names = frozenset(found[0]) if among is None else among & found[0]
                if names:
                    return Head(length, names, found[1])
        return None

    def has(self, form: str) -> bool:
        """Whether a municipality, a county or a city with wards has this plain name."""
        return form in self._forms


@lru_cache(maxsize=48)
def places_of(prefecture: str | None) -> Places:
    """The municipalities of a prefecture by its name in kanji, of all of them for None."""
    return Places(prefecture if prefecture in NAMES else None)
