"""A Japanese name that was typed into one field, as in 見本 花子: both parts of it."""

from __future__ import annotations

import re
from typing import Final

from japan.invisible import is_blank

# 々 and hiragana; kanji, those that a till is sent in a plain form included (﨑, 𠮷).
_KANJI_OR_HIRAGANA: Final = re.compile("[々\u3041-\u3096\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


def whole_name(last: str | None, first: str | None) -> tuple[str, str] | None:
    """Family name and first name, when one of the two fields holds both and the other one nothing; else None.

    Names in katakana or Latin letters alone stay whole: of those nobody can say which part comes first.
    """
    last_is_blank, first_is_blank = is_blank(last or ""), is_blank(first or "")
    if last_is_blank == first_is_blank:
        return None
    parts = [part for part in ((first if last_is_blank else last) or "").split() if not is_blank(part)]
    if len(parts) != 2 or not all(_KANJI_OR_HIRAGANA.search(part) for part in parts):
        return None
    return parts[0], parts[1]
