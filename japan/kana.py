"""Furigana: any writing of it as full-width katakana."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import jaconv

from japan.characters import clean
from japan.cutting import cut
from japan.fixed import NOTHING, Fixed, dropped, fix

# https://developers.smaregi.dev/platform-api-reference/apis/pos/operations/postcustomersbulk prints the class as
# "ァ-ヶ  -~ー-・"; its last range is reversed, so the hyphen is read as the full-width one.
KANA: Final = re.compile(r"[ァ-ヶ　 -~ー－・]+")

_NO_LIMIT: Final = 1_000_000
_VOICED: Final = str.maketrans(
    "カキクケコサシスセソタチツテトハヒフヘホウ", "ガギグゲゴザジズゼゾダヂヅデドバビブベボヴ"
)
_PLAIN: Final = str.maketrans(
    "ガギグゲゴザジズゼゾダヂヅデドバビブベボヴ", "カキクケコサシスセソタチツテトハヒフヘホウ"
)
_REPEATED: Final = re.compile(r"([ァ-ヶ])([ヽヾ])")
# A dash typed for the long-vowel mark (ｻﾄ-, スズキ―); between two words it may be a real one, but is read the same.
_LONG: Final = re.compile(r"(?<=[ァ-ヶー])[-―─～~](?=[ァ-ヶー ]|$)")


def kana(text: str, most: int | None = None) -> Fixed:
    """Full-width katakana for half-width kana, hiragana and what is usually typed between them.

    The value satisfies ``KANA`` (Smaregi's pattern for lastKana and firstKana; printable ASCII is in it). A text that
    holds kanji or other letters is no reading: None, ``dropped``. ``most``: the most code points, if there is a limit.
    """
    cleaned = clean(text, _NO_LIMIT)
    if cleaned.value is None:
        return cleaned if cleaned.fixes else NOTHING
    fixes = list(cleaned.fixes)
    katakana = str(jaconv.hira2kata(cleaned.value))
    if katakana != cleaned.value:
        fixes.append(fix("reformatted", "hiragana to katakana"))
    spelled = _LONG.sub("ー", _spell_out_repeats(katakana))
    if spelled != katakana:
        fixes.append(fix("replaced", "repeat and long-vowel marks"))
    if any(not KANA.fullmatch(character) and _is_letter(character) for character in spelled):
        return dropped("not kana")
    fitting = re.sub(" {2,}", " ", "".join(character for character in spelled if KANA.fullmatch(character))).strip(" ")
    if not fitting:
        return dropped("not kana")
    if fitting != spelled:
        fixes.append(fix("dropped", "signs that are not kana"))
        fitting = kana(fitting).value or fitting  # a mark may have come to stand beside its kana
    value = fitting if most is None else cut(fitting, most)
    if value != fitting:
        fixes.append(fix("cut", f"cut at {len(value)} of {len(fitting)} characters"))
    return Fixed(value, tuple(fixes))


def _spell_out_repeats(text: str) -> str:
    """イスヾ becomes イスズ: the marks ヽ and ヾ are outside the pattern."""

    def spell(found: re.Match[str]) -> str:
        once = found[1].translate(_PLAIN)
        return found[1] + (once.translate(_VOICED) if found[2] == "ヾ" else once)

    while (spelled := _REPEATED.sub(spell, text)) != text:
        text = spelled
    return text


def _is_letter(character: str) -> bool:
    return character == "〓" or (character not in "ヽヾ" and unicodedata.category(character)[0] in "LN")
