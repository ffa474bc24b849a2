"""The text of an address before anything else is done with it: figures that are figures, dashes that are hyphens.

What is put right here is wrong wherever the address goes: 3➖5 would become 35 at a till that has no ➖, and a search
for 3-5 does not find 3ー5. What only the till cannot show is the matter of ``characters``.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from japan.dashes import DASHES, LONG_MARKS, SIGNS, WAVES
from japan.fixed import Fixed, fix
from japan.invisible import INVISIBLE

DASHED: Final = fix("replaced", "dashes between figures → -")
"""The correction of a dash that became a hyphen."""

_BLOCKS: Final = ((0x2460, 0x2500), (0x2776, 0x2794), (0x3244, 0x3250), (0x3251, 0x32FF), (0x1F100, 0x1F190))
_IN_CIRCLE: Final = re.compile(r"CIRCLED|NEGATIVE SQUARED")
_LATIN: Final = re.compile(r"LATIN CAPITAL LETTER ([A-Z])$")


def _inside(character: str) -> str:
    """What stands in the circle (②: 2, ❿: 10, Ⓐ: A, ㊀: 一); "" for a character that is none."""
    name = unicodedata.name(character, "")
    if not _IN_CIRCLE.search(name):
        return ""
    tag, _, inside = unicodedata.decomposition(character).partition(" ")
    if tag == "<circle>":
        return "".join(chr(int(code, 16)) for code in inside.split())
    if unicodedata.category(character) == "No":
        return str(int(unicodedata.numeric(character)))
    letter = _LATIN.search(name)
    return letter[1] if letter else ""


CIRCLED: Final[dict[str, str]] = {
    chr(code): inside for first, end in _BLOCKS for code in range(first, end) if (inside := _inside(chr(code)))
} | {"\U0001f51f": "10"}  # the emoji of a key; those of one figure are the figure and a mark
"""Characters that draw a figure, a letter or a kanji in a circle or on a disc, with what they draw."""

_KEYCAP: Final = re.compile("([0-9])\ufe0f?\u20e3")
_COMPACT_BLOCKS: Final = (*_BLOCKS, (0xB2, 0xBF), (0x2070, 0x208A), (0x2150, 0x218A), (0x32C0, 0x3400))
_COMPACT: Final = {
    chr(code): unicodedata.normalize("NFKC", chr(code)) for first, end in _COMPACT_BLOCKS for code in range(first, end)
} | CIRCLED
_BEGINS_WITH_FIGURE: Final = "".join(character for character, plain in _COMPACT.items() if plain[0].isdecimal())
_ENDS_WITH_FIGURE: Final = "".join(character for character, plain in _COMPACT.items() if plain[-1].isdecimal())
# Two figures that stand side by side and were no one number: 2① is not 21, 5² is not 52, 1½2 is not 1 1/22.
_SIDE_BY_SIDE: Final = re.compile(
    rf"(?<=[\d{_ENDS_WITH_FIGURE}])(?=[{_BEGINS_WITH_FIGURE}])|(?<=[{_ENDS_WITH_FIGURE}])(?=\d)"
)
_ANY_CIRCLED: Final = re.compile(f"[{''.join(CIRCLED)}]")

# A dash may be an emoji with its selector: ➖\ufe0f.
_UNSEEN_AT_A_DASH: Final = re.compile(f"(?<=[{DASHES}])[{INVISIBLE}]+|[{INVISIBLE}]+(?=[{DASHES}])")
_SOFT_HYPHEN: Final = re.compile(r"(?<=\d)\s*\u00ad\s*(?=\d)")
_UNSEEN_BETWEEN_FIGURES: Final = re.compile(rf"(?<=[\d{_ENDS_WITH_FIGURE}])[{INVISIBLE}]+(?=[\d{_BEGINS_WITH_FIGURE}])")

_KANJI_FIGURES: Final = "〇一二三四五六七八九十"
_KANA: Final = "\u3041-\u3096\u30a1-\u30fa\uff66-\uff9f\u30fc\u31f0-\u31ff\u3099-\u309e\u30fd\u30fe"
_STARTS_A_NUMBER: Final = r"\dA-Za-z\uff21-\uff3a\uff41-\uff5a"
_PLAIN_SIGNS: Final = f"(?![{WAVES}])[{SIGNS}]"
_DASH_RULES: Final = (
    # Between figures, everything that looks like one; the kanji 一 only where it touches both.
    re.compile(rf"(?<=\d)\s*[{DASHES}~]+\s*(?=\d)"),
    re.compile(r"(?<=\d)一(?=\d)"),
    re.compile(rf"(?<=[{_KANJI_FIGURES}])[{LONG_MARKS}]+(?=[{_KANJI_FIGURES}\d])"),
    # A long vowel follows kana. Behind 丁目, 番, 号 or a figure the same key was pressed for a hyphen.
    re.compile(rf"(?<=[^{_KANA}])[{LONG_MARKS}]+\s*(?=[{_STARTS_A_NUMBER}])"),
    # Other signs beside a figure, or before the number of a room.
    re.compile(rf"(?<=\d)(?:{_PLAIN_SIGNS})+"),
    re.compile(rf"(?<=\S)(?:{_PLAIN_SIGNS})+(?=[{_STARTS_A_NUMBER}])"),
)


def tidy(text: str) -> Fixed:
    """The text with its dashes and circled figures as plain ones, and nothing else changed.

    Tidying what was tidied changes nothing.
    """
    fixes = []
    plain = _KEYCAP.sub(lambda found: "⓪①②③④⑤⑥⑦⑧⑨"[int(found[1])], text)
    plain = _without_unseen(plain)
    plain = _ANY_CIRCLED.sub(lambda found: CIRCLED[found[0]], _SIDE_BY_SIDE.sub(" ", plain))
    if plain != text:
        fixes.append(fix("replaced", "circled figures to plain ones"))
    dashed = hyphens(plain)
    if dashed != plain:
        fixes.append(DASHED)
    return Fixed(dashed, tuple(fixes))


def hyphens(text: str) -> str:
    """The text with a hyphen wherever a dash was meant, and a space where figures were parted by what nobody sees."""
    text = _without_unseen(text)
    for rule in _DASH_RULES:
        text = rule.sub("-", text)
    return text


def _without_unseen(text: str) -> str:
    text = _SOFT_HYPHEN.sub("-", _UNSEEN_AT_A_DASH.sub("", text))
    return _UNSEEN_BETWEEN_FIGURES.sub(" ", text)
