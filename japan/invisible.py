"""Characters that nobody sees, whatever their category: a name of nothing else is no name."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

# The property Default_Ignorable_Code_Point: 4,174 code points, the same in Unicode 15.0, 15.1 and 16.0. Four of them
# are letters by category: U+3164, U+115F, U+1160 and U+FFA0, the fillers of Hangul.
# https://www.unicode.org/Public/16.0.0/ucd/DerivedCoreProperties.txt
_DEFAULT_IGNORABLE: Final = """
    00AD 034F 061C 115F-1160 17B4-17B5 180B-180F 200B-200F 202A-202E 2060-206F 3164 FE00-FE0F FEFF FFA0 FFF0-FFF8
    1BCA0-1BCA3 1D173-1D17A E0000-E0FFF
"""
# Blank by their shape, and with no property that says so: BRAILLE PATTERN BLANK, KHITAN SMALL SCRIPT FILLER, EGYPTIAN
# HIEROGLYPH FULL BLANK and HALF BLANK, MUSICAL SYMBOL NULL NOTEHEAD.
_BLANK: Final = "2800 16FE4 13441-13442 1D159"


def _class_of(*tables: str) -> str:
    """The tables as the inside of a character class."""
    ranges = (part.partition("-") for table in tables for part in table.split())
    return "".join(f"\\U{first:0>8}" + (f"-\\U{last:0>8}" if last else "") for first, _, last in ranges)


INVISIBLE: Final = _class_of(_DEFAULT_IGNORABLE, _BLANK)
"""The inside of a character class: what is invisible although its category may not say so."""
_INVISIBLE: Final = re.compile(f"[{INVISIBLE}]")


@lru_cache(maxsize=4096)
def is_invisible(character: str) -> bool:
    """Whether one character shows nothing: a control, a joiner, a selector, a filler, a blank; spaces are not meant."""
    return unicodedata.category(character) in ("Cc", "Cf", "Cs") or _INVISIBLE.match(character) is not None


def is_blank(text: str) -> bool:
    """Whether nothing of the text can be seen; true for an empty one."""
    return text.isspace() or all(character.isspace() or is_invisible(character) for character in text)
