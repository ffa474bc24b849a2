"""A text beside the plain form in which it is compared, so that what is taken off one is taken off the other."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from japan.variants import PLAIN_FORMS

# People write 龍ヶ崎 and 竜ケ崎, 霞が関 and 霞ヶ関, 上ノ国 and 上の国.
_AS_ONE: Final = dict(zip("ヶがガヵッの之龍鰺檜澤淵嶋", "ケケケカツノノ竜鯵桧沢渕島", strict=True))
SEPARATORS: Final = " 　\t\n\r、,，"


@dataclass(frozen=True, slots=True)
class Written:
    """``plain`` is ``raw`` without spaces and differences that mean nothing; ``at`` has the place of each character."""

    raw: str
    plain: str
    at: tuple[int, ...]

    @classmethod
    def of(cls, raw: str) -> Written:
        """The text as it came, read once."""
        plain: list[str] = []
        at: list[int] = []
        for place, character in enumerate(raw):
            for letter in _plain(character):
                plain.append(letter)
                at.append(place)
        return cls(raw, "".join(plain), tuple(at))

    def before(self, end: int) -> str:
        """The raw text of the first ``end`` plain characters."""
        return (self.raw[: self.at[end]] if end < len(self.at) else self.raw).strip(SEPARATORS)

    def after(self, start: int) -> str:
        """The raw text from the plain character ``start`` on."""
        return self.raw[self.at[start] :].strip(SEPARATORS) if start < len(self.at) else ""

    def may_part(self, at: int) -> bool:
        """Whether a space stands here, or no number and no Latin word goes on across this place of ``plain``."""
        spaced = 0 < at < len(self.at) and self.at[at] - self.at[at - 1] > 1
        return spaced or _may_part(self.plain, at)


@lru_cache(maxsize=4096)
def _plain(character: str) -> str:
    one = PLAIN_FORMS.get(character, character)
    folded = unicodedata.normalize("NFKC", _AS_ONE.get(one, one)).lower()
    return "".join(_AS_ONE.get(letter, letter) for letter in folded if not letter.isspace())


def plain_of(text: str) -> str:
    """The plain form alone."""
    return "".join(map(_plain, text))


def _may_part(plain: str, at: int) -> bool:
    if not 0 < at < len(plain):
        return True
    before, after = plain[at - 1], plain[at]
    return not ((before.isdecimal() and after.isdecimal()) or (_is_latin(before) and _is_latin(after)))


def _is_latin(character: str) -> bool:
    return character.isascii() and character.isalpha()
