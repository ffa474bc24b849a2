"""The 47 prefectures by code: ISO 3166-2:JP, as Shopify's ``province_code`` gives them."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_BY_REGION: Final = (
    ("北海道", "青森県", "岩手県", "宮城県", "秋田県", "山形県", "福島県"),
    ("茨城県", "栃木県", "群馬県", "埼玉県", "千葉県", "東京都", "神奈川県"),
    ("新潟県", "富山県", "石川県", "福井県", "山梨県", "長野県", "岐阜県", "静岡県", "愛知県"),
    ("三重県", "滋賀県", "京都府", "大阪府", "兵庫県", "奈良県", "和歌山県"),
    ("鳥取県", "島根県", "岡山県", "広島県", "山口県", "徳島県", "香川県", "愛媛県", "高知県"),
    ("福岡県", "佐賀県", "長崎県", "熊本県", "大分県", "宮崎県", "鹿児島県", "沖縄県"),
)

PREFECTURES: Final[dict[str, str]] = {
    f"JP-{number:02}": name for number, name in enumerate((n for region in _BY_REGION for n in region), start=1)
}

_LATIN: Final = """
    hokkaido aomori iwate miyagi akita yamagata fukushima ibaraki tochigi gunma saitama chiba tokyo kanagawa niigata
    toyama ishikawa fukui yamanashi nagano gifu shizuoka aichi mie shiga kyoto osaka hyogo nara wakayama tottori shimane
    okayama hiroshima yamaguchi tokushima kagawa ehime kochi fukuoka saga nagasaki kumamoto oita miyazaki kagoshima
    okinawa
"""
LATIN: Final[dict[str, str]] = dict(zip(PREFECTURES.values(), _LATIN.split(), strict=True))

_LATIN_KIND: Final = re.compile(r"[ -]*(?:to|do|fu|ken|prefecture|pref\.?|metropolis|city|shi)\Z")
_CODE: Final = re.compile(r"(?:JP-)?([0-9]{2})", re.IGNORECASE)


def prefecture(code: str) -> str | None:
    """The prefecture's name for ``JP-13`` (also ``jp-13`` and ``13``), None for any other text.

    Only the code is believed: the names beside it in Shopify's payloads come as 東京都, Tokyo or Tōkyō.
    """
    found = _CODE.fullmatch(code.strip())
    return PREFECTURES.get(f"JP-{found[1]}") if found else None


def names_prefecture(text: str, name: str) -> bool:
    """Whether the text is this prefecture's name and no more: 東京都, 東京, Tokyo, Tōkyō-to, Osaka Prefecture."""
    plain = unicodedata.normalize("NFKC", text).strip().lower()
    if plain in (name, short_name(name)):
        return True
    latin = "".join(c for c in unicodedata.normalize("NFD", plain) if not unicodedata.category(c).startswith("M"))
    return _LATIN_KIND.sub("", latin) == LATIN[name] or latin == LATIN[name]


def short_name(name: str) -> str:
    """東京 for 東京都; 北海道 has no shorter name."""
    return name if name == "北海道" else name[:-1]
