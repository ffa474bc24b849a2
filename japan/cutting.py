"""Where a text may be cut, when it must be."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_ENDS_A_PART: Final = " 、。,・)）」／/"
_DANGLING: Final = " 、,・(（「-／/"
_SMALL: Final = "ァィゥェォッャュョヮぁぃぅぇぉっゃゅょゎー々゛゜ゝゞヽヾ)）」、。"
_WORD: Final = re.compile(r"[0-9A-Za-z-]")


def cut(text: str, most: int) -> str:
    """The text with at most ``most`` code points, never empty unless the text is.

    Cut after a space or a comma in the last third if there is one; else between two characters that are neither in one
    number or Latin word, nor a kana and its small companion, nor a letter and its accent; else right there.
    """
    if len(text) <= most:
        return text
    for at in range(most, most * 2 // 3, -1):
        if text[at] == " " or text[at - 1] in _ENDS_A_PART:
            return text[:at].rstrip(_DANGLING) or text[:most]
    for at in range(most, 0, -1):
        if _may_part(text[at - 1], text[at]):
            return text[:at].rstrip(_DANGLING) or text[:most]
    return text[:most]


def _may_part(before: str, after: str) -> bool:
    if _WORD.match(before) and _WORD.match(after):
        return False
    return after not in _SMALL and not unicodedata.category(after).startswith("M")
