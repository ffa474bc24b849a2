"""Customers with anything at all in their fields, on their way into Smaregi's and HubSpot's words."""

from __future__ import annotations

from typing import Any, Final

from clients.shopify.texts import clean
from customer import UNKNOWN, Address, Customer, known
from fuzz.customers import check
from fuzz.source import Source
from fuzz.targets.target import Target
from fuzz.wild import TEXTS

LETTERS: Final = (
    "あかがぱゔゝゞぁっんアカガパヴヵヶッャーヽヾ・ｱｶﾊﾞﾟｰ･゛゜\u3099\u309a山田髙﨑栁彅𠮷𩸽𫝆神\ufa19一二十元年月日都県市区町村郡"
    "昭和平成令㍼①Ⅲ㈱℡½２３−ー-‐～〜 　\t\n0123456789+()/.,@ＡａA〒内線#🎀☃♡★\u200d\ufe0f\U000e0100\ue000éßøเกุ한"
)
WORDS: Final = (
    "",
    "見本",
    "東京都",
    "千代田区",
    "東京都千代田区",
    "横浜市西区",
    "1ー2ー3",
    "JP-13",
    "JP",
    "CA",
    "100-0014",
    "〒１０００００１",
    "+81 90-0000-0000",
    "03(3581)0101 内線12",
    "昭和60年4月1日",
    "1990-01-31T15:00:00Z",
    "女性",
    "subscribed",
    "1200.50",
    "-1e5",
    "花" * 200,
    "ｶﾞ" * 90,
    "A" * 300,
)


def text_from(source: Source) -> Any:
    """A text, None, or UNKNOWN."""
    match source.below(6):
        case 0:
            return UNKNOWN
        case 1:
            return None
        case 2:
            return source.pick(WORDS)
        case 3:
            # As the parsers hand them on: what can be stored, and no longer than Shopify's own.
            return clean(source.pick(TEXTS)[:500])
        case _:
            return clean("".join(source.pick(LETTERS) for _ in range(source.below(40))))


def customer_from(source: Source) -> Customer:
    """A customer whose fields hold anything that the parsers would let through."""
    names = ("email", "phone", "last_name", "first_name", "last_kana", "first_kana", "birth_date", "gender", "note")
    fields = {name: text_from(source) for name in names}
    parts = ("zip", "province_code", "city", "address1", "address2", "company", "phone", "country_code")
    address: Any = source.pick((UNKNOWN, None, "some", "some"))
    if address == "some":
        told: dict[str, Any] = {part: known(text_from(source)) for part in (*parts, "last_name", "first_name")}
        address = Address(**told)
    return Customer(
        id=1 + source.below(2**31),
        address=address,
        email_consent=text_from(source),
        amount_spent=text_from(source),
        tags=source.pick((UNKNOWN, None, (), ("VIP", " ", "卸,"))),
        **fields,
    )


def play(source: Source) -> None:
    """One customer, through both mappings."""
    check(customer_from(source))


TARGET: Final = Target(
    name="mapping",
    law="no field is longer than the vendor takes, or holds what the till cannot show; mapping twice changes nothing",
    play=play,
)
