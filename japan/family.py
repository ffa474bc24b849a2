"""Whether two names can be those of one household: the family names compared, however each was typed. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import Enum
from typing import Final

from japan.folding import folded

_SPOKEN_TO: Final = re.compile(r"(?<=.)\s*(?:様|さま|サマ|殿|御中|宛)$")
_COMPANY: Final = re.compile(r"株式会社|有限会社|合同会社|合資会社|合名会社|\((?:株|有|同|資|名)\)")
_BETWEEN: Final = re.compile(r"[\s・･,、]+")
_HYPHEN: Final = re.compile(r"[-\u2010-\u2015・･]")
_KANJI: Final = re.compile("[々〆\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_KANA: Final = re.compile("[\u30a1-\u30ff]+")
# One name in Latin letters is written Ohno, Ōno and Oono, Sato and Satoh, Yoshida and Yosida.
# https://www.mofa.go.jp/mofaj/toko/passport/hebon.html
_LATIN: Final = (
    (re.compile("o[ou]|oh(?![aeiouy])"), "o"),
    (re.compile("uu"), "u"),
    (re.compile("sh(?=[aiueo])|sy(?=[aueo])"), "s"),
    (re.compile("ch(?=[aiueo])|ty(?=[aueo])"), "t"),
    (re.compile("ts(?=u)"), "t"),
    (re.compile("f(?=u)"), "h"),
    (re.compile("j(?=[aiueo])|zy(?=[aueo])"), "z"),
    (re.compile("m(?=[bmp])"), "n"),
)
#: A family name that is not parted from the given name has so many characters at least: 見本花子.
_PERHAPS_WHOLE: Final = 4


class Kin(Enum):
    """What two names say of each other: one family name, two, or nothing that can be compared."""

    SAME = "same"
    OTHER = "other"
    UNTOLD = "untold"


def compare(mine: tuple[str | None, str | None], theirs: tuple[str | None, str | None]) -> Kin:
    """Whether two names, each (last, first), have one family name.

    The order of the two parts tells nothing: people fill them in the other way round. Old and new kanji, hiragana and
    katakana, widths, capitals, spaces, a company's form and 様 or 御中 make no other name. Names of two scripts (見本
    and Mihon) cannot be compared, and neither can a given name alone.
    """
    if mine[0] and mine[0] == theirs[0]:
        return Kin.SAME
    one, two = _Name.of(*mine), _Name.of(*theirs)
    if one.is_in(two) or two.is_in(one):
        return Kin.SAME
    if not one.family or not two.family or _script(one.family) != _script(two.family) or not _script(one.family):
        return Kin.UNTOLD
    if one.alone and two.alone and one.family[0] == two.family[0]:
        # 見本花子 and 見本太郎: nobody says where the family name ends.
        longest = max(len(one.family), len(two.family))
        return Kin.OTHER if longest < _PERHAPS_WHOLE else Kin.UNTOLD
    return Kin.OTHER


@dataclass(frozen=True, slots=True)
class _Name:
    """A name as it is compared: ``family`` as it stands (it may be the whole name), ``families`` what may be one.

    ``words`` are all parts; ``alone``: one field holds everything, in one piece.
    """

    family: str
    families: frozenset[str]
    words: frozenset[str]
    alone: bool

    @classmethod
    def of(cls, last: str | None, first: str | None) -> _Name:
        last, first = _bare(last), _bare(first)
        parts = [part for part in map(_form, _BETWEEN.split(last or first)) if part]
        if not (last and first) and len(parts) > 1:
            return cls("".join(parts), frozenset(parts), frozenset(parts), alone=False)
        family, given = _form(last), _form(first)
        families = {family, *map(_form, _HYPHEN.split(last))}
        if _KANJI.search(last):
            families |= set(parts)  # 見本 花子 in the field of the family name, and 花子 once more
        words = families | {given}
        return cls(family, frozenset(families - {""}), frozenset(words - {""}), alone=not given)

    def is_in(self, other: _Name) -> bool:
        """Whether what may be this family name is a part of the other name."""
        if self.families & other.words:
            return True
        whole = other.family
        return other.alone and any(whole.startswith(one) or whole.endswith(one) for one in self.families)


def _bare(text: str | None) -> str:
    """The text without a company's form and without what people are spoken to by, where anything is left then."""
    plain = unicodedata.normalize("NFKC", text or "").strip()
    without = _SPOKEN_TO.sub("", _COMPANY.sub("", plain).strip())
    return without if folded(without) else plain


def _form(text: str) -> str:
    """One form for what may be written in several; letters alone."""
    form = "".join(c for c in folded(text) if not c.isnumeric() or _KANJI.match(c))
    if _KANJI.search(form):
        return form.replace("ガ", "ケ")  # 関ヶ原, 関ケ原 and 関が原
    if form.isascii():
        for written, plainly in _LATIN:
            form = written.sub(plainly, form)
    return form


def _script(form: str) -> str:
    """The script of a form; empty where it has several that no Japanese name has."""
    if _KANJI.search(form):
        return "kanji"
    if _KANA.fullmatch(form):
        return "kana"
    scripts = {unicodedata.name(c, "").partition(" ")[0] for c in form}
    return scripts.pop() if len(scripts) == 1 else ""
