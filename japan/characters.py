"""What may be written into a text, and what is done with the rest.

The policy, for every name and address on its way to the till:

1. Plain characters (ASCII and JIS X 0208) go as they are; full-width Latin letters, digits and signs become half-width
   (NFKC), half-width kana become full-width, dakuten are joined to their kana.
2. NFKC is not applied where it does harm: ～ ￥ ￣ ℃ Å ´ ¨ ゛ ゜ … ‥ stay (it would make another sign of them, or a
   space and a loose accent), ½ after a digit gets a space (2½ is not 21/2), ① becomes (1) and not 1 (2① is not 21).
3. What NEC and IBM added to Windows-31J is platform dependent: Ⅲ → III, ㈱ → (株), ℡ → TEL, 髙 → 高, 﨑 → 崎, and the
   compatibility ideographs that NFKC knows (U+FA19 → 神). A kanji of theirs without a plain form (彅) stays, because
   Windows-31J has it and another kanji would be another name.
4. Four-byte characters never go: a kanji has its plain form (𠮷 → 吉) or becomes 〓, emoji are dropped. Private-use
   characters become 〓 as well: something stood there.
5. Latin letters lose accents that Windows-31J does not have (é → e). Letters of other living scripts (Hangul, Thai,
   simplified Chinese) stay as they are: they are three bytes, and 〓〓〓 is nobody's name.
6. Invisible characters (controls, joiners, variation selectors, direction marks, the fillers of Hangul, the blank of
   Braille) and signs outside Windows-31J are dropped; tabs and line breaks become one space; the ends are trimmed. In
   an address a sign that is dropped between two letters or figures leaves a space: 1🏠2 is not 12.

Every change is in ``Fixed.fixes``. The limits come from the far side:
https://developers.smaregi.dev/platform-api-reference/apis/pos/operations/postcustomersbulk
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, Literal, TypeAlias

import jaconv

from japan.cutting import cut
from japan.fixed import NOTHING, Fixed, dropped, fix
from japan.invisible import is_invisible
from japan.repertoire import Place, place
from japan.variants import PLAIN_FORMS

Change: TypeAlias = Literal["kept", "foreign", "mark", "narrowed", "spaced", "replaced", "invisible", "sign"]

UNREADABLE: Final = "〓"  # the "geta" mark: printers set it where a character is missing
_SHOWN: Final = 5
_FULL_WIDTH: Final = range(0xFF01, 0xFF5E)
_LAST_OF_BMP: Final = 0xFFFF
_IDEOGRAPHIC_PLANES: Final = range(0x20000, 0x40000)
_FRACTION: Final = "<fraction>"
_GAP: Final = "\0"  # where a sign was; never in the text itself, which keeps no controls
_LEFT_GAP: Final = re.compile(f"(?<=[^\\W_]){_GAP}+(?=[^\\W_])")

_SPACES: Final = frozenset("\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2800")  # the blank of Braille is as wide as a letter
_VOICED: Final = re.compile("(.?)([\u3099\u309a\u309b\u309c\uff9e\uff9f])", re.DOTALL)
_COMBINING: Final = {"\u309b": "\u3099", "\uff9e": "\u3099", "\u309c": "\u309a", "\uff9f": "\u309a"}
_STANDING: Final = {"\u3099": "\u309b", "\u309a": "\u309c"}
_ACCENTED: Final = re.compile("[^\\W\\d_][\u0300-\u036f]+|[\u1100-\u11ff]{2,}")


def clean(text: str, most: int, *, parted: bool = False) -> Fixed:
    """The text as the till can show it, at most ``most`` code points; None when nothing of it can be shown.

    ``parted``: a sign that is dropped between two letters or figures leaves a space, as an address needs it. Cleaning
    what was cleaned changes nothing. The module's docstring states what becomes of which character.
    """
    if not text.strip():
        return NOTHING
    wide = str(jaconv.h2z(text))
    voiced = _join_voicing_marks(wide)
    joined = _ACCENTED.sub(lambda found: unicodedata.normalize("NFC", found[0]), voiced)
    shown, changes = _render_all(joined, parted=parted)
    if (closer := _join_voicing_marks(shown)) != shown:  # what stood between a kana and its mark cannot be shown
        shown, more = _render_all(closer, parted=parted)
        changes += more
    trimmed = re.sub(" {2,}", " ", shown).strip(" ")
    fixes = []
    if any("\uff61" <= character <= "\uff9f" for character in text):
        fixes.append(fix("widened", "half-width kana"))
    if unicodedata.normalize("NFC", voiced) != unicodedata.normalize("NFC", wide):
        fixes.append(fix("reformatted", "voicing marks"))
    fixes += _report(changes, spaces=trimmed != shown)
    if not trimmed:
        return dropped("nothing that the till can show")
    kept = cut(trimmed, most)
    if kept != trimmed:
        fixes.append(fix("cut", f"cut at {len(kept)} of {len(trimmed)} characters"))
    return Fixed(kept, tuple(fixes))


def _join_voicing_marks(text: str) -> str:
    """カ゛ becomes ガ; a mark that fits no kana stands by itself."""

    def join(found: re.Match[str]) -> str:
        mark = _COMBINING.get(found[2], found[2])
        one = unicodedata.normalize("NFC", found[1] + mark)
        return one if found[1] and len(one) == 1 else found[1] + _STANDING[mark]

    return _VOICED.sub(join, text)


def _render_all(text: str, *, parted: bool) -> tuple[str, list[tuple[str, str, Change]]]:
    shown: list[str] = []
    changes: list[tuple[str, str, Change]] = []
    foreign = False  # whether a mark that follows belongs to a letter of another script, which needs it
    for character in text:
        out, change = _render(character)
        if change == "mark":
            out, change = (character, "mark") if foreign else ("", "sign")
        elif out[:1].isdigit() and _FRACTION in unicodedata.decomposition(character) and shown and shown[-1].isdigit():
            out = f" {out}"
        foreign = change in ("foreign", "mark")
        if out:
            shown.append(out)
        elif parted and change == "sign" and not unicodedata.category(character).startswith("M"):
            shown.append(_GAP)
        if change not in ("kept", "foreign", "mark"):
            changes.append((character, out, change))
    whole = "".join(shown)
    if parted:
        whole = _LEFT_GAP.sub(" ", whole).replace(_GAP, "")
    return unicodedata.normalize("NFC", whole), changes


@lru_cache(maxsize=4096)
def _render(character: str) -> tuple[str, Change]:  # noqa: C901, PLR0911 - one clause per rule of the policy
    """What stands for one character, and what that is called."""
    if " " <= character <= "~":
        return character, "kept"
    if character in PLAIN_FORMS:
        return PLAIN_FORMS[character], "replaced"
    category = unicodedata.category(character)
    if category in ("Zs", "Zl", "Zp") or character in _SPACES:
        return " ", "spaced"
    if is_invisible(character):
        return "", "invisible"
    if ord(character) in _FULL_WIDTH:
        return chr(ord(character) - 0xFEE0), "narrowed"
    if place(character) is Place.PLAIN:
        return character, "kept"
    if category == "Nd":
        return str(unicodedata.decimal(character)), "replaced"
    compatible = unicodedata.normalize("NFKC", character)
    if compatible != character:
        plain = "".join(_render(part)[0] for part in compatible)
        if unicodedata.decomposition(character).startswith("<circle>"):
            plain = f"({plain})"
        return (plain, "replaced") if plain else ("", "sign")
    decomposed = unicodedata.normalize("NFD", character)
    if (
        decomposed[1:]
        and place(decomposed[0]) is Place.PLAIN
        and set(map(unicodedata.category, decomposed[1:])) == {"Mn"}
    ):
        return decomposed[0], "replaced"
    if place(character) is Place.EXTENSION:
        return character, "kept"
    return _render_outside(character, category)


def _render_outside(character: str, category: str) -> tuple[str, Change]:
    """What stands for a character that Windows-31J does not have."""
    if category == "Co" or ord(character) in _IDEOGRAPHIC_PLANES:
        return UNREADABLE, "replaced"
    if ord(character) > _LAST_OF_BMP:
        return (UNREADABLE, "replaced") if category.startswith("L") else ("", "sign")
    if category.startswith("L"):
        return character, "foreign"
    return ("", "mark") if category in ("Mn", "Mc") else ("", "sign")


def _report(changes: Iterable[tuple[str, str, Change]], *, spaces: bool) -> list[tuple[str, str]]:
    kinds = {change for _, _, change in changes}
    fixes = []
    if "narrowed" in kinds:
        fixes.append(fix("reformatted", "full-width letters, digits or signs to half-width"))
    if spaces or "spaced" in kinds:
        fixes.append(fix("reformatted", "spaces"))
    replaced = list(dict.fromkeys(f"{old} → {new.strip()}" for old, new, change in changes if change == "replaced"))
    if replaced:
        more = f" and {len(replaced) - _SHOWN} more" if len(replaced) > _SHOWN else ""
        fixes.append(fix("replaced", ", ".join(replaced[:_SHOWN]) + more))
    if "invisible" in kinds:
        fixes.append(fix("dropped", "invisible characters"))
    if "sign" in kinds:
        fixes.append(fix("dropped", "emoji or signs that the till cannot show"))
    return fixes
