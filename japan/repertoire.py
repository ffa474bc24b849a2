"""Which characters the till and its printer know: Windows-31J (cp932), and which part of it is platform dependent."""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from typing import Final

# Rows beside JIS X 0208: NEC's ① Ⅲ ㈱ (0x87), NEC's copy of IBM's kanji (0xED, 0xEE), IBM's own (0xFA-0xFC).
_EXTENSION_ROWS: Final = frozenset({0x87, 0xED, 0xEE, 0xFA, 0xFB, 0xFC})
_FIRST_USER_ROW: Final = 0xF0


class Place(Enum):
    """Where a character stands in Windows-31J."""

    PLAIN = "plain"  # ASCII and JIS X 0208: every device shows it
    EXTENSION = "extension"  # added by NEC or IBM: some devices show something else, or nothing
    OUTSIDE = "outside"


@lru_cache(maxsize=4096)
def place(character: str) -> Place:
    """Where one character stands; half-width kana, control characters and user-defined ones count as outside."""
    if " " <= character <= "~":
        return Place.PLAIN
    try:
        encoded = character.encode("cp932")
    except UnicodeEncodeError:
        return Place.OUTSIDE
    row = encoded[0]
    if len(encoded) == 1 or (row >= _FIRST_USER_ROW and row not in _EXTENSION_ROWS):
        return Place.OUTSIDE
    return Place.EXTENSION if row in _EXTENSION_ROWS else Place.PLAIN
