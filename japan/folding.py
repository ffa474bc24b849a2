"""Texts as they are compared when somebody looks for a person: all that people write in two ways is written in one."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import jaconv

from japan.name_variants import VARIANTS
from japan.variants import PLAIN_FORMS

#: So much of a name is compared.
LONGEST: Final = 60
_PLAIN: Final = str.maketrans(PLAIN_FORMS)
_ONE_OF_NAME: Final = str.maketrans(VARIANTS)
_REPEATED: Final = re.compile("([\u3400-\u9fff\U00020000-\U0003ffff])[々〻]+")


def folded(text: str) -> str:
    """The text in its plainest form; empty when no letter and no digit stands in it.

    Half-width and full-width are one, hiragana and katakana are one, capitals and small letters are one, 髙 is 高, 渡邊
    is 渡辺, 佐々木 is 佐佐木 and é is e. What is no letter is left out, spaces and the long-vowel mark included, for
    that is typed in five ways. Folding what was folded changes nothing.
    """
    plain = unicodedata.normalize("NFKC", text[: 4 * LONGEST]).translate(_PLAIN)
    katakana = str(jaconv.hira2kata(unicodedata.normalize("NFKC", plain).casefold()))
    one = "".join(map(_base, katakana)).casefold().translate(_ONE_OF_NAME)
    return _REPEATED.sub(lambda found: found[1] * len(found[0]), one)[:LONGEST]


def _base(character: str) -> str:
    if character.isascii():
        return character if character.isalnum() else ""
    if character == "ー" or unicodedata.category(character)[0] not in "LN":
        return ""
    first = unicodedata.normalize("NFD", character)[0]
    return first if first.isascii() else character
