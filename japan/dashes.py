"""Dashes: every character that people type, paste or scan where a hyphen is meant."""

from __future__ import annotations

import re
from typing import Final

# https://www.unicode.org/Public/15.1.0/ucd/extracted/DerivedGeneralCategory.txt : category Pd
_PUNCTUATION: Final = (
    "-\u058a\u05be\u1400\u1806\u2010-\u2015\u2e17\u2e1a\u2e3a\u2e3b\u2e40\u2e5d\u301c\u3030\u30a0"
    "\ufe31\ufe32\ufe58\ufe63\uff0d\U00010ead"
)
# Minus signs, bullets and lines: − ➖ ⁻ ₋ ˗ ⁃ ⎯ ⎺-⎽ ⏤ ▬ ‾ ¯ ˉ ￣, and box drawing ─ ━ ┄ ┅ ┈ ┉ ╌ ╍ ╴ ╶ ╸ ╺ ╼ ╾ ═. The
# full-width tilde is what Windows types for the wave dash.
_LINES: Final = (
    "\u2212\u2796\u207b\u208b\u02d7\u2043\u2052\u23af\u23ba-\u23bd\u23e4\u25ac\u203e\xaf\u02c9\uffe3"
    "\u2500\u2501\u2504\u2505\u2508\u2509\u254c\u254d\u2550\u2574\u2576\u2578\u257a\u257c\u257e\uff5e"
)
# https://www.unicode.org/Public/security/15.1.0/confusables.txt : ㅡ (three code points), ۔, Ⲻ, ꟷ and the radical of 一
_LETTERS: Final = "\u3161\u1173\uffda\u06d4\u2cba\ua7f7\u2f00\u31d0"
LONG_MARKS: Final = "\u30fc\uff70"
"""The long-vowel mark ー, full-width and half-width: a dash wherever it does not stand behind kana."""

# Inside a character class; the hyphen comes first. The kanji 一 is a dash between two figures and nowhere else.
SIGNS: Final = _PUNCTUATION + _LINES
DASHES: Final = SIGNS + _LETTERS + LONG_MARKS

WAVES: Final = "\u301c\uff5e\u3030\u30a0"
"""Dashes between figures alone: elsewhere 〜 is "to", and ゠ parts the names of a foreigner."""
ANY_DASH: Final = re.compile(f"[{DASHES}~]")
